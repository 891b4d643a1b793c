"""Does it add up?

Holds each KPI against those that serve it (G-70, D-04): every child may meet its target, and the parent miss its own.

In the parent's direction: reached below a target is short, planned above a budget or a ceiling is over. A warning,
never a block: the arithmetic is shown, and people decide. What cannot be held against each other is said not to be
checked, so that it does not look right.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from eventkit.values import PERCENT, is_percent, plain, rounded, unit_key
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t

TERMS = 30
"""Of a sum that are written out: thousands may serve one KPI."""
_COUNT, _RATE = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL


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
    direction: t.Direction.ValueType = t.DIRECTION_INCREASE
    shares: tuple[tuple[str, Decimal], ...] = ()
    """The KPIs that it is shared with, and how much of it counts there, in per cent; the rest counts for what it serves
    first (G-74)."""
    partial: bool = False
    """What serves it is of cycles within its own that leave some of its days out, as three quarters of a year."""

    @property
    def counts_for(self) -> tuple[str, ...]:
        """The KPIs that it is part of the sums of."""
        return tuple(dict.fromkeys(id for id in (self.parent_kpi, *(id for id, _ in self.shares)) if id))

    def part(self, kpi_id: str) -> Decimal:
        """How much of it counts for a KPI, in per cent: all of it together once, whoever it is shared with."""
        shared = sum((share for id, share in self.shares if id == kpi_id), Decimal(0))
        if kpi_id == self.parent_kpi:
            return 100 - sum((share for _, share in self.shares), Decimal(0)) + shared
        return shared


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which a KPI's children should reach it, or keep within it."""

    kpi_id: str
    kind: pb.Shortfall.Kind.ValueType
    reached: Decimal
    wanted: Decimal
    arithmetic: str
    limit: bool = False
    """`wanted` is a budget or a ceiling."""

    @property
    def short(self) -> bool:
        return not self.limit and self.reached < self.wanted

    @property
    def over(self) -> bool:
        return self.limit and self.reached > self.wanted

    @property
    def fails(self) -> bool:
        return self.short or self.over


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A KPI that its children cannot be held against."""

    kpi_id: str
    reason: pb.NotChecked.Reason.ValueType


def reconcile(nodes: Iterable[Node], among: Container[str] | None = None) -> list[Check | NotChecked]:
    """Every check that can be made of these KPIs, whether it adds up or not, and what cannot be checked; parents in the
    order given, all of them or those of some ids."""
    by_id = {node.id: node for node in nodes}
    children: dict[str, list[Node]] = {}
    for node in by_id.values():
        for parent_id in node.counts_for:
            children.setdefault(parent_id, []).append(node)
    found: list[Check | NotChecked] = []
    for parent in by_id.values():
        below = [child for child in children.get(parent.id, []) if child.kind in (_COUNT, _RATE)]
        if not below or parent.kind not in (_COUNT, _RATE) or (among is not None and parent.id not in among):
            continue
        if parent.partial:
            found.append(NotChecked(parent.id, pb.NotChecked.REASON_CYCLES_MISSING))
            continue
        try:
            made = list(
                filter(
                    None,
                    (_sum(parent, below), _yield(parent, below, children, by_id), _blended_rate(parent, below, by_id)),
                )
            )
            found += made or filter(None, [_not_checked(parent, below, by_id)])
        except ArithmeticError:  # numbers that no arithmetic carries: theirs is the only check that is missing
            found.append(NotChecked(parent.id, pb.NotChecked.REASON_NUMBERS))
    return found


def checks(nodes: Iterable[Node]) -> list[Check]:
    return [found for found in reconcile(nodes) if isinstance(found, Check)]


def _check(parent: Node, kind: pb.Shortfall.Kind.ValueType, reached: Decimal, arithmetic: str) -> Check:
    return Check(parent.id, kind, reached, parent.target, arithmetic, limit=parent.direction == t.DIRECTION_DECREASE)


def _sum(parent: Node, children: list[Node]) -> Check | None:
    """Counts in the parent's own unit and direction add up, each as much as counts here: 50 + 40 % × 30. A band is not
    a sum."""
    adding = [c for c in children if c.kind == parent.kind == _COUNT and _comparable(c, parent)]
    if not adding:
        return None
    reached = sum((c.target * c.part(parent.id) / 100 for c in adding), Decimal(0))
    return _check(parent, pb.Shortfall.KIND_SUM, reached, _joined([_part(c, parent) for c in adding]))


def _part(child: Node, parent: Node) -> str:
    part = child.part(parent.id)
    return plain(child.target) if part == 100 else f"{plain(part)} {PERCENT} × {plain(child.target)}"


def _yield(
    parent: Node, children: list[Node], below: Mapping[str, list[Node]], by_id: Mapping[str, Node]
) -> Check | None:
    """A parent served by volumes and rates of them: what people's volumes yield at their own rates, 50 × 60 % + 30 × 80
    %."""
    if parent.kind != _COUNT or parent.direction == t.DIRECTION_KEEP:
        return None
    serving = [c for c in children if c.kind == _RATE and by_id.get(c.volume_kpi) in children]
    rates = [rate for top in serving for rate in (_with_volume(below.get(top.id, []), by_id) or [top])]
    if not rates:
        return None
    here = {parent.id, *(child.id for child in children)}
    reached = sum((_share(r) * volume(r, by_id, here) for r in rates), Decimal(0))
    return _check(parent, pb.Shortfall.KIND_YIELD, reached, _joined([_product(r, by_id, here) for r in rates]))


def volume(rate: Node, by_id: Mapping[str, Node], here: Container[str]) -> Decimal:
    """How much of what a rate is of counts for a parent and those that serve it: of a shared KPI not what counts
    elsewhere; of one that has no part in them all of it."""
    of = by_id[rate.volume_kpi]
    part = sum((of.part(id) for id in of.counts_for if id in here), Decimal(0))
    return of.target * part / 100 if of.shares and part else of.target


def _blended_rate(parent: Node, children: list[Node], by_id: Mapping[str, Node]) -> Check | None:
    """A rate served by rates of several volumes: their mean weighted by volume, (50 × 60 % + 30 × 80 %) / 80.

    Never a silent plain mean.
    """
    rates = _with_volume([c for c in children if _comparable(c, parent)], by_id)
    here = {parent.volume_kpi} & by_id.keys()
    volumes = sum((volume(r, by_id, here) for r in rates), Decimal(0))
    if parent.kind != _RATE or not rates or not volumes:
        return None
    weighted = sum((r.target * volume(r, by_id, here) for r in rates), Decimal(0)) / volumes
    arithmetic = f"({_joined([_product(r, by_id, here) for r in rates])}) / {plain(volumes)}"
    reached = rounded(weighted, 2)
    if (reached < parent.target, reached > parent.target) != (weighted < parent.target, weighted > parent.target):
        reached = rounded(weighted, 6)  # a gap is never rounded away
    return _check(parent, pb.Shortfall.KIND_BLENDED_RATE, reached, arithmetic)


def _not_checked(parent: Node, children: list[Node], by_id: Mapping[str, Node]) -> NotChecked | None:
    """Why no check could be made of a KPI and those of its kind that serve it; None where there is nothing to
    compare."""
    alike = [c for c in children if c.kind == parent.kind]
    if parent.kind == _COUNT and any(c.kind == _RATE and c.volume_kpi not in by_id for c in children) and not alike:
        return NotChecked(parent.id, pb.NotChecked.REASON_VOLUME_MISSING)
    if not alike:
        return None
    if parent.direction == t.DIRECTION_KEEP:
        return NotChecked(parent.id, pb.NotChecked.REASON_BAND)
    same_unit = [c for c in alike if unit_key(c.unit) == unit_key(parent.unit)]
    if not same_unit:
        return NotChecked(parent.id, pb.NotChecked.REASON_UNITS_DIFFER)
    if not any(_comparable(c, parent) for c in same_unit):
        return NotChecked(parent.id, pb.NotChecked.REASON_DIRECTIONS_DIFFER)
    return NotChecked(parent.id, pb.NotChecked.REASON_VOLUME_MISSING)


def _comparable(child: Node, parent: Node) -> bool:
    same = unit_key(child.unit) == unit_key(parent.unit) and child.direction == parent.direction
    return same and parent.direction != t.DIRECTION_KEEP


def _with_volume(nodes: list[Node], by_id: Mapping[str, Node]) -> list[Node]:
    return [n for n in nodes if n.kind == _RATE and n.volume_kpi in by_id]


def _joined(terms: list[str]) -> str:
    """A sum as people write it: "50 + 30"; of a long one the beginning, and how many terms it has."""
    return " + ".join(terms[:TERMS]) + (f" + … ({len(terms)})" if terms[TERMS:] else "")


def _share(rate: Node) -> Decimal:
    return rate.target / 100 if is_percent(rate.unit) else rate.target


def _product(rate: Node, by_id: Mapping[str, Node], here: Container[str]) -> str:
    unit = f" {PERCENT}" if is_percent(rate.unit) else ""
    return f"{plain(volume(rate, by_id, here))} × {plain(rate.target)}{unit}"
