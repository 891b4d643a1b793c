"""Who redeemed what, and whether it was handed over or refunded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1.events_pb2 import GiftHandedOver, GiftRedeemed, RedemptionRefunded
from services.rewards.domain.redemption import REDEMPTION
from services.rewards.views import VERSION


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
    folds = (GiftHandedOver, GiftRedeemed, RedemptionRefunded)

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
                raise UnknownEvent(event.message)

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
