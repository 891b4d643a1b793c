"""Strategic goals and critical success factors, as the contract shows them."""

from datetime import datetime

import asyncpg

from eventkit.values import from_decimal
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.views.strategy import CSFS, GOALS

_LATEST = """
    select * from (
        select *, min(position) over same as first_position, max(version) over same as last_version
        from {table} where tenant = $1 and recorded_at <= $2 window same as (partition by {id})
    ) known where version = last_version order by first_position
"""
"""What each thing said last, up to an instant; the thing that was there first comes first."""


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
