"""The shop: what received points buy, what is missing, what one redeemed, and where every point went."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from urllib.parse import quote, urlencode
from uuid import uuid4

from starlette.responses import Response

from eventkit.names import plain_letters
from nhip.common.v1 import command_pb2, words_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.cards import Avatar, StateMark
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import Language, unreadable
from services.gateway.console.visit import Visit
from services.gateway.console.wallet import points, wallet
from services.gateway.failures import Failure

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


@dataclass(frozen=True, slots=True)
class RedemptionRow:
    id: str
    gift: str
    person: Avatar
    own: bool
    points: str
    state: StateMark
    waiting: bool
    at: str
    ended: str
    reason: str
    reason_hidden: bool
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


def redemption_row(visit: Visit, redemption: rewards_pb2.Redemption, who: Directory) -> RedemptionRow:
    language = visit.language
    _ = language.gettext
    marks: dict[int, StateMark] = {
        rewards_pb2.REDEMPTION_STATE_HANDED_OVER: StateMark("ontrack", "check", _("Handed over")),
        rewards_pb2.REDEMPTION_STATE_REFUNDED: StateMark("stale", "arrow-back-up", _("Points back")),
    }
    ended = redemption.ended_at.ToDatetime(UTC) if redemption.HasField("ended_at") else None
    return RedemptionRow(
        id=redemption.redemption_id,
        gift=redemption.gift_name or redemption.gift_id,
        person=who.person(redemption.person_id),
        own=redemption.person_id == visit.person,
        points=points(redemption.points, language),
        state=marks.get(redemption.state, StateMark("behind", "clock", _("Waiting to be handed over"))),
        waiting=redemption.state == rewards_pb2.REDEMPTION_STATE_WAITING,
        at=language.lately(redemption.redeemed_at.ToDatetime(UTC), visit.zone, visit.today),
        ended=language.lately(ended, visit.zone, visit.today) if ended else "",
        reason=language.words(redemption.reason),
        reason_hidden=unreadable(redemption.reason),
    )


async def page(visit: Visit) -> Response:
    """`GET /shop`."""
    return await show(visit)


async def show(visit: Visit, refund: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """The shop; `refund` is the redemption whose form was sent back, and that form."""
    query = visit.request.query_params
    mine = rewards_pb2.ListRedemptions(person_id=visit.person, page_size=20, page_token=query.get("redeemed_after", ""))
    gifts, redemptions, purse = await asyncio.gather(
        visit.caller.query("rewards", "ListGifts", rewards_pb2.ListGifts(), rewards_pb2.Gifts),
        visit.caller.query("rewards", "ListRedemptions", mine, rewards_pb2.Redemptions),
        wallet(visit, query.get("after", "")),
    )
    who = await directory(visit, redemptions)
    return visit.render(
        "shop.html",
        status,
        here="/shop",
        wallet=purse,
        gifts=gift_rows(gifts.gifts, purse.received, visit.language),
        redemptions=[redemption_row(visit, one, who) for one in redemptions.redemptions],
        more_redemptions=_more(redeemed_after=redemptions.next_page_token) + "#redemptions"
        if redemptions.next_page_token
        else "",
        more=_more(after=purse.next) if purse.next else "",
        refund=refund,
    )


def _more(**place: str) -> str:
    return "/shop?" + urlencode(place)


async def confirm(visit: Visit) -> Response:
    """`GET /shop/gifts/<id>`: what it costs and what is left afterwards, before it is bought."""
    return await _confirm(visit, Form())


async def _confirm(visit: Visit, filled: Form, status: int = 200) -> Response:
    id = visit.request.path_params["gift"]
    asked = rewards_pb2.ListGifts(gift_id=id)
    gifts, purse = await asyncio.gather(
        visit.caller.query("rewards", "ListGifts", asked, rewards_pb2.Gifts), wallet(visit)
    )
    gift = next((row for row in gift_rows(gifts.gifts, purse.received, visit.language) if row.id == id), None)
    if gift is None:
        raise Failure("NOT_FOUND", "GIFT_UNKNOWN", f"there is no gift {id!r} in the shop")
    left = points(max(purse.received - gift.points, 0), visit.language)
    return visit.render("redeem.html", status, form=filled, gift=gift, wallet=purse, left=left)


async def redeem(visit: Visit) -> Response:
    """`POST /shop/gifts/<id>`."""
    id = visit.request.path_params["gift"]
    filled = await sent(visit.request)
    try:
        accepted, position = await visit.caller.ask(
            "rewards", "RedeemGift", rewards_pb2.RedeemGift(gift_id=id), command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        return await _confirm(visit, filled.refused(failure, visit.language, {"gift_id": "gift"}), failure.http)
    return visit.done(
        "/shop#redemptions", accepted, position, visit.language.gettext("The gift is yours: pick it up at the counter.")
    )


async def refund(visit: Visit) -> Response:
    """`POST /shop/redemptions/<id>/refund`: one's own, as long as it waits."""
    id = visit.request.path_params["redemption"]
    filled = await sent(visit.request)
    reason = filled.text("reason")
    request = rewards_pb2.RefundRedemption(
        redemption_id=id, reason=words_pb2.PersonalText(plain=reason) if reason else None
    )
    try:
        accepted, position = await visit.caller.ask(
            "rewards", "RefundRedemption", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        return await show(visit, (id, filled.refused(failure, visit.language, {"reason": "reason"})), failure.http)
    return visit.done("/shop#redemptions", accepted, position, visit.language.gettext("The points were given back."))
