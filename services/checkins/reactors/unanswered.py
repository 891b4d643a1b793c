"""Says of a topic that has waited for longer than its company lets one wait that it has (N-10)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from services.checkins.domain import topic
from services.checkins.domain.topic import TOPIC
from services.checkins.queries.unanswered import unanswered

LOOK_EVERY = timedelta(minutes=1)
NOBODY_FOR = timedelta(hours=1)
"""How long a topic is left alone that waits for nobody."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    resources: Resources

    @property
    def timer(self) -> Timer:
        return Timer("unanswered_topics", self.due, self.act, LOOK_EVERY)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return await unanswered(self.resources.pool, at, most)

    async def act(self, due: Due, ctx: Context) -> timedelta | None:
        org = await self.resources.directory.org_chart(due.tenant)
        days = org.settings.on(org.today(ctx.at)).topic_days
        accepted = await self.resources.commands.on(
            ctx, TOPIC, due.thing, lambda state: topic.left_unanswered(state, due.thing, days, org)
        )
        return NOBODY_FOR if accepted.unchanged else None
