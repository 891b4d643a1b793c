"""What would close a gap: CH3 of Company X, one short (2.3) (G-70)."""

from decimal import Decimal

import pytest

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.closing import closings
from services.goals.domain.reconciliation import Node, checks

COUNT, RATE = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL


def sales(new: int = 50, old: int = 30) -> list[Node]:
    return [
        Node("K1", COUNT, "lượt", Decimal(55)),
        Node("D1", COUNT, "demo", Decimal(80), "K1"),
        Node("D2", RATE, "%", Decimal(70), "K1", "D1"),
        Node("I1", COUNT, "demo", Decimal(new), "D1"),
        Node("I2", COUNT, "demo", Decimal(old), "D1"),
        Node("I3", RATE, "%", Decimal(60), "D2", "I1"),
        Node("I4", RATE, "%", Decimal(80), "D2", "I2"),
    ]


def of(kind: int, nodes: list[Node]) -> list[tuple[str, str, str]]:
    [check] = [check for check in checks(nodes) if check.kind == kind]
    return [(one.kpi_id, str(one.after), str(one.reached)) for one in closings(check, nodes)]


def test_the_company_misses_by_one_and_each_of_these_alone_closes_it():
    assert of(pb.Shortfall.KIND_YIELD, sales()) == [
        ("I3", "62", "55.0"),
        ("I1", "52", "55.2"),
        ("I4", "84", "55.2"),
        ("I2", "32", "55.6"),
        ("K1", "54", "54"),
    ]


def test_a_sum_that_is_short_is_closed_by_one_part_or_by_the_whole():
    assert of(pb.Shortfall.KIND_SUM, sales(new=40)) == [("I1", "50", "80"), ("I2", "40", "80"), ("D1", "70", "70")]


def test_what_adds_up_needs_nothing():
    assert of(pb.Shortfall.KIND_SUM, sales()) == []


def test_a_budget_that_is_passed_is_closed_by_using_less():
    down = t.DIRECTION_DECREASE
    nodes = [
        Node("B", COUNT, "VND", Decimal(100), direction=down),
        Node("A", COUNT, "VND", Decimal(90), "B", direction=down),
        Node("C", COUNT, "VND", Decimal(30), "B", direction=down),
    ]
    assert of(pb.Shortfall.KIND_SUM, nodes) == [("A", "70", "100"), ("C", "10", "100"), ("B", "120", "120")]


@pytest.mark.parametrize("kind", [pb.Shortfall.KIND_YIELD, pb.Shortfall.KIND_SUM, pb.Shortfall.KIND_BLENDED_RATE])
def test_whatever_is_offered_closes_the_gap(kind: int):
    nodes = sales(new=41, old=17)
    for kpi_id, after, _ in of(kind, nodes):
        mended = [node if node.id != kpi_id else Node(*_with(node, Decimal(after))) for node in nodes]
        assert [check.fails for check in checks(mended) if check.kind == kind] == [False], kpi_id


def _with(node: Node, target: Decimal):
    return node.id, node.kind, node.unit, target, node.parent_kpi, node.volume_kpi, node.direction
