"""Says of a topic that has waited for longer than its company lets one wait that it has (N-10)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from services.checkins.domain import topic
from services.checkins.domain.topic import TOPIC
from services.checkins.queries.unanswered import unanswered

LOOK_EVERY = timedelta(minutes=1)
NOBODY_FOR = timedelta(hours=1)
"""How long a topic is left alone that waits for nobody."""


@dataclass(slots=True)
class Unanswered:
    resources: Resources
    _looked_at: datetime | None = None
    _nobodys: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])

    @property
    def timer(self) -> Timer:
        return Timer("unanswered_topics", self.due, self.act)

    async def due(self, at: datetime) -> Sequence[Due]:
        if self._looked_at and timedelta(0) <= at - self._looked_at < LOOK_EVERY:
            return []
        self._nobodys = {one: until for one, until in self._nobodys.items() if until > at}
        dues = [d for d in await unanswered(self.resources.pool, at) if (d.tenant, d.thing) not in self._nobodys]
        self._looked_at = None if dues else at
        return dues

    async def act(self, due: Due, ctx: Context) -> None:
        org = await self.resources.directory.org_chart(due.tenant)
        days = org.settings.on(org.today(ctx.at)).topic_days
        accepted = await self.resources.commands.on(
            ctx, TOPIC, due.thing, lambda state: topic.left_unanswered(state, due.thing, days, org)
        )
        if accepted.unchanged:
            self._nobodys[due.tenant, due.thing] = ctx.at + NOBODY_FOR
