"""A page of a person's movements of points, with what each was for."""

import asyncpg

from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as t
from services.rewards.views.gift import GIFTS
from services.rewards.views.movement import MOVEMENTS
from services.rewards.views.praise import PRAISES
from services.rewards.views.redemption import REDEMPTIONS

PAGE = 50


async def movements(
    con: asyncpg.Connection, tenant: str, person_id: str, request: pb.GetWallet, reader: str
) -> tuple[list[pb.Movement], str]:
    """A page of a person's movements, the newest first, and the token of the next.

    Of private praise, only who gave it or is praised in it is told the other side.
    """
    page = asked(request, tenant, int, size=PAGE)
    rows = await con.fetch(
        "select m.*, p.giver_id, p.receiver_id, p.unit_id, g.name as gift_name, "
        "coalesce(p.visibility = $4 or p.giver_id = $3 or $3 = any(p.praised), false) as open "
        f"from {MOVEMENTS} m "
        f"left join {PRAISES} p on p.tenant = m.tenant and p.praise_id = m.praise_id "
        f"left join {REDEMPTIONS} r on r.tenant = m.tenant and r.redemption_id = m.redemption_id "
        f"left join {GIFTS} g on g.tenant = r.tenant and g.gift_id = r.gift_id "
        "where m.tenant = $1 and m.person_id = $2 and ($6::bigint is null or m.version < $6) order by m.version desc "
        "limit $5",
        tenant,
        person_id,
        reader,
        t.VISIBILITY_PUBLIC,
        page.limit,
        page.after[0] if page.after else None,
    )
    shown, token = page.cut(rows, lambda row: (row["version"],))
    return [_movement(row) for row in shown], token


def _movement(row: asyncpg.Record) -> pb.Movement:
    other = row["receiver_id"] if row["kind"] == pb.MOVEMENT_KIND_ALLOWANCE_SPENT else row["giver_id"]
    return pb.Movement(
        event_id=row["event_id"],
        at=from_datetime(row["at"]),
        kind=row["kind"],
        points=row["points"],
        balance=row["balance"],
        praise_id=row["praise_id"],
        redemption_id=row["redemption_id"],
        other_id=other if row["open"] else "",
        unit_id=row["unit_id"] if row["open"] else "",
        gift_name=row["gift_name"] or "",
        reason=PersonalText.FromString(row["reason"]) if row["reason"] else None,
    )
