"""What else a KPI supports or hinders, beside what it serves first (G-74).

Conflicts are written down, and what is shared counts once.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import StreamEvent
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, to_decimal, unit_key
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiLinked
from services.goals.domain.alignment import ALIGNMENT, Alignment, serves_upwards
from services.goals.domain.cycle import Cycle
from services.goals.domain.kpi import Kpi


def link(
    alignment: Alignment,
    *,
    cycle: Cycle,
    kpi: Kpi,
    links: Sequence[t.FurtherLink],
    parents: Container[str],
    ends: Mapping[str, Kpi | None],
    effective_on: date,
    proposal_id: str = "",
    at: str = "further",
) -> list[StreamEvent]:
    """Let a KPI support and hinder these, and nothing else, from a day on.

    `parents`: of the CSFs and goals among them those that are there. `ends`: the KPIs among them. Raises `Rejected`
    naming the field.
    """
    made = alignment.links.get(kpi.id, ())
    on = max(effective_on, made[0].effective_on) if made else effective_on
    shares = Decimal(0)
    for index, one in enumerate(links):
        here, kind = f"{at}[{index}]", one.to.WhichOneof("target")
        if kind is None:
            raise Rejected("MISSING", "say what it supports or hinders", kind=Kind.INVALID, field=f"{here}.to")
        if any(one.to == other.to for other in links[:index]):
            raise Rejected("LINKED_TWICE", "name each once", kind=Kind.INVALID, field=f"{here}.to", rule="G-74")
        if any((first := alignment.link(kpi.id, day)) and first.parent == one.to for day in alignment.days_from(on)):
            told = "it serves that first already"
            raise Rejected("LINKED_TWICE", told, kind=Kind.INVALID, field=f"{here}.to", rule="G-74")
        if kind == "kpi_id":
            _check_kpi(alignment, cycle, kpi, one, on, f"{here}.to.kpi_id")
        elif kind == "csf_id" and one.to.csf_id not in parents:
            raise unknown("csf", one.to.csf_id, f"{here}.to.csf_id")
        elif kind == "goal_id" and one.to.goal_id not in parents:
            raise unknown("goal", one.to.goal_id, f"{here}.to.goal_id")
        shares += _check_share(kpi, one, ends.get(one.to.kpi_id), f"{here}.share")
    if shares > 100:
        told = f"what it counts for comes to {shares.normalize():f} %: a KPI counts once, 100 % at most"
        raise Rejected("SHARES_OVER_100", told, kind=Kind.INVALID, field=at, rule="G-74")
    before = alignment.beside(kpi.id, on)
    if list(before) == list(links):
        return []
    linked = KpiLinked(
        cycle_id=cycle.id,
        kpi_id=kpi.id,
        before=t.FurtherLinks(links=before),
        after=t.FurtherLinks(links=links),
        effective_on=from_date(on),
        proposal_id=proposal_id,
    )
    return [StreamEvent(ALIGNMENT(cycle.alignment_id), linked)]


def _check_kpi(alignment: Alignment, cycle: Cycle, kpi: Kpi, one: t.FurtherLink, on: date, at: str) -> None:
    """What supports looks upwards and makes no circle, as what serves does; what hinders looks anywhere."""
    to = one.to.kpi_id
    if to == kpi.id:
        raise Rejected("ALIGNMENT_CIRCLE", "a KPI is not linked to itself", field=at, rule="G-60")
    if to not in alignment.links or alignment.ended(to, on):
        raise unknown("kpi", to, at)
    if one.effect != t.EFFECT_SUPPORTS:
        return
    if to in alignment.ends and not alignment.ended(kpi.id, alignment.ends[to]):
        raise Rejected("KPI_RETIRED", f"what it shall support ends on {alignment.ends[to]}", field=at)
    for day in alignment.days_from(on):
        if kpi.id in alignment.above(to, day):
            told = "a KPI cannot serve itself, over others or not"
            raise Rejected("ALIGNMENT_CIRCLE", told, field=at, rule="G-60")
    serves_upwards(alignment, cycle, kpi.level, to, at)


def _check_share(kpi: Kpi, one: t.FurtherLink, to: Kpi | None, at: str) -> Decimal:
    """How much of it counts there, in per cent. Only what adds up there can be shared with it."""
    share = to_decimal(one.share) if one.HasField("share") else None
    if not share:
        return Decimal(0)
    if one.effect != t.EFFECT_SUPPORTS or to is None:
        told = "only with a KPI that it supports is something shared"
        raise Rejected("NOTHING_TO_SHARE", told, kind=Kind.INVALID, field=at, rule="G-74")
    if not adds_up(kpi, to):
        told = f"{kpi.name!r} does not add up to {to.name!r}: leave the share away"
        raise Rejected("NOTHING_TO_SHARE", told, kind=Kind.INVALID, field=at, rule="G-74")
    return share


def adds_up(kpi: Kpi, to: Kpi) -> bool:
    """A part of a KPI can count for another one."""
    own, other = kpi.measure, to.measure
    alike = own.kind == other.kind == t.MEASURE_KIND_CUMULATIVE and own.direction == other.direction
    return alike and own.direction != t.DIRECTION_KEEP and unit_key(own.unit) == unit_key(other.unit)
