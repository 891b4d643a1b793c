"""The alignment of a cycle: which KPI serves which CSF, KPI or strategic goal (G-33, G-60).

One stream per cycle owns every link, so that no two commands at once can make a circle, or leave a KPI under one that has ended.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from google.protobuf.message import Message

from eventkit.aggregate import Aggregate, Happened, UnknownEvent
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiTakenOff


@dataclass(frozen=True, slots=True)
class Link:
    """What a KPI serves, and why; a parent with no target set: nothing yet."""

    parent: t.Parent
    why: str
    effective_on: date


@dataclass(frozen=True, slots=True)
class Alignment:
    """The KPIs of a cycle that have not ended, and what each serves."""

    cycle_id: str = ""
    links: Mapping[str, Link] = field(default_factory=dict[str, Link])

    def children(self, kpi_id: str) -> list[str]:
        return [child for child, link in self.links.items() if link.parent.kpi_id == kpi_id]

    def above(self, kpi_id: str) -> Iterator[str]:
        """The KPIs that it serves, nearest first."""
        while (link := self.links.get(kpi_id)) and link.parent.kpi_id:
            kpi_id = link.parent.kpi_id
            yield kpi_id


def evolve(alignment: Alignment | None, event: Message) -> Alignment:
    now = alignment or Alignment()
    match event:
        case KpiAligned():
            link = Link(event.after, event.why, required_date(event.effective_on))
            return Alignment(event.cycle_id, {**now.links, event.kpi_id: link})
        case KpiTakenOff():
            return replace(now, links={kpi: link for kpi, link in now.links.items() if kpi != event.kpi_id})
        case _:
            raise UnknownEvent(event)


ALIGNMENT = Aggregate("alignment", evolve)


def align(
    alignment: Alignment | None,
    *,
    cycle_id: str,
    kpi_id: str,
    parent: t.Parent,
    parent_exists: bool,
    why: str,
    effective_on: date,
    at: str = "parent",
) -> list[Happened]:
    """Put a KPI under what it serves.

    Of a CSF or a goal, `parent_exists` says whether it is there; of a KPI, the alignment itself knows.
    """
    now = alignment or Alignment()
    kind = parent.WhichOneof("target")
    before = now.links.get(kpi_id)
    if kind == "kpi_id":
        field_name = f"{at}.kpi_id"
        if parent.kpi_id == kpi_id or kpi_id in now.above(parent.kpi_id):
            raise Rejected("ALIGNMENT_CIRCLE", "a KPI cannot serve itself, over others or not", field=field_name, rule="G-60")
        if parent.kpi_id not in now.links:
            raise unknown("kpi", parent.kpi_id, field_name)
    elif kind and not parent_exists:
        raise unknown(kind.removesuffix("_id"), getattr(parent, kind), f"{at}.{kind}")
    if before and before.parent == parent and before.why == why:
        return []
    return [
        Happened(
            ALIGNMENT(cycle_id),
            KpiAligned(
                cycle_id=cycle_id,
                kpi_id=kpi_id,
                before=before.parent if before else None,
                after=parent if kind else None,
                why=why,
                effective_on=from_date(max(effective_on, before.effective_on) if before else effective_on),
            ),
        )
    ]


def take_off(alignment: Alignment | None, *, cycle_id: str, kpi_id: str, effective_on: date) -> list[Happened]:
    """A KPI has ended: nothing may be left under it."""
    now = alignment or Alignment()
    if children := now.children(kpi_id):
        raise Rejected(
            "KPI_HAS_CHILDREN",
            f"{len(children)} KPIs still serve it: align them elsewhere, or retire them first",
            kind=Kind.REFUSED,
            field="kpi_id",
        )
    before = now.links.get(kpi_id)
    on = from_date(max(effective_on, before.effective_on) if before else effective_on)
    return [
        Happened(
            ALIGNMENT(cycle_id), KpiTakenOff(cycle_id=cycle_id, kpi_id=kpi_id, before=before.parent if before else None, effective_on=on)
        )
    ]
