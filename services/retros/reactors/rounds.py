"""Begins the round of a cycle on its last day, in the tenant's time zone."""

from collections.abc import Sequence
from datetime import datetime

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from services.retros.domain import round as rounds
from services.retros.domain.round import ROUND
from services.retros.queries.cycles import ending


def beginning_rounds(resources: Resources) -> Timer:
    async def due(at: datetime, most: int) -> Sequence[Due]:
        return await ending(resources.pool, at, most)

    async def act(due: Due, ctx: Context) -> None:
        await resources.commands.on(ctx, ROUND, due.thing, lambda begun: rounds.begin(begun, due.thing))

    return Timer("beginning_rounds", due, act)
