"""Progress of KPIs, fed by the topic of checkins: every value ever recorded, so that any day can be asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed, required_date, to_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from services.goals.domain.progress import PROGRESS


@dataclass(frozen=True, slots=True)
class ProgressRow:
    tenant: str
    kpi_id: str
    version: int
    occurred_on: date
    recorded_at: datetime
    before: Decimal | None
    value: Decimal
    confidence: int
    note: bytes
    """Sealed; empty for none."""
    actor: str
    event_id: str


class ProgressView(WrittenWhole[ProgressRow, ProgressRecorded]):
    name, source, categories, key = "progress", "checkins", (PROGRESS.category,), ("tenant", "kpi_id", "version")
    version = 2
    indexes = ("tenant, kpi_id, occurred_on desc, version desc",)
    row = ProgressRow
    folds = (ProgressRecorded,)

    def written(self, event: Recorded, e: ProgressRecorded) -> ProgressRow:
        return ProgressRow(
            tenant=event.tenant,
            kpi_id=e.kpi_id,
            version=event.version,
            occurred_on=required_date(e.occurred_on),
            recorded_at=event.recorded_at,
            before=to_decimal(e.before),
            value=Decimal(e.after.value),
            confidence=e.confidence,
            note=packed(e.note),
            actor=event.origin.actor,
            event_id=str(event.id),
        )

    def expected(self, events: Sequence[Recorded]) -> Iterable[ProgressRow]:
        progress = PROGRESS.initial
        for event in events:
            e = event.message
            assert isinstance(e, ProgressRecorded)
            progress = PROGRESS.evolve(progress, e)
            day = required_date(e.occurred_on)
            last = progress.days[day]
            yield ProgressRow(
                tenant=event.tenant,
                kpi_id=event.stream.id,
                version=progress.entries,
                occurred_on=day,
                recorded_at=event.recorded_at,
                before=to_decimal(last.before),
                value=Decimal(last.after.value),
                confidence=last.confidence,
                note=packed(last.note),
                actor=event.origin.actor,
                event_id=str(event.id),
            )


VALUES = ProgressView().table
