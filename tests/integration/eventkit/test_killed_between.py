"""Whoever is killed between what it does and the checkpoint of it does it again, and nobody has it twice."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import pytest

from eventkit import kafka
from eventkit.database import transaction
from eventkit.kafka.relay import Relay
from eventkit.log import Recorded
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import Checkpoint
from eventkit.subscriptions.leadership import Leads
from tests.integration.eventkit.topics import Notes, World, running, world
from tests.waiting import PATIENCE


class Killed(Exception):
    """kill -9."""


class KilledRelay(Relay):
    async def _remember(self, kept) -> None:
        """All of the page is acknowledged by the broker."""
        raise Killed


@pytest.fixture
async def there(postgres: str, kafka: str) -> AsyncGenerator[World]:
    async with world(postgres, kafka) as here:
        yield here


async def test_of_a_relay_that_is_killed_between_sending_and_its_checkpoint_nobody_hears_twice(there: World):
    await there.make_topic()
    await there.append(10)
    leads = Leads(there.dsn)
    dying = KilledRelay(there.context, there.log, there.pool, leads, there.topics(), there.metrics, 0.3)
    with suppress(Killed):
        await dying.run(lambda: None)
    await leads.__aexit__()
    assert await there.relayed() == 0
    await there.append(5)
    async with running(there.relay().run, there.reader().run):
        await there.until_all_is_noted()
    tailed: list[int] = []
    tailing = kafka.tail(there.kafka, [there.context], after={there.context: 0}, follow=False)
    async with aclosing(tailing) as events:
        async for one in events:
            assert not one.missing
            tailed.append(one.event.position)
    assert sorted(tailed) == list(range(1, 16))


async def test_a_consumer_that_is_killed_in_the_middle_of_a_page_has_all_of_it_once(there: World):
    class KilledOnce(Notes):
        killed = False

        async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
            """Its rows are written, and then its connection is gone."""
            if self.killed:
                return await super().take(partition, at, to, events)
            self.killed = True
            async with transaction(self._pool) as con:
                await checkpoint.move(con, self.name, partition, at=at, to=to)
                await con.executemany(
                    "insert into noted(name, partition, position) values ($1, $2, $3)",
                    [(self.name, partition, e.position) for e in events],
                )
                con.terminate()
                await asyncio.sleep(0)
                raise ConnectionError

    await there.append(20)
    notes = KilledOnce("notes", there.context, there.pool)
    async with running(there.relay().run, there.reading(notes).run):
        await there.until_all_is_noted()
    assert notes.killed


async def test_a_zombie_that_wakes_up_in_the_middle_of_a_page_writes_nothing_twice(there: World):
    class Frozen(Notes):
        reached, woken = asyncio.Event(), asyncio.Event()

        async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
            self.reached.set()
            await self.woken.wait()
            await super().take(partition, at, to, events)

    await there.append(20)
    frozen = Frozen("notes", there.context, there.pool)
    async with running(there.relay().run, there.reading(frozen).run):
        async with asyncio.timeout(PATIENCE):
            await frozen.reached.wait()
        in_its_place = there.reading(Notes("notes", there.context, there.pool), "another member")
        async with running(in_its_place.run):
            await there.until_all_is_noted()
        frozen.woken.set()
        await there.append(10)
        await there.until_all_is_noted()
    assert there.count("nhip_subscription_retries_total", subscription="notes") > 0
