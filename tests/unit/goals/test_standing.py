"""Progress and status by the product decisions."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.standing import Scale, Value, elapsed, expected, progress, standing
from tests.unit.goals.kpis import Q1, START

COUNT, RATE, MILESTONE = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL, t.MEASURE_KIND_MILESTONE
UP, DOWN, KEEP = t.DIRECTION_INCREASE, t.DIRECTION_DECREASE, t.DIRECTION_KEEP
MARCH_20 = date(2025, 3, 20)


def scale(target: int, kind: "t.MeasureKind.ValueType" = COUNT, direction: "t.Direction.ValueType" = UP, **marks: int) -> Scale:
    return Scale(kind, direction, Decimal(target), **{name: Decimal(value) for name, value in marks.items()})


def status(measured: Scale, value: int | str | None, *, day: date = MARCH_20, on: date | None = None, confidence: int = 5) -> int:
    current = None if value is None else Value(Decimal(value), confidence, on or day, datetime(2025, 3, 20, tzinfo=UTC))
    return standing(measured, current, starts_on=START, ends_on=Q1.ends_on, since=START, day=day).status


def test_by_the_20th_of_march_44_of_50_demos_should_be_nearly_done():
    share = elapsed(START, Q1.ends_on, MARCH_20)
    assert round(expected(scale(50), share) or 0, 1) == Decimal("43.9")
    assert expected(scale(18, RATE), share) is None


@pytest.mark.parametrize(
    ("measured", "value", "share"),
    [
        (scale(50), 44, "0.88"),
        (scale(18, RATE, baseline=12), 15, "0.5"),
        (scale(50), 60, "1.2"),
        (scale(10, direction=DOWN, baseline=20), 15, "0.5"),
        (scale(10, direction=DOWN), 20, "0.5"),
        (scale(10, RATE, KEEP, floor=8, stretch=12), 9, "1"),
        (scale(10, RATE, KEEP, floor=8, stretch=12), 13, "0"),
    ],
)
def test_progress_is_the_share_of_the_way_and_never_cut(measured: Scale, value: int, share: str):
    assert progress(measured, Decimal(value)) == Decimal(share)


@pytest.mark.parametrize(
    ("value", "expected_status"),
    [(44, pb.STATUS_ON_TRACK), (36, pb.STATUS_ON_TRACK), (35, pb.STATUS_BEHIND), (28, pb.STATUS_BEHIND), (27, pb.STATUS_AT_RISK)],
)
def test_a_count_is_judged_by_its_gap_to_the_time_gone(value: int, expected_status: int):
    """87.8 % of the cycle is over: 16.5 points behind is 71.3 %, 33 points is 54.8 %."""
    assert status(scale(50), value) == expected_status


@pytest.mark.parametrize(
    ("value", "expected_status"),
    [(70, pb.STATUS_ON_TRACK), (69, pb.STATUS_BEHIND), (60, pb.STATUS_BEHIND), (59, pb.STATUS_AT_RISK), (75, pb.STATUS_EXCEEDS)],
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
    assert status(scale(50), 50, day=date(2026, 1, 1), on=Q1.ends_on) == pb.STATUS_ON_TRACK
