"""Every movement of points, in either wallet: what moved, what there was afterwards, and what for (R-17, A-08)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import from_datetime, packed
from nhip.common.v1.words_pb2 import PersonalText
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1 import types_pb2 as t
from nhip.rewards.v1.events_pb2 import (
    AllowanceExpired,
    AllowanceGranted,
    AllowanceSpent,
    PointsCorrected,
    PointsExpired,
    PointsReceived,
    PointsRedeemed,
    PointsRefunded,
)
from services.rewards.domain.wallet import WALLET, Wallet
from services.rewards.views import VERSION
from services.rewards.views.gift import GIFTS
from services.rewards.views.praise import PRAISES
from services.rewards.views.redemption import REDEMPTIONS

PAGE = 50
KINDS = {
    AllowanceGranted: pb.MOVEMENT_KIND_ALLOWANCE_GRANTED,
    AllowanceSpent: pb.MOVEMENT_KIND_ALLOWANCE_SPENT,
    AllowanceExpired: pb.MOVEMENT_KIND_ALLOWANCE_EXPIRED,
    PointsReceived: pb.MOVEMENT_KIND_RECEIVED,
    PointsRedeemed: pb.MOVEMENT_KIND_REDEEMED,
    PointsRefunded: pb.MOVEMENT_KIND_REFUNDED,
    PointsExpired: pb.MOVEMENT_KIND_EXPIRED,
    PointsCorrected: pb.MOVEMENT_KIND_CORRECTED,
}
OF_THE_ALLOWANCE = (AllowanceGranted, AllowanceSpent, AllowanceExpired)
AMovement = (
    AllowanceGranted
    | AllowanceSpent
    | AllowanceExpired
    | PointsReceived
    | PointsRedeemed
    | PointsRefunded
    | PointsExpired
    | PointsCorrected
)


@dataclass(frozen=True, slots=True)
class MovementRow:
    tenant: str
    person_id: str
    version: int
    event_id: str
    at: datetime
    kind: int
    points: int
    """Less than zero: out of the wallet."""
    balance: int
    praise_id: str
    redemption_id: str
    reason: bytes
    """Sealed; empty for none."""


class MovementView(View[MovementRow]):
    name, source, categories, key = "movement", "rewards", (WALLET.category,), ("tenant", "person_id", "version")
    version = VERSION
    row = MovementRow

    def fold(self, rows: Rows[MovementRow], event: Recorded) -> None:
        if isinstance(event.message, AMovement):
            rows.put(_row(event, event.message, event.message.before, event.message.after))

    def expected(self, events: Sequence[Recorded]) -> Iterable[MovementRow]:
        wallet = Wallet()
        for event in events:
            e = event.message
            assert isinstance(e, AMovement)
            was, wallet = wallet, WALLET.evolve(wallet, e)
            if isinstance(e, OF_THE_ALLOWANCE):
                yield _row(event, e, was.allowance, wallet.allowance)
            else:
                yield _row(event, e, was.received, wallet.received)


MOVEMENTS = MovementView().table


def _row(event: Recorded, e: AMovement, before: int, after: int) -> MovementRow:
    return MovementRow(
        tenant=event.tenant,
        person_id=event.stream.id,
        version=event.version,
        event_id=str(event.id),
        at=event.recorded_at,
        kind=KINDS[type(e)],
        points=after - before,
        balance=after,
        praise_id=e.praise_id if isinstance(e, AllowanceSpent | PointsReceived) else "",
        redemption_id=e.redemption_id if isinstance(e, PointsRedeemed | PointsRefunded) else "",
        reason=packed(e.reason) if isinstance(e, PointsCorrected) else b"",
    )


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
