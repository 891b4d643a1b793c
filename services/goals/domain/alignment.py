"""The alignment of a cycle and of those in it: which KPI serves which CSF, KPI or strategic goal (G-33, G-60), and what
else it supports or hinders (G-74).

One stream per outermost cycle owns every link, so that no two commands at once can make a circle, or leave a KPI under
one that has ended.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from rpds import HashTrieMap, HashTrieSet

from eventkit.commands.aggregate import Aggregate, StreamEvent, refuse_unknown
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiLinked, KpiTakenOff
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
class Further:
    """All that a KPI supports or hinders beside what it serves first."""

    links: tuple[t.FurtherLink, ...]
    effective_on: date


_NO_LINKS: HashTrieMap[str, tuple[Link, ...]] = HashTrieMap()
_NOTHING_FURTHER: HashTrieMap[str, tuple[Further, ...]] = HashTrieMap()
_NO_ENDS: HashTrieMap[str, date] = HashTrieMap()
_NEVER: HashTrieMap[str, HashTrieSet[str]] = HashTrieMap()


@dataclass(frozen=True, slots=True)
class Alignment:
    """The KPIs of the cycles and what each serves, by the day from which on: in force on a day is the last link that
    was made for it or for a day before. Links and ends may lie ahead.

    Twenty thousand KPIs are a normal company, so what an event changes leaves the rest where it is.
    """

    links: HashTrieMap[str, tuple[Link, ...]] = _NO_LINKS
    """As they were made, the first one first."""
    further: HashTrieMap[str, tuple[Further, ...]] = _NOTHING_FURTHER
    """What else each supports or hinders, likewise."""
    ends: HashTrieMap[str, date] = _NO_ENDS
    """From which day on a KPI is not part of it any more."""
    ever: HashTrieMap[str, HashTrieSet[str]] = _NEVER
    """By a goal, CSF or KPI the KPIs that ever had a link to it."""
    days: frozenset[date] = frozenset()
    """On which something begins or ends."""

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
        """What a KPI serves first on a day; None where it is not, or not yet, in the cycle."""
        if self.ended(kpi_id, day):
            return None
        return next((link for link in reversed(self.links.get(kpi_id, ())) if link.effective_on <= day), None)

    def beside(self, kpi_id: str, day: date) -> tuple[t.FurtherLink, ...]:
        """What else it supports or hinders on a day. What was hindered and has ended is not any more."""
        if self.ended(kpi_id, day):
            return ()
        made = next((one for one in reversed(self.further.get(kpi_id, ())) if one.effective_on <= day), None)
        return tuple(link for link in made.links if not self.ended(link.to.kpi_id, day)) if made else ()

    def served(self, kpi_id: str, day: date) -> list[t.Parent]:
        """All that it serves or supports on a day, what it serves first first."""
        link = self.link(kpi_id, day)
        first = [link.parent] if link and link.parent.WhichOneof("target") else []
        return first + [one.to for one in self.beside(kpi_id, day) if one.effect == t.EFFECT_SUPPORTS]

    def children(self, kpi_id: str, day: date) -> set[str]:
        """The KPIs that serve or support it on a day."""
        return {child for child in self.ever.get(kpi_id, ()) if t.Parent(kpi_id=kpi_id) in self.served(child, day)}

    def cycles_below(self, kpi_id: str, day: date) -> set[str]:
        """The cycles of the KPIs that serve it on a day or on one after it."""
        later = self.days_from(day)
        return {self.cycle_of(child) for on in later for child in self.children(kpi_id, on)}

    def serving(self, parent: t.Parent, day: date) -> set[str]:
        """The KPIs that have a link to a goal, CSF or KPI on a day or on one that comes after it."""
        days, id = self.days_from(day), target_of(parent)
        return {
            kpi
            for kpi in self.ever.get(id, ())
            if any(parent in self.served(kpi, on) or parent in [b.to for b in self.beside(kpi, on)] for on in days)
        }

    def above(self, kpi_id: str, day: date) -> Iterator[str]:
        """The KPIs that it serves or supports on a day, over others or not, each once."""
        seen, open_ = {kpi_id}, [kpi_id]
        while open_:
            for parent in self.served(open_.pop(), day):
                if parent.kpi_id and parent.kpi_id not in seen:
                    seen.add(parent.kpi_id)
                    open_.append(parent.kpi_id)
                    yield parent.kpi_id

    def days_from(self, day: date) -> list[date]:
        """A day and those after it on which something changes: what holds on each of them holds always from then on."""
        return sorted({day, *(ahead for ahead in self.days if ahead > day)})

    def having(self, kpi_id: str, to: Sequence[t.Parent], on: date) -> Alignment:
        """The same with the KPI noted at these ends, and the day on which something of it begins."""
        ever = self.ever
        for parent in to:
            if id := target_of(parent):
                known = ever.get(id)
                ever = ever.insert(id, HashTrieSet([kpi_id]) if known is None else known.insert(kpi_id))
        return replace(self, ever=ever, days=self.days if on in self.days else self.days | {on})


def target_of(parent: t.Parent) -> str:
    """The id of the goal, CSF or KPI; empty: none."""
    kind = parent.WhichOneof("target")
    return getattr(parent, kind) if kind else ""


def evolve(alignment: Alignment, event: KpiAligned | KpiLinked | KpiTakenOff) -> Alignment:
    match event:
        case KpiAligned(kpi_id=kpi_id):
            on = required_date(event.effective_on)
            link = Link(event.after, event.why, on, event.cycle_id, event.level)
            links = alignment.links.insert(kpi_id, (*alignment.links.get(kpi_id, ()), link))
            return replace(alignment.having(kpi_id, [event.after], on), links=links)
        case KpiLinked(kpi_id=kpi_id):
            on = required_date(event.effective_on)
            made = Further(tuple(event.after.links), on)
            further = alignment.further.insert(kpi_id, (*alignment.further.get(kpi_id, ()), made))
            return replace(alignment.having(kpi_id, [link.to for link in made.links], on), further=further)
        case KpiTakenOff(kpi_id=kpi_id):
            on = required_date(event.effective_on)
            return replace(alignment.having(kpi_id, [], on), ends=alignment.ends.insert(kpi_id, on))
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
    further_follows: bool = False,
) -> list[StreamEvent]:
    """Put a KPI of a cycle under what it serves, from a day on.

    Of a CSF or a goal, `parent_exists` says whether it is there; of a KPI, the alignment itself knows.
    `further_follows`: what it supports or hinders besides is decided next, and whether that names this one again.
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
        serves_upwards(alignment, cycle, level, parent.kpi_id, field_name)
    elif kind and not parent_exists:
        raise unknown(kind.removesuffix("_id"), getattr(parent, kind), f"{at}.{kind}")
    beside = (one.to for day in alignment.days_from(on) for one in alignment.beside(kpi_id, day))
    if kind and not further_follows and parent in beside:
        told = "it is linked to that already, beside what it serves first: take that link away first"
        raise Rejected("LINKED_TWICE", told, kind=Kind.INVALID, field=f"{at}.{kind}", rule="G-74")
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


def serves_upwards(
    alignment: Alignment, cycle: Cycle, level: t.Level.ValueType, parent_id: str, field_name: str
) -> None:
    """What a KPI serves is of its own cycle or of one around it, and of its own level or a higher one."""
    if alignment.cycle_of(parent_id) not in (cycle.id, *cycle.enclosing):
        told = "a KPI serves one of its own cycle, or of a cycle that its own lies in"
        raise Rejected("CYCLE_NOT_ENCLOSING", told, kind=Kind.INVALID, field=field_name)
    if alignment.links[parent_id][-1].level > level:
        told = "a KPI serves one of its own level or of a higher one: an individual's a department's, not the reverse"
        raise Rejected("LEVEL_ORDER", told, kind=Kind.INVALID, field=field_name, rule="G-31")


def check_volume(alignment: Alignment, cycle: Cycle, volume_id: str, day: date, field_name: str) -> None:
    """What a KPI of a cycle is a rate of is one of its own cycle or of one around it, and has not ended by that day."""
    if volume_id not in alignment.links:
        raise unknown("kpi", volume_id, field_name)
    if alignment.cycle_of(volume_id) not in (cycle.id, *cycle.enclosing):
        told = "a KPI is a rate of one of its own cycle, or of a cycle that its own lies in"
        raise Rejected("CYCLE_NOT_ENCLOSING", told, kind=Kind.INVALID, field=field_name)
    if alignment.ended(volume_id, day):
        told = f"what it is a rate of ends on {alignment.ends[volume_id]}"
        raise Rejected("KPI_RETIRED", told, field=field_name)


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
