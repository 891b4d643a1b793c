"""A topic is held against its log: whatever somebody else did to it is named with its place."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from eventkit.errors import Rejected
from eventkit.kafka import Compared, compare
from eventkit.log.kurrentdb import KurrentLog
from eventkit.process.operations import Operations, _whole  # pyright: ignore[reportPrivateUsage]
from tests.integration.eventkit.kurrentdb_server import KurrentServer
from tests.integration.eventkit.topics import World, running, world


@pytest.fixture
async def there(postgres: str, kafka: str) -> AsyncGenerator[World]:
    async with world(postgres, kafka) as here:
        yield here


@pytest.fixture(params=["postgresql", "kurrentdb"])
async def anywhere(request: pytest.FixtureRequest, postgres: str, kafka: str) -> AsyncGenerator[World]:
    """With its log in either engine."""
    async with AsyncExitStack() as stack:
        log = None
        if request.param == "kurrentdb":
            server = await stack.enter_async_context(KurrentServer())
            log = await stack.enter_async_context(KurrentLog(server.url, context="goals", poll_seconds=0.1))
        yield await stack.enter_async_context(world(postgres, kafka, log))


async def compared(there: World) -> Compared:
    rows = await there.pool.fetch("select partition, position from relay")
    return await compare(there.kafka, there.context, there.log, {r[0]: r[1] for r in rows}, _whole(there.log))


def told(found: Compared) -> list[tuple[int, int, int, str]]:
    return sorted((d.partition, d.offset, d.position, d.what.partition(":")[0]) for d in found.differences)


async def test_a_record_that_was_forged_left_out_or_added_is_named_with_its_place(anywhere: World):
    there = anywhere
    await there.append(60)
    async with running(there.relay(look_seconds=600).run):
        await there.until_relayed()
    found = await compared(there)
    assert (found.events, found.records, found.differences) == (60, 60, [])

    records = await there.records()
    forged, left_out = records[0][3], records[0][6]
    doubled = records[1][2]
    await there.delete_topic()
    await there.make_topic()
    for partition, sent in records.items():
        for record in sent:
            value = b"somebody else's" if record is forged else record.value
            if record is not left_out:
                await there.send(partition, value, list(record.headers))
    forged_at, left_out_at = (int(dict(record.headers)["ce_sequence"]) for record in (forged, left_out))
    await there.send(1, doubled.value, list(doubled.headers))
    added = {**dict(records[2][-1].headers), "ce_id": str(uuid4()).encode(), "ce_sequence": b"999"}
    await there.send(2, b"mine", list(added.items()))
    await there.send(2, b"hello", [])

    found = await compared(there)
    assert (found.events, found.records, found.repeated) == (60, 62, 1)
    assert told(found) == [
        (0, -1, left_out_at, "the topic does not have this event"),
        (0, 3, forged_at, "not as the log has it"),
        (2, len(records[2]), 999, "the log does not have this event"),
        (2, len(records[2]) + 1, 0, "no relay wrote this record"),
    ]
    assert [d.what for d in found.differences if d.position == forged_at] == ["not as the log has it: data"]


async def test_a_view_is_not_folded_from_a_topic_that_lost_its_front(there: World):
    await there.append(30)
    async with running(there.relay(look_seconds=600).run):
        await there.until_relayed()
    admin = AIOKafkaAdminClient(bootstrap_servers=there.kafka.servers)
    await admin.start()
    try:
        front = TopicPartition(there.kafka.topic(there.context), 0)
        await admin.delete_records({front: RecordsToDelete(before_offset=2)})
    finally:
        await admin.close()
    last = await there.pool.fetchval("select position from relay where partition = 0")
    operations = Operations(cast(Any, SimpleNamespace(cluster=there.kafka)), {}, [], cast(Any, None))
    pages = operations._topic_pages(there.context, 0, last)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(Rejected, match=f"has nothing behind position 0.*nhip log publish {there.context}") as refused:
        assert [event async for page in pages for event in page] == []
    assert refused.value.reason == "TOPIC_INCOMPLETE"
    assert {d.what for d in (await compared(there)).differences} == {"the topic does not have this event"}
