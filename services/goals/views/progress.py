"""Progress of KPIs, fed by the topic of checkins: every value ever recorded, so that any day can be asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import packed, required_date, to_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from services.goals.domain.progress import PROGRESS, Progress
from services.goals.domain.standing import Value


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


# Progress(t, d): per occurred day the last value recorded up to t.
DAYS = f"""
select distinct on (kpi_id, occurred_on) kpi_id, occurred_on, value, confidence, recorded_at from {VALUES}
where tenant = $1 and kpi_id = any($2::text[]) and recorded_at <= $3 and occurred_on <= $4
order by kpi_id, occurred_on, version desc
"""


async def current(
    con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str], known: datetime, on: date
) -> dict[str, Value]:
    """The current value of each KPI: the one with the greatest day up to `on`."""
    rows = await con.fetch(
        f"select distinct on (kpi_id) * from ({DAYS}) days order by kpi_id, occurred_on desc",
        tenant,
        list(kpi_ids),
        known,
        on,
    )
    return {row["kpi_id"]: _value(row) for row in rows}


async def trend(con: asyncpg.Connection, tenant: str, kpi_id: str, known: datetime, on: date) -> list[Value]:
    """A KPI's value for each day that has one, the earliest first."""
    return [_value(row) for row in await con.fetch(DAYS, tenant, [kpi_id], known, on)]


async def entries(con: asyncpg.Connection, tenant: str, kpi_id: str, *, upto: datetime, most: int) -> list[ProgressRow]:
    """The last of what was recorded for a KPI up to an instant, corrected values too, the newest first."""
    rows = await con.fetch(
        f"select * from {VALUES} where tenant = $1 and kpi_id = $2 and recorded_at <= $3 order by version desc limit "
        "$4",
        tenant,
        kpi_id,
        upto,
        most,
    )
    return [VALUES.of(row) for row in rows]


def _value(row: asyncpg.Record) -> Value:
    return Value(row["value"], row["confidence"], row["occurred_on"], row["recorded_at"])
