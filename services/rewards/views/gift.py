"""Gifts, as they are now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import asyncpg

from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1.events_pb2 import GiftOffered, GiftReserved, GiftReturned, GiftStockChanged, GiftWithdrawn
from services.rewards.domain.gift import GIFT
from services.rewards.views import VERSION

PAGE = 200


@dataclass(frozen=True, slots=True)
class GiftRow:
    tenant: str
    gift_id: str
    name: str
    description: str
    points: int
    stock: int
    withdrawn: bool


class GiftView(View[GiftRow]):
    name, source, categories, key = "gift", "rewards", (GIFT.category,), ("tenant", "gift_id")
    version = VERSION
    row = GiftRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[GiftRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case GiftOffered() as e:
                rows.put(GiftRow(*key, e.name, e.description, e.points, e.stock, withdrawn=False))
            case GiftStockChanged() | GiftReserved() | GiftReturned() as e:
                rows.put(replace(rows[key], stock=e.after))
            case GiftWithdrawn():
                rows.put(replace(rows[key], withdrawn=True))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[GiftRow]:
        if gift := GIFT.fold(messages(events)):
            yield GiftRow(
                events[0].tenant, gift.id, gift.name, gift.description, gift.points, gift.stock, gift.withdrawn
            )


GIFTS = GiftView().table


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
