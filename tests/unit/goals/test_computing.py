"""Values that are computed from others (G-78): by each rule, as of every day, and never made up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import computation, formula
from services.goals.domain.computation import Sources
from services.goals.domain.computing import Computed, Known, compute, same_day
from services.goals.domain.cycle import Cycle
from services.goals.domain.kpi import Kpi
from services.goals.domain.standing import Value
from tests.unit.decisions import number, rejected

Q1, Q2 = (date(2025, 1, 1), date(2025, 3, 31)), (date(2025, 4, 1), date(2025, 6, 30))
TODAY = date(2025, 5, 1)
AT = datetime(2025, 5, 1, tzinfo=UTC)
SUM, RATE, SHARE, RATIO, RETURN, GROWTH, FORMULA = range(1, 8)


def how(kind: int, *ids: str, formula: str = "") -> t.Computation:
    return t.Computation(kind=kind, kpi_ids=ids, formula=formula)  # type: ignore[arg-type]


@dataclass
class Facts:
    """Entered values by KPI and day, and how others are computed."""

    days: Mapping[str, Mapping[date, str]]
    computed: Mapping[str, t.Computation] = field(default_factory=dict[str, t.Computation])
    volumes: Mapping[str, str] = field(default_factory=dict[str, str])
    ended: frozenset[str] = frozenset()
    earlier: frozenset[str] = frozenset()

    def kpi(self, kpi_id: str, on: date) -> Known | None:
        if kpi_id not in self.days and kpi_id not in self.computed:
            return None
        span = Q1 if kpi_id in self.earlier else Q2
        volume = self.volumes.get(kpi_id, "")
        return Known(kpi_id, self.computed.get(kpi_id), volume, kpi_id in self.ended, *span)

    def entered(self, kpi_id: str, on: date) -> Value | None:
        before = [day for day in self.days[kpi_id] if day <= on]
        if not before:
            return None
        day = max(before)
        return Value(Decimal(self.days[kpi_id][day]), 6, day, AT)


def today(**values: str) -> Mapping[str, Mapping[date, str]]:
    return {id: {TODAY: value} for id, value in values.items()}


def found(facts: Facts, kpi_id: str = "k", on: date = TODAY) -> Computed:
    return compute(kpi_id, on, facts)


@pytest.mark.parametrize(
    ("rule", "is_", "arithmetic"),
    [
        (how(SUM, "a", "b"), "80", "30 + 50"),
        (how(SHARE, "a", "b"), "60", "30 ÷ 50 × 100"),
        (how(RATIO, "a", "b"), "0.6", "30 ÷ 50"),
        (how(RETURN, "b", "a"), "66.666667", "(50 − 30) ÷ 30 × 100"),
        (how(FORMULA, "a", "b", formula="(A + B) * 2 - A"), "130", "(30 + 50) × 2 − 30"),
        (how(RATE, "r", "s"), "70", "(60 × 30 + 76 × 50) ÷ (30 + 50)"),
    ],
)
def test_each_rule_comes_to_what_it_says(rule: t.Computation, is_: str, arithmetic: str):
    facts = Facts(today(a="30", b="50", r="60", s="76"), {"k": rule}, {"r": "a", "s": "b"})
    result = found(facts)
    assert result.value is not None
    assert result.term is not None
    assert round(result.value.value, 6) == Decimal(is_)
    values = {part.name: format(part.value, "f") for part in result.parts}
    assert formula.text(result.term, values) == arithmetic


def test_growth_is_against_the_same_day_of_the_earlier_cycle():
    earlier = {date(2025, 1, 20): "40", date(2025, 1, 31): "50", date(2025, 2, 10): "90"}
    facts = Facts({"a": {TODAY: "60"}, "e": earlier}, {"k": how(GROWTH, "a", "e")}, earlier=frozenset("e"))
    result = found(facts)
    assert result.value is not None
    assert (result.value.value, result.parts[1].on) == (Decimal(20), date(2025, 1, 31))
    here, there = facts.kpi("k", TODAY), facts.kpi("e", TODAY)
    assert here is not None
    assert there is not None
    assert same_day(Q2[1], here, there) == Q1[1]


@pytest.mark.parametrize(
    ("facts", "why", "about"),
    [
        (Facts({"a": {TODAY: "1"}, "b": {}}, {"k": how(SUM, "a", "b")}), pb.NotComputed.REASON_NO_VALUE, "b"),
        (Facts(today(a="1", b="2"), {"k": how(SUM, "a", "b")}, ended=frozenset("b")), pb.NotComputed.REASON_ENDED, "b"),
        (Facts(today(a="1"), {"k": how(SUM, "a", "b")}), pb.NotComputed.REASON_UNKNOWN, "b"),
        (Facts(today(a="1", b="0"), {"k": how(RATIO, "a", "b")}), pb.NotComputed.REASON_DIVIDED_BY_ZERO, "k"),
        (Facts(today(a="1"), {"k": how(RATE, "a")}), pb.NotComputed.REASON_VOLUME_MISSING, "a"),
        (Facts({}, {"k": how(SUM, "j"), "j": how(SUM, "k")}), pb.NotComputed.REASON_TOO_DEEP, "k"),
    ],
)
def test_where_it_cannot_be_computed_there_is_none_with_the_reason(
    facts: Facts, why: pb.NotComputed.Reason.ValueType, about: str
):
    result = found(facts)
    assert (result.value, result.why) == (None, why)
    assert result.about == about or why == pb.NotComputed.REASON_TOO_DEEP


def test_the_sum_of_cycles_is_of_those_that_have_begun():
    facts = Facts({"e": {Q1[0]: "40"}, "a": {TODAY: "2"}}, {"k": how(8, "e", "a")}, earlier=frozenset("e"))
    assert [found(facts, on=day).value.value for day in (Q1[1], TODAY)] == [40, 42]  # type: ignore[union-attr]


def test_it_is_as_old_as_the_oldest_and_as_sure_as_the_least_sure():
    facts = Facts({"a": {date(2025, 4, 2): "1"}, "b": {TODAY: "2"}}, {"k": how(SUM, "a", "b")})
    result = found(facts)
    assert result.value is not None
    assert (result.value.occurred_on, result.value.confidence) == (date(2025, 4, 2), 6)


DAYS = st.dictionaries(
    st.integers(0, 89).map(lambda n: Q2[0] + timedelta(days=n)), st.integers(-99, 99).map(str), max_size=5
)


@for_all(st.lists(DAYS, min_size=3, max_size=3), st.lists(st.sampled_from("+-*/"), min_size=3, max_size=3),
         st.integers(0, 89))  # fmt: skip
def test_a_computed_value_equals_its_formula_as_of_every_day(days: list[dict[date, str]], signs: list[str], after: int):
    """Also where it is computed from what is computed: j = A ? B, k = (A ? j) ? B over what was entered."""
    on = Q2[0] + timedelta(days=after)
    rules = {
        "j": how(FORMULA, "a", "b", formula=f"A {signs[0]} B"),
        "k": how(FORMULA, "c", "j", formula=f"(A {signs[1]} B) {signs[2]} B"),
    }
    facts = Facts(dict(zip("abc", days, strict=True)), rules)
    a, b, c = (facts.entered(id, on) for id in "abc")
    result = found(facts, "k", on)
    if a is None or b is None or c is None:
        assert result.value is None
        return
    apply = {"+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y}
    try:
        j = apply[signs[0]](a.value, b.value)
        wanted = apply[signs[2]](apply[signs[1]](c.value, j), j)
    except ArithmeticError:
        assert result.why == pb.NotComputed.REASON_DIVIDED_BY_ZERO
        return
    assert result.value is not None
    assert result.value.value == wanted


def kpi(id: str, unit: str = "demo", *, volume: str = "", cycle: str = "q2", ends: date | None = None) -> Kpi:
    measure = t.Measure(kind=t.MEASURE_KIND_CUMULATIVE, unit=unit, target=number(9), volume_kpi_id=volume)
    return Kpi(id, cycle, id, "", t.LEVEL_COMPANY, measure, (), "", Decimal(), Q2[0], Q2[0], ends)


KPIS = [kpi("a"), kpi("b"), kpi("m", "VND"), kpi("r", "%", volume="a"), kpi("s", "%"), kpi("e", cycle="q1"),
        kpi("gone", ends=Q2[0])]  # fmt: skip
CYCLES = {"q1": Cycle("q1", "Q1", *Q1), "q2": Cycle("q2", "Q2", *Q2)}
KNOWN = Sources({one.id: one for one in KPIS}, dict(CYCLES))


def check(rule: t.Computation, unit: str = "demo", kind: t.MeasureKind.ValueType = t.MEASURE_KIND_CUMULATIVE) -> None:
    draft = t.KpiDraft(measure=t.Measure(kind=kind, unit=unit, target=number(9)), computation=rule)
    computation.check(draft, CYCLES["q2"], KNOWN, TODAY, "kpi")


@pytest.mark.parametrize(
    ("rule", "unit", "reason", "field"),
    [
        (how(SUM, "a", "m"), "demo", "UNITS_DIFFER", "kpi_ids"),
        (how(SUM, "a", "b"), "VND", "UNITS_DIFFER", "kpi_ids"),
        (how(SUM, "a", "a"), "demo", "KPI_TWICE", "kpi_ids"),
        (how(SUM, "a", "nothing"), "demo", "KPI_UNKNOWN", "kpi_ids[1]"),
        (how(SUM, "gone"), "demo", "KPI_RETIRED", "kpi_ids[0]"),
        (how(RATE, "r", "s"), "%", "VOLUME_MISSING", "kpi_ids[1]"),
        (how(SHARE, "a"), "%", "COMPUTATION_OF_TWO", "kpi_ids"),
        (how(SHARE, "a", "b"), "demo", "UNITS_DIFFER", "kind"),
        (how(GROWTH, "a", "b"), "%", "EARLIER_CYCLE_MISSING", "kpi_ids[1]"),
        (how(FORMULA, "a", "b", formula="A + (B"), "demo", "FORMULA_UNREADABLE", "formula"),
        (how(FORMULA, "a", "b", formula="A + A"), "demo", "FORMULA_NAMES", "formula"),
        (how(FORMULA, "a", "m", formula="A + B"), "demo", "UNITS_DIFFER", "formula"),
        (how(FORMULA, "a", "b", formula="A + B"), "VND", "UNITS_DIFFER", "formula"),
    ],
)
def test_what_cannot_be_computed_from_is_refused_when_it_is_written_down(
    rule: t.Computation, unit: str, reason: str, field: str
):
    rejected(reason, lambda: check(rule, unit), field=f"kpi.computation.{field}")


def test_what_can_be_computed_is_taken():
    check(how(SUM, "a", "b"))
    check(how(RATE, "r"), "%")
    check(how(GROWTH, "a", "e"), "%")
    check(how(RATIO, "m", "a"), "VND/demo")
    check(how(FORMULA, "a", "m", formula="B / A"), "VND/demo")
    rejected("MILESTONE_COMPUTED", lambda: check(how(SUM, "a"), kind=t.MEASURE_KIND_MILESTONE))
