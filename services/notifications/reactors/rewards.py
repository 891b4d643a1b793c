"""Tells people of praise, and of what became of the gifts that they redeemed (N-06, N-11)."""

from dataclasses import dataclass

from eventkit.context import imported
from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from nhip.rewards.v1.events_pb2 import GiftHandedOver, PraiseGiven, RedemptionRefunded
from services.notifications.domain import batch as batches
from services.notifications.domain import recipients
from services.notifications.reactors.notices import give

NAME = "notices_of_rewards"


@dataclass(frozen=True, slots=True)
class TellOfRewards:
    """The one event of an append that says it all is the cause; the points and the stock that moved with it are not."""

    resources: Resources

    @property
    def reaction(self) -> Reaction:
        return Reaction(NAME, "rewards", self.react)

    async def react(self, event: Recorded) -> None:
        org, actor = await self.resources.directory.org_chart(event.tenant), event.origin.actor
        match event.message:
            case PraiseGiven() as praise:
                drafts = recipients.of_praise(praise, actor, org)
            case GiftHandedOver() | RedemptionRefunded() as gift:
                drafts = recipients.of_gift(gift, actor, org)
            case _:
                return
        for draft in drafts:
            draft.cause_append_id, draft.cause_event_id = str(event.append_id), str(event.id)
        by_import = imported(actor)
        cause = batches.of_import("praise", event.recorded_at) if by_import else str(event.append_id)
        await give(
            self.resources,
            reacting_to(event, self.resources.name, NAME),
            cause,
            drafts,
            happened_at=event.recorded_at,
            mail=not by_import,
        )
