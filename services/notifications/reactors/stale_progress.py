"""Reminds who answers for a KPI that nobody has recorded for long (C-02, N-04)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from eventkit.subscriptions.table import reading
from eventkit.values import from_date
from services.notifications.domain import recipients
from services.notifications.queries import forgotten
from services.notifications.queries.goals_changes import responsibilities
from services.notifications.reactors.notices import give

LOOK_EVERY = timedelta(minutes=1)
"""Days pass slowly: with nothing forgotten there is no need to look at every KPI each second."""
NOBODY_FOR = timedelta(hours=1)
"""How long a KPI is left alone that nobody answers for."""


@dataclass(frozen=True, slots=True)
class StaleProgress:
    resources: Resources

    @property
    def timer(self) -> Timer:
        return Timer("stale_progress", self.due, self.act, LOOK_EVERY)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return await forgotten.forgotten(self.resources.pool, at, most)

    async def act(self, due: Due, ctx: Context) -> timedelta | None:
        since = await forgotten.since(self.resources.pool, due, ctx.at)
        if since is None:
            return None
        async with reading(self.resources.pool, due.tenant) as con:
            kpi = (await responsibilities(con, due.tenant, [due.thing]))[due.thing]
        drafts = recipients.of_stale(kpi, await self.resources.directory.org_chart(due.tenant))
        if not drafts:
            return NOBODY_FOR
        for draft in drafts:
            draft.since.CopyFrom(from_date(since))
        await give(self.resources, ctx, f"stale/{kpi.id}/{since}", drafts, happened_at=ctx.at)
        return None
