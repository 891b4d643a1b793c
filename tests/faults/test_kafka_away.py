"""Kafka goes away and comes back, under a relay and a reader: nothing lost, nothing twice, whatever it forgot
meanwhile."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from deploy.engines import KafkaEngine
from tests.integration.eventkit.topics import World, running, until, world


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncGenerator[KafkaEngine]:
    engine = KafkaEngine(tmp_path)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
async def there(postgres: str, engine: KafkaEngine) -> AsyncGenerator[World]:
    async with world(postgres, engine.address) as here:
        yield here


async def test_events_wait_for_kafka_to_come_back(there: World, engine: KafkaEngine, tmp_path: Path):
    async with running(there.relay().run, there.reader().run):
        await there.append(30)
        await there.until_all_is_noted()
        await engine.stop()
        await there.append(30)  # commands do not need Kafka
        await engine.start()
        await there.until_all_is_noted(seconds=60)

        await there.append(100)
        engine.kill()  # with records on their way
        shutil.rmtree(tmp_path / "kafka" / "data")  # and its disk is lost
        await there.append(40)
        await engine.start()
        await there.until_all_is_noted(seconds=60)
    # Who begins at the first event finds all of them.
    async with running(there.relay().run, there.reader("newcomer").run):
        await there.until_all_is_noted("newcomer")

    async def complete() -> bool:
        return await there.published() >= 200

    await until(complete)
