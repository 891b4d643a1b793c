"""An exchange of points for a gift as it is shown, to who made it and at the counter."""

from dataclasses import dataclass, field
from datetime import UTC
from uuid import uuid4

from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.cards import Avatar, StateMark
from services.gateway.console.directory import Directory
from services.gateway.console.language import unreadable
from services.gateway.console.visit import Visit
from services.gateway.console.wallet import points


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
