"""What the events of praise, points and gifts say about things that an outsider sees: balances, stock, states.

The only place of the proof that knows what they mean; the judge does not.
"""

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from cli.history.facts import Stored
from eventkit.log import Recorded
from nhip.rewards.v1 import events_pb2 as e
from nhip.rewards.v1 import rewards_pb2 as pb

Says = tuple[Mapping[str, str], Mapping[str, str], Mapping[str, int]]
"""What an event found, sets and moves."""

NOTHING: Says = ({}, {}, {})


def amount(points: int) -> str:
    """A balance; none is as if there had never been one."""
    return str(points) if points else ""


def received(person: str) -> str:
    return f"points of {person}"


def allowance(person: str) -> str:
    return f"allowance of {person}"


def stock(gift: str) -> str:
    return f"stock of {gift}"


def state(redemption: str) -> str:
    return f"state of {redemption}"


def praise(praise_id: str) -> str:
    return f"points with {praise_id}"


def wallet(tenant: str, person: str) -> str:
    """The stream of somebody's points."""
    return f"{tenant}/wallet/{person}"


def _balance(thing: Callable[[str], str], moves: str = "") -> Callable[[Any], Says]:
    def says(event: Any) -> Says:
        name = thing(event.person_id)
        moved = {moves: event.after - event.before} if moves else {}
        return {name: amount(event.before)}, {name: amount(event.after)}, moved

    return says


def _stock(moves: str = "") -> Callable[[Any], Says]:
    def says(event: Any) -> Says:
        name = stock(event.gift_id)
        moved = {moves: event.after - event.before} if moves else {}
        return {name: str(event.before)}, {name: str(event.after)}, moved

    return says


def _state(was: str, value: pb.RedemptionState.ValueType, gifts: int = 0) -> Callable[[Any], Says]:
    def says(event: Any) -> Says:
        name = state(event.redemption_id)
        moved = {"gifts": gifts} | ({"points for gifts": event.points} if isinstance(event, e.GiftRedeemed) else {})
        return {name: was} if was else {}, {name: str(value)}, moved

    return says


WAITING = str(pb.REDEMPTION_STATE_WAITING)
SAYS: Mapping[type[Message], Callable[[Any], Says]] = {
    e.AllowanceGranted: _balance(allowance),
    e.AllowanceExpired: _balance(allowance),
    e.AllowanceSpent: _balance(allowance, "points of praise"),
    e.PointsReceived: _balance(received, "points of praise"),
    e.PointsCorrected: _balance(received),
    e.PointsExpired: _balance(received),
    e.PointsRedeemed: _balance(received, "points for gifts"),
    e.PointsRefunded: _balance(received),
    e.GiftOffered: lambda event: ({}, {stock(event.gift_id): str(event.stock)}, {}),
    e.GiftStockChanged: _stock(),
    e.GiftReserved: _stock("gifts"),
    e.GiftReturned: _stock("gifts"),
    e.GiftRedeemed: _state("", pb.REDEMPTION_STATE_WAITING, 1),
    e.GiftHandedOver: _state(WAITING, pb.REDEMPTION_STATE_HANDED_OVER),
    e.RedemptionRefunded: _state(WAITING, pb.REDEMPTION_STATE_REFUNDED, -1),
    e.PraiseGiven: lambda event: (
        {},
        {praise(event.praise_id): str(sum(share.points for share in event.shares))},
        {},
    ),
}


def stored(event: Recorded) -> Stored:
    """The fact that the log has this event. What a person did has the key of whoever asked for it."""
    message = event.message
    says = SAYS.get(type(message)) if message else None
    found, sets, moves = says(message) if says else NOTHING
    key = event.origin.traceparent[3:35] if event.origin.actor.startswith("person:") else ""
    return Stored.of(event, key, found=found, sets=sets, moves=moves)
