"""A person's wallet; and those in which something is over."""

from datetime import UTC, date, datetime, timedelta

import asyncpg

from eventkit.database import connection
from eventkit.directory.facts import DEFAULT_TIME_ZONE
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from services.rewards.views.wallet import WALLETS, WalletRow


async def wallet(con: asyncpg.Connection, tenant: str, person_id: str) -> WalletRow:
    """A person's wallet; an empty one for whom nothing has moved yet."""
    row = await con.fetchrow(f"select * from {WALLETS} where tenant = $1 and person_id = $2", tenant, person_id)
    return WALLETS.of(row) if row else WalletRow(tenant, person_id, None, 0, 0, [], None)


def left_to_give(row: WalletRow, monthly: int, today: date) -> tuple[int, int]:
    """What of a month's allowance is left on a day, and what it was on the 1st.

    One that nothing was given of yet is there whole.
    """
    month = today.replace(day=1)
    return (row.allowance, row.granted) if row.month is not None and row.month >= month else (monthly, monthly)


async def over(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """The wallets of all tenants in which something is over at an instant, the longest over first.

    Rows hold days, which end in their tenant's time zone; the index finds those of the day that may have begun
    somewhere on earth.
    """
    async with connection(pool) as con:
        rows = await con.fetch(
            "select w.tenant, w.person_id, w.over_on::timestamp at time zone coalesce(t.time_zone, $2) as over_at "
            f"from {WALLETS} w "
            f"left join {TenantView().table} t using (tenant) "
            "where w.over_on <= $3 and w.over_on::timestamp at time zone coalesce(t.time_zone, $2) <= $1 "
            "order by over_at, w.tenant, w.person_id limit $4",
            at,
            DEFAULT_TIME_ZONE,
            at.astimezone(UTC).date() + timedelta(days=1),
            most,
        )
    return [Due(row["tenant"], row["person_id"], row["over_at"]) for row in rows]
