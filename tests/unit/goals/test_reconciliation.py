"""The arithmetic that the source does not check (requirements, section 2.3)."""

from decimal import Decimal

import pytest

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.reconciliation import Node, checks, shortfalls

KIND_SUM, KIND_YIELD, KIND_RATE = pb.Shortfall.KIND_SUM, pb.Shortfall.KIND_YIELD, pb.Shortfall.KIND_BLENDED_RATE


def nodes(k1: int, d1: int, i1: int) -> list[Node]:
    count, rate = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL
    return [
        Node("K1", count, "đăng ký", Decimal(k1)),
        Node("D1", count, "demo", Decimal(d1), "K1"),
        Node("D2", rate, "%", Decimal(70), "K1", volume_kpi="D1"),
        Node("I1", count, "demo", Decimal(i1), "D1"),
        Node("I2", count, "demo", Decimal(30), "D1"),
        Node("I3", rate, "%", Decimal(60), "D2", volume_kpi="I1"),
        Node("I4", rate, "%", Decimal(80), "D2", volume_kpi="I2"),
        Node("K-ADD", t.MEASURE_KIND_MILESTONE, "", Decimal(1), "D1"),
    ]


BEFORE, AFTER = nodes(70, 100, 80), nodes(55, 80, 50)


@pytest.mark.parametrize(
    ("tree", "kpi", "kind", "reached", "wanted", "arithmetic"),
    [
        (BEFORE, "D1", KIND_SUM, "110", "100", "80 + 30"),
        (BEFORE, "K1", KIND_YIELD, "72", "70", "80 × 60 % + 30 × 80 %"),
        (BEFORE, "D2", KIND_RATE, "65.45", "70", "(80 × 60 % + 30 × 80 %) / 110"),
        (AFTER, "D1", KIND_SUM, "80", "80", "50 + 30"),
        (AFTER, "K1", KIND_YIELD, "54", "55", "50 × 60 % + 30 × 80 %"),
        (AFTER, "D2", KIND_RATE, "67.5", "70", "(50 × 60 % + 30 × 80 %) / 80"),
    ],
)
def test_company_xs_sums(tree: list[Node], kpi: str, kind: int, reached: str, wanted: str, arithmetic: str):
    found = next(check for check in checks(tree) if (check.kpi_id, check.kind) == (kpi, kind))
    assert (found.reached, found.wanted, found.arithmetic) == (Decimal(reached), Decimal(wanted), arithmetic)


def test_everybody_meets_their_own_kpi_and_the_company_misses_by_one():
    assert [(s.kpi_id, s.kind) for s in shortfalls(AFTER)] == [("K1", KIND_YIELD), ("D2", KIND_RATE)]
    assert [s.kpi_id for s in shortfalls(BEFORE)] == ["D2"]


def test_the_department_alone_hides_it():
    departments = [node for node in AFTER if not node.id.startswith("I")]
    found = next(check for check in checks(departments) if check.kpi_id == "K1")
    assert (found.reached, found.short) == (Decimal(56), False)


def test_d4_is_reached_only_with_two_thirds_existing_customers():
    """Thảo 75 % and Tiến 90 %: without volumes there is no mean, and none is made up."""
    rate = t.MEASURE_KIND_LEVEL
    d4 = [Node("D4", rate, "%", Decimal(85)), Node("I7", rate, "%", Decimal(75), "D4"), Node("I8", rate, "%", Decimal(90), "D4")]
    assert checks(d4) == []
