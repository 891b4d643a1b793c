"""Topics that have waited for an answer for longer than their company lets one wait."""

from datetime import datetime

import asyncpg

from eventkit.database import connection
from eventkit.directory.setting_sql import in_force
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from nhip.checkins.v1.types_pb2 import TOPIC_STATE_FORWARDED, TOPIC_STATE_OPEN
from services.checkins.views.topic import TOPICS

UNANSWERED = f"""
select p.tenant, p.topic_id, p.since + late.after as due_at
from {TOPICS} p
join {TenantView().table} t on t.tenant = p.tenant
cross join lateral (select ($1::timestamptz at time zone t.time_zone)::date as today) d
cross join lateral ({in_force("topic_days", "t.tenant", "d.today")}) s
cross join lateral (select s.value * interval '1 day' as after) late
where p.state in ({TOPIC_STATE_OPEN}, {TOPIC_STATE_FORWARDED}) and not p.reminded
  and p.since <= $1::timestamptz - late.after
order by due_at limit $2
"""


async def unanswered(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """Of all tenants, those that have waited longest first."""
    async with connection(pool) as con:
        rows = await con.fetch(UNANSWERED, at, most)
    return [Due(row["tenant"], row["topic_id"], row["due_at"]) for row in rows]
