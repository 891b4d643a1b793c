"""What is to change of one KPI, and what of that is still so as it was when it was written (G-66, G-69)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import StreamEvent
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected
from eventkit.values import from_date, from_decimal, same, to_decimal
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiChanged, KpiTargetRevised
from services.goals.domain import naming
from services.goals.domain.alignment import Alignment
from services.goals.domain.kpi import EDGES, KPI, Kpi, active, check_is_rate, check_measure, existing, revised, saying

SAID = ("name", "statement", "weight", "owners", "helpers", "evaluator_id", "unit", "unit_id", "volume_kpi_id")
"""The parts of what a KPI says beside its numbers, by their names in the contract."""
Part = str | Decimal | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Cause:
    """By what a KPI changes: a proposal, which has the reason, or somebody who gives it."""

    reason_class: t.ReasonClass.ValueType
    proposal_id: str = ""
    reason: PersonalText | None = None


def part(said: t.KpiSaid, name: str) -> Part:
    """One part, to be compared; None: it is not said."""
    if not said.HasField(name):  # type: ignore[arg-type] # one of SAID
        return None
    value = getattr(said, name)
    match name:
        case "weight":
            return to_decimal(value)
        case "owners" | "helpers":
            return tuple(value.ids)
        case _:
            return str(value)


def said_of(kpi: Kpi) -> t.KpiSaid:
    """All that a KPI says beside its numbers."""
    return t.KpiSaid(
        name=kpi.name,
        statement=kpi.statement,
        weight=from_decimal(kpi.weight),
        owners=t.PersonIds(ids=kpi.owners),
        helpers=t.PersonIds(ids=kpi.helpers),
        evaluator_id=kpi.evaluator,
        unit=kpi.measure.unit,
        unit_id=kpi.unit_id,
        volume_kpi_id=kpi.measure.volume_kpi_id,
    )


def some_of(said: t.KpiSaid, names: Mapping[str, object] | list[str]) -> t.KpiSaid:
    """Only these parts."""
    found = t.KpiSaid()
    for name in names:
        value = getattr(said, name)
        if isinstance(value, str):
            setattr(found, name, value)
        else:
            getattr(found, name).CopyFrom(value)
    return found


@dataclass(frozen=True, slots=True)
class AsItIs:
    """What a change may be of: a KPI's numbers, what it says, what it serves, and what else it supports or hinders."""

    measure: t.Measure
    said: t.KpiSaid
    parent: t.Parent
    further: Sequence[t.FurtherLink] = ()


def as_it_is(kpi: Kpi, alignment: Alignment, day: date) -> AsItIs:
    """A KPI on a day; one that comes into force later, on its first."""
    on = max(day, kpi.defined_on)
    link = alignment.link(kpi.id, on)
    return AsItIs(kpi.measure, said_of(kpi), link.parent if link else t.Parent(), alignment.beside(kpi.id, on))


def moved(now: AsItIs, change: t.TargetChange) -> str:
    """Which part that a change names as it was is another one by now, as the path of its `before`; empty: none."""
    measure, said, parent = now.measure, now.said, now.parent
    if change.HasField("before") and not same(measure.target, change.before):
        return "before"
    for edge in EDGES:
        if change.HasField(edge) and to_decimal(getattr(measure, edge)) != to_decimal(getattr(change, edge).before):
            return f"{edge}.before"
    for name in SAID:
        if change.said.after.HasField(name) and part(said, name) != part(change.said.before, name):  # type: ignore[arg-type] # a field
            return f"said.before.{name}"
    if change.HasField("parent") and parent != change.parent.before:
        return "parent.before"
    further = change.HasField("further") and list(now.further) != list(change.further.before.links)
    return "further.before" if further else ""


def changes_nothing(change: t.TargetChange) -> bool:
    if change.ends:
        return False
    edges = [getattr(change, edge) for edge in EDGES if change.HasField(edge)]
    said = [part(change.said.before, name) == part(change.said.after, name) for name in SAID]
    parent = not change.HasField("parent") or (change.parent.before == change.parent.after and not change.parent.why)
    numbers = not change.HasField("after") or same(change.before, change.after)
    further = list(change.further.before.links) == list(change.further.after.links)
    return (
        numbers and parent and further and all(said) and all(to_decimal(e.before) == to_decimal(e.after) for e in edges)
    )


def check_whole(change: t.TargetChange, at: str) -> None:
    """Every new part says what it replaces, and what ends is not changed as well. Raises `Rejected`."""
    if change.HasField("before") != change.HasField("after"):
        field = f"{at}.{'before' if change.HasField('after') else 'after'}"
        raise Rejected("MISSING", "give the target as it is and as it is to be", kind=Kind.INVALID, field=field)
    for name in SAID:
        before, after = change.said.before.HasField(name), change.said.after.HasField(name)  # type: ignore[arg-type] # a field
        if before != after:
            field = f"{at}.said.{'before' if after else 'after'}.{name}"
            raise Rejected("MISSING", f"give {name} as it is and as it is to be", kind=Kind.INVALID, field=field)
    if change.said.after.HasField("name") and not change.said.after.name.strip():
        raise Rejected("MISSING", "a KPI has a name", kind=Kind.INVALID, field=f"{at}.said.after.name")
    others = any(map(change.HasField, ("after", "said", "parent", "further")))
    if change.ends and (others or any(map(change.HasField, EDGES))):
        raise Rejected("ENDS_ALONE", "what ends is not changed as well", kind=Kind.INVALID, field=f"{at}.ends")


def numbers(kpi: Kpi, change: t.TargetChange, *, today: date, cause: Cause, at: str) -> list[StreamEvent]:
    """Another target, and other edges where the change has them."""
    edges = [edge for edge in EDGES if change.HasField(edge) and not _stays(getattr(change, edge))]
    if not edges and (not change.HasField("after") or same(change.before, change.after)):
        return []
    check_measure(revised(kpi.measure, change), at, target_at=f"{at}.after")
    event = KpiTargetRevised(
        kpi_id=kpi.id,
        before=kpi.measure.target,
        after=change.after if change.HasField("after") else kpi.measure.target,
        effective_on=from_date(max(today, kpi.effective_on)),
        proposal_id=cause.proposal_id,
        reason_class=cause.reason_class,
    )
    for edge in edges:
        getattr(event, edge).CopyFrom(getattr(change, edge))
    return [StreamEvent(KPI(kpi.id), event)]


def said(
    kpi: Kpi, change: t.TargetChange, volume: Kpi | None, org: OrgChart, *, today: date, cause: Cause, at: str
) -> list[StreamEvent]:
    """Other words, weight, people, units, or another KPI that it is a rate of: `volume`; None where there is none.
    Where that may be, and until when, the alignment knows."""
    before, after = said_of(kpi), change.said.after
    differing = [name for name in SAID if (then := part(after, name)) is not None and then != part(before, name)]
    if not differing:
        return []
    then, field = saying(kpi, after), f"{at}.said.after"
    naming.check(
        _named(then),
        org,
        naming.Fields(f"{field}.owners.ids", f"{field}.unit_id", f"{field}.helpers.ids", f"{field}.evaluator_id"),
        before=_named(kpi),
    )
    if "volume_kpi_id" in differing and after.volume_kpi_id:
        other = existing(volume, after.volume_kpi_id, f"{field}.volume_kpi_id")
        _check_volume(kpi, other, f"{field}.volume_kpi_id")
    event = KpiChanged(
        kpi_id=kpi.id,
        before=some_of(before, differing),
        after=some_of(after, differing),
        effective_on=from_date(max(today, kpi.effective_on)),
        proposal_id=cause.proposal_id,
        reason_class=cause.reason_class,
        reason=cause.reason,
    )
    return [StreamEvent(KPI(kpi.id), event)]


def _check_volume(kpi: Kpi, volume: Kpi, at: str) -> None:
    """Raises `Rejected` for what is no rate, and for what it cannot be one of.

    One that is computed might be computed from the rate: as nothing else of a computation changes, there is no other
    way to a circle (G-78).
    """
    if volume.id == kpi.id:
        raise Rejected("VOLUME_OF_ITSELF", "a rate is one of another KPI", kind=Kind.INVALID, field=at, rule="G-78")
    check_is_rate(kpi.measure, at)
    if volume.computation:
        told = f"{volume.name!r} is computed; a rate becomes one of a KPI whose values are entered"
        raise Rejected("VOLUME_COMPUTED", told, kind=Kind.INVALID, field=at, rule="G-78")


def check_current(kpi: Kpi, alignment: Alignment, change: t.TargetChange, today: date, at: str, proposed: bool) -> None:
    """It is in force, and everything that the change names as it was is so still.

    Raises `Rejected` PROPOSAL_STALE, or KPI_CHANGED_MEANWHILE where nobody proposed it.
    """
    active(kpi, today, f"{at}.kpi_id")
    if field := moved(as_it_is(kpi, alignment, today), change):
        told = f"{kpi.name!r} is another by now than when this was written: {field}"
        if proposed:
            raise Rejected("PROPOSAL_STALE", told, field=f"{at}.{field}")
        raise Rejected("KPI_CHANGED_MEANWHILE", told, field=f"{at}.{field}")


def _stays(edge: t.EdgeChange) -> bool:
    return to_decimal(edge.before) == to_decimal(edge.after)


def _named(kpi: Kpi) -> naming.Named:
    return naming.Named(kpi.level, kpi.owners, kpi.unit_id, kpi.helpers, kpi.evaluator)
