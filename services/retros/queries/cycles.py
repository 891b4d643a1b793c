"""Cycles as far as retros has heard of them; and those whose last day has begun."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from eventkit.database import connection
from eventkit.directory.defaults import DEFAULT_TIME_ZONE
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from services.retros.domain.looking_back import KnownCycle
from services.retros.views.cycle import KNOWN_CYCLES
from services.retros.views.round import ROUNDS

NEWS_DAYS = 14
"""A cycle that ended longer ago, as in a company that brings its past in, is no news."""


async def known_cycle(con: asyncpg.Connection, tenant: str, cycle_id: str) -> KnownCycle | None:
    row = await con.fetchrow(
        f"select * from {KNOWN_CYCLES} where tenant = $1 and cycle_id = $2 and not withdrawn", tenant, cycle_id
    )
    return KnownCycle(row["cycle_id"], row["name"], row["starts_on"], row["ends_on"]) if row else None


async def ending(pool: asyncpg.Pool, at: datetime, most: int) -> Sequence[Due]:
    """The cycles of all tenants whose last day has begun, in the tenant's zone, and whose round has not.

    Of cycles that lie in each other the innermost: a year's last day is that of its last quarter.
    """
    async with connection(pool) as con:
        rows = await con.fetch(
            f"""select c.tenant, c.cycle_id, c.ends_on::timestamp at time zone coalesce(t.time_zone, $2) as begins_at
            from {KNOWN_CYCLES} c
            left join {TenantView().table} t using (tenant)
            left join {ROUNDS} r using (tenant, cycle_id)
            where r.cycle_id is null and not c.withdrawn and cardinality(c.inner_ids) = 0
              and c.ends_on between $3::date - $4::integer and $3
              and c.ends_on::timestamp at time zone coalesce(t.time_zone, $2) <= $1
            order by begins_at, c.tenant, c.cycle_id limit $5""",
            at,
            DEFAULT_TIME_ZONE,
            at.astimezone(UTC).date() + timedelta(days=1),
            NEWS_DAYS,
            most,
        )
    return [Due(row["tenant"], row["cycle_id"], row["begins_at"]) for row in rows]
