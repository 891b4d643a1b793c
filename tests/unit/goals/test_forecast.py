"""Forecasts to the end of a cycle (G-75)."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given as for_all
from hypothesis import strategies as st

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.forecast import Forecast, forecast
from services.goals.domain.standing import Scale

STARTS, ENDS = date(2025, 1, 1), date(2025, 3, 31)  # ninety days
UP, DOWN = t.DIRECTION_INCREASE, t.DIRECTION_DECREASE
DEMOS = Scale(t.MEASURE_KIND_CUMULATIVE, UP, Decimal(80))
BUDGET = Scale(t.MEASURE_KIND_CUMULATIVE, DOWN, Decimal(100), baseline=Decimal(500))
RATE = Scale(t.MEASURE_KIND_LEVEL, UP, Decimal(60))
REPORT = Scale(t.MEASURE_KIND_MILESTONE, UP, Decimal(1))


def on(day: int) -> date:
    return STARTS + timedelta(days=day - 1)


def ahead(scale: Scale, *values: tuple[int, int], day: int = 60) -> Forecast | None:
    known = [(on(number), Decimal(value)) for number, value in values]
    return forecast(scale, known, starts_on=STARTS, ends_on=ENDS, day=on(day))


def test_what_adds_up_goes_on_at_its_pace():
    assert ahead(DEMOS, (30, 20), (45, 30)) == Forecast(Decimal(60), pb.Forecast.BASIS_PACE, STARTS, 2)
    assert ahead(BUDGET, (30, 20), (45, 60)) == Forecast(Decimal(120), pb.Forecast.BASIS_PACE, STARTS, 2)
    reach = Scale(t.MEASURE_KIND_CUMULATIVE, UP, Decimal(300), baseline=Decimal(100))
    assert ahead(reach, (30, 110), (45, 150)) == Forecast(Decimal(200), pb.Forecast.BASIS_PACE, STARTS, 2)


def test_a_level_goes_on_by_its_trend_and_one_odd_value_does_not_turn_it():
    found = ahead(RATE, (10, 50), (20, 51), (30, 52), (40, 53), (50, 54))
    assert found == Forecast(Decimal(58), pb.Forecast.BASIS_TREND, on(10), 5)
    odd = ahead(RATE, (10, 50), (20, 51), (30, 5), (40, 53), (50, 54))
    assert odd is not None
    assert abs(odd.value - Decimal(58)) < 2


def test_a_level_is_not_foretold_farther_than_it_was_seen():
    assert ahead(RATE, (40, 50), (45, 55)) == Forecast(Decimal(60), pb.Forecast.BASIS_TREND, on(40), 2)


def test_there_is_none_of_one_value_of_what_is_done_or_not_and_of_what_is_over():
    assert ahead(DEMOS, (30, 20)) is None
    assert ahead(REPORT, (30, 0), (45, 0)) is None
    assert ahead(DEMOS, (30, 20), (45, 30), day=90) is None
    assert ahead(DEMOS, (30, 20), (45, 30), day=20) is None


VALUES = st.lists(
    st.tuples(st.integers(1, 59), st.integers(0, 1000)), min_size=2, max_size=20, unique_by=lambda value: value[0]
)


@for_all(VALUES, st.integers(1, 1000), st.integers(-500, 500))
def test_it_is_the_same_in_whatever_unit_and_from_whatever_start(values: list[tuple[int, int]], by: int, more: int):
    values.sort()
    for scale in (DEMOS, RATE):
        plain = ahead(scale, *values)
        assert plain is not None
        scaled = ahead(scale, *[(day, value * by) for day, value in values])
        assert scaled is not None
        assert abs(scaled.value - plain.value * by) < Decimal("1e-50") * by
    shifted = ahead(RATE, *[(day, value + more) for day, value in values])
    level = ahead(RATE, *values)
    assert shifted is not None
    assert level is not None
    assert abs(shifted.value - level.value - more) < Decimal("1e-50")


@for_all(st.integers(-100, 100), st.integers(-10, 10), st.sets(st.integers(1, 59), min_size=2, max_size=12))
def test_a_straight_line_goes_on_straight(start: int, slope: int, days: set[int]):
    found = ahead(RATE, *[(day, start + slope * day) for day in sorted(days)])
    assert found is not None
    last = max(days)
    until = last + min(90 - last, last - min(days))
    assert abs(found.value - (start + slope * until)) < Decimal("1e-50")
