"""Cycles, strategic goals and critical success factors, as the contract shows them."""

from datetime import date, datetime

import asyncpg

from eventkit.names import name_key
from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_decimal
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.views.strategy import CSFS, CYCLES, GOALS, CycleRow

_LATEST = """
    select * from (
        select *, min(position) over same as first_position, max(version) over same as last_version
        from {table} where tenant = $1 and recorded_at <= $2 window same as (partition by {id})
    ) known where version = last_version order by first_position
"""
"""What each thing said last, up to an instant; the thing that was there first comes first."""


async def cycles(con: asyncpg.Connection, tenant: str, request: pb.ListCycles) -> pb.Cycles:
    """A page of the cycles, the latest first."""
    page = asked(request, tenant, date, str, size=100)
    starts_on, id = page.after or (None, None)
    rows = await con.fetch(
        f"select * from {CYCLES} where tenant = $1 and ($2::date is null or (starts_on, cycle_id) < ($2, $3)) "
        "order by starts_on desc, cycle_id desc limit $4",
        tenant,
        starts_on,
        id,
        page.limit,
    )
    shown, token = page.cut([CYCLES.of(row) for row in rows], lambda row: (row.starts_on, row.cycle_id))
    return pb.Cycles(cycles=map(cycle_message, shown), next_page_token=token)


async def cycle_names(con: asyncpg.Connection, tenant: str) -> frozenset[str]:
    """As names are compared."""
    rows = await con.fetch(f"select name from {CYCLES} where tenant = $1", tenant)
    return frozenset(name_key(row["name"]) for row in rows)


async def cycle(con: asyncpg.Connection, tenant: str, cycle_id: str) -> CycleRow | None:
    row = await con.fetchrow(f"select * from {CYCLES} where tenant = $1 and cycle_id = $2", tenant, cycle_id)
    return CYCLES.of(row) if row else None


def cycle_message(row: CycleRow) -> pb.Cycle:
    return pb.Cycle(
        cycle_id=row.cycle_id, name=row.name, starts_on=from_date(row.starts_on), ends_on=from_date(row.ends_on)
    )


async def goals(con: asyncpg.Connection, tenant: str, known: datetime) -> list[pb.StrategicGoal]:
    """The strategic goals recorded up to an instant, as they were known then, in the order they were set."""
    rows = await con.fetch(_LATEST.format(table=GOALS, id="goal_id"), tenant, known)
    return [
        pb.StrategicGoal(
            goal_id=r["goal_id"], name=r["name"], year=r["year"], target=from_decimal(r["target"]), unit=r["unit"]
        )
        for r in rows
    ]


async def csfs(con: asyncpg.Connection, tenant: str, known: datetime) -> list[pb.Csf]:
    """The success factors recorded up to an instant, as they were known then, in the order they were chosen."""
    rows = await con.fetch(_LATEST.format(table=CSFS, id="csf_id"), tenant, known)
    return [pb.Csf(csf_id=r["csf_id"], name=r["name"], goal_ids=r["goal_ids"], why=r["why"]) for r in rows]
