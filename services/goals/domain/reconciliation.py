"""Does it add up? Holds each KPI against those that serve it (G-70): every child may meet its target, and the parent miss its own.

A warning, never a block: the arithmetic is shown, and people decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from eventkit.values import plain
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t

PERCENT = "%"


@dataclass(frozen=True, slots=True)
class Node:
    """A KPI as far as adding up goes."""

    id: str
    kind: t.MeasureKind.ValueType
    unit: str
    target: Decimal
    parent_kpi: str = ""
    volume_kpi: str = ""
    """For a rate: the KPI whose volume it applies to."""


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which a KPI's children should reach it."""

    kpi_id: str
    kind: pb.Shortfall.Kind.ValueType
    reached: Decimal
    wanted: Decimal
    arithmetic: str

    @property
    def short(self) -> bool:
        return self.reached < self.wanted


def checks(nodes: Iterable[Node]) -> list[Check]:
    """Every check that can be made of these KPIs, whether it adds up or not, parents in the order given."""
    by_id = {node.id: node for node in nodes}
    children: dict[str, list[Node]] = {}
    for node in by_id.values():
        if node.parent_kpi:
            children.setdefault(node.parent_kpi, []).append(node)
    found: list[Check] = []
    for parent in by_id.values():
        below = children.get(parent.id, [])
        found += filter(None, (_sum(parent, below), _yield(parent, below, children, by_id), _blended_rate(parent, below, by_id)))
    return found


def shortfalls(nodes: Iterable[Node]) -> list[Check]:
    return [check for check in checks(nodes) if check.short]


def _sum(parent: Node, children: list[Node]) -> Check | None:
    """Cumulative children in the parent's own unit add up: 50 + 30."""
    adding = [c for c in children if c.kind == parent.kind == t.MEASURE_KIND_CUMULATIVE and c.unit == parent.unit]
    if not adding:
        return None
    reached = sum((c.target for c in adding), Decimal(0))
    return Check(parent.id, pb.Shortfall.KIND_SUM, reached, parent.target, " + ".join(plain(c.target) for c in adding))


def _yield(parent: Node, children: list[Node], below: Mapping[str, list[Node]], by_id: Mapping[str, Node]) -> Check | None:
    """A parent served by a volume and a rate of it: what people's volumes yield at their own rates, 50 × 60 % + 30 × 80 %."""
    if parent.kind != t.MEASURE_KIND_CUMULATIVE:
        return None
    rate = next((c for c in children if c.volume_kpi and by_id.get(c.volume_kpi) in children), None)
    if rate is None:
        return None
    rates = _with_volume(below.get(rate.id, []), by_id) or _with_volume([rate], by_id)
    reached = sum((_share(r) * by_id[r.volume_kpi].target for r in rates), Decimal(0))
    return Check(parent.id, pb.Shortfall.KIND_YIELD, reached, parent.target, " + ".join(_product(r, by_id) for r in rates))


def _blended_rate(parent: Node, children: list[Node], by_id: Mapping[str, Node]) -> Check | None:
    """A rate served by rates of several volumes: their mean weighted by volume, (50 × 60 % + 30 × 80 %) / 80. Never a silent plain mean."""
    rates = _with_volume([c for c in children if c.unit == parent.unit], by_id)
    volume = sum((by_id[r.volume_kpi].target for r in rates), Decimal(0))
    if parent.kind != t.MEASURE_KIND_LEVEL or not rates or not volume:
        return None
    weighted = sum((r.target * by_id[r.volume_kpi].target for r in rates), Decimal(0)) / volume
    arithmetic = f"({' + '.join(_product(r, by_id) for r in rates)}) / {plain(volume)}"
    return Check(parent.id, pb.Shortfall.KIND_BLENDED_RATE, round(weighted, 2), parent.target, arithmetic)


def _with_volume(nodes: list[Node], by_id: Mapping[str, Node]) -> list[Node]:
    return [n for n in nodes if n.kind == t.MEASURE_KIND_LEVEL and n.volume_kpi in by_id]


def _share(rate: Node) -> Decimal:
    return rate.target / 100 if rate.unit == PERCENT else rate.target


def _product(rate: Node, by_id: Mapping[str, Node]) -> str:
    unit = f" {PERCENT}" if rate.unit == PERCENT else ""
    return f"{plain(by_id[rate.volume_kpi].target)} × {plain(rate.target)}{unit}"
