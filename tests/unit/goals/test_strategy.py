"""Cycles and strategic goals: which days and years can be meant."""

from datetime import date, timedelta

import pytest

from eventkit.errors import Rejected
from eventkit.names import name_key
from eventkit.values import from_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import CsfCorrected, CsfSaid, GoalSaid, StrategicGoalCorrected
from nhip.goals.v1.goals_pb2 import CorrectCsf, CorrectStrategicGoal, OpenCycle, SetStrategicGoal
from services.goals.domain.strategy import (
    Csf,
    StrategicGoal,
    check_open,
    correct_csf,
    correct_goal,
    evolve_csf,
    evolve_goal,
    open_cycle,
    set_goal,
    within,
)
from tests.unit.decisions import number, rejected
from tests.unit.goals.kpis import Q1

TODAY = date(2026, 11, 28)


def opened(starts_on: date, ends_on: date) -> object:
    return open_cycle(OpenCycle(name="Năm", starts_on=from_date(starts_on), ends_on=from_date(ends_on)), "c", TODAY)


def goal(year: int) -> object:
    return set_goal(SetStrategicGoal(name="300 khách", year=year, target=number(300)), "g", TODAY)


@pytest.mark.parametrize("year", [2020, 2026, 2027, 2031])
def test_a_cycle_may_start_before_today_or_in_some_years(year: int):
    assert opened(date(year, 1, 1), date(year, 12, 31))


@pytest.mark.parametrize("year", [1926, 2062, 2206])
def test_a_year_that_is_obviously_mistyped_is_refused(year: int):
    rejected("CYCLE_YEAR", lambda: opened(date(year, 1, 1), date(year, 12, 31)), field="starts_on")
    rejected("GOAL_YEAR", lambda: goal(year), field="year")


def test_a_strategic_goal_reaches_farther_than_a_cycle():
    assert goal(2045)


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2025, 4, 1)])
def test_a_day_outside_the_cycle_is_refused(day: date):
    rejected("OUTSIDE_CYCLE", lambda: within(Q1, day, "effective_on"), field="effective_on")
    within(Q1, Q1.starts_on, "effective_on")
    within(Q1, Q1.ends_on, "effective_on")


def test_what_an_ended_cycle_aimed_at_is_only_corrected():
    after = date(2025, 4, 1)
    check_open(Q1, Q1.ends_on, t.REASON_CLASS_BOTTOM_UP)
    rejected("CYCLE_ENDED", lambda: check_open(Q1, after, t.REASON_CLASS_BOTTOM_UP), field="reason_class")
    rejected("CYCLE_ENDED", lambda: check_open(Q1, after), field="cycle_id")
    check_open(Q1, after, t.REASON_CLASS_CORRECTION)


GOAL_300 = StrategicGoal("g", GoalSaid(name="300 khách", year=2026, target=number(300)))
TRIAL = Csf("c", CsfSaid(name="Dùng thử", goal_ids=["g"]))


def test_a_goal_is_corrected_with_what_it_said_before_and_once_only():
    command = CorrectStrategicGoal(goal_id="g", name="300 khách", year=2027, target=number(310), unit="khách")
    [(_, event)] = correct_goal(GOAL_300, command, TODAY)
    assert isinstance(event, StrategicGoalCorrected)
    assert event.before == GOAL_300.said
    assert event.after == GoalSaid(name="300 khách", year=2027, target=number(310), unit="khách")
    assert correct_goal(evolve_goal(GOAL_300, event), command, TODAY) == []


def test_a_correction_of_a_goal_may_not_mistype_the_year_and_needs_the_goal():
    command = CorrectStrategicGoal(goal_id="g", name="300 khách", year=2206, target=number(300))
    rejected("GOAL_YEAR", lambda: correct_goal(GOAL_300, command, TODAY), field="year")
    rejected("GOAL_UNKNOWN", lambda: correct_goal(None, command, TODAY), field="goal_id")


def test_a_success_factor_is_corrected_to_goals_that_are_there():
    command = CorrectCsf(csf_id="c", name="Dùng thử", goal_ids=["g", "h"], why="vì")
    rejected("GOAL_UNKNOWN", lambda: correct_csf({"g": GOAL_300, "h": None}, TRIAL, command), field="goal_ids[1]")
    [(_, event)] = correct_csf({"g": GOAL_300, "h": GOAL_300}, TRIAL, command)
    assert isinstance(event, CsfCorrected)
    assert (event.before, event.after.goal_ids) == (TRIAL.said, ["g", "h"])
    assert correct_csf({"g": GOAL_300, "h": GOAL_300}, evolve_csf(TRIAL, event), command) == []
    rejected("CSF_UNKNOWN", lambda: correct_csf({"g": GOAL_300, "h": GOAL_300}, None, command), field="csf_id")


def test_two_cycles_of_one_name_could_not_be_told_apart():
    command = OpenCycle(name="Quý  1", starts_on=from_date(TODAY), ends_on=from_date(TODAY + timedelta(days=80)))
    with pytest.raises(Rejected, match="already"):
        open_cycle(command, "c", TODAY, {name_key("quý 1")})
    assert open_cycle(command, "c", TODAY, set())
