"""Tells people that it is time to look back, and of what lies open of a team's retro (N-04)."""

from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from eventkit.subscriptions.table import reading
from nhip.notifications.v1 import types_pb2 as t
from nhip.retros.v1.events_pb2 import CardsRevealed, RetroShared, RoundBegun, TeamRetroOpened
from services.notifications.domain import recipients
from services.notifications.queries.team_retros import opened_retro
from services.notifications.reactors.notices import give

NAME = "notices_of_retros"


@dataclass(frozen=True, slots=True)
class TellOfRetros:
    resources: Resources

    @property
    def reaction(self) -> Reaction:
        return Reaction(NAME, "retros", self.react)

    async def react(self, event: Recorded) -> None:
        org, actor = await self.resources.directory.org_chart(event.tenant), event.origin.actor
        match event.message:
            case RoundBegun(cycle_id=cycle_id):
                drafts = recipients.of_retro_begun(cycle_id, org)
            case TeamRetroOpened() as opened:
                drafts = recipients.of_team_retro(opened, t.NOTICE_KIND_TEAM_RETRO_OPENED, actor, org)
            case CardsRevealed(team_retro_id=id):
                async with reading(self.resources.pool, event.tenant) as con:
                    opened = await opened_retro(con, event.tenant, id)
                drafts = recipients.of_team_retro(opened, t.NOTICE_KIND_CARDS_REVEALED, "", org)
            case RetroShared() as shared:
                drafts = recipients.of_shared_retro(shared, org)
            case _:
                return
        for draft in drafts:
            draft.cause_append_id, draft.cause_event_id = str(event.append_id), str(event.id)
        ctx = reacting_to(event, self.resources.name, NAME)
        await give(self.resources, ctx, str(event.append_id), drafts, happened_at=event.recorded_at)
