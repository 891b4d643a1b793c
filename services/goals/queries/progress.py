"""Values of KPIs, as of any moment."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from services.goals.domain.standing import Value
from services.goals.views.progress import VALUES, ProgressRow

# The current value of each KPI: of the last day up to d that has one, the last recorded up to t.
CURRENT = f"""
select k.kpi_id, v.* from unnest($2::text[]) k(kpi_id) cross join lateral (
  select occurred_on, value, confidence, recorded_at from {VALUES}
  where tenant = $1 and kpi_id = k.kpi_id and recorded_at <= $3 and occurred_on <= $4
  order by occurred_on desc, version desc limit 1
) v
"""
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
    rows = await con.fetch(CURRENT, tenant, list(kpi_ids), known, on)
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
