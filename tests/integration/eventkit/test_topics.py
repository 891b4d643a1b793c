"""From a log to its topic and out of it again: in order, each event once, whatever becomes of the topic."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from eventkit.kafka import Kept, TopicWriter, headers, partition_of, received, tenant_events
from eventkit.log import Recorded
from tests.integration.eventkit.topics import CUT_LEADS, PARTITIONS, TENANTS, Notes, World, running, until, world
from tests.waiting import PATIENCE


@pytest.fixture
async def there(postgres: str, kafka: str):
    async with world(postgres, kafka) as here:
        yield here


async def logged(there: World) -> list[Recorded]:
    async for page in there.log.feed():
        return page
    return []


async def test_events_come_out_of_the_topic_once_in_order_and_as_they_were(there: World):
    notes = Notes("notes", there.context, there.pool)
    await there.append(40)
    async with running(there.relay().run, there.reading(notes).run):
        await there.until_all_is_noted()
        await there.append(10)
        await there.until_all_is_noted()
    want = {
        e.id: replace(e, origin=e.origin._replace(command_digest=b"")) for e in await logged(there)
    }  # digests stay at home
    assert {e.id: e for e in notes.seen} == want
    assert await there.published() == 50
    assert [e.position for e in await tenant_events(there.kafka, there.context, "corp", upto=30)] == [
        e.position for e in want.values() if e.tenant == "corp" and e.position <= 30
    ]


async def test_a_relay_that_starts_again_repeats_nothing_and_skips_nothing(there: World):
    for _ in range(3):
        await there.append(20)
        async with running(there.relay().run):
            await there.until_relayed()
    await there.pool.execute(
        'delete from relay where partition = 0; update relay set position = position - 5, "offset" = "offset" - 1'
    )
    # As after a crash between the acknowledgement and the note of it.
    async with running(there.relay().run, there.reader().run):
        await there.append(20)
        await there.until_all_is_noted()
    assert await there.published() == 80


async def test_of_two_relays_one_leads_and_the_other_takes_over(there: World):
    async with running(there.relay().run, there.relay().run, there.reader().run):
        await there.append(20)
        await there.until_all_is_noted()
        for _ in range(2):
            await there.pool.execute(CUT_LEADS)
            await there.append(20)
            await there.until_all_is_noted()
    assert await there.published() >= 60  # a failover may repeat


async def test_a_topic_that_is_deleted_under_an_idle_relay_is_filled_again(there: World):
    await there.append(30)
    async with running(there.relay().run, there.reader().run):
        await there.until_all_is_noted()
        await there.delete_topic()

        async with asyncio.timeout(PATIENCE):
            await until(lambda: there.pool.fetchval('select sum("offset" + 1) >= 30 from relay'))
            await there.append(10)
            await there.until_all_is_noted()
    assert (await there.records()).keys() == {0, 1, 2}
    async with running(there.reader("newcomer").run):  # who begins at the first event finds it
        await there.until_all_is_noted("newcomer")


async def test_a_topic_that_is_deleted_while_nobody_looks_is_filled_again(there: World):
    await there.append(30)
    async with running(there.relay().run, there.reader().run):
        await there.until_all_is_noted()
    await there.delete_topic()
    await there.append(5)
    async with running(there.relay().run, there.reader().run, there.reader("newcomer").run):
        await there.until_all_is_noted()
        await there.until_all_is_noted("newcomer")


async def test_a_topic_that_is_made_anew_before_the_relay_noticed_has_no_hole_in_the_end(there: World):
    """The relay publishes at the place of an old record, behind events that are not there any more: its readers wait
    for those."""
    await there.append(30)
    async with running(there.relay(look_seconds=3600).run, there.reader().run):
        await there.until_all_is_noted()
        await there.delete_topic()
        await there.make_topic()
        async with running(there.reader("newcomer").run):
            await there.append(10)
            await there.until_all_is_noted()
            await there.until_all_is_noted("newcomer")


async def test_a_reader_that_lags_when_the_topic_is_made_anew_misses_nothing(there: World):
    await there.append(30)
    async with running(there.relay().run, there.reader().run):
        await there.until_all_is_noted()
    await there.append(30)
    async with running(there.relay().run):
        await there.until_relayed()
    await there.delete_topic()
    await there.append(30)
    async with running(there.relay().run):
        await until(lambda: there.pool.fetchval('select sum("offset" + 1) >= 90 from relay'))
    async with running(there.reader().run):
        await there.until_all_is_noted()


async def test_records_that_no_relay_wrote_are_counted_and_passed_over(there: World):
    await there.append(10)
    async with running(there.relay().run):
        await there.until_relayed()
    [event] = [e for e in await logged(there) if e.position == 1]
    ours = headers(event, there.context, 0)
    for partition in range(PARTITIONS):
        await there.send(partition, b"hello", [])
        await there.send(partition, None, [("ce_id", b"\xff\xfe")])
        await there.send(partition, None, [*ours, ("ce_sequence", b"999")])
        await there.send(partition, b"x", [(name, b"\xff" if name == "ce_subject" else value) for name, value in ours])
        await there.send(partition, b"x", [(name, None if name == "ce_sequence" else value) for name, value in ours])
        await there.send(
            partition, b"x", [(name, b"yesterday" if name == "ce_time" else value) for name, value in ours]
        )
    await there.append(10)
    async with running(there.relay().run, there.reader().run):
        await there.until_all_is_noted()
    assert there.count("nhip_foreign_records_total", subscription="notes") == 6 * PARTITIONS


async def test_readers_of_one_group_share_the_partitions(there: World):
    first, second = Notes("notes", there.context, there.pool), Notes("notes", there.context, there.pool)
    async with running(there.relay().run, there.reading(first).run):
        await there.append(30)
        await there.until_all_is_noted()
        async with running(there.reading(second).run):

            async def both_take() -> bool:
                before = len(first.seen), len(second.seen)
                await there.append(10)
                await there.until_all_is_noted()
                return len(first.seen) > before[0] and len(second.seen) > before[1]

            await until(both_take)
        await there.append(20)  # the second one has left: the first has all partitions again
        await there.until_all_is_noted()


async def test_a_partition_that_goes_to_another_while_it_is_looked_up_throws_nobody_out(there: World):
    """Who left the group for it would make everybody share anew, and again when it comes back."""
    await there.append(30)
    async with running(there.relay().run), AsyncExitStack() as readers:
        await there.until_relayed()

        async def waiting(members: int) -> bool:
            return members == await there.pool.fetchval(
                "select count(*) from pg_locks where relation = 'checkpoint'::regclass and not granted"
            )

        async with asyncpg.create_pool(there.dsn, min_size=1) as own, own.acquire() as holding, holding.transaction():
            await holding.execute("lock table checkpoint in access exclusive mode")
            for members in (1, 2):  # who looks a partition up has been given it
                await readers.enter_async_context(running(there.reader().run))
                await until(partial(waiting, members))
        await there.until_all_is_noted()
    assert there.count("nhip_subscription_retries_total", subscription="notes") == 0


async def test_what_is_missing_is_waited_for(there: World):
    """A hole that somebody else made: noticed, and filled when the records come."""
    await there.append(12, tenants=["acme"])
    events = await logged(there)
    partition = partition_of("acme", PARTITIONS)
    await there.make_topic()
    for event in [*events[:4], *events[6:]]:
        await there.send(partition, event.data, headers(event, there.context, event.position - 1))
    async with running(there.reader().run):

        async def stands_at_the_hole() -> bool:
            noticed = there.count("nhip_topic_holes_total", subscription="notes") > 0
            return noticed and (await there.noted())[partition] == [1, 2, 3, 4]

        await until(stands_at_the_hole)
        for event in events[4:]:
            await there.send(partition, event.data, headers(event, there.context, event.position - 1))
        await there.until_all_is_noted()


async def test_a_writer_sees_how_far_a_reader_comes(there: World):
    await there.append(20, tenants=["acme"])
    events, partition = await logged(there), partition_of("acme", PARTITIONS)
    await there.make_topic()
    async with TopicWriter(there.kafka, there.context) as writer:
        assert await writer.look({}) == dict.fromkeys(range(PARTITIONS), 0)
        assert await writer.publish(events[:8]) == {partition: Kept(8, 7)}
        assert await writer.publish(events[4:10]) == {partition: Kept(10, 9)}  # what is there already is passed over
    async with TopicWriter(there.kafka, there.context) as writer:
        for known in (
            {},
            {partition: Kept(10, 9)},
            {partition: Kept(6, 5)},
            {partition: Kept(9, 9)},
            {partition: Kept(99, 98)},
        ):
            assert (await writer.look(known))[partition] == 10
    await there.send(partition, b"", headers(events[15], there.context, 15))  # 11 to 15 are missing before it
    async with TopicWriter(there.kafka, there.context) as writer:
        assert (await writer.look({partition: Kept(10, 9)}))[partition] == 10
        assert await writer.publish(events) == {partition: Kept(20, 20)}
        assert (await writer.look({}))[partition] == 20
    assert [received(r).previous for r in (await there.records())[partition]] == [*range(10), 15, *range(10, 20)]


async def test_a_clock_that_once_ran_ahead_does_not_stop_the_relay(there: World):
    """Also into a topic of an earlier version, whose records have the time that their producer says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=there.kafka.servers)
    await admin.start()
    config = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    await admin.create_topics([NewTopic(there.kafka.topic(there.context), PARTITIONS, 1, topic_configs=config)])
    await admin.close()
    await there.append(5)
    await there.pool.execute(
        "alter table log_event disable trigger all; update log_event set recorded_at = recorded_at + interval '10 "
        "years';"
        "alter table log_event enable trigger all"
    )
    before = datetime.now(UTC)
    async with running(there.relay().run, there.reader().run):
        await there.until_all_is_noted()
        await there.append(5)  # no log goes back: these are recorded in ten years, too
        await there.until_all_is_noted()
    assert {e.recorded_at.year - before.year for e in await logged(there)} == {10}
    for record in (record for records in (await there.records()).values() for record in records):
        assert abs(record.timestamp / 1000 - before.timestamp()) < 3600
        assert received(record).event.recorded_at.year == before.year + 10


async def test_instants_keep_their_microseconds(there: World):
    await there.append(1)
    [event] = await logged(there)
    await there.make_topic()
    odd = replace(event, occurred_at=event.occurred_at - timedelta(days=400, microseconds=1))
    async with TopicWriter(there.kafka, there.context) as writer:
        await writer.publish([odd])
    [record] = [r for records in (await there.records()).values() for r in records]
    assert received(record).event.occurred_at == odd.occurred_at
    assert record.key == event.tenant.encode()
    assert event.tenant in TENANTS
