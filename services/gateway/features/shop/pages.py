"""The shop: what received points buy, what is missing, what one redeemed, and where every point went."""

import asyncio
from urllib.parse import urlencode

from starlette.responses import Response

from nhip.common.v1 import command_pb2, words_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.gifts import gift_rows
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.console.wallet import points, wallet
from services.gateway.failures import Failure
from services.gateway.features.shop import counter
from services.gateway.features.shop.redemptions import redemption_row

routes = Routes(counter.routes)


@routes.page("/shop")
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
        "shop/shop.html",
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


@routes.page("/shop/gifts/{gift}")
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
    return visit.render("shop/redeem.html", status, form=filled, gift=gift, wallet=purse, left=left)


@routes.form("/shop/gifts/{gift}")
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


@routes.form("/shop/redemptions/{redemption}/refund", page="/shop")
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
