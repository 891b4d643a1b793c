"""Reminds who answers for a KPI that nobody has recorded for long (C-02, N-04)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class StaleProgress:
    resources: Resources
    _looked_at: datetime | None = None
    _nobodys: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])

    @property
    def timer(self) -> Timer:
        return Timer("stale_progress", self.due, self.act)

    async def due(self, at: datetime) -> Sequence[Due]:
        if self._looked_at and timedelta(0) <= at - self._looked_at < LOOK_EVERY:
            return []
        self._nobodys = {kpi: until for kpi, until in self._nobodys.items() if until > at}
        dues = [
            due
            for due in await forgotten.forgotten(self.resources.pool, at)
            if (due.tenant, due.thing) not in self._nobodys
        ]
        self._looked_at = None if dues else at
        return dues

    async def act(self, due: Due, ctx: Context) -> None:
        since = await forgotten.since(self.resources.pool, due, ctx.at)
        if since is None:
            return
        async with reading(self.resources.pool, due.tenant) as con:
            kpi = (await responsibilities(con, due.tenant, [due.thing]))[due.thing]
        drafts = recipients.of_stale(kpi, await self.resources.directory.org_chart(due.tenant))
        if not drafts:
            self._nobodys[due.tenant, due.thing] = ctx.at + NOBODY_FOR
        for draft in drafts:
            draft.since.CopyFrom(from_date(since))
        await give(self.resources, ctx, f"stale/{kpi.id}/{since}", drafts, happened_at=ctx.at)
