"""The alignment of a cycle and of those in it: which KPI serves which CSF, KPI or strategic goal (G-33, G-60).

One stream per outermost cycle owns every link, so that no two commands at once can make a circle, or leave a KPI under
one that has ended.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from eventkit.commands.aggregate import Aggregate, StreamEvent, refuse_unknown
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiTakenOff
from services.goals.domain.cycle import Cycle


@dataclass(frozen=True, slots=True)
class Link:
    """What a KPI serves, and why; a parent with no target set: nothing yet."""

    parent: t.Parent
    why: str
    effective_on: date
    cycle_id: str
    """The cycle of the KPI."""
    level: t.Level.ValueType
    """Of the KPI; unspecified where it was not recorded."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The KPIs of the cycles and what each serves, by the day from which on: in force on a day is the last link that
    was made for it or for a day before. Links and ends may lie ahead."""

    links: Mapping[str, tuple[Link, ...]] = field(default_factory=dict[str, tuple[Link, ...]])
    """As they were made, the first one first."""
    ends: Mapping[str, date] = field(default_factory=dict[str, date])
    """From which day on a KPI is not part of it any more."""

    def cycle_of(self, kpi_id: str) -> str:
        return self.links[kpi_id][0].cycle_id

    def kpis_of(self, cycle_id: str) -> int:
        """How many KPIs a cycle ever had."""
        return sum(links[0].cycle_id == cycle_id for links in self.links.values())

    def last_begins(self, cycle_id: str) -> date | None:
        """The last day on which a KPI of a cycle comes into force; None: it has none."""
        return max(
            (links[0].effective_on for links in self.links.values() if links[0].cycle_id == cycle_id), default=None
        )

    def ended(self, kpi_id: str, day: date) -> bool:
        return kpi_id in self.ends and self.ends[kpi_id] <= day

    def link(self, kpi_id: str, day: date) -> Link | None:
        """What a KPI serves on a day; None where it is not, or not yet, in the cycle."""
        if self.ended(kpi_id, day):
            return None
        return next((link for link in reversed(self.links.get(kpi_id, ())) if link.effective_on <= day), None)

    def children(self, kpi_id: str, day: date) -> set[str]:
        """The KPIs that serve it on a day."""
        return {child for child in self.links if (link := self.link(child, day)) and link.parent.kpi_id == kpi_id}

    def cycles_below(self, kpi_id: str, day: date) -> set[str]:
        """The cycles of the KPIs that serve it on a day or on one after it."""
        later = self.days_from(day)
        return {self.cycle_of(child) for on in later for child in self.children(kpi_id, on)}

    def serving(self, parent: t.Parent, day: date) -> set[str]:
        """The KPIs that serve a goal, CSF or KPI directly on a day or on one that comes after it."""
        days = self.days_from(day)
        return {id for id in self.links if any((at := self.link(id, on)) and at.parent == parent for on in days)}

    def above(self, kpi_id: str, day: date) -> Iterator[str]:
        """The KPIs that it serves on a day, nearest first, each once."""
        seen = {kpi_id}
        while (link := self.link(kpi_id, day)) and (kpi_id := link.parent.kpi_id) and kpi_id not in seen:
            seen.add(kpi_id)
            yield kpi_id

    def days_from(self, day: date) -> list[date]:
        """A day and those after it on which something changes: what holds on each of them holds always from then on."""
        ahead = {link.effective_on for links in self.links.values() for link in links} | set(self.ends.values())
        return sorted({day, *(d for d in ahead if d > day)})


def evolve(alignment: Alignment, event: KpiAligned | KpiTakenOff) -> Alignment:
    match event:
        case KpiAligned():
            link = Link(event.after, event.why, required_date(event.effective_on), event.cycle_id, event.level)
            return replace(
                alignment, links={**alignment.links, event.kpi_id: (*alignment.links.get(event.kpi_id, ()), link)}
            )
        case KpiTakenOff():
            return replace(alignment, ends={**alignment.ends, event.kpi_id: required_date(event.effective_on)})
        case _:
            refuse_unknown(event)


ALIGNMENT = Aggregate("alignment", Alignment(), evolve)


def align(
    alignment: Alignment,
    *,
    cycle: Cycle,
    kpi_id: str,
    level: t.Level.ValueType,
    parent: t.Parent,
    parent_exists: bool,
    why: str,
    effective_on: date,
    at: str = "parent",
) -> list[StreamEvent]:
    """Put a KPI of a cycle under what it serves, from a day on.

    Of a CSF or a goal, `parent_exists` says whether it is there; of a KPI, the alignment itself knows.
    """
    kind = parent.WhichOneof("target")
    made = alignment.links.get(kpi_id, ())
    on = max(effective_on, made[0].effective_on) if made else effective_on  # not before it came to be
    before = alignment.link(kpi_id, on)
    if kind == "kpi_id":
        field_name = f"{at}.kpi_id"
        for day in alignment.days_from(on):
            if parent.kpi_id == kpi_id or kpi_id in alignment.above(parent.kpi_id, day):
                raise Rejected(
                    "ALIGNMENT_CIRCLE", "a KPI cannot serve itself, over others or not", field=field_name, rule="G-60"
                )
        if parent.kpi_id not in alignment.links or alignment.ended(parent.kpi_id, on):
            raise unknown("kpi", parent.kpi_id, field_name)
        if parent.kpi_id in alignment.ends and not alignment.ended(kpi_id, alignment.ends[parent.kpi_id]):
            raise Rejected(
                "KPI_RETIRED", f"what it shall serve ends on {alignment.ends[parent.kpi_id]}", field=field_name
            )
        _serves_upwards(alignment, cycle, level, parent.kpi_id, field_name)
    elif kind and not parent_exists:
        raise unknown(kind.removesuffix("_id"), getattr(parent, kind), f"{at}.{kind}")
    if before and before.parent == parent and before.why == why and before is made[-1]:
        return []
    return [
        StreamEvent(
            ALIGNMENT(cycle.alignment_id),
            KpiAligned(
                cycle_id=cycle.id,
                kpi_id=kpi_id,
                before=before.parent if before else None,
                after=parent if kind else None,
                why=why,
                effective_on=from_date(on),
                level=level,
            ),
        )
    ]


def _serves_upwards(
    alignment: Alignment, cycle: Cycle, level: t.Level.ValueType, parent_id: str, field_name: str
) -> None:
    """What a KPI serves is of its own cycle or of one around it, and of its own level or a higher one."""
    if alignment.cycle_of(parent_id) not in (cycle.id, *cycle.enclosing):
        told = "a KPI serves one of its own cycle, or of a cycle that its own lies in"
        raise Rejected("CYCLE_NOT_ENCLOSING", told, kind=Kind.INVALID, field=field_name)
    if alignment.links[parent_id][-1].level > level:
        told = "a KPI serves one of its own level or of a higher one: an individual's a department's, not the reverse"
        raise Rejected("LEVEL_ORDER", told, kind=Kind.INVALID, field=field_name, rule="G-31")


def take_off(
    alignment: Alignment,
    *,
    cycle: Cycle,
    kpi_id: str,
    effective_on: date,
    closed: Container[str] = (),
    at: str = "kpi_id",
) -> list[StreamEvent]:
    """A KPI ends on a day: nothing may be left under it from then on, but what is of a `closed` cycle."""
    made = alignment.links.get(kpi_id, ())
    on = max(effective_on, made[0].effective_on) if made else effective_on
    below = set[str]().union(*(alignment.children(kpi_id, day) for day in alignment.days_from(on)))
    if children := [child for child in below if alignment.cycle_of(child) not in closed]:
        raise Rejected(
            "KPI_HAS_CHILDREN",
            f"{len(children)} KPIs still serve it: align them elsewhere, or retire them first",
            kind=Kind.REFUSED,
            field=at,
        )
    before = alignment.link(kpi_id, on)
    taken = KpiTakenOff(
        cycle_id=cycle.id, kpi_id=kpi_id, before=before.parent if before else None, effective_on=from_date(on)
    )
    return [StreamEvent(ALIGNMENT(cycle.alignment_id), taken)]
