"""A page of core values; what they are called."""

import asyncpg

from eventkit.rpc.paging import asked
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.views.core_value import TABLE

PAGE = 200


async def core_values(con: asyncpg.Connection, tenant: str, request: pb.ListCoreValues) -> pb.CoreValues:
    page = asked(request, tenant, int, str, size=PAGE)
    rows = await con.fetch(
        f"""select value_id, name, position from {TABLE}
        where tenant = $1 and ($2::bigint is null or (position, value_id) > ($2, $3)) order by position,
            value_id limit $4""",
        tenant,
        *(page.after or (None, "")),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["position"], row["value_id"]))
    return pb.CoreValues(
        values=[pb.CoreValue(value_id=row["value_id"], name=row["name"]) for row in shown], next_page_token=token
    )


async def names(con: asyncpg.Connection, tenant: str) -> list[str]:
    """What core values are called, all of them: no two get one name."""
    return [row["name"] for row in await con.fetch(f"select name from {TABLE} where tenant = $1", tenant)]
