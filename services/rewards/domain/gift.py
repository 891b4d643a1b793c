"""A gift in the shop: what it costs in points, and how many there are (R-08, R-09).

There are never fewer than none (R-17).
"""

from dataclasses import dataclass, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.errors import Kind, Rejected, unknown
from nhip.rewards.v1.events_pb2 import GiftOffered, GiftReserved, GiftReturned, GiftStockChanged, GiftWithdrawn
from nhip.rewards.v1.rewards_pb2 import ChangeGiftStock, OfferGift


@dataclass(frozen=True, slots=True)
class Gift:
    id: str
    name: str
    description: str
    points: int
    stock: int
    withdrawn: bool = False


def evolve(
    gift: Gift | None, event: GiftOffered | GiftStockChanged | GiftReserved | GiftReturned | GiftWithdrawn
) -> Gift:
    match event:
        case GiftOffered():
            return Gift(event.gift_id, event.name, event.description, event.points, event.stock)
        case GiftStockChanged() | GiftReserved() | GiftReturned():
            return replace(begun(gift, event), stock=event.after)
        case GiftWithdrawn():
            return replace(begun(gift, event), withdrawn=True)
        case _:
            refuse_unknown(event)


GIFT = Aggregate[Gift | None]("gift", None, evolve)


def existing(gift: Gift | None, gift_id: str) -> Gift:
    if gift is None:
        raise unknown("gift", gift_id, "gift_id")
    return gift


def offer(command: OfferGift, gift_id: str) -> Decision:
    if command.points == 0:
        raise Rejected("PRICE_MISSING", "a gift costs 1 point or more", kind=Kind.INVALID, field="points", rule="R-09")
    offered = GiftOffered(
        gift_id=gift_id,
        name=command.name.strip(),
        description=command.description.strip(),
        points=command.points,
        stock=command.stock,
    )
    return [StreamEvent(GIFT(gift_id), offered)]


def change_stock(gift: Gift | None, command: ChangeGiftStock) -> Decision:
    now = _offered(existing(gift, command.gift_id))
    if command.by == 0:
        raise Rejected("NOTHING_CHANGED", "give what is added, or, less than 0, taken", kind=Kind.INVALID, field="by")
    after = now.stock + command.by
    if after < 0:
        raise Rejected("STOCK_TOO_LOW", f"there are {now.stock}: at most so many can be taken", field="by", rule="R-17")
    return [StreamEvent(GIFT(now.id), GiftStockChanged(gift_id=now.id, before=now.stock, after=after))]


def withdraw(gift: Gift | None, gift_id: str) -> Decision:
    now = existing(gift, gift_id)
    return [] if now.withdrawn else [StreamEvent(GIFT(now.id), GiftWithdrawn(gift_id=now.id))]


def reserve(gift: Gift, redemption_id: str) -> Decision:
    """One out of the stock. Raises Rejected GIFT_WITHDRAWN, OUT_OF_STOCK."""
    now = _offered(gift)
    if now.stock == 0:
        raise Rejected(
            "OUT_OF_STOCK", "there is none left of this gift: choose another one", field="gift_id", rule="R-17"
        )
    return [
        StreamEvent(
            GIFT(now.id),
            GiftReserved(gift_id=now.id, redemption_id=redemption_id, before=now.stock, after=now.stock - 1),
        )
    ]


def take_back(gift: Gift, redemption_id: str) -> Decision:
    """One back into the stock, also of a gift that is not offered any more."""
    return [
        StreamEvent(
            GIFT(gift.id),
            GiftReturned(gift_id=gift.id, redemption_id=redemption_id, before=gift.stock, after=gift.stock + 1),
        )
    ]


def _offered(gift: Gift) -> Gift:
    if gift.withdrawn:
        raise Rejected("GIFT_WITHDRAWN", "this gift is not offered any more: choose another one", field="gift_id")
    return gift
