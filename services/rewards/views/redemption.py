"""Who redeemed what, and whether it was handed over or refunded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import from_datetime, packed
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1.events_pb2 import GiftHandedOver, GiftRedeemed, RedemptionRefunded
from services.rewards.domain.redemption import REDEMPTION
from services.rewards.views import VERSION
from services.rewards.views.gift import GIFTS

PAGE = 100


@dataclass(frozen=True, slots=True)
class RedemptionRow:
    tenant: str
    redemption_id: str
    position: int
    gift_id: str
    person_id: str
    points: int
    state: int
    redeemed_at: datetime
    ended_at: datetime | None
    reason: bytes
    """Of a refund. Sealed; empty for none."""


class RedemptionView(View[RedemptionRow]):
    name, source, categories, key = "redemption", "rewards", (REDEMPTION.category,), ("tenant", "redemption_id")
    version = VERSION
    indexes = ("tenant, position", "tenant, person_id, position")
    row = RedemptionRow

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[RedemptionRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case GiftRedeemed() as e:
                waiting = pb.REDEMPTION_STATE_WAITING
                rows.put(
                    RedemptionRow(
                        *key, event.position, e.gift_id, e.person_id, e.points, waiting, event.recorded_at, None, b""
                    )
                )
            case GiftHandedOver():
                rows.put(replace(rows[key], state=pb.REDEMPTION_STATE_HANDED_OVER, ended_at=event.recorded_at))
            case RedemptionRefunded() as e:
                rows.put(
                    replace(
                        rows[key],
                        state=pb.REDEMPTION_STATE_REFUNDED,
                        ended_at=event.recorded_at,
                        reason=packed(e.reason),
                    )
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[RedemptionRow]:
        if redemption := REDEMPTION.fold(messages(events)):
            first, last = events[0], events[-1]
            ended = redemption.state != pb.REDEMPTION_STATE_WAITING
            yield RedemptionRow(
                first.tenant,
                redemption.id,
                first.position,
                redemption.gift_id,
                redemption.person_id,
                redemption.points,
                redemption.state,
                first.recorded_at,
                last.recorded_at if ended else None,
                packed(last.message.reason) if isinstance(last.message, RedemptionRefunded) else b"",
            )


REDEMPTIONS = RedemptionView().table


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
