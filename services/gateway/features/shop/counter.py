"""The counter of the shop: what waits to be handed over, what is offered and how many of it there are, and what praise
can name."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from urllib.parse import urlencode

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import command_pb2, words_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.gifts import gift_rows
from services.gateway.console.language import Language
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.shop.redemptions import redemption_row

routes = Routes()

_OFFER = {"name": "name", "description": "description", "points": "points", "stock": "stock"}


@routes.page("/shop/counter")
async def page(visit: Visit) -> Response:
    """`GET /shop/counter`: for administrators and OKR masters."""
    return await _show(visit)


async def _show(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """The counter; `sent_back` is a form that was refused, named as "offer" or "refund <id>"."""
    visit.must_one("rewards.HandOverGift")
    waiting = rewards_pb2.ListRedemptions(waiting=True, page_token=visit.request.query_params.get("after", ""))
    gifts, values, redemptions = await asyncio.gather(
        visit.caller.query("rewards", "ListGifts", rewards_pb2.ListGifts(), rewards_pb2.Gifts),
        visit.caller.query("rewards", "ListCoreValues", rewards_pb2.ListCoreValues(), rewards_pb2.CoreValues),
        visit.caller.query("rewards", "ListRedemptions", waiting, rewards_pb2.Redemptions),
    )
    who = await directory(visit, redemptions)
    return visit.render(
        "shop/counter.html",
        status,
        here="/shop/counter",
        waiting=[redemption_row(visit, one, who) for one in redemptions.redemptions],
        more=f"/shop/counter?{urlencode({'after': redemptions.next_page_token})}"
        if redemptions.next_page_token
        else "",
        gifts=gift_rows(gifts.gifts, 0, visit.language),
        sent_back=sent_back,
        offer=sent_back[1] if sent_back[0] == "offer" else Form(),
        values=values.values,
        value=sent_back[1] if sent_back[0] == "value" else Form(),
    )


@routes.form("/shop/counter/redemptions/{redemption}/handover", page="/shop/counter")
async def hand_over(visit: Visit) -> Response:
    """`POST /shop/counter/redemptions/<id>/handover`."""
    id = visit.request.path_params["redemption"]
    return await _carry_out(
        visit, f"handover {id}", "HandOverGift", lambda filled, wrong: rewards_pb2.HandOverGift(redemption_id=id)
    )


@routes.form("/shop/counter/redemptions/{redemption}/refund", page="/shop/counter")
async def refund(visit: Visit) -> Response:
    """`POST /shop/counter/redemptions/<id>/refund`: who waits for a gift is told why they do not get it."""
    id = visit.request.path_params["redemption"]

    def request(filled: Form, wrong: list[Violation]) -> Message:
        if not filled.text("reason"):
            wrong.append(Violation("reason", "MISSING"))
        return rewards_pb2.RefundRedemption(
            redemption_id=id, reason=words_pb2.PersonalText(plain=filled.text("reason"))
        )

    return await _carry_out(visit, f"refund {id}", "RefundRedemption", request)


@routes.form("/shop/counter/gifts/{gift}/stock", page="/shop/counter")
async def change_stock(visit: Visit) -> Response:
    """`POST /shop/counter/gifts/<id>/stock`."""
    id = visit.request.path_params["gift"]
    return await _carry_out(
        visit,
        f"stock {id}",
        "ChangeGiftStock",
        lambda filled, wrong: rewards_pb2.ChangeGiftStock(
            gift_id=id, by=_whole(filled, "by", wrong, visit, least=-100_000)
        ),
    )


@routes.form("/shop/counter/gifts/{gift}/withdrawal", page="/shop/counter")
async def withdraw(visit: Visit) -> Response:
    """`POST /shop/counter/gifts/<id>/withdrawal`."""
    id = visit.request.path_params["gift"]
    return await _carry_out(
        visit, f"withdrawal {id}", "WithdrawGift", lambda filled, wrong: rewards_pb2.WithdrawGift(gift_id=id)
    )


@routes.form("/shop/counter")
async def offer(visit: Visit) -> Response:
    """`POST /shop/counter`: a new gift."""

    def request(filled: Form, wrong: list[Violation]) -> Message:
        if not filled.text("name"):
            wrong.append(Violation("name", "MISSING"))
        return rewards_pb2.OfferGift(
            name=filled.text("name"),
            description=filled.text("description"),
            points=_whole(filled, "points", wrong, visit, least=1),
            stock=_whole(filled, "stock", wrong, visit),
        )

    return await _carry_out(visit, "offer", "OfferGift", request)


@routes.form("/shop/counter/values", page="/shop/counter")
async def name_value(visit: Visit) -> Response:
    """`POST /shop/counter/values`: a core value of the company, for praise to name."""

    def request(filled: Form, wrong: list[Violation]) -> Message:
        if not filled.text("value"):
            wrong.append(Violation("value", "MISSING"))
        return rewards_pb2.NameCoreValue(name=filled.text("value"))

    return await _carry_out(visit, "value", "NameCoreValue", request)


def _whole(filled: Form, name: str, wrong: list[Violation], visit: Visit, *, least: int = 0) -> int:
    """A whole number as typed, from `least` to a hundred thousand."""
    before = len(wrong)
    value = filled.number(name, wrong, visit.language)
    if value is None:
        if len(wrong) == before:
            wrong.append(Violation(name, "MISSING"))
        return 0
    if value != value.to_integral_value() or not Decimal(least) <= value <= 100_000:
        wrong.append(Violation(name, "NOT_A_COUNT"))
        return 0
    return int(value)


async def _carry_out(
    visit: Visit, form: str, method: str, request: Callable[[Form, list[Violation]], Message]
) -> Response:
    """Sends what a form of the counter asks for, and shows the counter again."""
    filled = await sent(visit.request)
    wrong: list[Violation] = []
    message = request(filled, wrong)
    if wrong:
        return await _show(visit, (form, filled.wrong(wrong, visit.language)), 422)
    try:
        accepted, position = await visit.caller.ask("rewards", method, message, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        fields = {"offer": _OFFER, "value": {"name": "value"}}.get(form, {"by": "by", "reason": "reason"})
        return await _show(visit, (form, filled.refused(failure, visit.language, fields)), failure.http)
    return visit.done("/shop/counter", accepted, position, _said(visit.language, method))


def _said(language: Language, method: str) -> str:
    """What a deed at the counter did."""
    _ = language.gettext
    return {
        "OfferGift": _("The gift is in the shop."),
        "ChangeGiftStock": _("The stock was changed."),
        "WithdrawGift": _("The gift was taken out of the shop."),
        "NameCoreValue": _("The core value was named."),
        "HandOverGift": _("The gift was handed over."),
        "RefundRedemption": _("The points were given back."),
    }.get(method, _("Saved."))
