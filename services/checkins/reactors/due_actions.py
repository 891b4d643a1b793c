"""Says of an action that it falls due, on the morning of its day (N-09)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from services.checkins.domain import action
from services.checkins.domain.action import ACTION
from services.checkins.queries import actions

LOOK_EVERY = timedelta(seconds=20)


@dataclass(slots=True)
class DueActions:
    resources: Resources
    _looked_at: datetime | None = None

    @property
    def timer(self) -> Timer:
        return Timer("due_actions", self.due, self.act)

    async def due(self, at: datetime) -> Sequence[Due]:
        if self._looked_at and timedelta(0) <= at - self._looked_at < LOOK_EVERY:
            return []
        dues = await actions.falling_due(self.resources.pool, at)
        self._looked_at = None if dues else at
        return dues

    async def act(self, due: Due, ctx: Context) -> None:
        await self.resources.commands.on(ctx, ACTION, due.thing, lambda state: action.fall_due(state, due.at))
