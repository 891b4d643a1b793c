"""What things are called now, whichever cycle they are of, ended and withdrawn ones too."""

import asyncpg

from eventkit.subscriptions.table import reading
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.views.cycle import CYCLES
from services.goals.views.kpi import KPIS
from services.goals.views.strategy import CSFS, GOALS


def _last(table: object, id: str, order: str, argument: int) -> str:
    return (
        f"(select distinct on ({id}) {id} as id, name from {table} "
        f"where tenant = $1 and {id} = any(${argument}::text[]) order by {id}, {order} desc)"
    )


_NAMES = " union all ".join(
    (
        _last(KPIS, "kpi_id", "version", 2),
        _last(GOALS, "goal_id", "position", 3),
        _last(CSFS, "csf_id", "position", 4),
        f"(select cycle_id as id, name from {CYCLES} where tenant = $1 and cycle_id = any($5::text[]))",
    )
)


async def names(pool: asyncpg.Pool, tenant: str, request: pb.ListNames) -> pb.Names:
    asked = (list(ids) for ids in (request.kpi_ids, request.goal_ids, request.csf_ids, request.cycle_ids))
    async with reading(pool, tenant) as con:
        rows = await con.fetch(f"select id, name from ({_NAMES}) found order by id", tenant, *asked)
    return pb.Names(names=[pb.Name(id=row["id"], name=row["name"]) for row in rows])
