"""Progress of KPIs, fed by the topic of checkins: every value ever recorded, so that any day can be asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import packed, required_date, to_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from services.goals.domain.progress import PROGRESS, Progress


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


class ProgressView(View[ProgressRow]):
    name, source, categories, key = "progress", "checkins", (PROGRESS.category,), ("tenant", "kpi_id", "version")
    version = 2
    indexes = ("tenant, kpi_id, occurred_on desc, version desc",)
    row = ProgressRow

    def fold(self, rows: Rows[ProgressRow], event: Recorded) -> None:
        match event.message:
            case ProgressRecorded() as e:
                rows.put(
                    ProgressRow(
                        event.tenant,
                        e.kpi_id,
                        event.version,
                        required_date(e.occurred_on),
                        event.recorded_at,
                        to_decimal(e.before),
                        Decimal(e.after.value),
                        e.confidence,
                        packed(e.note),
                        event.origin.actor,
                        str(event.id),
                    )
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[ProgressRow]:
        progress: Progress | None = None
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
