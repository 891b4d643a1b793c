"""A gift as it is shown: what it costs, how many there are, and what is missing to have it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import quote
from uuid import uuid4

from eventkit.names import plain_letters
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.language import Language
from services.gateway.console.wallet import points

_PICTURES = (
    ("coffee", 4, ("ca phe", "cafe", "coffee", "tra ")),
    ("books", 3, ("sach", "book")),
    ("gift-card", 2, ("voucher", "the ", "phieu", "card")),
    ("ticket", 1, ("ve ", "ticket")),
)
"""Icon, tone, and the words of a gift's name that it fits."""


@dataclass(frozen=True, slots=True)
class GiftRow:
    id: str
    name: str
    description: str
    price: str
    stock: str
    missing: str
    """Why it cannot be had now: points that are missing, or that there is none; empty: it can."""
    icon: str
    tone: int
    url: str
    in_stock: int
    points: int
    key: str = field(default_factory=lambda: str(uuid4()))
    other_key: str = field(default_factory=lambda: str(uuid4()))


def gift_rows(gifts: Sequence[rewards_pb2.Gift], received: int, language: Language) -> list[GiftRow]:
    return [_gift_row(gift, received, language) for gift in gifts]


def _gift_row(gift: rewards_pb2.Gift, received: int, language: Language) -> GiftRow:
    _ = language.gettext
    missing = ""
    if not gift.stock:
        missing = _("out of stock")
    elif gift.points > received:
        missing = _("%(points)s missing") % {"points": points(gift.points - received, language)}
    words = plain_letters(gift.name) + " "
    icon, tone = next(
        ((icon, tone) for icon, tone, found in _PICTURES if any(word in words for word in found)), ("gift", 0)
    )
    return GiftRow(
        id=gift.gift_id,
        name=gift.name,
        description=gift.description,
        price=points(gift.points, language),
        stock=_("%(n)s left") % {"n": language.number(Decimal(gift.stock))} if gift.stock else "",
        missing=missing,
        icon=icon,
        tone=tone,
        url=f"/shop/gifts/{quote(gift.gift_id, safe='')}",
        in_stock=gift.stock,
        points=gift.points,
    )
