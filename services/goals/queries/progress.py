"""Values of KPIs, as of any moment."""

from collections.abc import Sequence
from datetime import date, datetime

import asyncpg

from services.goals.domain.standing import Value
from services.goals.views.progress import DELEGATES, VALUES, ProgressRow

# What stands for a day at t: the last that was recorded of it up to then, unless that is that nothing does.
STANDS = f"""
v.tenant = $1 and v.recorded_at <= $3 and v.occurred_on <= $4 and v.value is not null and not exists (
  select from {VALUES} l where l.tenant = v.tenant and l.kpi_id = v.kpi_id and l.occurred_on = v.occurred_on
  and l.version > v.version and l.recorded_at <= $3)
"""
# The current value of each KPI: of the last day up to d for which one stands.
CURRENT = f"""
select k.kpi_id, v.* from unnest($2::text[]) k(kpi_id) cross join lateral (
  select occurred_on, value, confidence, recorded_at, actor from {VALUES} v
  where v.kpi_id = k.kpi_id and {STANDS} order by occurred_on desc, version desc limit 1
) v
"""
# Progress(t, d): per occurred day the value that stands for it at t.
DAYS = f"""
select kpi_id, occurred_on, value, confidence, recorded_at, actor from {VALUES} v
where v.kpi_id = any($2::text[]) and {STANDS} order by kpi_id, occurred_on
"""
# What stood for a day up to d, and does not at t: the newest first.
REPLACED = f"""
select v.occurred_on, v.value, v.confidence, v.recorded_at, v.actor, l.recorded_at as replaced_at from {VALUES} v
cross join lateral (
  select recorded_at from {VALUES} l where l.tenant = v.tenant and l.kpi_id = v.kpi_id
  and l.occurred_on = v.occurred_on and l.version > v.version and l.recorded_at <= $3 order by version limit 1
) l
where v.tenant = $1 and v.kpi_id = $2 and v.value is not null and v.occurred_on <= $4
order by v.version desc limit $5
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


async def trends(
    con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str], known: datetime, on: date
) -> dict[str, list[Value]]:
    """Of some KPIs the value for each day that has one, the earliest first."""
    found: dict[str, list[Value]] = {id: [] for id in kpi_ids}
    for row in await con.fetch(DAYS, tenant, list(kpi_ids), known, on):
        found[row["kpi_id"]].append(_value(row))
    return found


async def replaced(
    con: asyncpg.Connection, tenant: str, kpi_id: str, known: datetime, on: date, *, most: int
) -> list[tuple[Value, datetime]]:
    """The last of what stood for a day and was replaced, moved or taken back, and when."""
    rows = await con.fetch(REPLACED, tenant, kpi_id, known, on, most)
    return [(_value(row), row["replaced_at"]) for row in rows]


async def delegates(con: asyncpg.Connection, tenant: str, kpi_id: str) -> dict[str, str]:
    """Who is named to record a KPI's values, each with in whose place."""
    rows = await con.fetch(
        f"select person_id, owner_id from {DELEGATES} where tenant = $1 and kpi_id = $2 and owner_id <> '' "
        "order by person_id",
        tenant,
        kpi_id,
    )
    return {row["person_id"]: row["owner_id"] for row in rows}


async def delegated(con: asyncpg.Connection, tenant: str, person_id: str) -> dict[str, str]:
    """The KPIs that somebody is named to record, each with in whose place."""
    rows = await con.fetch(
        f"select kpi_id, owner_id from {DELEGATES} where tenant = $1 and person_id = $2 and owner_id <> ''",
        tenant,
        person_id,
    )
    return {row["kpi_id"]: row["owner_id"] for row in rows}


async def entries(con: asyncpg.Connection, tenant: str, kpi_id: str, *, upto: datetime, most: int) -> list[ProgressRow]:
    """The last of what was recorded for a KPI up to an instant, corrected values too, the newest first."""
    rows = await con.fetch(
        f"select * from {VALUES} where tenant = $1 and kpi_id = $2 and recorded_at <= $3 and event <> '' "
        "order by version desc limit $4",
        tenant,
        kpi_id,
        upto,
        most,
    )
    return [VALUES.of(row) for row in rows]


def _value(row: asyncpg.Record) -> Value:
    kind, _, person = row["actor"].partition(":")
    by = person if kind == "person" else ""
    return Value(row["value"], row["confidence"], row["occurred_on"], row["recorded_at"], by)
