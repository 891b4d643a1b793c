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


@dataclass(frozen=True, slots=True)
class DueActions:
    resources: Resources

    @property
    def timer(self) -> Timer:
        return Timer("due_actions", self.due, self.act, LOOK_EVERY)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return await actions.falling_due(self.resources.pool, at, most)

    async def act(self, due: Due, ctx: Context) -> None:
        await self.resources.commands.on(ctx, ACTION, due.thing, lambda state: action.fall_due(state, due.at))
