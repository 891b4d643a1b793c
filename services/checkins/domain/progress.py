"""Progress of one KPI: a value for a day, by whom and how sure (C-06).

What was recorded stays; a later value for the same day corrects it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.values import from_date, from_decimal, required_date, to_date
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.checkins.v1.events_pb2 import ProgressRecorded


@dataclass(frozen=True, slots=True)
class Entry:
    value: Decimal
    confidence: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What stands for each day."""

    days: Mapping[date, Entry] = field(default_factory=dict[date, Entry])

    def current(self, day: date) -> Entry | None:
        """What is current on a day: the value for it, or for the last day before."""
        earlier = [d for d in self.days if d <= day]
        return self.days[max(earlier)] if earlier else None


def evolve(progress: Progress, event: ProgressRecorded) -> Progress:
    match event:
        case ProgressRecorded():
            return Progress(
                {**progress.days, required_date(event.occurred_on): Entry(Decimal(event.after.value), event.confidence)}
            )
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


def record(
    progress: Progress, command: RecordProgress, kpi: KnownKpi, actor: Actor, today: date, *, usual_confidence: int
) -> Decision:
    """`usual_confidence`: how sure somebody is who does not say (C-06)."""
    imported = actor.is_importer
    if not imported and actor.id not in kpi.owners:
        raise Rejected(
            "NOT_AN_OWNER", "only who answers for a KPI records its progress", kind=Kind.FORBIDDEN, rule="G-32"
        )
    if kpi.retired_on is not None and kpi.retired_on <= today:
        raise Rejected("KPI_RETIRED", "this KPI has ended", field="kpi_id")
    last = min(kpi.ends_on, today)
    on = to_date(command.occurred_on) or last
    if not kpi.starts_on <= on <= last:
        raise Rejected(
            "OUTSIDE_CYCLE",
            f"give a day from {kpi.starts_on} to {last}",
            kind=Kind.INVALID,
            field="occurred_on",
            rule="C-07",
        )
    value = Decimal(command.value.value)
    if kpi.counts and value < 0:
        raise Rejected(
            "VALUE_NEGATIVE", "what is counted is zero or more", kind=Kind.INVALID, field="value", rule="C-06"
        )
    confidence = command.confidence if command.HasField("confidence") else usual_confidence
    stands = progress.days.get(on)
    has_note = command.HasField("note") and command.note.plain.strip() != ""
    if stands and (stands.value, stands.confidence) == (value, confidence) and not has_note:
        return []
    before = stands or progress.current(on)
    return [
        StreamEvent(
            PROGRESS(kpi.id),
            ProgressRecorded(
                kpi_id=kpi.id,
                cycle_id=kpi.cycle_id,
                occurred_on=from_date(on),
                before=from_decimal(before.value) if before else None,
                after=from_decimal(value),
                confidence=confidence,
                note=command.note if has_note else None,
                correction=stands is not None,
                # An import writes down what the owner said.
                author_id=kpi.owners[0] if imported and kpi.owners else actor.id,
            ),
        )
    ]
