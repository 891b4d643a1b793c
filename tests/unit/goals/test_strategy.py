"""Strategic goals and success factors: which years and names can be meant, and what is put right and taken back.

G-02, G-03.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from eventkit.values import from_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
    CsfCorrected,
    CsfSaid,
    GoalSaid,
    KpiAligned,
    StrategicGoalCorrected,
    StrategicGoalSet,
)
from nhip.goals.v1.goals_pb2 import (
    ChooseCsf,
    CorrectCsf,
    CorrectStrategicGoal,
    SetStrategicGoal,
    WithdrawCsf,
    WithdrawStrategicGoal,
)
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.strategy import (
    GOAL,
    STRATEGY,
    THE_STRATEGY,
    Strategy,
    choose_csf,
    correct_csf,
    correct_goal,
    set_goal,
    withdraw_csf,
    withdraw_goal,
)
from tests.unit.decisions import Command, Given, given, number, rejected, words

TODAY = date(2026, 11, 28)


def goal(year: int) -> object:
    return set_goal(Strategy(), SetStrategicGoal(name="300 khách", year=year, target=number(300)), "g", TODAY)


@pytest.mark.parametrize("year", [1926, 2062, 2206])
def test_a_year_that_is_obviously_mistyped_is_refused(year: int):
    rejected("GOAL_YEAR", lambda: goal(year), field="year")


def test_a_strategic_goal_reaches_farther_than_a_cycle():
    assert goal(2045)


def put(name: str, id: str = "g", year: int = 2026) -> Command:
    command = SetStrategicGoal(name=name, year=year, target=number(300))
    return lambda state: set_goal(known(state), command, id, TODAY)


def chosen(name: str, id: str = "c", *goals: str) -> Command:
    command = ChooseCsf(name=name, goal_ids=goals or ("g",))
    return lambda state: choose_csf(known(state), command, id)


def known(state: Given) -> Strategy:
    return state.state(STRATEGY, THE_STRATEGY)


def correcting_goal(name: str, id: str = "g", year: int = 2026) -> Command:
    command = CorrectStrategicGoal(goal_id=id, name=name, year=year, target=number(310), unit="khách")
    return lambda state: correct_goal(known(state), command, TODAY)


def correcting_csf(name: str, id: str = "c", *goals: str) -> Command:
    command = CorrectCsf(csf_id=id, name=name, goal_ids=goals or ("g",), why="vì")
    return lambda state: correct_csf(known(state), command)


def withdrawing_goal(id: str = "g", links: Sequence[Alignment] = (), *, valued: bool = False) -> Command:
    command = WithdrawStrategicGoal(goal_id=id, reason=words("nhầm"))
    return lambda state: withdraw_goal(known(state), command, links, TODAY, valued=valued)


def withdrawing_csf(id: str = "c", links: Sequence[Alignment] = ()) -> Command:
    command = WithdrawCsf(csf_id=id, reason=words("nhầm"))
    return lambda state: withdraw_csf(known(state), command, links, TODAY)


def linked(parent: t.Parent, on: date = TODAY, *, until: date | None = None) -> Alignment:
    """A KPI serves it from a day on, until another."""
    served = [(parent, on), *([(t.Parent(), until)] if until else [])]
    return ALIGNMENT.fold(
        KpiAligned(cycle_id="q1", kpi_id="k", after=what, effective_on=from_date(day), level=t.LEVEL_COMPANY)
        for what, day in served
    )


def test_a_goal_is_corrected_with_what_it_said_before_and_once_only():
    before = GoalSaid(name="300 khách", year=2026, target=number(300))
    after = GoalSaid(name="300 khách", year=2027, target=number(310), unit="khách")
    corrected = correcting_goal("300 khách", year=2027)
    state = (
        given(put("300 khách")).when(corrected).then(StrategicGoalCorrected(goal_id="g", before=before, after=after))
    )
    state.when(corrected).then_nothing()


def test_a_correction_of_a_goal_may_not_mistype_the_year_and_needs_the_goal():
    given(put("300 khách")).when(correcting_goal("300 khách", year=2206)).then_rejected("GOAL_YEAR", field="year")
    given().when(correcting_goal("300 khách")).then_rejected("GOAL_UNKNOWN", field="goal_id")


def test_a_success_factor_is_corrected_to_goals_that_are_there():
    state = given(put("300 khách"), chosen("Dùng thử"))
    state.when(correcting_csf("Dùng thử", "c", "g", "h")).then_rejected("GOAL_UNKNOWN", field="goal_ids[1]")
    before, after = CsfSaid(name="Dùng thử", goal_ids=["g"]), CsfSaid(name="Dùng thử", goal_ids=["g", "h"], why="vì")
    both = state.and_then(put("Lãi", "h"))
    corrected = correcting_csf("Dùng thử", "c", "g", "h")
    both.when(corrected).then(CsfCorrected(csf_id="c", before=before, after=after)).when(corrected).then_nothing()
    both.when(correcting_csf("Dùng thử", "x")).then_rejected("CSF_UNKNOWN", field="csf_id")


def test_two_goals_of_a_year_and_two_factors_of_a_goal_have_names_that_can_be_told_apart():
    state = given(put("300 khách"), put("Lãi", "h"), chosen("Dùng thử"))
    state.when(put("300  KHÁCH", "x")).then_rejected("GOAL_EXISTS", field="name")
    state.when(correcting_goal("300 khách", "h")).then_rejected("GOAL_EXISTS", field="name")
    state.when(chosen("dùng thử", "x", "h", "g")).then_rejected("CSF_EXISTS", field="name")
    elsewhere = state.and_then(put("300 khách", "x", 2027)).and_then(chosen("Dùng thử", "d", "h"))
    elsewhere.when(correcting_csf("Dùng thử", "d", "g")).then_rejected("CSF_EXISTS", field="name")


def test_what_nothing_hangs_on_is_withdrawn_once_and_its_name_is_free_again():
    state = given(put("300 khách"), chosen("Dùng thử"))
    state.when(withdrawing_goal()).then_rejected("GOAL_HAS_CSFS", field="goal_id")
    state.when(withdrawing_goal(valued=True)).then_rejected("GOAL_HAS_VALUES", field="goal_id")
    gone = state.and_then(withdrawing_csf()).and_then(withdrawing_goal())
    gone.when(withdrawing_goal()).then_nothing()
    gone.when(withdrawing_csf()).then_nothing()
    gone.when(correcting_goal("300 khách")).then_rejected("GOAL_UNKNOWN")
    gone.when(chosen("Dùng thử", "x")).then_rejected("GOAL_UNKNOWN")
    gone.when(withdrawing_goal("nobody")).then_rejected("GOAL_UNKNOWN")
    assert known(gone.and_then(put("300 khách", "x"))).goal("x")


def test_what_a_kpi_serves_or_will_serve_stays_until_it_serves_something_else():
    state = given(put("300 khách"), put("Lãi", "h"), chosen("Dùng thử", "c", "h"))
    goal, csf = t.Parent(goal_id="g"), t.Parent(csf_id="c")
    later = TODAY + timedelta(days=9)
    for links in (linked(goal), linked(goal, later), linked(goal, until=later)):
        state.when(withdrawing_goal("g", [Alignment(), links])).then_rejected("GOAL_HAS_KPIS", field="goal_id")
    state.when(withdrawing_csf("c", [linked(csf)])).then_rejected("CSF_HAS_KPIS", field="csf_id")
    yesterday = TODAY - timedelta(days=1)
    assert state.and_then(withdrawing_goal("g", [linked(goal, yesterday, until=TODAY), linked(csf)]))


def test_what_was_written_before_there_was_one_stream_is_known_beside_it():
    old = GOAL.fold([StrategicGoalSet(goal_id="g", name="300 khách", year=2026, target=number(300))])
    both = given(put("Lãi", "h"), withdrawing_goal("h")).state(STRATEGY, THE_STRATEGY).over(old)
    again = SetStrategicGoal(name="300 khách", year=2026, target=number(1))
    rejected("GOAL_EXISTS", lambda: set_goal(both, again, "x", TODAY), field="name")
    assert both.goal("h") is None
    command = CorrectStrategicGoal(goal_id="g", name="301 khách", year=2026, target=number(301))
    corrected = STRATEGY.fold([event for _, event in correct_goal(both, command, TODAY)])
    assert corrected.over(old).goals["g"].said.name == "301 khách"
