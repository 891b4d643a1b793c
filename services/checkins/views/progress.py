"""Everything recorded about a KPI's progress, corrected values too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.context import acting_id
from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import from_date, from_datetime, from_decimal, packed, required_date
from nhip.checkins.v1 import checkins_pb2 as pb
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain.progress import PROGRESS, Progress


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


class EntryView(View[EntryRow]):
    name, source, categories, key = "progress_entry", "checkins", (PROGRESS.category,), ("tenant", "kpi_id", "version")
    version = 2
    row = EntryRow

    def fold(self, rows: Rows[EntryRow], event: Recorded) -> None:
        match event.message:
            case ProgressRecorded() as e:
                rows.put(
                    EntryRow(
                        tenant=event.tenant,
                        kpi_id=e.kpi_id,
                        value=Decimal(e.after.value),
                        confidence=e.confidence,
                        occurred_on=required_date(e.occurred_on),
                        note=packed(e.note),
                        version=event.version,
                        recorded_at=event.recorded_at,
                        actor=event.origin.actor,
                        event_id=str(event.id),
                    )
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[EntryRow]:
        progress: Progress | None = None
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


async def entries(con: asyncpg.Connection, tenant: str, request: pb.ListProgress) -> pb.Progress:
    """A page of the entries of a KPI, the newest first; the last one of each day stands, the others were corrected."""
    page = asked(request, tenant, int, size=100)
    rows = await con.fetch(
        f"select e.*, exists (select from {ENTRIES} later where later.tenant = e.tenant and later.kpi_id = e.kpi_id "
        "and later.occurred_on = e.occurred_on and later.version > e.version) as corrected "
        f"from {ENTRIES} e where tenant = $1 and kpi_id = $2 and ($3::bigint is null or version < $3) order by version "
        "desc limit $4",
        tenant,
        request.kpi_id,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["version"],))
    return pb.Progress(entries=map(_entry, shown), next_page_token=token)


def _entry(row: asyncpg.Record) -> pb.ProgressEntry:
    return pb.ProgressEntry(
        event_id=row["event_id"],
        occurred_on=from_date(row["occurred_on"]),
        recorded_at=from_datetime(row["recorded_at"]),
        value=from_decimal(row["value"]),
        confidence=row["confidence"],
        note=PersonalText.FromString(row["note"]) if row["note"] else None,
        actor_id=acting_id(row["actor"]),
        corrected=row["corrected"],
    )
