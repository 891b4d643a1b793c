"""What notices tell of, from the topic of rewards: praise, core values, gifts and what was redeemed.

One subscription for all of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.values import packed
from nhip.rewards.v1.events_pb2 import CoreValueNamed, GiftOffered, GiftRedeemed, PraiseGiven

VERSION = 2


@dataclass(frozen=True, slots=True)
class HeardPraiseRow:
    """A praise: the message of the contract as bytes, its words sealed."""

    tenant: str
    praise_id: str
    given: bytes


class HeardPraiseView(View[HeardPraiseRow]):
    name, source, categories, key = "heard_praise", "rewards", ("praise",), ("tenant", "praise_id")
    version = VERSION
    row = HeardPraiseRow

    def fold(self, rows: Rows[HeardPraiseRow], event: Recorded) -> None:
        match event.message:
            case PraiseGiven() as e:
                rows.put(HeardPraiseRow(event.tenant, e.praise_id, packed(e)))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardPraiseRow]:
        for e in messages(events):
            if isinstance(e, PraiseGiven):
                yield HeardPraiseRow(events[0].tenant, events[0].stream.id, packed(e))


@dataclass(frozen=True, slots=True)
class HeardValueRow:
    tenant: str
    value_id: str
    name: str


class HeardValueView(View[HeardValueRow]):
    name, source, categories, key = "heard_value", "rewards", ("value",), ("tenant", "value_id")
    version = VERSION
    row = HeardValueRow

    def fold(self, rows: Rows[HeardValueRow], event: Recorded) -> None:
        match event.message:
            case CoreValueNamed() as e:
                rows.put(HeardValueRow(event.tenant, e.value_id, e.name))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardValueRow]:
        for e in messages(events):
            if isinstance(e, CoreValueNamed):
                yield HeardValueRow(events[0].tenant, e.value_id, e.name)


@dataclass(frozen=True, slots=True)
class HeardGiftRow:
    tenant: str
    gift_id: str
    name: str


class HeardGiftView(View[HeardGiftRow]):
    name, source, categories, key = "heard_gift", "rewards", ("gift",), ("tenant", "gift_id")
    version = VERSION
    row = HeardGiftRow

    def fold(self, rows: Rows[HeardGiftRow], event: Recorded) -> None:
        match event.message:
            case GiftOffered() as e:
                rows.put(HeardGiftRow(event.tenant, e.gift_id, e.name))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardGiftRow]:
        offered = [e for e in messages(events) if isinstance(e, GiftOffered)]
        if offered:
            yield HeardGiftRow(events[0].tenant, events[0].stream.id, offered[-1].name)


@dataclass(frozen=True, slots=True)
class HeardRedemptionRow:
    tenant: str
    redemption_id: str
    gift_id: str
    points: int


class HeardRedemptionView(View[HeardRedemptionRow]):
    name, source, categories, key = "heard_redemption", "rewards", ("redemption",), ("tenant", "redemption_id")
    version = VERSION
    row = HeardRedemptionRow

    def fold(self, rows: Rows[HeardRedemptionRow], event: Recorded) -> None:
        match event.message:
            case GiftRedeemed() as e:
                rows.put(HeardRedemptionRow(event.tenant, e.redemption_id, e.gift_id, e.points))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[HeardRedemptionRow]:
        for e in messages(events):
            if isinstance(e, GiftRedeemed):
                yield HeardRedemptionRow(events[0].tenant, events[0].stream.id, e.gift_id, e.points)
