"""The shop: a page of gifts."""

import asyncpg

from eventkit.rpc.paging import asked
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.views.gift import GIFTS

PAGE = 200


async def shop(con: asyncpg.Connection, tenant: str, request: pb.ListGifts) -> pb.Gifts:
    """A page of what is offered, also where none is left just now, the cheapest first."""
    page = asked(request, tenant, int, str, str, size=PAGE)
    points, name, id = page.after or (None, "", "")
    rows = await con.fetch(
        f"""select * from {GIFTS} where tenant = $1 and not withdrawn and ($2 = '' or gift_id = $2)
        and ($3::bigint is null or (points, name collate "C", gift_id) > ($3, $4, $5))
        order by points, name collate "C", gift_id limit $6""",
        tenant,
        request.gift_id,
        points,
        name,
        id,
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["points"], row["name"], row["gift_id"]))
    gifts = [
        pb.Gift(
            gift_id=r["gift_id"], name=r["name"], description=r["description"], points=r["points"], stock=r["stock"]
        )
        for r in shown
    ]
    return pb.Gifts(gifts=gifts, next_page_token=token)
