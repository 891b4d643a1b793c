"""Strategic goals and critical success factors, as the contract shows them."""

from datetime import date, datetime

import asyncpg

from eventkit.values import from_decimal
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.views.strategy import CSFS, GOALS

_LATEST = """
    select * from (
        select *, min(position) over same as first_position, max(position) over same as last_position
        from {table} where tenant = $1 and recorded_at <= $2 window same as (partition by {id})
    ) known where position = last_position and (withdrawn_on is null or withdrawn_on > $3) order by first_position
"""
"""What each thing said last, up to an instant, but for what was withdrawn by a day. What was there first is first."""


async def strategy_ids(con: asyncpg.Connection, tenant: str) -> tuple[list[str], list[str]]:
    """Of all goals and all success factors that were ever recorded."""
    goal_rows = await con.fetch(f"select distinct goal_id from {GOALS} where tenant = $1", tenant)
    csf_rows = await con.fetch(f"select distinct csf_id from {CSFS} where tenant = $1", tenant)
    return [row["goal_id"] for row in goal_rows], [row["csf_id"] for row in csf_rows]


async def goals(con: asyncpg.Connection, tenant: str, known: datetime, on: date) -> list[pb.StrategicGoal]:
    """The strategic goals of a day, as they were known at an instant, in the order they were set."""
    rows = await con.fetch(_LATEST.format(table=GOALS, id="goal_id"), tenant, known, on)
    return [
        pb.StrategicGoal(
            goal_id=r["goal_id"], name=r["name"], year=r["year"], target=from_decimal(r["target"]), unit=r["unit"]
        )
        for r in rows
    ]


async def csfs(con: asyncpg.Connection, tenant: str, known: datetime, on: date) -> list[pb.Csf]:
    """The success factors of a day, as they were known at an instant, in the order they were chosen."""
    rows = await con.fetch(_LATEST.format(table=CSFS, id="csf_id"), tenant, known, on)
    return [pb.Csf(csf_id=r["csf_id"], name=r["name"], goal_ids=r["goal_ids"], why=r["why"]) for r in rows]


async def names(con: asyncpg.Connection, tenant: str, known: datetime, on: date) -> dict[str, str]:
    """What goals and success factors are called, by their ids."""
    found = {goal.goal_id: goal.name for goal in await goals(con, tenant, known, on)}
    return found | {csf.csf_id: csf.name for csf in await csfs(con, tenant, known, on)}
