"""Allowances end with their month and received points with their last day (R-07, R-17), in the tenant's time zone.

The decision is the wallet's own, by the instant at which it is made: what the timer has not come to yet cannot be spent
either.
"""

from collections.abc import Sequence
from datetime import datetime

from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from services.rewards.domain import wallet
from services.rewards.domain.wallet import WALLET
from services.rewards.queries.wallets import over


def expiring_points(resources: Resources) -> Timer:
    async def due(at: datetime, most: int) -> Sequence[Due]:
        return await over(resources.pool, at, most)

    async def act(due: Due, ctx: Context) -> None:
        today = (await resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        await resources.commands.on(ctx, WALLET, due.thing, lambda state: wallet.expire(state, due.thing, today))

    return Timer("expiring_points", due, act)
