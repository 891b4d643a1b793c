"""A redemption: points for a gift, until it is handed over or refunded (R-08).

Points, stock and redemption move in one append.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from nhip.rewards.v1 import rewards_pb2 as pb
from nhip.rewards.v1.events_pb2 import GiftHandedOver, GiftRedeemed, RedemptionRefunded
from services.rewards.domain import gift as gifts
from services.rewards.domain import wallet as wallets
from services.rewards.domain.gift import Gift
from services.rewards.domain.wallet import Wallet

STEWARDS = ("admin", "okr_master")
"""The roles that look after gifts and points: who offers, hands over, corrects (R-09)."""


@dataclass(frozen=True, slots=True)
class Redemption:
    id: str
    gift_id: str
    person_id: str
    points: int
    state: pb.RedemptionState.ValueType = pb.REDEMPTION_STATE_WAITING


def evolve(redemption: Redemption | None, event: GiftRedeemed | GiftHandedOver | RedemptionRefunded) -> Redemption:
    match event:
        case GiftRedeemed():
            return Redemption(event.redemption_id, event.gift_id, event.person_id, event.points)
        case GiftHandedOver():
            return replace(begun(redemption, event), state=pb.REDEMPTION_STATE_HANDED_OVER)
        case RedemptionRefunded():
            return replace(begun(redemption, event), state=pb.REDEMPTION_STATE_REFUNDED)
        case _:
            refuse_unknown(event)


REDEMPTION = Aggregate[Redemption | None]("redemption", None, evolve)


def existing(redemption: Redemption | None, redemption_id: str) -> Redemption:
    if redemption is None:
        raise unknown("redemption", redemption_id, "redemption_id")
    return redemption


def is_steward(org: OrgChart, person_id: str) -> bool:
    """Whether a person hands gifts over and looks after everybody's points."""
    return any(org.has_role(person_id, role) for role in STEWARDS)


def redeem(
    gift: Gift | None, wallet: Wallet, command: pb.RedeemGift, actor: Actor, redemption_id: str, *, today: date
) -> Decision:
    """A gift for the actor's received points."""
    wanted = gifts.existing(gift, command.gift_id)
    reserved = gifts.reserve(wanted, redemption_id)
    redeemed = GiftRedeemed(redemption_id=redemption_id, gift_id=wanted.id, person_id=actor.id, points=wanted.points)
    return [
        StreamEvent(REDEMPTION(redemption_id), redeemed),
        *wallets.redeem(wallet, actor.id, redemption_id, wanted.points, today=today),
        *reserved,
    ]


def hand_over(redemption: Redemption | None, command: pb.HandOverGift, actor: Actor) -> Decision:
    """Nobody hands a gift to themselves. Handing over again what was handed over changes nothing."""
    now = existing(redemption, command.redemption_id)
    if now.person_id == actor.id:
        raise Rejected(
            "OWN_GIFT", "nobody hands a gift to themselves: ask another administrator", kind=Kind.FORBIDDEN, rule="R-17"
        )
    if now.state == pb.REDEMPTION_STATE_REFUNDED:
        raise Rejected(
            "REDEMPTION_REFUNDED", "the points went back already: this gift stays in the shop", field="redemption_id"
        )
    if now.state == pb.REDEMPTION_STATE_HANDED_OVER:
        return []
    handed_over = GiftHandedOver(redemption_id=now.id, gift_id=now.gift_id, person_id=now.person_id)
    return [StreamEvent(REDEMPTION(now.id), handed_over)]


def refund(
    redemption: Redemption,
    gift: Gift,
    wallet: Wallet,
    command: pb.RefundRedemption,
    actor: Actor,
    org: OrgChart,
    *,
    today: date,
) -> Decision:
    """Points and gift go back, before the hand-over only. Refunding again what was refunded changes nothing."""
    if actor.id != redemption.person_id and not is_steward(org, actor.id):
        raise Rejected(
            "NOT_YOUR_REDEMPTION",
            "only who redeemed a gift, or who hands gifts over, gives it back",
            kind=Kind.FORBIDDEN,
        )
    if redemption.state == pb.REDEMPTION_STATE_HANDED_OVER:
        raise Rejected(
            "GIFT_HANDED_OVER",
            "this gift is in its owner's hands already: its points stay spent",
            field="redemption_id",
        )
    if redemption.state == pb.REDEMPTION_STATE_REFUNDED:
        return []
    reason = command.reason if command.reason.plain.strip() else None
    refunded = RedemptionRefunded(
        redemption_id=redemption.id, gift_id=redemption.gift_id, person_id=redemption.person_id, reason=reason
    )
    return [
        StreamEvent(REDEMPTION(redemption.id), refunded),
        *wallets.refund(
            wallet,
            redemption.person_id,
            redemption.id,
            refund_days=org.settings.on(today).refund_days,
            today=today,
        ),
        *gifts.take_back(gift, redemption.id),
    ]
