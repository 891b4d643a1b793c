"""A page of redemptions."""

import asyncpg

from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.views.gift import GIFTS
from services.rewards.views.redemption import REDEMPTIONS

PAGE = 100


async def redemptions(
    con: asyncpg.Connection, tenant: str, request: pb.ListRedemptions, person_id: str
) -> pb.Redemptions:
    """A page of them, the newest first; a person's, or, for an empty id, everybody's."""
    page = asked(request, tenant, int, size=PAGE)
    rows = await con.fetch(
        f"select r.*, g.name as gift_name from {REDEMPTIONS} r "
        f"left join {GIFTS} g on g.tenant = r.tenant and g.gift_id = r.gift_id "
        "where r.tenant = $1 and ($2 = '' or r.person_id = $2) and (not $3 or r.state = $4) and ($6::bigint is null or "
        "r.position < $6) "
        "order by r.position desc limit $5",
        tenant,
        person_id,
        request.waiting,
        pb.REDEMPTION_STATE_WAITING,
        page.limit,
        page.after[0] if page.after else None,
    )
    shown, token = page.cut(rows, lambda row: (row["position"],))
    return pb.Redemptions(redemptions=map(_redemption, shown), next_page_token=token)


def _redemption(row: asyncpg.Record) -> pb.Redemption:
    return pb.Redemption(
        redemption_id=row["redemption_id"],
        gift_id=row["gift_id"],
        gift_name=row["gift_name"] or "",
        person_id=row["person_id"],
        points=row["points"],
        state=row["state"],
        redeemed_at=from_datetime(row["redeemed_at"]),
        ended_at=from_datetime(row["ended_at"]) if row["ended_at"] else None,
        reason=PersonalText.FromString(row["reason"]) if row["reason"] else None,
    )
