"""Progress of KPIs, fed by the topic of checkins: every value ever recorded, put right or taken back, so that any day
can be asked for on both clocks; and who records for others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import packed, required_date, to_date, to_decimal
from nhip.checkins.v1.events_pb2 import (
    DelegateNamed,
    DelegateRevoked,
    ProgressCorrected,
    ProgressRecorded,
    ProgressRetracted,
)
from services.goals.domain.progress import PROGRESS

VERSION = 3
"""Of what is kept of checkins."""


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """What one event says of one day: the value that stands for it from then on, or none."""

    tenant: str
    kpi_id: str
    version: int
    occurred_on: date
    recorded_at: datetime
    event: str
    """The event's name; empty: only that a value was moved to another day, on which the event is told."""
    before: Decimal | None
    value: Decimal | None
    """None: nothing stands for the day any more."""
    confidence: int
    note: bytes
    """Sealed: what was said with the value, or why it was put right or taken back; empty for none."""
    reason_class: int
    moved_from: date | None
    """The day from which the value was moved here."""
    evidence: bytes
    """The message of the contract; empty for none."""
    actor: str
    event_id: str


Value = ProgressRecorded | ProgressCorrected | ProgressRetracted


class ProgressView(View[ProgressRow]):
    name, source, categories = "progress", "checkins", (PROGRESS.category,)
    key = ("tenant", "kpi_id", "version", "occurred_on")
    version = VERSION
    indexes = ("tenant, kpi_id, occurred_on desc, version desc",)
    row = ProgressRow
    folds = (ProgressRecorded, ProgressCorrected, ProgressRetracted)
    passes_over = (DelegateNamed, DelegateRevoked)

    def fold(self, rows: Rows[ProgressRow], event: Recorded) -> None:
        match event.message:
            case ProgressRecorded() | ProgressCorrected() | ProgressRetracted() as e:
                for on in _days(e):
                    rows.put(_row(event, e, on, _after(e, on)))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[ProgressRow]:
        progress = PROGRESS.initial
        for event in events:
            progress = PROGRESS.evolve(progress, event.message)  # type: ignore[arg-type] # what a topic holds
            match event.message:
                case ProgressRecorded() | ProgressCorrected() | ProgressRetracted() as e:
                    for on in _days(e):
                        stands = progress.days.get(on)
                        yield _row(event, e, on, stands.value if stands else None)
                case _:
                    pass


def _days(e: Value) -> Iterator[date]:
    """The days that an event says something of."""
    yield required_date(e.occurred_on)
    if isinstance(e, ProgressCorrected) and e.HasField("moved_to"):
        yield required_date(e.moved_to)


def _after(e: Value, on: date) -> Decimal | None:
    """The value that stands for one of its days from then on."""
    if isinstance(e, ProgressRetracted):
        return None
    moved_to = to_date(e.moved_to) if isinstance(e, ProgressCorrected) else None
    return to_decimal(e.after) if on == (moved_to or required_date(e.occurred_on)) else None


def _row(event: Recorded, e: Value, on: date, value: Decimal | None) -> ProgressRow:
    was = required_date(e.occurred_on)
    left = value is None and isinstance(e, ProgressCorrected)
    return ProgressRow(
        tenant=event.tenant,
        kpi_id=event.stream.id,
        version=event.version,
        occurred_on=on,
        recorded_at=event.recorded_at,
        event="" if left else type(e).__name__,
        before=to_decimal(e.before),
        value=value,
        confidence=0 if value is None or isinstance(e, ProgressRetracted) else e.confidence,
        note=packed(e.note if isinstance(e, ProgressRecorded) else e.reason),
        reason_class=0 if isinstance(e, ProgressRecorded) else e.reason_class,
        moved_from=was if on != was else None,
        evidence=b"" if isinstance(e, ProgressRetracted) else packed(e.evidence),
        actor=event.origin.actor,
        event_id=str(event.id),
    )


VALUES = ProgressView().table


@dataclass(frozen=True, slots=True)
class DelegateRow:
    tenant: str
    kpi_id: str
    person_id: str
    owner_id: str
    """In whose place; empty: no more."""


class DelegateView(View[DelegateRow]):
    name, source, categories, key = "delegate", "checkins", (PROGRESS.category,), ("tenant", "kpi_id", "person_id")
    version = VERSION
    indexes = ("tenant, person_id",)
    row = DelegateRow
    folds = (DelegateNamed, DelegateRevoked)
    passes_over = (ProgressRecorded, ProgressCorrected, ProgressRetracted)

    def fold(self, rows: Rows[DelegateRow], event: Recorded) -> None:
        match event.message:
            case DelegateNamed() as e:
                rows.put(DelegateRow(event.tenant, event.stream.id, e.person_id, e.owner_id))
            case DelegateRevoked() as e:
                rows.put(DelegateRow(event.tenant, event.stream.id, e.person_id, ""))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[DelegateRow]:
        progress, named = PROGRESS.initial, dict[str, None]()
        for event in events:
            progress = PROGRESS.evolve(progress, event.message)  # type: ignore[arg-type] # what a topic holds
            if isinstance(event.message, DelegateNamed):
                named[event.message.person_id] = None
        for person in named:
            yield DelegateRow(events[0].tenant, events[0].stream.id, person, progress.delegates.get(person, ""))


DELEGATES = DelegateView().table
