"""Cycles and strategic goals: which days and years can be meant."""

from datetime import date

import pytest

from eventkit.values import from_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.goals_pb2 import OpenCycle, SetStrategicGoal
from services.goals.domain.strategy import check_open, open_cycle, set_goal, within
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
