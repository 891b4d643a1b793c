"""What would close a gap: of a check that does not add up, the targets of which each alone would make it (G-70)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.reconciliation import Check, Node, volume

MOST = 6
"""Closings that are offered for one check."""


@dataclass(frozen=True, slots=True)
class Closing:
    kpi_id: str
    before: Decimal
    after: Decimal
    reached: Decimal
    """What the parts would make together; where the parent's own target moves, what is wanted then."""


def closings(check: Check, nodes: Iterable[Node]) -> list[Closing]:
    """The smallest change of one target each that would close the gap: of the parts, then of the parent. Whole numbers
    stay whole, a rate does not pass 100 %, nothing falls below zero."""
    by_id = {node.id: node for node in nodes}
    parent = by_id.get(check.kpi_id)
    if parent is None or not check.fails:
        return []
    gap = check.wanted - check.reached  # below zero: too much is planned
    found: list[Closing] = []
    for node, worth in _parts(check, parent, list(by_id.values()), by_id):
        if worth > 0:
            after = _whole_as(node.target, node.target + gap / worth, up=gap > 0)
            if 0 <= after != node.target and not (is_percent(node.unit) and after > 100):
                reached = check.reached + (after - node.target) * worth
                found.append(Closing(node.id, node.target, after, reached))
    target = _whole_as(parent.target, check.reached, up=gap < 0)
    return [*found[: MOST - 1], Closing(parent.id, parent.target, target, target)]


def _parts(check: Check, parent: Node, nodes: Sequence[Node], by_id: dict[str, Node]) -> list[tuple[Node, Decimal]]:
    """The KPIs whose targets the check is made of, and how much one more of each is worth to it."""
    children = [node for node in nodes if parent.id in node.counts_for]
    if check.kind == pb.Shortfall.KIND_SUM:
        alike = (n for n in children if n.kind == t.MEASURE_KIND_CUMULATIVE and n.direction == parent.direction)
        return [(node, node.part(parent.id) / 100) for node in alike if node.unit == parent.unit]
    rates = [n for n in nodes if n.kind == t.MEASURE_KIND_LEVEL and n.volume_kpi in by_id]
    serving = [rate for rate in rates if rate.parent_kpi == parent.id]
    below = [rate for rate in rates if rate.parent_kpi in {one.id for one in serving}]
    counted = below if check.kind == pb.Shortfall.KIND_YIELD and below else serving
    of_rate = check.kind == pb.Shortfall.KIND_BLENDED_RATE
    here = {parent.volume_kpi} & by_id.keys() if of_rate else {parent.id, *(child.id for child in children)}
    volumes = sum((volume(rate, by_id, here) for rate in counted), Decimal(0))
    found: list[tuple[Node, Decimal]] = []
    for rate in counted:
        of = by_id[rate.volume_kpi]
        hundred = Decimal(100) if is_percent(rate.unit) else Decimal(1)
        if check.kind == pb.Shortfall.KIND_YIELD:
            counts = volume(rate, by_id, here)
            part = counts / of.target if of.target else Decimal(1)
            found += [(rate, counts / hundred), (of, rate.target / hundred * part)]
        elif volumes:
            found.append((rate, volume(rate, by_id, here) / volumes))
    return found


def _whole_as(before: Decimal, after: Decimal, *, up: bool) -> Decimal:
    """Rounded to as many places as the number before, but at least so far that the gap is closed."""
    exponent = before.normalize().as_tuple().exponent
    places = max(-exponent, 0) if isinstance(exponent, int) else 0
    return after.quantize(Decimal(1).scaleb(-min(places, 6)), ROUND_CEILING if up else ROUND_FLOOR)
