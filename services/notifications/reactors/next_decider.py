"""Who is asked for a decision while a proposal waits: when the right to decide moves, the new one is told and the old
one's notice closes; when nobody has decided for some days, the next who may is told too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.responsibility import deciders
from eventkit.process.service import Due, Resources, Timer
from eventkit.subscriptions.table import reading
from services.notifications.domain import notice, recipients
from services.notifications.domain.notice import TELLING
from services.notifications.queries import waiting
from services.notifications.reactors.notices import addressed_to

LOOK_EVERY = timedelta(minutes=1)
NOBODY_FOR = timedelta(hours=1)
"""How long a proposal is left alone that nobody else may decide."""


@dataclass(frozen=True, slots=True)
class NextDecider:
    resources: Resources

    @property
    def timer(self) -> Timer:
        return Timer("next_decider", self.due, self.act, LOOK_EVERY)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return await waiting.undecided(self.resources.pool, at, most)

    async def act(self, due: Due, ctx: Context) -> timedelta | None:
        put_right = await self.look_at(ctx, due.thing, f"asked/{due.thing}/{due.at.isoformat()}")
        return None if put_right else NOBODY_FOR

    async def look_at(self, ctx: Context, proposal_id: str, cause: str) -> bool:
        """Put right who is asked about a proposal. Answers whether anything had to be."""
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            facts = await waiting.facts_of(con, ctx.tenant, proposal_id)
        if facts is None:
            return False
        may = deciders(facts.touched, facts.proposer_id, org).people if facts.touched else ()
        # What was given alone, before whole causes were, cannot be closed.
        over = [asked for asked in facts.asked if asked.person_id not in may and asked.telling_id]
        asked = {one.person_id: one.at for one in facts.asked if one.person_id in may}
        days = org.settings.on(org.today(ctx.at)).approval_days
        late = max(asked.values(), default=facts.proposed_at) + timedelta(days=days) <= ctx.at
        # Before anybody was asked at all, who was entitled when it was proposed is about to be.
        moved = facts.was_asked and not asked
        wanted = next((p for p in may if p not in asked), "") if late or moved else ""
        drafts = recipients.of_asking(proposal_id, facts.proposer_id, wanted, org) if wanted else []
        given = await addressed_to(self.resources, ctx, cause, drafts, happened_at=ctx.at)
        telling_id = notice.telling_id(ctx.tenant, cause)

        async def decide(load: Load) -> Decision:
            decision = notice.tell(await load(TELLING, telling_id), telling_id, given, batch=False)
            for one in over:
                decision += notice.close(await load(TELLING, one.telling_id), one.telling_id, [one.notice_id])
            return decision

        if not given and not over:
            return False
        await self.resources.commands.execute(ctx, TELLING(telling_id), decide)
        return True
