"""Which values look mistyped, and what was more likely meant (C-06)."""

from decimal import Decimal

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from nhip.goals.v1 import types_pb2 as t
from services.checkins.domain.doubt import Measured, doubt
from tests.unit.checkins.test_correcting import correct
from tests.unit.checkins.test_progress import MARCH_6, MARCH_20, record, recorded
from tests.unit.decisions import given

UP, DOWN, KEEP = t.DIRECTION_INCREASE, t.DIRECTION_DECREASE, t.DIRECTION_KEEP
DEMOS = Measured(t.MEASURE_KIND_CUMULATIVE, UP, "demo", Decimal(80))
MONEY = Measured(t.MEASURE_KIND_CUMULATIVE, UP, "VND", Decimal(2_400_000_000))
RATE = Measured(t.MEASURE_KIND_LEVEL, UP, "%", Decimal(60))
DEFECTS = Measured(t.MEASURE_KIND_LEVEL, DOWN, "%", Decimal(1))
REPORT = Measured(t.MEASURE_KIND_MILESTONE, UP, "", Decimal(1))
BUDGET = Measured(t.MEASURE_KIND_CUMULATIVE, DOWN, "triệu", Decimal(100))
LOSS = Measured(t.MEASURE_KIND_LEVEL, UP, "tỷ", Decimal(-2))


@pytest.mark.parametrize(
    ("measured", "last", "value", "kind", "likelier"),
    [
        (DEMOS, "27", "37000", "BEYOND_TARGET", "37"),  # a point that was read as thousands
        (DEMOS, "27", "370", "TEN_TIMES", "37"),
        (DEMOS, "27", "37", None, None),
        (DEMOS, None, "1", None, None),
        (DEMOS, "3", "44", None, None),  # what adds up grows fast at first
        (DEMOS, "79", "120", None, None),  # more than was aimed at is good news
        (DEMOS, "27", "3.7", "NOT_WHOLE", "37"),
        (DEMOS, "27", "27.5", "NOT_WHOLE", None),
        (DEMOS, "27", "26", "AGAINST_DIRECTION", None),
        (DEMOS, "27", "3", "AGAINST_DIRECTION", "30"),
        (MONEY, "980000000", "1320000000", None, None),
        (MONEY, "980000000", "1320000", "AGAINST_DIRECTION", "1320000000"),
        (MONEY, "980000000", "1.5", "AGAINST_DIRECTION", None),
        (MONEY, None, "13200000000", "TEN_TIMES", "1320000000"),
        (RATE, "54", "55", None, None),
        (RATE, "54", "48.5", None, None),  # a rate may fall
        (RATE, "54", "5.5", "TEN_TIMES", "55"),
        (RATE, "54", "550", "TEN_TIMES", "55"),
        (RATE, "54", "0", None, None),
        (RATE, "5", "30", None, None),  # far from the last one, near to the target
        (DEFECTS, "1.2", "12", "TEN_TIMES", "1.2"),
        (DEFECTS, "4", "0.5", None, None),
        (DEFECTS, None, "11", "TEN_TIMES", "1.1"),
        (REPORT, "1", "0", "AGAINST_DIRECTION", None),
        (REPORT, "0", "1", None, None),
        (BUDGET, "60", "70.5", None, None),
        (BUDGET, "60", "40", "AGAINST_DIRECTION", None),
        (BUDGET, "60", "1200", "BEYOND_TARGET", "120"),
        (LOSS, "-3", "-2.5", None, None),
        (LOSS, "-3", "-25", "TEN_TIMES", "-2.5"),
    ],
)
def test_what_looks_mistyped(measured: Measured, last: str | None, value: str, kind: str | None, likelier: str | None):
    days = {MARCH_6: Decimal(last)} if last is not None else {}
    found = doubt(Decimal(value), MARCH_20, days, measured)
    assert (found.kind if found else None) == kind
    if found and likelier is not None:
        assert found.likelier == Decimal(likelier)
    if found and likelier is None:
        assert found.likelier is None


def test_a_value_for_an_earlier_day_is_not_above_what_stands_for_a_later_one():
    found = doubt(Decimal(50), MARCH_6, {MARCH_20: Decimal(44)}, DEMOS)
    assert found is not None
    assert (found.kind, found.likelier) == ("AGAINST_DIRECTION", Decimal(5))


@for_all(st.decimals(-(10**6), 10**6, places=2), st.none() | st.decimals(-(10**6), 10**6, places=2))
def test_what_is_offered_instead_is_in_no_doubt_itself(value: Decimal, last: Decimal | None):
    days = {MARCH_6: last} if last is not None else {}
    for measured in (DEMOS, MONEY, RATE, DEFECTS, REPORT, BUDGET, LOSS):
        found = doubt(value, MARCH_20, days, measured)
        if found and found.likelier is not None:
            again = doubt(found.likelier, MARCH_20, days, measured)
            assert again is None, (measured, found, again)


def test_a_doubtful_value_is_refused_with_the_likelier_one_until_it_is_confirmed():
    before = given(record(27, MARCH_6))
    before.when(record(370, MARCH_20)).then_rejected("VALUE_DOUBTFUL", field="value")
    before.when(record(370, MARCH_20, confirmed=True)).then(recorded(370, MARCH_20, before=27))
    given(record(27, MARCH_6), record(40, MARCH_20)).when(correct(MARCH_20, 40, 400)).then_rejected(
        "VALUE_DOUBTFUL", field="after"
    )
