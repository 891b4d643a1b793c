"""Progress and status (D-01, D-02, D-03)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.directory.tenant_settings import TenantSettings
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.standing import Scale, Thresholds, Value, elapsed, expected, standing
from tests.unit.goals.kpis import Q1, START

COUNT, RATE, MILESTONE = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL, t.MEASURE_KIND_MILESTONE
UP, DOWN, KEEP = t.DIRECTION_INCREASE, t.DIRECTION_DECREASE, t.DIRECTION_KEEP
MARCH_20 = date(2025, 3, 20)
USUAL = Thresholds.of(TenantSettings().on(MARCH_20))
"""What a tenant judges by that says nothing else."""


def scale(
    target: int, kind: "t.MeasureKind.ValueType" = COUNT, direction: "t.Direction.ValueType" = UP, **marks: int
) -> Scale:
    return Scale(kind, direction, Decimal(target), **{name: Decimal(value) for name, value in marks.items()})


def status(
    measured: Scale, value: int | str | None, *, day: date = MARCH_20, on: date | None = None, confidence: int = 5
) -> "pb.Status.ValueType":
    current = None if value is None else Value(Decimal(value), confidence, on or day, datetime(2025, 3, 20, tzinfo=UTC))
    return standing(measured, current, USUAL, starts_on=START, ends_on=Q1.ends_on, since=START, day=day).status


def test_by_the_20th_of_march_44_of_50_demos_should_be_nearly_done():
    share = elapsed(START, Q1.ends_on, MARCH_20)
    assert round(expected(scale(50), share) or 0, 1) == Decimal("43.9")
    assert expected(scale(18, RATE), share) is None


Q2 = date(2025, 4, 1)
"""The first day after the cycle."""
NEW, ON, LATE, RISK, OLD, MORE = (
    pb.STATUS_NOT_STARTED,
    pb.STATUS_ON_TRACK,
    pb.STATUS_BEHIND,
    pb.STATUS_AT_RISK,
    pb.STATUS_STALE,
    pb.STATUS_EXCEEDS,
)
BAD, BELOW, MEETS = pb.STATUS_UNACCEPTABLE, pb.STATUS_BELOW, pb.STATUS_MEETS
NO_BAND, NO_CEILING, NOT_POSITIVE, NO_WAY = (
    pb.NO_SHARE_BAND,
    pb.NO_SHARE_CEILING,
    pb.NO_SHARE_TARGET_NOT_ABOVE_ZERO,
    pb.NO_SHARE_BASELINE_IS_TARGET,
)

# measure, value: the share (or why there is none), the status on 20 March (87.8 % of the cycle is over), the outcome
# after its end
CASES = {
    "a count to reach": (scale(50), 44, "0.88", ON, BELOW),
    "a count beyond its target": (scale(50), 60, "1.2", ON, MEETS),
    "a count beyond its stretch": (scale(50, stretch=55), 60, "1.2", MORE, MORE),
    "a count under its floor": (scale(50, floor=30), 20, "0.4", RISK, BAD),
    "a count from a baseline": (scale(50, baseline=20), 35, "0.5", RISK, BELOW),
    "a loss that shall shrink, from a baseline": (scale(-50, baseline=-100), -60, "0.8", ON, BELOW),
    "a loss that grew, from a baseline": (scale(-50, baseline=-100), -120, "-0.4", RISK, BELOW),
    "a rate to reach": (scale(18, RATE), 9, "0.5", LATE, BELOW),
    "a rate from a baseline": (scale(18, RATE, baseline=12), 15, "0.5", LATE, BELOW),
    "a rate that fell under where it began": (scale(18, RATE, baseline=12), 9, "-0.5", LATE, BELOW),
    "a score below zero": (scale(30, RATE), -15, "-0.5", LATE, BELOW),
    "a loss worse than its target": (scale(-50, RATE), -100, NOT_POSITIVE, LATE, BELOW),
    "a loss better than its target": (scale(-50, RATE), -20, NOT_POSITIVE, ON, MEETS),
    "break-even missed": (scale(0, RATE), -500, NOT_POSITIVE, LATE, BELOW),
    "break-even reached": (scale(0, RATE), 0, NOT_POSITIVE, ON, MEETS),
    "break-even under its floor": (scale(0, RATE, floor=-100), -500, NOT_POSITIVE, RISK, BAD),
    "a budget as time goes": (scale(100, direction=DOWN), 80, "0.8", ON, MEETS),
    "a budget a little ahead of time": (scale(100, direction=DOWN), 100, "1", ON, MEETS),
    "a budget passed": (scale(100, direction=DOWN), 130, "1.3", RISK, BELOW),
    "a budget passed beyond its floor": (scale(100, direction=DOWN, floor=120), 130, "1.3", RISK, BAD),
    "a budget far from used, within its stretch": (scale(100, direction=DOWN, stretch=80), 70, "0.7", ON, MORE),
    "complaints, 26 of at most 20": (scale(20, direction=DOWN), 26, "1.3", RISK, BELOW),
    "complaints, 22 of at most 20, 40 before": (scale(20, direction=DOWN, baseline=40), 22, "0.9", RISK, BELOW),
    "complaints, 15 of at most 20, 40 before": (scale(20, direction=DOWN, baseline=40), 15, "1.25", ON, MEETS),
    "no accident at all": (scale(0, direction=DOWN), 0, NOT_POSITIVE, ON, MEETS),
    "three accidents where none is to be": (scale(0, direction=DOWN), 3, NOT_POSITIVE, RISK, BELOW),
    "a budget below zero, not passed": (scale(-10, direction=DOWN), -15, NOT_POSITIVE, ON, MEETS),
    "a budget below zero, passed": (scale(-10, direction=DOWN), -5, NOT_POSITIVE, RISK, BELOW),
    "a ceiling kept": (scale(10, RATE, DOWN), 7, NO_CEILING, ON, MEETS),
    "a ceiling passed": (scale(10, RATE, DOWN), 12, NO_CEILING, LATE, BELOW),
    "a ceiling passed, within its floor": (scale(10, RATE, DOWN, floor=20), 15, "0.5", LATE, BELOW),
    "a ceiling passed beyond its floor": (scale(10, RATE, DOWN, floor=20), 25, NO_CEILING, RISK, BAD),
    "a ceiling kept to its stretch": (scale(10, RATE, DOWN, stretch=5), 4, NO_CEILING, MORE, MORE),
    "a ceiling from a baseline": (scale(0, RATE, DOWN, baseline=10), 7, "0.3", LATE, BELOW),
    "a ceiling farther than at the start": (scale(5, RATE, DOWN, baseline=10), 12, "-0.4", LATE, BELOW),
    "a ceiling below zero, passed": (scale(-10, RATE, DOWN), -5, NO_CEILING, LATE, BELOW),
    "a ceiling below zero, kept": (scale(-10, RATE, DOWN), -12, NO_CEILING, ON, MEETS),
    "a band kept": (scale(10, RATE, KEEP, floor=8, stretch=12), 9, NO_BAND, ON, MEETS),
    "a band left upwards": (scale(10, RATE, KEEP, floor=8, stretch=12), 13, NO_BAND, RISK, BAD),
    "a band left downwards": (scale(-10, RATE, KEEP, floor=-12, stretch=-8), -13, NO_BAND, RISK, BAD),
    "a band without edges": (scale(10, RATE, KEEP, baseline=4), 9, NO_BAND, RISK, BAD),
    "a count growing into its band": (scale(10, direction=KEEP, floor=8, stretch=12), 7, NO_BAND, ON, BAD),
    "a count grown out of its band": (scale(10, direction=KEEP, floor=8, stretch=12), 13, NO_BAND, RISK, BAD),
    "a milestone done": (scale(1, MILESTONE), 1, "1", ON, MEETS),
    "a milestone not done": (scale(1, MILESTONE), 0, "0", ON, BELOW),
    "a milestone of any direction": (scale(1, MILESTONE, DOWN), 1, "1", ON, MEETS),
    "a target that is the baseline": (scale(50, RATE, baseline=50), 50, NO_WAY, ON, MEETS),
    "numbers of thirty digits": (
        scale(int("1" + "0" * 29)),
        int("9" * 30),
        str(Decimal("9.99999999999999999999999999999")),
        ON,
        MEETS,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_direction_sign_and_baseline_stands_as_people_would_say(case: str):
    measured, value, share, while_it_runs, in_the_end = CASES[case]
    current = Value(Decimal(value), 5, MARCH_20, datetime(2025, 3, 20, tzinfo=UTC))
    where = standing(measured, current, USUAL, starts_on=START, ends_on=Q1.ends_on, since=START, day=MARCH_20)
    assert (where.no_share if where.progress is None else str(where.progress)) == share
    assert pb.Status.Name(where.status) == pb.Status.Name(while_it_runs)
    assert pb.Status.Name(status(measured, value, day=Q2, on=Q1.ends_on)) == pb.Status.Name(in_the_end)
    assert where.met == (in_the_end in (MEETS, MORE))


@pytest.mark.parametrize(
    ("spent", "on_day", "expected_status"),
    [(20, 18, ON), (36, 18, ON), (37, 18, LATE), (53, 18, LATE), (54, 18, RISK), (101, 1, RISK)],
)
def test_a_budget_is_judged_by_what_is_used_of_it_against_the_time_gone(spent: int, on_day: int, expected_status: int):
    """After 18 of 90 days a fifth is over."""
    assert status(scale(100, direction=DOWN), spent, day=START + timedelta(days=on_day - 1)) == expected_status


def test_by_mid_cycle_half_of_a_budget_may_be_used():
    assert expected(scale(100, direction=DOWN), Decimal("0.5")) == 50
    assert expected(scale(20, direction=DOWN, baseline=40), Decimal("0.5")) == 10
    assert expected(scale(0, direction=DOWN), Decimal("0.5")) is None


def test_a_low_count_exceeds_only_once_nothing_more_can_be_counted():
    measured = scale(2, direction=DOWN, floor=5, stretch=0)
    assert status(measured, 0, day=START + timedelta(days=1)) == pb.STATUS_ON_TRACK
    assert status(measured, 0, day=Q2, on=Q1.ends_on) == pb.STATUS_EXCEEDS


def test_a_budget_that_is_passed_is_lost_however_old_the_news():
    assert status(scale(100, direction=DOWN), 130, on=MARCH_20 - timedelta(days=40)) == pb.STATUS_AT_RISK


def test_what_was_last_heard_long_before_the_end_is_no_green_outcome():
    assert status(scale(100, direction=DOWN), 60, day=Q2, on=START) == pb.STATUS_STALE
    assert status(scale(10, RATE), 12, day=Q2, on=START) == pb.STATUS_STALE
    assert status(scale(50), 60, day=Q2, on=START) == pb.STATUS_MEETS
    assert status(scale(50), 40, day=Q2, on=START) == pb.STATUS_BELOW


@pytest.mark.parametrize(
    ("value", "expected_status"),
    [
        (44, pb.STATUS_ON_TRACK),
        (36, pb.STATUS_ON_TRACK),
        (35, pb.STATUS_BEHIND),
        (28, pb.STATUS_BEHIND),
        (27, pb.STATUS_AT_RISK),
    ],
)
def test_a_count_is_judged_by_its_gap_to_the_time_gone(value: int, expected_status: int):
    """87.8 % of the cycle is over: 16.5 points behind is 71.3 %, 33 points is 54.8 %."""
    assert status(scale(50), value) == expected_status


@pytest.mark.parametrize(
    ("value", "expected_status"),
    [
        (70, pb.STATUS_ON_TRACK),
        (69, pb.STATUS_BEHIND),
        (60, pb.STATUS_BEHIND),
        (59, pb.STATUS_AT_RISK),
        (75, pb.STATUS_EXCEEDS),
    ],
)
def test_a_rate_is_judged_by_its_scale(value: int, expected_status: int):
    assert status(scale(70, RATE, floor=60, stretch=75), value) == expected_status


def test_low_confidence_lowers_the_status_one_step():
    assert status(scale(50), 44, confidence=3) == pb.STATUS_BEHIND
    assert status(scale(50), 44, confidence=4) == pb.STATUS_ON_TRACK
    assert status(scale(50), 10, confidence=1) == pb.STATUS_AT_RISK


def test_two_slots_without_an_update_are_stale_however_good_the_value():
    assert status(scale(50), 50, on=MARCH_20 - timedelta(days=28)) == pb.STATUS_STALE
    assert status(scale(50), 50, on=MARCH_20 - timedelta(days=27)) == pb.STATUS_ON_TRACK


def test_nothing_recorded_is_not_started_at_first_and_stale_after_two_slots():
    assert status(scale(50), None, day=START + timedelta(days=5)) == pb.STATUS_NOT_STARTED
    assert status(scale(50), None, day=START + timedelta(days=28)) == pb.STATUS_STALE


def test_a_milestone_is_done_or_not_and_once_done_never_stale():
    assert status(scale(1, MILESTONE), 0) == pb.STATUS_ON_TRACK
    assert status(scale(1, MILESTONE), 0, day=Q1.ends_on) == pb.STATUS_AT_RISK
    assert status(scale(1, MILESTONE), 1, on=START) == pb.STATUS_ON_TRACK


def test_after_the_end_of_the_cycle_nothing_gets_staler():
    assert status(scale(50), 50, day=date(2026, 1, 1), on=Q1.ends_on) == pb.STATUS_MEETS


numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=6)


@given(
    st.sampled_from([COUNT, RATE, MILESTONE]),
    st.sampled_from([UP, DOWN, KEEP]),
    numbers,
    numbers,
    st.lists(st.none() | numbers, min_size=3, max_size=3),
    st.integers(0, 200),
)
def test_whatever_was_stored_has_a_standing(kind, direction, target, value, edges, days):
    """No number makes a standing fail; green means that the target is met, or that a count to be reached still has
    time."""
    measured = Scale(kind, direction, target, *edges)
    day = START + timedelta(days=days)
    where = standing(
        measured,
        Value(value, 5, day, datetime(2025, 3, 20, tzinfo=UTC)),
        USUAL,
        starts_on=START,
        ends_on=Q1.ends_on,
        since=START,
        day=day,
    )
    assert (where.progress is None) == bool(where.no_share)
    if where.status in (MEETS, MORE) or (where.status == ON and kind == RATE):
        assert where.met or measured.exceeds(value)
    if measured.aim == pb.AIM_BUDGET and value > target:
        assert where.status in (RISK, BELOW, BAD)
