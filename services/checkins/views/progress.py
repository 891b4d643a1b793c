"""Everything recorded about a KPI's progress, corrected values too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed, required_date
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from services.checkins.domain.progress import PROGRESS


@dataclass(frozen=True, slots=True)
class EntryRow:
    tenant: str
    kpi_id: str
    version: int
    occurred_on: date
    recorded_at: datetime
    value: Decimal
    confidence: int
    note: bytes
    """Sealed; empty for none."""
    actor: str
    event_id: str


class EntryView(WrittenWhole[EntryRow, ProgressRecorded]):
    name, source, categories, key = "progress_entry", "checkins", (PROGRESS.category,), ("tenant", "kpi_id", "version")
    version = 2
    row = EntryRow
    folds = (ProgressRecorded,)

    def written(self, event: Recorded, e: ProgressRecorded) -> EntryRow:
        return EntryRow(
            tenant=event.tenant,
            kpi_id=e.kpi_id,
            version=event.version,
            occurred_on=required_date(e.occurred_on),
            recorded_at=event.recorded_at,
            value=Decimal(e.after.value),
            confidence=e.confidence,
            note=packed(e.note),
            actor=event.origin.actor,
            event_id=str(event.id),
        )

    def expected(self, events: Sequence[Recorded]) -> Iterable[EntryRow]:
        progress = PROGRESS.initial
        for number, event in enumerate(events, 1):
            e = event.message
            assert isinstance(e, ProgressRecorded)
            progress = PROGRESS.evolve(progress, e)
            day = required_date(e.occurred_on)
            entry = progress.days[day]
            note = packed(e.note)
            yield EntryRow(
                event.tenant,
                event.stream.id,
                number,
                day,
                event.recorded_at,
                entry.value,
                entry.confidence,
                note,
                event.origin.actor,
                str(event.id),
            )


ENTRIES = EntryView().table
