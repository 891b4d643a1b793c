"""How far behind subscriptions to the own log are, and the relay: told by every process, whoever leads."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg
import structlog

from eventkit.database import connection
from eventkit.kafka import relay
from eventkit.log import EventLog
from eventkit.log.faults import TRANSIENT
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.reached import Reached
from eventkit.telemetry import Metrics

TELL_SECONDS = 5.0

log = structlog.get_logger(__name__)


async def tell(
    event_log: EventLog,
    subscriptions: Sequence[str],
    reached: Reached,
    pool: asyncpg.Pool,
    metrics: Metrics,
    beat: Callable[[], None],
) -> None:
    """For ever. `subscriptions` are those to the own log; readers of topics tell of themselves."""
    while True:
        try:
            await measure(event_log, subscriptions, reached, pool, metrics)
        except TRANSIENT as error:
            log.warning("lag.retry", error=type(error).__name__)
        beat()
        await asyncio.sleep(TELL_SECONDS)


async def measure(
    event_log: EventLog, subscriptions: Sequence[str], reached: Reached, pool: asyncpg.Pool, metrics: Metrics
) -> None:
    # What is behind is looked at first: the end only grows meanwhile, and nothing seems to be ahead of it.
    positions = dict(
        zip(subscriptions, await reached.positions([(name, OWN_FEED) for name in subscriptions]), strict=True)
    )
    async with connection(pool) as con:
        positions[relay.NAME] = await con.fetchval("select coalesce(max(position), 0) from relay")
    end = await event_log.last_position()
    for name, position in positions.items():
        metrics.subscription_lag.labels(name).set(max(0, end - position))
