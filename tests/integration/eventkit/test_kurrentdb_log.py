"""The log in KurrentDB: the suite of every adapter, and what is its own.

The suite runs against the server that `NHIP_KURRENTDB` names (`kurrentdb://…`), or one in a container
(`NHIP_TEST_ENGINES=containers`); where there is none, and for what a real server cannot be made to do, against a small
one that speaks the protocol. The client is the real one.
"""

import asyncio
import json
import os
import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import cast
from uuid import uuid4

import grpc
import pytest

from eventkit.log.conformance import ORIGIN, LogConformance, MakeLog, events, everything, read, stream, taken
from eventkit.log.kurrentdb import KurrentLog, ServerTooOld
from eventkit.log.port import NO_STREAM, Appended, StreamId, Write
from tests import containers
from tests.integration.eventkit.kurrentdb_server import KurrentServer
from tests.integration.eventkit.topics import running, world
from tests.waiting import PATIENCE


@pytest.fixture
async def server() -> AsyncGenerator[KurrentServer]:
    async with KurrentServer() as server:
        yield server


@pytest.fixture
async def log(server: KurrentServer) -> AsyncGenerator[KurrentLog]:
    async with KurrentLog(server.url, context="goals", poll_seconds=0.2) as log:
        yield log


@pytest.fixture(scope="module")
async def kurrentdb() -> AsyncGenerator[str]:
    """A real server: the one that `NHIP_KURRENTDB` names, or one in a container where these are asked for; or none."""
    if (named := os.environ.get("NHIP_KURRENTDB", "")) or not containers.asked_for():
        yield named
        return
    async with containers.kurrentdb() as url:
        yield url


class TestKurrentLog(LogConformance):
    @pytest.fixture
    async def make_log(self, server: KurrentServer, kurrentdb: str) -> AsyncGenerator[MakeLog]:
        url, context = kurrentdb or server.url, f"test{uuid4().hex[:12]}"
        async with AsyncExitStack() as stack:

            async def make() -> KurrentLog:
                return await stack.enter_async_context(KurrentLog(url, context=context, poll_seconds=0.2))

            yield make


# -- what users of KurrentDB expect


async def test_a_stream_an_event_and_its_metadata_stand_as_others_read_them(server: KurrentServer, log: KurrentLog):
    [event] = events()
    await log.append(Write(StreamId("acme", "kpi", "k1"), NO_STREAM, [event]), origin=ORIGIN)
    [stored] = server.data.streams["nhip.goals.kpi-acme/k1"]
    assert (stored.record.record_id, stored.record.schema.name, stored.record.data) == (
        str(event.id),
        event.type,
        event.data,
    )
    told = {key: value.string_value for key, value in stored.record.properties.items()}
    assert (told["$correlationId"], told["$causationId"], told["actor"]) == (
        ORIGIN.correlation_id,
        ORIGIN.causation_id,
        ORIGIN.actor,
    )


async def test_contexts_on_one_server_do_not_see_each_other(server: KurrentServer, log: KurrentLog):
    async with KurrentLog(server.url, context="goal") as other:
        await log.append(Write(stream(), NO_STREAM, events(2)), origin=ORIGIN)
        await other.append(Write(stream(), NO_STREAM, events(1)), origin=ORIGIN)
        assert [len(await everything(one)) for one in (log, other)] == [2, 1]
        assert await log.last_position() < await other.last_position()


async def test_a_category_that_kurrentdb_would_cut_is_refused(log: KurrentLog):
    with pytest.raises(ValueError, match="hyphen"):
        await log.append(Write(stream(category="check-in"), NO_STREAM, events()), origin=ORIGIN)


async def test_a_server_without_checks_of_other_streams_is_refused_with_the_version_that_has_them(
    server: KurrentServer,
):
    server.old = True
    with pytest.raises(ServerTooOld, match=r"26\.1"):
        async with KurrentLog(server.url, context="goals"):
            pass
    assert server.data.log == []


async def test_positions_with_gaps_go_to_kafka_and_out_of_it_and_on_after_a_restart(
    server: KurrentServer, log: KurrentLog, postgres: str, kafka: str
):
    async with world(postgres, kafka, log) as there:
        for count in (20, 5):
            await there.append(count)
            async with running(there.relay().run, there.reader().run):
                await there.until_all_is_noted()
        assert await there.published() == 25
        assert await there.relayed() == await log.last_position() > 25


async def test_what_the_server_does_not_take_in_one_append_goes_in_several_unless_it_is_one(
    server: KurrentServer, log: KurrentLog
):
    server.most = 20_000
    appends = [log.append(Write(stream(f"s{n}"), 0, events(1, b"x" * 5_000)), origin=ORIGIN) for n in range(12)]
    large = log.append(Write(stream("large"), 0, events(1, b"x" * 30_000)), origin=ORIGIN)
    *done, refused = await asyncio.gather(*appends, large, return_exceptions=True)
    assert [type(one) for one in done] == [Appended] * 12
    with pytest.raises(ValueError, match="takes 20000 bytes in one append"):
        raise cast(Exception, refused)
    assert len(await everything(log)) == 12


# -- faults


async def test_an_append_whose_answer_was_lost_is_stored_once(server: KurrentServer, log: KurrentLog):
    cut = [grpc.StatusCode.UNAVAILABLE]
    server.after = lambda _: cut.pop() if cut else None
    writes = [Write(stream("a"), NO_STREAM, events(2)), Write(stream("b"), NO_STREAM, events())]
    appended = await log.append(*writes, origin=ORIGIN)
    recorded = await everything(log)
    assert [e.id for e in recorded] == [e.id for write in writes for e in write.events]
    assert (appended.position, appended.versions) == (recorded[-1].position, {stream("a"): 2, stream("b"): 1})


async def test_a_server_that_is_away_is_a_fault_that_passes_and_the_same_append_may_be_asked_again(
    server: KurrentServer, log: KurrentLog
):
    server.before = lambda _: grpc.StatusCode.UNAVAILABLE
    write = Write(stream(), NO_STREAM, events(3))
    with pytest.raises(ConnectionError):
        await log.append(write, origin=ORIGIN)
    server.before = lambda _: None
    assert not (await log.append(write, origin=ORIGIN)).repeated
    assert len(await everything(log)) == 3


async def test_a_torn_subscription_ends_the_feed_which_goes_on_behind_what_it_gave(
    server: KurrentServer, log: KurrentLog
):
    for n in range(5):
        await log.append(Write(stream(), n, events()), origin=ORIGIN)
    got = list[int]()

    async def follow() -> None:
        async with asyncio.timeout(PATIENCE), aclosing(log.feed()) as feed:
            async for page in feed:
                got.extend(event.version for event in page)

    server.torn = 1
    with pytest.raises(ConnectionError):
        await follow()
    after = (await everything(log))[len(got) - 1].position if got else 0
    got += [event.version for page in await taken(log, 5 - len(got), after=after) for event in page]
    assert got == [1, 2, 3, 4, 5]


async def test_answers_that_overtake_each_other_are_not_mixed_up(server: KurrentServer, log: KurrentLog):
    made = [events(2) for _ in range(10)]
    for n, given in enumerate(made):
        await log.append(Write(stream(f"s{n}"), NO_STREAM, given), origin=ORIGIN)
    dice = random.Random(3)
    server.dawdle = lambda: dice.random() / 50
    found = await log.stored([given[1].id for given in made])
    assert {id: event.stream.id for id, event in found.items()} == {g[1].id: f"s{n}" for n, g in enumerate(made)}
    together = await log.read_together({stream(f"s{n}"): 1 for n in range(10)})
    assert [(event.stream.id, event.version) for event in together] == [(f"s{n}", 2) for n in range(10)]


async def test_when_another_node_leads_or_a_node_is_away_the_log_goes_on_there(server: KurrentServer):
    async with KurrentServer(server.data) as second, KurrentServer(server.data) as third:
        url = f"kurrentdb://{','.join(f'127.0.0.1:{node.port}' for node in (server, second, third))}?Tls=false"
        async with KurrentLog(url, context="goals") as log:
            await log.append(Write(stream(), 0, events()), origin=ORIGIN)
            server.data.leader = second
            await log.append(Write(stream(), 1, events()), origin=ORIGIN)
            await second.stop()
            server.data.leader = third
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        await log.append(Write(stream(), 2, events()), origin=ORIGIN)
                        break
                    except ConnectionError:
                        await asyncio.sleep(0.05)
            assert [e.version for e in await read(log, stream())] == [1, 2, 3]


async def test_a_stream_that_somebody_deleted_is_said_and_not_written_over(server: KurrentServer, log: KurrentLog):
    await log.append(Write(stream(), NO_STREAM, events(2)), origin=ORIGIN)
    server.deleted.add("nhip.goals.kpi-acme/k1")
    with pytest.raises(RuntimeError, match="deleted from outside"):
        await log.append(Write(stream(), 2, events()), origin=ORIGIN)


async def test_what_stands_beside_is_small_and_tells_nothing(server: KurrentServer, log: KurrentLog):
    await log.append(Write(stream(), NO_STREAM, events(2, b"secret")), origin=ORIGIN)
    beside = [one.record for one in server.data.log if "~" in one.stream]
    assert [json.loads(record.data).get("version") for record in beside] == [None, 1, 2]
    assert all(len(record.data) < 300 and b"secret" not in record.data for record in beside)
