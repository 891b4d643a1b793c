"""How far behind a subscription is: a number that an alert can rest on."""

import asyncio
from collections.abc import Sequence

import asyncpg

from eventkit.database import connection
from eventkit.log import Recorded
from eventkit.process import lag
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import OWN_FEED, Checkpoint
from eventkit.subscriptions.reached import Reached
from tests.integration.eventkit.topics import Notes, World, running, until, world


class Held(Notes):
    """Takes nothing until it is let."""

    def __init__(self, name: str, source: str, pool: asyncpg.Pool):
        super().__init__(name, source, pool)
        self.let = asyncio.Event()

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        if events:
            await self.let.wait()
        await super().take(partition, at, to, events)


def of(there: World, name: str) -> float:
    return there.count("nhip_subscription_lag", subscription=name)


async def test_what_waits_in_a_topic_and_in_the_log_is_counted_until_it_is_handled(postgres: str, kafka: str):
    async with world(postgres, kafka) as there:
        held, own = Held("notes", there.context, there.pool), Notes("own", there.context, there.pool)
        await there.append(20, tenants=["acme"])
        reached = Reached(there.dsn, there.pool)
        await lag.measure(there.log, ["own"], reached, there.pool, there.metrics)
        assert (of(there, "own"), of(there, "relay")) == (20, 20)
        async with connection(there.pool) as con:
            at = await checkpoint.load(con, "own", OWN_FEED)
        await own.take(OWN_FEED, at, Checkpoint(20), [])
        async with running(there.relay().run):
            await there.until_relayed()
        async with running(there.reading(held).run):

            async def all_of_it_waits() -> bool:
                return of(there, "notes") == 20

            await until(all_of_it_waits)
            held.let.set()

            async def nothing_waits() -> bool:
                return of(there, "notes") == 0

            await until(nothing_waits)
        await lag.measure(there.log, ["own"], reached, there.pool, there.metrics)
        assert (of(there, "own"), of(there, "relay")) == (0, 0)
