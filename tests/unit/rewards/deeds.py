"""What people of Company X do with praise, points and gifts, short to write in tests."""

from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart, Place, Unit
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.domain import gift, praise, redemption, wallet
from services.rewards.domain.gift import GIFT
from services.rewards.domain.praise import Circumstances
from services.rewards.domain.redemption import REDEMPTION
from services.rewards.domain.wallet import WALLET, Wallet
from tests.unit.decisions import TODAY, Given, company_x, given, person, words

_numbers = count(1)
ADMIN, STEWARD = "nam", "tram"
"""Nam is an admin and Trâm an OKR master here."""


def company(*, inactive: tuple[str, ...] = (), crowd: int = 0) -> OrgChart:
    """Company X with somebody to look after gifts, a unit `crowd` of that many, one `lone` of Quang alone, and one
    `bare` of nobody."""
    x = company_x(inactive=inactive)
    people = {**x.people, ADMIN: person(ADMIN, "executive", "admin"), STEWARD: person(STEWARD, "okr_master")}
    places, units = {**x.places, "quang": Place("lone", "nam")}, dict(x.units)
    for id in ("crowd", "lone", "bare"):
        units[id] = Unit(id, id.title())
    for n in range(crowd):
        people[f"c{n:02}"], places[f"c{n:02}"] = person(f"c{n:02}"), Place("crowd", "quang")
    return replace(x, people=people, places=places, units=units)


def praised(
    state: Given,
    giver: str = "phuc",
    receiver: str = "",
    *,
    unit: str = "",
    on: date = TODAY,
    org: OrgChart | None = None,
    actor: Actor | None = None,
    known: bool = True,
    id: str = "",
    **fields: Any,
) -> Decision:
    """A praise, of Minh and for the value V unless something else is said."""
    org = org or company()
    if not receiver and not unit:
        receiver = "minh"
    fields = {"words": words("…"), **({} if "kpi_id" in fields else {"value_id": "V"}), **fields}
    command = pb.GivePraise(receiver_id=receiver, unit_id=unit, **fields)
    giver = praise.giver(command, actor or Actor("company-x", giver), org)
    shares = praise.shares(command, giver, org, on)
    circumstances = Circumstances(
        giver_id=giver,
        shares=shares,
        value_exists=known,
        kpi_exists=known,
        wallets={p: state.state(WALLET, p) for p in praise.moved(command, giver, shares)},
        org=org,
        today=on,
    )
    return praise.give(command, circumstances, id or f"praise-{next(_numbers)}")


def corrected(state: Given, who: str, by: int, *, actor: str = ADMIN, on: date = TODAY) -> Decision:
    command = pb.CorrectPoints(person_id=who, points=by, reason=words("đếm nhầm"))
    return wallet.correct(state.state(WALLET, who), command, Actor("company-x", actor), company(), today=on)


def offered(id: str = "coffee", price: int = 50, stock: int = 3) -> Decision:
    return gift.offer(pb.OfferGift(name=id, points=price, stock=stock), id)


def redeemed(state: Given, who: str = "minh", what: str = "coffee", *, id: str = "", on: date = TODAY) -> Decision:
    return redemption.redeem(
        state.state(GIFT, what),
        state.state(WALLET, who),
        pb.RedeemGift(gift_id=what),
        Actor("company-x", who),
        id or f"redemption-{next(_numbers)}",
        today=on,
    )


def refunded(state: Given, id: str, *, actor: str = "minh", on: date = TODAY, reason: str = "") -> Decision:
    known = redemption.existing(state.state(REDEMPTION, id), id)
    command = pb.RefundRedemption(redemption_id=id, reason=words(reason) if reason else None)
    return redemption.refund(
        known,
        gift.existing(state.state(GIFT, known.gift_id), known.gift_id),
        state.state(WALLET, known.person_id),
        command,
        Actor("company-x", actor),
        company(),
        today=on,
    )


def handed_over(state: Given, id: str, *, actor: str = ADMIN) -> Decision:
    return redemption.hand_over(
        state.state(REDEMPTION, id), pb.HandOverGift(redemption_id=id), Actor("company-x", actor)
    )


def held(state: Given, who: str) -> Wallet:
    return state.state(WALLET, who)


def rich(who: str = "minh", points: int = 60, *, on: date = TODAY) -> Given:
    """Somebody with received points, and three coffees at 50 in the shop."""
    return given(offered(), corrected(given(), who, points, on=on))
