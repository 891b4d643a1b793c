"""A page of planned changes; and those whose day has come."""

from datetime import UTC, date, datetime, timedelta

import asyncpg

from eventkit.context import acting_id
from eventkit.database import connection
from eventkit.directory.defaults import DEFAULT_TIME_ZONE
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime
from nhip.people.v1 import people_pb2 as pb
from services.people.views.planned import PLANS

PAGE = 50


async def planned_changes(con: asyncpg.Connection, tenant: str, request: pb.ListPlannedChanges) -> pb.PlannedChanges:
    """Those that wait, the nearest first; or all of them, the latest day first."""
    page = asked(request, tenant, date, str, size=PAGE)
    day, plan_id = page.after or (None, "")
    beyond, order = (">", "asc") if request.waiting else ("<", "desc")
    rows = await con.fetch(
        f"""select * from {PLANS}
        where tenant = $1 and (not $2 or state = $3) and ($4 = '' or $4 = any(about))
          and ($5::date is null or (on_day, plan_id) {beyond} ($5, $6))
        order by on_day {order}, plan_id {order} limit $7""",
        tenant,
        request.waiting,
        pb.PLAN_STATE_WAITING,
        request.about_id,
        day,
        plan_id,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["on_day"], row["plan_id"]))
    return pb.PlannedChanges(changes=map(_planned, shown), next_page_token=token)


def _planned(row: asyncpg.Record) -> pb.PlannedChange:
    return pb.PlannedChange(
        plan_id=row["plan_id"],
        on=from_date(row["on_day"]),
        change=pb.Change.FromString(row["change"]),
        planned_by=acting_id(row["planned_by"]),
        planned_at=from_datetime(row["planned_at"]),
        state=row["state"],
        refusal=row["refusal"],
        over_at=from_datetime(row["over_at"]) if row["over_at"] else None,
    )


async def planner_of(con: asyncpg.Connection, tenant: str, plan_id: str) -> str:
    """Who planned it, as events name an actor."""
    return await con.fetchval(f"select planned_by from {PLANS} where tenant = $1 and plan_id = $2", tenant, plan_id)


async def come(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """Those of all tenants whose day has begun, in the order in which they were planned.

    Rows hold days, which begin in their tenant's time zone; the index finds those of the day that may have begun
    somewhere on earth.
    """
    async with connection(pool) as con:
        rows = await con.fetch(
            f"""select p.tenant, p.plan_id, p.on_day::timestamp at time zone coalesce(t.time_zone, $2) as begins_at
            from {PLANS} p left join {TenantView().table} t using (tenant)
            where p.state = $3 and p.on_day <= $4 and p.on_day::timestamp at time zone coalesce(t.time_zone, $2) <= $1
            order by begins_at, p.planned_at, p.plan_id limit $5""",
            at,
            DEFAULT_TIME_ZONE,
            pb.PLAN_STATE_WAITING,
            at.astimezone(UTC).date() + timedelta(days=1),
            most,
        )
    return [Due(row["tenant"], row["plan_id"], row["begins_at"]) for row in rows]
