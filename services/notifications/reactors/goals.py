"""Tells people of what happened to KPIs and proposals (N-07, N-09)."""

from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from eventkit.subscriptions.table import reading
from services.notifications.domain import batch as batches
from services.notifications.domain import recipients
from services.notifications.queries import goals_changes
from services.notifications.reactors.notices import give

NAME = "notices_of_goals"


@dataclass(frozen=True, slots=True)
class TellOfGoals:
    """Acts on the last event of an append: its own views have all of it by then."""

    resources: Resources

    @property
    def reaction(self) -> Reaction:
        return Reaction(NAME, "goals", self.react)

    async def react(self, event: Recorded) -> None:
        if event.index < event.size - 1:
            return
        async with reading(self.resources.pool, event.tenant) as con:
            append = await goals_changes.append_of(con, event.tenant, event.append_id, event.origin.actor)
            tree = await goals_changes.tree_around(con, event.tenant, append.changes)
        if not append.changes and not append.proposed:
            return
        drafts = recipients.of_goals(append, tree, await self.resources.directory.org_chart(event.tenant))
        for draft in drafts:
            draft.cause_append_id, draft.cause_event_id = str(event.append_id), str(event.id)
        # Changes that no proposal explains come in batches: whoever sets thirty KPIs is one piece of news, not thirty.
        seconds = 0 if append.proposed else self.resources.settings.notice_batch_seconds
        batch = batches.of_changes(event.origin.actor, event.recorded_at, seconds)
        ctx = reacting_to(event, self.resources.name, NAME)
        await give(self.resources, ctx, batch or str(event.append_id), drafts, happened_at=event.recorded_at)
