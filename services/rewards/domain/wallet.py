"""A person's points, in two wallets: the month's allowance, to be given away, and received points, which alone buy
gifts (R-07, R-17).

Every decision first lets go what is over by its day, so that a late timer gives nobody a point. Neither wallet is ever
below zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, required_date
from nhip.rewards.v1.events_pb2 import (
    AllowanceExpired,
    AllowanceGranted,
    AllowanceSpent,
    PointsCorrected,
    PointsExpired,
    PointsReceived,
    PointsRedeemed,
    PointsRefunded,
)
from nhip.rewards.v1.rewards_pb2 import CorrectPoints
from services.rewards.domain import points
from services.rewards.domain.points import Lot, Lots


@dataclass(frozen=True, slots=True)
class Wallet:
    month: date | None = None
    """The first day of the month that the allowance is of; None: none was ever granted."""
    granted: int = 0
    """What was granted for that month."""
    allowance: int = 0
    lots: Lots = ()
    redeemed: Mapping[str, Lots] = field(default_factory=dict[str, Lots])
    """What each redemption took, until it is refunded."""

    @property
    def received(self) -> int:
        return points.total(self.lots)

    @property
    def over_on(self) -> date | None:
        """The first day on which something in it is over; None while nothing can be."""
        days = [self.lots[0].expires_on + timedelta(days=1)] if self.lots else []
        if self.allowance and self.month:
            days.append(points.next_month(self.month))
        return min(days, default=None)


def evolve(
    wallet: Wallet,
    event: AllowanceGranted
    | AllowanceSpent
    | AllowanceExpired
    | PointsReceived
    | PointsRedeemed
    | PointsRefunded
    | PointsExpired
    | PointsCorrected,
) -> Wallet:
    match event:
        case AllowanceGranted():
            return replace(wallet, month=required_date(event.month), granted=event.amount, allowance=event.after)
        case AllowanceSpent() | AllowanceExpired():
            return replace(wallet, allowance=event.after)
        case PointsReceived():
            return replace(wallet, lots=points.together(*wallet.lots, *points.lots_of([event.lot])))
        case PointsRedeemed():
            taken = points.lots_of(event.lots)
            return replace(
                wallet,
                lots=points.without(wallet.lots, taken),
                redeemed={**wallet.redeemed, event.redemption_id: taken},
            )
        case PointsRefunded():
            left = {id: lots for id, lots in wallet.redeemed.items() if id != event.redemption_id}
            return replace(wallet, lots=points.together(*wallet.lots, *points.lots_of(event.lots)), redeemed=left)
        case PointsExpired():
            return replace(wallet, lots=points.without(wallet.lots, points.lots_of(event.lots)))
        case PointsCorrected():
            lots = points.lots_of(event.lots)
            added = event.after > event.before
            return replace(
                wallet, lots=points.together(*wallet.lots, *lots) if added else points.without(wallet.lots, lots)
            )
        case _:
            refuse_unknown(event)


WALLET = Aggregate("wallet", Wallet(), evolve)


class _Moving:
    """Movements of one wallet as they are decided, each on what the one before it left."""

    def __init__(self, wallet: Wallet, person_id: str, today: date):
        self.now, self.person_id, self.movements = wallet, person_id, list[StreamEvent]()
        self._let_go(today)

    def record(self, event: Message) -> None:
        self.movements.append(StreamEvent(WALLET(self.person_id), event))
        self.now = WALLET.evolve(self.now, event)

    def _let_go(self, today: date) -> None:
        now = self.now
        if now.allowance and now.month and now.month < points.first_of_month(today):
            self.record(
                AllowanceExpired(
                    person_id=self.person_id, month=from_date(now.month), amount=now.allowance, before=now.allowance
                )
            )
        if gone := points.over(now.lots, today):
            after = now.received - points.total(gone)
            self.record(
                PointsExpired(person_id=self.person_id, lots=points.messages(gone), before=now.received, after=after)
            )

    def grant(self, monthly: int, today: date) -> None:
        """The first movement of a month's allowance grants it.

        A clock that is a little behind does not bring an old month back.
        """
        month = points.first_of_month(today)
        if self.now.month is None or self.now.month < month:
            self.record(
                AllowanceGranted(person_id=self.person_id, month=from_date(month), amount=monthly, after=monthly)
            )


def expire(wallet: Wallet, person_id: str, today: date) -> Decision:
    """What is over by a day is gone: the allowance of an earlier month, points past their last day. Nothing else."""
    return _Moving(wallet, person_id, today).movements


def give(wallet: Wallet, person_id: str, praise_id: str, amount: int, *, monthly: int, today: date) -> Decision:
    """Points out of the allowance, for a praise. Raises Rejected ALLOWANCE_SPENT when it does not reach."""
    moving = _Moving(wallet, person_id, today)
    moving.grant(monthly, today)
    left = moving.now.allowance
    if amount > left:
        raise Rejected(
            "ALLOWANCE_SPENT",
            f"{left} points are left to give this month and this praise carries {amount}: praise without points, or "
            "from the 1st on",
            field="without_points",
            rule="R-07",
        )
    moving.record(
        AllowanceSpent(person_id=person_id, praise_id=praise_id, amount=amount, before=left, after=left - amount)
    )
    return moving.movements


def receive(
    wallet: Wallet, person_id: str, praise_id: str, amount: int, *, months_to_spend: int, today: date
) -> Decision:
    """Points of a praise, to be spent within so many months."""
    moving = _Moving(wallet, person_id, today)
    last = points.last_day_of_points(today, months_to_spend)
    before, lot = moving.now.received, points.message(Lot(amount, last))
    moving.record(
        PointsReceived(person_id=person_id, praise_id=praise_id, lot=lot, before=before, after=before + amount)
    )
    return moving.movements


def redeem(wallet: Wallet, person_id: str, redemption_id: str, price: int, *, today: date) -> Decision:
    """Points for a gift, those that expire first. Raises Rejected BALANCE_TOO_LOW."""
    moving = _Moving(wallet, person_id, today)
    before = moving.now.received
    if price > before:
        raise Rejected(
            "BALANCE_TOO_LOW",
            f"this gift costs {price} points and you have {before}: choose one up to that",
            field="gift_id",
            rule="R-08",
        )
    taken = points.messages(points.soonest(moving.now.lots, price))
    moving.record(
        PointsRedeemed(
            person_id=person_id, redemption_id=redemption_id, lots=taken, before=before, after=before - price
        )
    )
    return moving.movements


def refund(wallet: Wallet, person_id: str, redemption_id: str, *, refund_days: int, today: date) -> Decision:
    """What a redemption took comes back, for so many days at least.

    Raises KeyError for one that took nothing: it and its points are one append.
    """
    moving = _Moving(wallet, person_id, today)
    before, back = moving.now.received, points.refunded(moving.now.redeemed[redemption_id], today, refund_days)
    after = before + points.total(back)
    moving.record(
        PointsRefunded(
            person_id=person_id, redemption_id=redemption_id, lots=points.messages(back), before=before, after=after
        )
    )
    return moving.movements


def correct(wallet: Wallet, command: CorrectPoints, actor: Actor, org: OrgChart, *, today: date) -> Decision:
    """Sets a balance right, up (points as of a praise) or down (those that expire first); never one's own, never
    below zero."""
    if command.person_id not in org.people:
        raise unknown("person", command.person_id, "person_id")
    if command.person_id == actor.id:
        raise Rejected(
            "OWN_POINTS",
            "nobody corrects their own points: ask another administrator",
            kind=Kind.FORBIDDEN,
            rule="R-17",
        )
    if command.points == 0:
        raise Rejected(
            "NOTHING_CORRECTED", "give what is added, or, less than 0, taken", kind=Kind.INVALID, field="points"
        )
    moving = _Moving(wallet, command.person_id, today)
    before = moving.now.received
    after = before + command.points
    if after < 0:
        raise Rejected(
            "BALANCE_TOO_LOW", f"there are {before} points: at most so many can be taken", field="points", rule="R-17"
        )
    lots = (
        (Lot(command.points, points.last_day_of_points(today, org.settings.on(today).months_to_spend)),)
        if command.points > 0
        else points.soonest(moving.now.lots, -command.points)
    )
    moving.record(
        PointsCorrected(
            person_id=command.person_id, lots=points.messages(lots), before=before, after=after, reason=command.reason
        )
    )
    return moving.movements
