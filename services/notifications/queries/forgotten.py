"""Which KPIs were forgotten: of which nothing was recorded for as long as its tenant says (C-02, N-04)."""

from datetime import date, datetime, timedelta

import asyncpg

from eventkit.database import connection
from eventkit.directory.setting_sql import in_force
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from nhip.goals.v1.types_pb2 import MEASURE_KIND_MILESTONE
from services.notifications.views.goals_facts import KnownCycleView, KnownKpiView
from services.notifications.views.notice import NoticeView
from services.notifications.views.standing_value import StandingValueView

GRACE = timedelta(days=1)
"""A KPI that was only just written down, as in an import, was not forgotten yet: its values may still be on their
way."""


# KPIs of cycles that run today, by the clock of their tenant, without a value for as long as it says, of which nobody
# was told yet. A milestone that was reached needs no more values. Told again only after a value came and as much time
# passed once more.
FORGOTTEN = f"""
select k.tenant, k.kpi_id, f.since, (f.since + f.days)::timestamp at time zone t.time_zone as due_at
from {KnownCycleView().table} c
join {TenantView().table} t on t.tenant = c.tenant
cross join lateral (select ($1::timestamptz at time zone t.time_zone)::date as today) d
cross join lateral ({in_force("stale_days", "t.tenant", "d.today")}) s
join {KnownKpiView().table} k on k.tenant = c.tenant and k.cycle_id = c.cycle_id
left join lateral (
  select on_day, value from {StandingValueView().table}
  where tenant = k.tenant and kpi_id = k.kpi_id and value is not null order by on_day desc limit 1
) v on true
cross join lateral (
  select coalesce(v.on_day, greatest(c.starts_on, k.defined_on)) as since, d.today, s.value as days
) f
where c.ends_on >= ($1::timestamptz at time zone 'UTC')::date - 1 and f.today between c.starts_on and c.ends_on
  and not k.retired and not k.computed and k.defined_at <= $1::timestamptz - $2::interval
  and f.today - f.since >= f.days
  and not (k.kind = {MEASURE_KIND_MILESTONE} and coalesce(v.value, 0) >= 1)
  and not exists (select from {NoticeView().table} n where n.tenant = k.tenant and n.kpi_id = k.kpi_id
      and n.since = f.since)
  {{which}}
order by due_at
{{limit}}
"""


async def forgotten(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """The KPIs of all tenants that were forgotten, those forgotten longest first."""
    async with connection(pool) as con:
        rows = await con.fetch(FORGOTTEN.format(which="", limit="limit $3"), at, GRACE, most)
    return [Due(row["tenant"], row["kpi_id"], row["due_at"]) for row in rows]


async def since(pool: asyncpg.Pool, due: Due, at: datetime) -> date | None:
    """From which day on a KPI was forgotten; None: it is not any more, or its people were told."""
    one = f"select since from ({FORGOTTEN.format(which='and k.tenant = $3 and k.kpi_id = $4', limit='')}) found"
    async with connection(pool) as con:
        return await con.fetchval(one, at, GRACE, due.tenant, due.thing)
