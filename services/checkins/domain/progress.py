"""Progress of one KPI: a value for a day, by whom and how sure (C-06).

What was recorded stays; a later value for the same day replaces it, and any value can be put right or taken back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.values import from_date, from_decimal, plain, required_date, to_date
from nhip.checkins.v1.checkins_pb2 import CorrectProgress, RecordProgress, RetractProgress
from nhip.checkins.v1.events_pb2 import (
    DelegateNamed,
    DelegateRevoked,
    ProgressCorrected,
    ProgressRecorded,
    ProgressRetracted,
)
from nhip.checkins.v1.types_pb2 import Evidence
from services.checkins.domain import evidence
from services.checkins.domain.doubt import Measured, doubt


@dataclass(frozen=True, slots=True)
class Entry:
    value: Decimal
    confidence: int
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, slots=True)
class Progress:
    """What stands for each day, and who records it for others."""

    days: Mapping[date, Entry] = field(default_factory=dict[date, Entry])
    delegates: Mapping[str, str] = field(default_factory=dict[str, str])
    """By person, in whose place they record: for as long as those answer for the KPI."""

    def current(self, day: date) -> Entry | None:
        """What is current on a day: the value for it, or for the last day before."""
        earlier = [d for d in self.days if d <= day]
        return self.days[max(earlier)] if earlier else None


Recorded = ProgressRecorded | ProgressCorrected | ProgressRetracted | DelegateNamed | DelegateRevoked


def evolve(progress: Progress, event: Recorded) -> Progress:
    match event:
        case ProgressRecorded():
            entry = Entry(Decimal(event.after.value), event.confidence, event.evidence)
            return replace(progress, days={**progress.days, required_date(event.occurred_on): entry})
        case ProgressCorrected():
            was = required_date(event.occurred_on)
            entry = Entry(Decimal(event.after.value), event.confidence, event.evidence)
            left = {day: stands for day, stands in progress.days.items() if day != was}
            return replace(progress, days={**left, to_date(event.moved_to) or was: entry})
        case ProgressRetracted():
            was = required_date(event.occurred_on)
            return replace(progress, days={day: entry for day, entry in progress.days.items() if day != was})
        case DelegateNamed():
            return replace(progress, delegates={**progress.delegates, event.person_id: event.owner_id})
        case DelegateRevoked():
            left = {person: owner for person, owner in progress.delegates.items() if person != event.person_id}
            return replace(progress, delegates=left)
        case _:
            refuse_unknown(event)


PROGRESS = Aggregate("progress", Progress(), evolve)


@dataclass(frozen=True, slots=True)
class KnownKpi:
    """A KPI as far as recording progress goes."""

    id: str
    cycle_id: str
    owners: tuple[str, ...]
    retired_on: date | None
    """From this day on, which may lie ahead, it is not in force any more."""
    counts: bool
    """Its values add up or say done: none is below zero."""
    starts_on: date
    ends_on: date
    measured: Measured
    computed_from: tuple[str, ...] = ()
    """The KPIs that it is computed from; empty: its values are entered."""
    unit_id: str = ""
    """Whose it is; empty: its owners'."""


def may_record(progress: Progress, kpi: KnownKpi, person_id: str) -> bool:
    """Who answers for a KPI, and whom one of those named to record for them (G-32)."""
    return person_id in kpi.owners or progress.delegates.get(person_id, "") in kpi.owners


def record(
    progress: Progress,
    command: RecordProgress,
    kpi: KnownKpi,
    actor: Actor,
    today: date,
    *,
    usual_confidence: int,
    covered: bool = False,
) -> Decision:
    """`usual_confidence`: how sure somebody is who does not say (C-06). `covered`: it is in the scope of the
    integration that records it (X-07)."""
    _check_recorder(progress, kpi, actor, today, covered=covered)
    on = _day(to_date(command.occurred_on) or min(kpi.ends_on, today), kpi, today, "occurred_on")
    value = _value(Decimal(command.value.value), kpi, "value")
    if not command.confirmed:
        _doubt(progress, value, on, kpi, "value")
    evidence.check(command.evidence, "evidence")
    confidence = command.confidence if command.HasField("confidence") else usual_confidence
    stands = progress.days.get(on)
    has_note = command.HasField("note") and command.note.plain.strip() != ""
    shown = command.evidence if command.HasField("evidence") else None
    if stands and (stands.value, stands.confidence) == (value, confidence) and not has_note and not shown:
        return []
    before = stands or progress.current(on)
    recorded = ProgressRecorded(
        kpi_id=kpi.id,
        cycle_id=kpi.cycle_id,
        occurred_on=from_date(on),
        before=from_decimal(before.value) if before else None,
        after=from_decimal(value),
        confidence=confidence,
        note=command.note if has_note else None,
        correction=stands is not None,
        # An import writes down what the owner said.
        author_id=kpi.owners[0] if actor.is_importer and kpi.owners else actor.words_of,
        evidence=shown,
    )
    return [StreamEvent(PROGRESS(kpi.id), recorded)]


def correct(progress: Progress, command: CorrectProgress, kpi: KnownKpi, actor: Actor, today: date) -> Decision:
    """Put a value right: another number, day or confidence. What it names as it stands must still stand so (C-07)."""
    _check_recorder(progress, kpi, actor, today)
    was = required_date(command.occurred_on)
    value = _value(Decimal(command.after.value), kpi, "after")
    evidence.check(command.evidence, "evidence")
    stands = _standing(progress, was, Decimal(command.before.value))
    on = _day(to_date(command.moved_to) or was, kpi, today, "moved_to")
    if on != was and on in progress.days:
        raise Rejected(
            "DAY_TAKEN",
            f"a value stands for {on} already: put that one right, or take one of them back",
            field="moved_to",
            rule="C-07",
            parameters={"day": on.isoformat()},
        )
    if not command.confirmed and (on, value) != (was, stands.value):
        left = replace(progress, days={day: entry for day, entry in progress.days.items() if day != was})
        _doubt(left, value, on, kpi, "after")
    confidence = command.confidence if command.HasField("confidence") else stands.confidence
    shown = command.evidence if command.HasField("evidence") else stands.evidence
    if (on, value, confidence, shown) == (was, stands.value, stands.confidence, stands.evidence):
        return []
    corrected = ProgressCorrected(
        kpi_id=kpi.id,
        cycle_id=kpi.cycle_id,
        occurred_on=from_date(was),
        before=from_decimal(stands.value),
        after=from_decimal(value),
        moved_to=from_date(on) if on != was else None,
        confidence=confidence,
        reason_class=command.reason_class,
        reason=command.reason,
        author_id=actor.id,
        evidence=shown if shown.ByteSize() else None,
    )
    return [StreamEvent(PROGRESS(kpi.id), corrected)]


def retract(progress: Progress, command: RetractProgress, kpi: KnownKpi, actor: Actor, today: date) -> Decision:
    """Take a value back: nothing stands for its day any more. What it names as it stands must still stand so."""
    _check_recorder(progress, kpi, actor, today)
    on = required_date(command.occurred_on)
    stands = _standing(progress, on, Decimal(command.before.value))
    retracted = ProgressRetracted(
        kpi_id=kpi.id,
        cycle_id=kpi.cycle_id,
        occurred_on=from_date(on),
        before=from_decimal(stands.value),
        reason_class=command.reason_class,
        reason=command.reason,
        author_id=actor.id,
    )
    return [StreamEvent(PROGRESS(kpi.id), retracted)]


def _check_recorder(progress: Progress, kpi: KnownKpi, actor: Actor, today: date, *, covered: bool = False) -> None:
    if actor.kind == "integration":
        if not covered:
            raise Rejected(
                "OUT_OF_SCOPE",
                "this KPI is not in the integration's scope",
                kind=Kind.FORBIDDEN,
                field="kpi_id",
                rule="X-07",
            )
    elif not actor.is_importer and not may_record(progress, kpi, actor.id):
        raise Rejected(
            "NOT_AN_OWNER",
            "only who answers for a KPI, or whom they named for it, records its progress",
            kind=Kind.FORBIDDEN,
            rule="G-32",
        )
    if kpi.computed_from:
        raise Rejected(
            "KPI_COMPUTED",
            f"nobody enters its value: it is computed from {', '.join(kpi.computed_from)}",
            field="kpi_id",
            rule="G-78",
        )
    if kpi.retired_on is not None and kpi.retired_on <= today:
        raise Rejected("KPI_RETIRED", "this KPI has ended", field="kpi_id")


def _day(on: date, kpi: KnownKpi, today: date, field: str) -> date:
    last = min(kpi.ends_on, today)
    if not kpi.starts_on <= on <= last:
        raise Rejected(
            "OUTSIDE_CYCLE",
            f"give a day from {kpi.starts_on} to {last}",
            kind=Kind.INVALID,
            field=field,
            rule="C-07",
        )
    return on


def _value(value: Decimal, kpi: KnownKpi, field: str) -> Decimal:
    if kpi.counts and value < 0:
        raise Rejected("VALUE_NEGATIVE", "what is counted is zero or more", kind=Kind.INVALID, field=field, rule="C-06")
    return value


def _doubt(progress: Progress, value: Decimal, on: date, kpi: KnownKpi, field: str) -> None:
    found = doubt(value, on, {day: entry.value for day, entry in progress.days.items()}, kpi.measured)
    if found is None:
        return
    likelier = "" if found.likelier is None else f"; was it {plain(found.likelier)}?"
    raise Rejected(
        "VALUE_DOUBTFUL",
        f"{plain(value)} looks mistyped ({found.kind}){likelier} If it is so, send it with `confirmed`",
        kind=Kind.INVALID,
        field=field,
        rule="C-06",
        parameters=found.parameters,
    )


def _standing(progress: Progress, on: date, named: Decimal) -> Entry:
    stands = progress.days.get(on)
    if stands is None:
        raise Rejected(
            "PROGRESS_UNKNOWN", f"no value stands for {on}", kind=Kind.UNKNOWN, field="occurred_on", rule="C-07"
        )
    if stands.value != named:
        raise Rejected(
            "PROGRESS_MOVED",
            f"for {on} stands {plain(stands.value)} by now",
            kind=Kind.CONFLICT,
            field="before",
            rule="C-07",
            parameters={"value": plain(stands.value), "day": on.isoformat()},
        )
    return stands
