"""Cycles: which days can be meant, how they lie in each other, and what each state of one allows (G-45)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.names import name_key
from eventkit.values import from_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import CycleOpened, CycleStarted
from nhip.goals.v1.goals_pb2 import CorrectCycle, OpenCycle
from services.goals.domain import cycle
from services.goals.domain.cycle import CYCLE, Cycle
from tests.unit.decisions import Given, rejected, words
from tests.unit.goals.kpis import Q1

TODAY = date(2026, 11, 28)
YEAR = ("Năm 2027", date(2027, 1, 1), date(2027, 12, 31))
SPRING = ("Quý 1/2027", date(2027, 1, 1), date(2027, 3, 31))


def days(name: str, starts_on: date, ends_on: date) -> dict[str, Any]:
    return {"name": name, "starts_on": from_date(starts_on), "ends_on": from_date(ends_on)}


def opened(said: tuple[str, date, date], id: str, state: Given | None = None, within: str = "") -> Given:
    state = state or Given()
    outer = state.state(CYCLE, within) if within else None
    return state.and_then(cycle.open_cycle(OpenCycle(**days(*said), within_id=within), id, TODAY, outer=outer))


def year_and_quarter() -> Given:
    return opened(SPRING, "q1", opened(YEAR, "year"), "year")


def of(state: Given, id: str) -> Cycle:
    found = state.state(CYCLE, id)
    assert found is not None
    return found


def in_state(state: t.CycleState.ValueType) -> Cycle:
    return replace(Q1, state=state)


PLANNED, RUNNING = in_state(t.CYCLE_STATE_PLANNED), in_state(t.CYCLE_STATE_RUNNING)
CLOSING, CLOSED = in_state(t.CYCLE_STATE_CLOSING), in_state(t.CYCLE_STATE_CLOSED)


@pytest.mark.parametrize("year", [2020, 2026, 2027, 2031])
def test_a_cycle_may_start_before_today_or_in_some_years(year: int):
    assert opened(("Năm", date(year, 1, 1), date(year, 12, 31)), "c")


@pytest.mark.parametrize("year", [1926, 2062, 2206])
def test_a_year_that_is_obviously_mistyped_is_refused(year: int):
    rejected("CYCLE_YEAR", lambda: opened(("Năm", date(year, 1, 1), date(year, 12, 31)), "c"), field="starts_on")


def test_two_cycles_of_one_name_could_not_be_told_apart():
    command = OpenCycle(**days("Quý  1", TODAY, TODAY + timedelta(days=80)))
    rejected("CYCLE_EXISTS", lambda: cycle.open_cycle(command, "c", TODAY, {name_key("quý 1")}), field="name")
    assert cycle.open_cycle(command, "c", TODAY)


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2025, 4, 1)])
def test_a_day_outside_the_cycle_is_refused(day: date):
    rejected("OUTSIDE_CYCLE", lambda: cycle.within(Q1, day, "effective_on"), field="effective_on")
    cycle.within(Q1, Q1.starts_on, "effective_on")
    cycle.within(Q1, Q1.ends_on, "effective_on")


def test_a_new_cycle_is_planned_and_one_of_before_there_were_states_runs():
    assert of(opened(YEAR, "year"), "year").state == t.CYCLE_STATE_PLANNED
    old = CYCLE.fold([CycleOpened(cycle_id="q", **days(*SPRING))])
    assert old is not None
    assert (old.state, old.alignment_id) == (t.CYCLE_STATE_RUNNING, "q")


def test_a_quarter_lies_in_its_year_and_its_links_are_the_years():
    state = year_and_quarter()
    assert (of(state, "q1").enclosing, of(state, "year").inner) == (("year",), ("q1",))
    assert of(state, "q1").alignment_id == of(state, "year").alignment_id == "year"


def test_a_cycle_lies_within_the_days_of_the_one_around_it():
    year = opened(YEAR, "year")
    before = ("Quý 4/2026", date(2026, 12, 1), date(2027, 2, 28))
    rejected("OUTSIDE_CYCLE", lambda: opened(before, "q", year, "year"), field="starts_on")
    rejected("CYCLE_UNKNOWN", lambda: opened(SPRING, "q", Given(), "nowhere"), field="within_id")


def test_cycles_lie_in_each_other_four_deep_at_most():
    state = opened(YEAR, "0")
    for depth in range(1, 4):
        state = opened((f"{depth}", *SPRING[1:]), f"{depth}", state, f"{depth - 1}")
    rejected("CYCLE_TOO_DEEP", lambda: opened(("4", *SPRING[1:]), "4", state, "3"), field="within_id")


def corrected(state: Given, id: str, said: tuple[str, date, date], taken: Sequence[str] = ()) -> Given:
    current = of(state, id)
    outer = of(state, current.enclosing[0]) if current.enclosing else None
    inner = [of(state, one) for one in current.inner]
    command = CorrectCycle(cycle_id=id, **days(*said))
    return state.and_then(cycle.correct(current, command, TODAY, taken, outer, inner))


def test_a_planned_cycle_is_put_right_within_what_is_around_it_and_in_it():
    state = year_and_quarter()
    moved = ("Quý một", date(2027, 1, 4), date(2027, 4, 4))
    assert of(corrected(state, "q1", moved), "q1").said == of(opened(moved, "x"), "x").said
    late = ("Quý 1/2027", date(2027, 1, 4), date(2028, 1, 4))
    rejected("OUTSIDE_CYCLE", lambda: corrected(state, "q1", late), field="ends_on")
    short = ("Năm 2027", date(2027, 2, 1), date(2027, 12, 31))
    rejected("INNER_CYCLE_OUTSIDE", lambda: corrected(state, "year", short), field="starts_on")
    taken = [name_key("Quý 2")]
    rejected("CYCLE_EXISTS", lambda: corrected(state, "q1", ("Quý 2", *SPRING[1:]), taken), field="name")


def test_of_a_running_cycle_only_the_name_is_put_right():
    running = year_and_quarter().and_then(
        cycle.start(of(year_and_quarter(), "q1"), kpis=1, uneven=0, by_executive=False, with_uneven_weights=False)
    )
    assert of(corrected(running, "q1", ("Quý đầu", *SPRING[1:])), "q1").name == "Quý đầu"
    later = ("Quý 1/2027", date(2027, 1, 4), date(2027, 3, 31))
    rejected("CYCLE_RUNS", lambda: corrected(running, "q1", later), field="starts_on")


def test_only_an_empty_planned_cycle_is_withdrawn_and_leaves_the_one_around_it():
    state, reason = year_and_quarter(), words("nhầm")
    gone = state.and_then(cycle.withdraw(of(state, "q1"), reason, kpis=0, proposals=0))
    assert (of(gone, "q1").withdrawn, of(gone, "year").inner) == (True, ())
    rejected("CYCLE_UNKNOWN", lambda: cycle.there(of(gone, "q1"), "q1"), field="cycle_id")
    for hanging in ({"kpis": 1, "proposals": 0}, {"kpis": 0, "proposals": 1}):
        rejected("CYCLE_IN_USE", lambda hanging=hanging: cycle.withdraw(of(state, "q1"), reason, **hanging))
    rejected("CYCLE_IN_USE", lambda: cycle.withdraw(of(state, "year"), reason, kpis=0, proposals=0))
    rejected("CYCLE_RUNS", lambda: cycle.withdraw(RUNNING, reason, kpis=0, proposals=0), field="cycle_id")


def test_a_cycle_starts_with_even_weights_or_by_the_word_of_an_executive():
    def start(uneven: int, *, executive: bool = False, word: bool = False, kpis: int = 3) -> Any:
        return cycle.start(PLANNED, kpis=kpis, uneven=uneven, by_executive=executive, with_uneven_weights=word)

    assert start(0)
    rejected("WEIGHTS_UNEVEN", lambda: start(2, word=True), field="with_uneven_weights")
    rejected("WEIGHTS_UNEVEN", lambda: start(2, executive=True), field="with_uneven_weights")
    [(_, event)] = start(2, executive=True, word=True)
    assert isinstance(event, CycleStarted)
    assert event.uneven_weights == 2
    rejected("CYCLE_EMPTY", lambda: start(0, kpis=0), field="cycle_id")


def test_what_is_set_directly_is_of_a_planned_cycle_and_nothing_changes_in_a_closed_one():
    cycle.check_planned(PLANNED)
    rejected("CYCLE_RUNS", lambda: cycle.check_planned(RUNNING), field="cycle_id")
    for closed in (CLOSING, CLOSED):
        rejected("CYCLE_CLOSED", lambda closed=closed: cycle.check_planned(closed), field="cycle_id")
        rejected("CYCLE_CLOSED", lambda closed=closed: cycle.check_open(closed, TODAY, t.REASON_CLASS_CORRECTION))


def test_what_an_ended_cycle_aimed_at_is_only_corrected():
    after = date(2025, 4, 1)
    cycle.check_open(Q1, Q1.ends_on, t.REASON_CLASS_BOTTOM_UP)
    rejected("CYCLE_ENDED", lambda: cycle.check_open(Q1, after, t.REASON_CLASS_BOTTOM_UP), field="reason_class")
    rejected("CYCLE_ENDED", lambda: cycle.check_open(Q1, after), field="cycle_id")
    cycle.check_open(Q1, after, t.REASON_CLASS_CORRECTION)


def test_a_cycle_is_closed_from_its_last_day_on_when_nothing_waits_in_it():
    def close(on: date = Q1.ends_on, waiting: int = 0, inner: Sequence[Cycle] = ()) -> Any:
        return cycle.close(RUNNING, on, waiting=waiting, inner=inner)

    assert close(inner=[CLOSED])
    rejected("CYCLE_NOT_OVER", lambda: close(Q1.ends_on - timedelta(days=1)), field="cycle_id")
    rejected("PROPOSALS_WAITING", lambda: close(waiting=2), field="cycle_id")
    rejected("INNER_CYCLE_OPEN", lambda: close(inner=[CLOSED, RUNNING]), field="cycle_id")
    rejected("CYCLE_PLANNED", lambda: cycle.close(PLANNED, Q1.ends_on, waiting=0, inner=()), field="cycle_id")
    assert cycle.close(CLOSED, Q1.ends_on, waiting=0, inner=()) == []


def test_closing_ends_when_the_values_are_complete_and_is_undone_with_a_reason():
    assert cycle.settle(CLOSING, goals_position="goals=7", checkins_position="checkins=9")
    assert cycle.settle(RUNNING, goals_position="goals=7", checkins_position="checkins=9") == []
    assert cycle.reopen(CLOSED, words("sai số"), None)
    rejected("CYCLE_NOT_CLOSED", lambda: cycle.reopen(RUNNING, words("sai số"), None), field="cycle_id")
    rejected("CYCLE_CLOSED", lambda: cycle.reopen(CLOSED, words("sai số"), CLOSED))


@given(st.lists(st.sampled_from(["start", "close", "settle", "reopen"]), max_size=12))
def test_whatever_is_asked_for_the_states_follow_each_other(steps: list[str]):
    after = {
        t.CYCLE_STATE_PLANNED: {t.CYCLE_STATE_RUNNING},
        t.CYCLE_STATE_RUNNING: {t.CYCLE_STATE_CLOSING},
        t.CYCLE_STATE_CLOSING: {t.CYCLE_STATE_CLOSED},
        t.CYCLE_STATE_CLOSED: {t.CYCLE_STATE_RUNNING},
    }
    state = opened(YEAR, "c")
    asked = {
        "start": lambda c: cycle.start(c, kpis=1, uneven=0, by_executive=False, with_uneven_weights=False),
        "close": lambda c: cycle.close(c, YEAR[2], waiting=0, inner=()),
        "settle": lambda c: cycle.settle(c, goals_position="goals=1", checkins_position="checkins=1"),
        "reopen": lambda c: cycle.reopen(c, words("sai"), None),
    }
    for step in steps:
        before = of(state, "c")
        try:
            state = state.and_then(asked[step](before))
        except cycle.Rejected:
            continue
        now = of(state, "c").state
        assert now == before.state or now in after[before.state]
