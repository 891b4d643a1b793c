"""Gifts, as they are now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from nhip.rewards.v1.events_pb2 import GiftOffered, GiftReserved, GiftReturned, GiftStockChanged, GiftWithdrawn
from services.rewards.domain.gift import GIFT
from services.rewards.views import VERSION


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
    folds = (GiftOffered, GiftReserved, GiftReturned, GiftStockChanged, GiftWithdrawn)

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
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[GiftRow]:
        if gift := GIFT.fold(messages(events)):
            yield GiftRow(
                events[0].tenant, gift.id, gift.name, gift.description, gift.points, gift.stock, gift.withdrawn
            )


GIFTS = GiftView().table
