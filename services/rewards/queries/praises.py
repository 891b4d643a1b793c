"""The feed of praise, as its reader may see it."""

from datetime import datetime

import asyncpg

from eventkit.rpc.paging import asked
from eventkit.values import from_date, from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as t
from services.rewards.views.core_value import TABLE as CORE_VALUES
from services.rewards.views.known import KNOWN_KPIS
from services.rewards.views.praise import PRAISES

PAGE = 20


async def feed(con: asyncpg.Connection, tenant: str, request: pb.ListPraises, reader: str) -> pb.Praises:
    """A page of what `reader` may see, the newest first: public praise, and what they gave or are praised in."""
    page = asked(request, tenant, int, size=PAGE)
    rows = await con.fetch(
        f"select p.*, v.name as value_name, k.name as kpi_name from {PRAISES} p "
        f"left join {CORE_VALUES} v on v.tenant = p.tenant and v.value_id = p.value_id "
        f"left join {KNOWN_KPIS} k on k.tenant = p.tenant and k.kpi_id = p.kpi_id "
        "where p.tenant = $1 and ($2::bigint is null or p.position < $2) "
        "and ($3 = '' or p.giver_id = $3 or $3 = any(p.praised)) and ($4 = '' or p.value_id = $4) and ($5 = '' or "
        "p.kpi_id = $5) "
        "and (p.visibility = $6 or p.giver_id = $7 or $7 = any(p.praised)) "
        "order by p.position desc limit $8",
        tenant,
        page.after[0] if page.after else None,
        request.person_id,
        request.value_id,
        request.kpi_id,
        t.VISIBILITY_PUBLIC,
        reader,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["position"],))
    return pb.Praises(praises=map(_praise, shown), next_page_token=token)


async def last_given(
    con: asyncpg.Connection, tenant: str, giver_id: str, receiver_id: str, unit_id: str
) -> datetime | None:
    """When a giver last praised a person, or a unit; None: never yet."""
    return await con.fetchval(
        f"select max(given_at) from {PRAISES} where tenant = $1 and giver_id = $2 and receiver_id = $3 and unit_id = "
        "$4",
        tenant,
        giver_id,
        receiver_id,
        unit_id,
    )


def _praise(row: asyncpg.Record) -> pb.Praise:
    return pb.Praise(
        praise_id=row["praise_id"],
        giver_id=row["giver_id"],
        receiver_id=row["receiver_id"],
        unit_id=row["unit_id"],
        value_id=row["value_id"],
        value_name=row["value_name"] or "",
        kpi_id=row["kpi_id"],
        kpi_name=row["kpi_name"] or "",
        visibility=row["visibility"],
        words=PersonalText.FromString(row["words"]),
        deed_on=from_date(row["deed_on"]) if row["deed_on"] else None,
        given_at=from_datetime(row["given_at"]),
        points=row["points"],
    )
