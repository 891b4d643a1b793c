"""What notices tell of, from the topic of rewards: praise, core values, gifts and what was redeemed.

One subscription for all of it.
"""

from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed
from nhip.rewards.v1.events_pb2 import (
    CoreValueNamed,
    GiftHandedOver,
    GiftOffered,
    GiftRedeemed,
    GiftReserved,
    GiftReturned,
    GiftStockChanged,
    GiftWithdrawn,
    PraiseGiven,
    RedemptionRefunded,
)

VERSION = 2


@dataclass(frozen=True, slots=True)
class HeardPraiseRow:
    """A praise: the message of the contract as bytes, its words sealed."""

    tenant: str
    praise_id: str
    given: bytes


class HeardPraiseView(WrittenWhole[HeardPraiseRow, PraiseGiven]):
    name, source, categories, key = "heard_praise", "rewards", ("praise",), ("tenant", "praise_id")
    version = VERSION
    row = HeardPraiseRow
    folds = (PraiseGiven,)

    def written(self, event: Recorded, e: PraiseGiven) -> HeardPraiseRow:
        return HeardPraiseRow(event.tenant, e.praise_id, packed(e))


@dataclass(frozen=True, slots=True)
class HeardValueRow:
    tenant: str
    value_id: str
    name: str


class HeardValueView(WrittenWhole[HeardValueRow, CoreValueNamed]):
    name, source, categories, key = "heard_value", "rewards", ("value",), ("tenant", "value_id")
    version = VERSION
    row = HeardValueRow
    folds = (CoreValueNamed,)

    def written(self, event: Recorded, e: CoreValueNamed) -> HeardValueRow:
        return HeardValueRow(event.tenant, e.value_id, e.name)


@dataclass(frozen=True, slots=True)
class HeardGiftRow:
    tenant: str
    gift_id: str
    name: str


class HeardGiftView(WrittenWhole[HeardGiftRow, GiftOffered]):
    name, source, categories, key = "heard_gift", "rewards", ("gift",), ("tenant", "gift_id")
    version = VERSION
    row = HeardGiftRow
    folds = (GiftOffered,)
    passes_over = (GiftReserved, GiftReturned, GiftStockChanged, GiftWithdrawn)

    def written(self, event: Recorded, e: GiftOffered) -> HeardGiftRow:
        return HeardGiftRow(event.tenant, e.gift_id, e.name)


@dataclass(frozen=True, slots=True)
class HeardRedemptionRow:
    tenant: str
    redemption_id: str
    gift_id: str
    points: int


class HeardRedemptionView(WrittenWhole[HeardRedemptionRow, GiftRedeemed]):
    name, source, categories, key = "heard_redemption", "rewards", ("redemption",), ("tenant", "redemption_id")
    version = VERSION
    row = HeardRedemptionRow
    folds = (GiftRedeemed,)
    passes_over = (GiftHandedOver, RedemptionRefunded)

    def written(self, event: Recorded, e: GiftRedeemed) -> HeardRedemptionRow:
        return HeardRedemptionRow(event.tenant, e.redemption_id, e.gift_id, e.points)
