"""Every movement of points, in either wallet: what moved, what there was afterwards, and what for (R-17, A-08)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import packed
from nhip.rewards.v1 import rewards_pb2 as pb
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
from services.rewards.domain.wallet import WALLET
from services.rewards.views import VERSION

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
    folds = (
        AllowanceExpired,
        AllowanceGranted,
        AllowanceSpent,
        PointsCorrected,
        PointsExpired,
        PointsReceived,
        PointsRedeemed,
        PointsRefunded,
    )

    def fold(self, rows: Rows[MovementRow], event: Recorded) -> None:
        e = event.message
        assert isinstance(e, AMovement)
        rows.put(_row(event, e, e.before, e.after))

    def expected(self, events: Sequence[Recorded]) -> Iterable[MovementRow]:
        wallet = WALLET.initial
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
