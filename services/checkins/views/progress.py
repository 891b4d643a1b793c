"""Everything recorded about a KPI's progress, what was put right and taken back too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed, required_date, to_date
from nhip.checkins.v1.events_pb2 import (
    DelegateNamed,
    DelegateRevoked,
    ProgressCorrected,
    ProgressRecorded,
    ProgressRetracted,
)
from nhip.checkins.v1.types_pb2 import Evidence
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.progress import PROGRESS, Progress
from services.checkins.views import VERSION


@dataclass(frozen=True, slots=True)
class EntryRow:
    tenant: str
    kpi_id: str
    version: int
    occurred_on: date
    replaces_on: date | None
    """The day for which stood what it puts right or takes back; None: it is a value of its own."""
    recorded_at: datetime
    value: Decimal | None
    """None: a value was taken back."""
    confidence: int
    note: bytes
    """Sealed: what was said with the value, or why it was put right or taken back; empty for none."""
    reason_class: int
    evidence: bytes
    actor: str
    event_id: str


Entry = ProgressRecorded | ProgressCorrected | ProgressRetracted


class EntryView(WrittenWhole[EntryRow, Entry]):
    name, source, categories, key = "progress_entry", "checkins", (PROGRESS.category,), ("tenant", "kpi_id", "version")
    version = VERSION
    row = EntryRow
    folds = (ProgressRecorded, ProgressCorrected, ProgressRetracted)
    passes_over = (DelegateNamed, DelegateRevoked)

    def written(self, event: Recorded, e: Entry) -> EntryRow:
        on = required_date(e.occurred_on)
        match e:
            case ProgressRecorded():
                return _row(event, on, None, Decimal(e.after.value), e.confidence, e.note, 0, e.evidence)
            case ProgressCorrected():
                moved, value = to_date(e.moved_to) or on, Decimal(e.after.value)
                return _row(event, moved, on, value, e.confidence, e.reason, e.reason_class, e.evidence)
            case ProgressRetracted():
                return _row(event, on, on, None, 0, e.reason, e.reason_class, Evidence())

    def expected(self, events: Sequence[Recorded]) -> Iterable[EntryRow]:
        progress = PROGRESS.initial
        for event in events:
            before, progress = progress, PROGRESS.evolve(progress, event.message)  # type: ignore[arg-type] # of the stream
            if not isinstance(e := event.message, self.folds):
                continue
            corrects = not isinstance(e, ProgressRecorded)
            on = _moved(before, progress) if isinstance(e, ProgressCorrected) else None
            on = on or required_date(e.occurred_on)  # type: ignore[attr-defined] # one of `folds`
            entry = progress.days.get(on)
            yield _row(
                event,
                on,
                required_date(e.occurred_on) if corrects else None,  # type: ignore[attr-defined] # one of `folds`
                entry.value if entry else None,
                entry.confidence if entry else 0,
                e.reason if corrects else e.note,  # type: ignore[attr-defined] # one of `folds`
                e.reason_class if corrects else 0,  # type: ignore[attr-defined] # one of `folds`
                entry.evidence if entry else Evidence(),
            )


def _moved(before: Progress, after: Progress) -> date | None:
    """The day that has a value now and had none."""
    return next((day for day in after.days if day not in before.days), None)


def _row(
    event: Recorded,
    on: date,
    replaces_on: date | None,
    value: Decimal | None,
    confidence: int,
    note: PersonalText,
    reason_class: int,
    evidence: Evidence,
) -> EntryRow:
    return EntryRow(
        tenant=event.tenant,
        kpi_id=event.stream.id,
        version=event.version,
        occurred_on=on,
        replaces_on=replaces_on,
        recorded_at=event.recorded_at,
        value=value,
        confidence=confidence,
        note=packed(note),
        reason_class=reason_class,
        evidence=packed(evidence),
        actor=event.origin.actor,
        event_id=str(event.id),
    )


ENTRIES = EntryView().table
