"""Points: the two wallets, told apart, and every movement in them."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal

from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.directory import Directory, directory
from services.gateway.console.language import Language, date_of, unreadable
from services.gateway.console.visit import Visit

_ALLOWANCE = (
    rewards_pb2.MOVEMENT_KIND_ALLOWANCE_GRANTED,
    rewards_pb2.MOVEMENT_KIND_ALLOWANCE_SPENT,
    rewards_pb2.MOVEMENT_KIND_ALLOWANCE_EXPIRED,
)


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the ledger: what happened, and what there was afterwards."""

    at: str
    day: str
    sentence: str
    reason: str
    reason_hidden: bool
    points: str
    incoming: bool
    balance: str
    to_give: bool
    """It is of the allowance; else of the received points."""
    wallet: str


@dataclass(frozen=True, slots=True)
class Wallet:
    allowance: int
    monthly: int
    renewed: str
    """The day on which the allowance is full again."""
    received: int
    expiry: str
    """ "30 points expire on 30/06": what is lost next; empty: nothing."""
    months: int
    """How long points stay that are received today."""
    movements: tuple[Movement, ...]
    next: str = ""
    """The token of the next page of movements; empty: there is none."""

    @property
    def own(self) -> tuple[Movement, ...]:
        """Of the received points alone."""
        return tuple(movement for movement in self.movements if not movement.to_give)


async def wallet(visit: Visit, after: str = "") -> Wallet:
    """The viewer's wallets, and a page of their movements. Raises Failure."""
    reply = await visit.caller.query(
        "rewards", "GetWallet", rewards_pb2.GetWallet(page_token=after), rewards_pb2.Wallet
    )
    return wallet_page(visit, reply, await directory(visit, reply))


def wallet_page(visit: Visit, reply: rewards_pb2.Wallet, who: Directory) -> Wallet:
    language = visit.language
    _ = language.gettext
    until, expires = date_of(reply, "allowance_until"), date_of(reply.next_to_expire, "expires_on")
    expiry = ""
    if expires and reply.next_to_expire.points:
        expiry = _("%(points)s expire on %(day)s") % {
            "points": points(reply.next_to_expire.points, language),
            "day": language.day(expires),
        }
    return Wallet(
        allowance=reply.allowance,
        monthly=reply.monthly_allowance,
        renewed=language.short_day(until + timedelta(days=1)) if until else "",
        received=reply.received,
        expiry=expiry,
        months=reply.months_to_spend,
        movements=tuple(_movement(visit, movement, who) for movement in reply.movements),
        next=reply.next_page_token,
    )


def points(count: int, language: Language) -> str:
    """ "10 points"."""
    return language.ngettext("%(n)s point", "%(n)s points", count) % {"n": language.number(Decimal(count))}


def _movement(visit: Visit, movement: rewards_pb2.Movement, who: Directory) -> Movement:
    language = visit.language
    _ = language.gettext
    at = movement.at.ToDatetime(UTC)
    to_give = movement.kind in _ALLOWANCE
    return Movement(
        at=language.instant(at, visit.zone),
        day=language.short_day(at.astimezone(visit.zone).date()),
        sentence=_sentence(movement, who, language),
        reason=language.words(movement.reason),
        reason_hidden=unreadable(movement.reason),
        points=language.signed(Decimal(movement.points)),
        incoming=movement.points > 0,
        balance=language.number(Decimal(movement.balance)),
        to_give=to_give,
        wallet=_("To give") if to_give else _("Received"),
    )


def _sentence(movement: rewards_pb2.Movement, who: Directory, language: Language) -> str:
    """What happened, from the side of whose wallet it is."""
    _ = language.gettext
    name = (
        who.unit(movement.unit_id).name
        if movement.unit_id
        else who.person(movement.other_id).name
        if movement.other_id
        else "–"
    )
    told: dict[int, str] = {
        rewards_pb2.MOVEMENT_KIND_ALLOWANCE_GRANTED: _("This month's points to give"),
        rewards_pb2.MOVEMENT_KIND_ALLOWANCE_SPENT: _("You praised %(name)s"),
        rewards_pb2.MOVEMENT_KIND_ALLOWANCE_EXPIRED: _("The month ended: points not given"),
        rewards_pb2.MOVEMENT_KIND_RECEIVED: _("%(name)s praised you"),
        rewards_pb2.MOVEMENT_KIND_REDEEMED: _("Exchanged for: %(gift)s"),
        rewards_pb2.MOVEMENT_KIND_REFUNDED: _("Points back for: %(gift)s"),
        rewards_pb2.MOVEMENT_KIND_EXPIRED: _("Points expired"),
        rewards_pb2.MOVEMENT_KIND_CORRECTED: _("Set right by an administrator"),
    }
    # What a unit receives was given by a person: the receiver's line names them, the giver's the unit.
    if movement.kind == rewards_pb2.MOVEMENT_KIND_RECEIVED and movement.other_id:
        name = who.person(movement.other_id).name
    return told.get(movement.kind, "–") % {"name": name, "gift": movement.gift_name}
