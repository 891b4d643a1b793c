"""Which mails are due, and of which notices they tell."""

from datetime import datetime

import asyncpg

from eventkit.database import connection
from eventkit.process.service import Due
from services.notifications.views.notice import MAIL, NoticeView

DIGEST = "digest/"
"""Before a person's id: all of their digest that is due. Other mails are called by their notice's id."""


async def mails_due(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """The mails of all tenants that are due, a person's digest as one, the longest due first."""
    async with connection(pool) as con:
        rows = await con.fetch(
            f"select tenant, case when digest then '{DIGEST}' || person_id else notice_id end as thing, min(due_at) as "
            "due_at "
            f"from {MAIL} where due_at <= $1 group by 1, 2 order by 3 limit $2",
            at,
            most,
        )
    return [Due(row["tenant"], row["thing"], row["due_at"]) for row in rows]


async def notices_of_mail(pool: asyncpg.Pool, due: Due, at: datetime) -> dict[str, str]:
    """The notices that one mail tells of, the first given first, each with its telling."""
    rows = await pool.fetch(
        f"select m.notice_id, m.telling_id from {MAIL} m join {NoticeView().table} n using (tenant, "
        "notice_id) "
        "where m.tenant = $1 and case when $2 then m.person_id = $3 and m.digest and m.due_at <= $4 else m.notice_id = "
        "$3 end "
        "order by n.position",
        due.tenant,
        due.thing.startswith(DIGEST),
        due.thing.removeprefix(DIGEST),
        at,
    )
    return {row["notice_id"]: row["telling_id"] for row in rows}
