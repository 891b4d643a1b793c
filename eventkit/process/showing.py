"""How far the views of a service have come: when it may answer, when it may react, and what it answers by."""

import asyncio
from collections.abc import Mapping, Sequence

import asyncpg

from eventkit.database import connection
from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, Service
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.projection import AnyView, by_subscription
from eventkit.subscriptions.reached import Reached
from eventkit.subscriptions.subscription import React

CAUGHT_UP_WITHIN = 50
"""Events behind the own log's end at which a view counts as caught up, when a service starts."""
READY_SECONDS = 20.0
"""How long a reaction waits for the views that it reads, before it is tried anew."""


def reading(service: Service, context: str) -> list[str]:
    """The subscriptions that keep the service's views of a context."""
    return list(by_subscription([view for view in service.views if view.source == context]))


async def applied(reached: Reached, sources: Mapping[str, str], resources: Resources, tenant: str) -> Mapping[str, int]:
    """How far the service's views have come, by context: as far as the last of its subscriptions (`sources`: of which
    context each is)."""
    positions = await reached.positions(
        [(name, resources.partition(source)(tenant)) for name, source in sources.items()]
    )
    applied: dict[str, int] = {}
    for source, position in zip(sources.values(), positions, strict=True):
        applied[source] = min(applied.get(source, position), position)
    return applied


def ready(reaction: Reaction, service: Service, resources: Resources) -> React:
    """Waits until the service's views of what woke the reaction have passed the event."""
    names, partition = reading(service, reaction.source), resources.partition(reaction.source)

    async def ready(event: Recorded) -> None:
        async with asyncio.timeout(READY_SECONDS):
            await resources.reached.wait(names, partition(event.tenant), event.position)

    return ready


async def caught_up(pool: asyncpg.Pool, reached: Reached, views: Sequence[AnyView], name: str, position: int) -> None:
    """Until the views show what was known before the start: a new version fills its tables before it answers.

    Of the own log that is what was recorded; of other contexts, what another version of the same views has, or the
    topic had at `nhip log follow`: only then would a caller find less than before. At a first start nobody has
    anything, and an absent Kafka delays nobody.
    """
    own = list(by_subscription([view for view in views if view.source == name]))
    if own and position > CAUGHT_UP_WITHIN:
        await reached.wait(own, OWN_FEED, position - CAUGHT_UP_WITHIN)
    for subscription in by_subscription(views):
        async with connection(pool) as con:
            others = await checkpoint.of_other_versions(con, subscription)
        for partition, position in others.items():
            if position:
                await reached.wait([subscription], partition, position)
