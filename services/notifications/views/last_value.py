"""The last day that each KPI has a value for, from the topic of checkins; and which KPIs were forgotten (C-02,
N-04)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import asyncpg

from eventkit.database import connection
from eventkit.directory.views import TenantView
from eventkit.log import Recorded
from eventkit.process.service import Due
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.goals.v1.types_pb2 import MEASURE_KIND_MILESTONE
from services.notifications.views.goals_facts import HeardCycleView, HeardKpiView
from services.notifications.views.notice import NoticeView

STALE_AFTER_DAYS = 28
"""Two slots of two weeks (C-02, D-03)."""
GRACE = timedelta(days=1)
"""A KPI that was only just written down, as in an import, was not forgotten yet: its values may still be on their
way."""
MOST = 200


@dataclass(frozen=True, slots=True)
class LastValueRow:
    tenant: str
    kpi_id: str
    on_day: date
    value: Decimal


class LastValueView(View[LastValueRow]):
    name, source, categories, key = "last_value", "checkins", ("progress",), ("tenant", "kpi_id")
    version = 2
    row = LastValueRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[LastValueRow], event: Recorded) -> None:
        match event.message:
            case ProgressRecorded() as e:
                known, day = rows.get(event.tenant, event.stream.id), required_date(e.occurred_on)
                if known is None or known.on_day <= day:
                    rows.put(LastValueRow(event.tenant, e.kpi_id, day, Decimal(e.after.value)))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[LastValueRow]:
        values = {
            required_date(e.occurred_on): Decimal(e.after.value)
            for e in messages(events)
            if isinstance(e, ProgressRecorded)
        }
        if values:
            yield LastValueRow(events[0].tenant, events[0].stream.id, max(values), values[max(values)])


# KPIs of cycles that run today, by the clock of their tenant, without a value for two slots, of which nobody was told
# yet. A milestone that was reached needs no more values. Told again only after a value came and two slots passed once
# more.
FORGOTTEN = f"""
select k.tenant, k.kpi_id, f.since, (f.since + {STALE_AFTER_DAYS})::timestamp at time zone t.time_zone as due_at
from {HeardCycleView().table.name} c
join {TenantView().table.name} t on t.tenant = c.tenant
join {HeardKpiView().table.name} k on k.tenant = c.tenant and k.cycle_id = c.cycle_id
left join {LastValueView().table.name} v on v.tenant = k.tenant and v.kpi_id = k.kpi_id
cross join lateral (
  select coalesce(v.on_day, greatest(c.starts_on, k.defined_on)) as since,
      ($1::timestamptz at time zone t.time_zone)::date as today
) f
where c.ends_on >= ($1::timestamptz at time zone 'UTC')::date - 1 and f.today between c.starts_on and c.ends_on
  and not k.retired and k.defined_at <= $1::timestamptz - $2::interval
  and f.today - f.since >= {STALE_AFTER_DAYS}
  and not (k.kind = {MEASURE_KIND_MILESTONE} and coalesce(v.value, 0) >= 1)
  and not exists (select from {NoticeView().table.name} n where n.tenant = k.tenant and n.kpi_id = k.kpi_id
      and n.since = f.since)
  {{which}}
order by due_at
limit {MOST}
"""


async def forgotten(pool: asyncpg.Pool, at: datetime) -> list[Due]:
    """The KPIs of all tenants that were forgotten, those forgotten longest first."""
    async with connection(pool) as con:
        rows = await con.fetch(FORGOTTEN.format(which=""), at, GRACE)
    return [Due(row["tenant"], row["kpi_id"], row["due_at"]) for row in rows]


async def since(pool: asyncpg.Pool, due: Due, at: datetime) -> date | None:
    """From which day on a KPI was forgotten; None: it is not any more, or its people were told."""
    one = f"select since from ({FORGOTTEN.format(which='and k.tenant = $3 and k.kpi_id = $4')}) found"
    async with connection(pool) as con:
        return await con.fetchval(one, at, GRACE, due.tenant, due.thing)
