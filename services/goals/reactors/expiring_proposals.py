"""Proposals that nobody decided expire, after as many days as their tenant says (G-67)."""

from collections.abc import Sequence
from datetime import datetime

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from services.goals.domain import proposal
from services.goals.domain.proposal import PROPOSAL
from services.goals.queries.proposals import over


def expiring_proposals(resources: Resources) -> Timer:
    async def due(at: datetime, most: int) -> Sequence[Due]:
        return await over(resources.pool, at, most)

    async def act(due: Due, ctx: Context) -> None:
        org = await resources.directory.org_chart(ctx.tenant)
        days = int(org.settings.on(org.today(ctx.at)).proposal_days)
        await resources.commands.on(ctx, PROPOSAL, due.thing, lambda state: proposal.expire(state, days))

    return Timer("expiring_proposals", due, act)
