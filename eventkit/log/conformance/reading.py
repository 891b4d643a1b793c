"""What is appended is read: streams, the feed, and the order of events."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import pytest

from eventkit.ids import uuid7
from eventkit.log.conformance.given import (
    ORIGIN,
    SECONDS,
    Given,
    MakeLog,
    events,
    everything,
    read,
    stream,
    taken,
)
from eventkit.log.port import (
    NO_STREAM,
    Appended,
    EventLog,
    NewEvent,
    Recorded,
    Write,
    WrongVersion,
)


class Reading(Given):
    """What is read."""

    # -- what is appended is read

    async def test_an_empty_log_has_nothing(self, log: EventLog):
        assert await log.last_position() == 0
        assert await read(log, stream()) == []
        assert await log.append_of(uuid4()) == []
        assert [s async for s in log.history("acme", ["kpi"], upto=10**9)] == []

    async def test_what_is_appended_is_read_as_it_was(self, log: EventLog):
        happened = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
        given = [
            NewEvent(uuid7(), "test.Recorded", bytes(range(256)), happened),
            NewEvent(uuid7(), "test.Đã ghi", b""),
        ]
        before = datetime.now(UTC)
        appended = await log.append(Write(stream(), NO_STREAM, given), origin=ORIGIN)
        first, second = await read(log, stream())
        assert (first.id, first.type, first.data, first.occurred_at) == (
            given[0].id,
            "test.Recorded",
            bytes(range(256)),
            happened,
        )
        assert (second.id, second.type, second.data, second.occurred_at) == (
            given[1].id,
            "test.Đã ghi",
            b"",
            second.recorded_at,
        )
        assert (first.stream, first.tenant, first.version, second.version) == (stream(), "acme", 1, 2)
        assert first.origin == second.origin == ORIGIN
        assert abs((first.recorded_at - before).total_seconds()) < 60
        assert appended == Appended(second.position, {stream(): 2})
        assert await log.last_position() == second.position

    async def test_a_stream_is_read_from_behind_a_version(self, log: EventLog):
        await log.append(Write(stream(), NO_STREAM, events(5)), origin=ORIGIN)
        assert [e.version for e in await read(log, stream(), after=3)] == [4, 5]
        assert await read(log, stream(), after=5) == []

    async def test_several_streams_are_read_together_each_from_behind_a_version(self, log: EventLog):
        for n in range(3):
            await log.append(Write(stream("a"), n, events()), Write(stream("b"), 2 * n, events(2)), origin=ORIGIN)
        found = await log.read_together({stream("b"): 4, stream("none"): 0, stream("a"): 1})
        assert [e.version for e in found if e.stream == stream("a")] == [2, 3]
        assert [e.version for e in found if e.stream == stream("b")] == [5, 6]
        assert len(found) == 4

    async def test_events_are_found_by_their_ids(self, log: EventLog):
        mine = [events(2), events(1)]
        for n, given in enumerate(mine):
            await log.append(Write(stream(str(n)), NO_STREAM, given), origin=ORIGIN)
        wanted = {mine[0][1].id, mine[1][0].id}
        found = await log.stored([*wanted, uuid4()])
        assert found.keys() == wanted
        assert all(event.id == id for id, event in found.items())

    async def test_a_long_stream_is_read_whole(self, log: EventLog):
        for n in range(6):
            await log.append(Write(stream(), n * 400, events(400)), origin=ORIGIN)
        assert [e.version for e in await read(log, stream())] == list(range(1, 2401))

    async def test_an_append_is_found_by_any_of_its_events(self, log: EventLog):
        mine = [Write(stream("a"), NO_STREAM, events(2)), Write(stream("b"), NO_STREAM, events(1))]
        await log.append(Write(stream("c"), NO_STREAM, events(1)), origin=ORIGIN)
        await log.append(*mine, origin=ORIGIN)
        whole = [event.id for write in mine for event in write.events]
        for id in whole:
            recorded = await log.append_of(id)
            assert [e.id for e in recorded] == whole
            assert [(e.index, e.size) for e in recorded] == [(0, 3), (1, 3), (2, 3)]
            assert len({e.append_id for e in recorded}) == 1

    async def test_history_is_a_tenants_streams_of_some_categories_up_to_a_position(self, log: EventLog):
        for n in range(3):
            await log.append(
                Write(stream("a"), n, events()),
                Write(stream("b", category="cycle"), n, events()),
                Write(stream("c", category="person"), n, events()),
                Write(stream("a", tenant="other"), n, events()),
                origin=ORIGIN,
            )
        upto = (await read(log, stream("b", category="cycle")))[1].position
        streams = [s async for s in log.history("acme", ["kpi", "cycle"], upto=upto)]
        assert sorted((str(s[0].stream), [e.version for e in s]) for s in streams) == [
            ("acme/cycle/b", [1, 2]),
            ("acme/kpi/a", [1, 2]),
        ]

    # -- order

    async def test_positions_rise_and_time_never_goes_back(self, log: EventLog, make_log: MakeLog):
        logs = [log, await make_log()]
        await asyncio.gather(
            *(logs[n % 2].append(Write(stream(f"s{n}"), NO_STREAM, events(3)), origin=ORIGIN) for n in range(60))
        )
        recorded = await everything(log)
        assert len(recorded) == 180
        assert all(a.position < b.position and a.recorded_at <= b.recorded_at for a, b in pairwise(recorded))

    async def test_an_append_has_one_time_and_stands_together(self, log: EventLog):
        await asyncio.gather(
            *(
                log.append(Write(stream(f"a{n}"), 0, events(2)), Write(stream(f"b{n}"), 0, events(2)), origin=ORIGIN)
                for n in range(20)
            )
        )
        recorded = await everything(log)
        for start in range(0, len(recorded), 4):
            whole = recorded[start : start + 4]
            assert len({(e.append_id, e.recorded_at, e.size) for e in whole}) == 1
            assert [e.index for e in whole] == [0, 1, 2, 3]

    # -- the feed

    async def test_no_page_ends_inside_an_append(self, log: EventLog):
        sizes = [1, 7, 3, 12, 1, 5]
        for n, size in enumerate(sizes):
            await log.append(Write(stream(f"s{n}"), NO_STREAM, events(size)), origin=ORIGIN)
        for page in (1, 4, 10, 500):
            pages = await taken(log, sum(sizes), page=page)
            assert [e.id for p in pages for e in p] == [e.id for e in await everything(log)]
            assert all(p[0].index == 0 and p[-1].index == p[-1].size - 1 for p in pages)
            assert all(len(p) < page + 12 for p in pages)

    async def test_a_feed_begins_behind_a_position(self, log: EventLog):
        for n in range(4):
            await log.append(Write(stream(), n, events()), origin=ORIGIN)
        recorded = await everything(log)
        assert [e.id for p in await taken(log, 2, after=recorded[1].position) for e in p] == [
            e.id for e in recorded[2:]
        ]

    async def test_a_feed_waits_and_sees_what_another_adapter_appends(self, log: EventLog, make_log: MakeLog):
        other, got, quiet = await make_log(), list[Recorded](), asyncio.Event()

        async def tail() -> None:
            async with aclosing(log.feed()) as feed:
                async for page in feed:
                    got.extend(page)
                    if not page:
                        quiet.set()
                    if len(got) == 6:
                        return

        task = asyncio.create_task(tail())
        try:
            async with asyncio.timeout(SECONDS):
                await quiet.wait()  # a heartbeat: nothing new for a while
                for n in range(3):
                    await other.append(Write(stream(), 2 * n, events(2)), origin=ORIGIN)
                await task
        finally:
            task.cancel()
        assert [e.version for e in got] == [1, 2, 3, 4, 5, 6]

    async def test_a_feed_skips_nothing_while_many_append(self, log: EventLog, make_log: MakeLog):
        logs = [log, await make_log()]
        appends = [logs[n % 2].append(Write(stream(f"s{n}"), 0, events(1 + n % 3)), origin=ORIGIN) for n in range(120)]
        tail = asyncio.create_task(taken(await make_log(), 240, page=7))
        await asyncio.gather(*appends)
        pages = await tail
        assert [e.id for p in pages for e in p] == [e.id for e in await everything(log)]

    async def test_positions_follow_the_writes_also_back_to_a_stream(self, log: EventLog, make_log: MakeLog):
        a, b, made = stream("a"), stream("b"), events(4)
        await log.append(Write(a, NO_STREAM, made[:1]), origin=ORIGIN)
        writes = [Write(a, 1, made[1:2]), Write(b, NO_STREAM, made[2:3]), Write(a, 2, made[3:])]
        appended = await log.append(*writes, origin=ORIGIN)
        assert [(e.id, e.stream, e.version) for e in await everything(log)] == [
            (made[0].id, a, 1),
            (made[1].id, a, 2),
            (made[2].id, b, 1),
            (made[3].id, a, 3),
        ]
        assert appended.versions == {a: 3, b: 1}
        again = await (await make_log()).append(*writes, origin=ORIGIN)
        assert (again.position, again.versions, again.repeated) == (appended.position, appended.versions, True)
        with pytest.raises(WrongVersion):
            await log.append(Write(a, 1, events()), Write(b, 1, events()), Write(a, 2, events()), origin=ORIGIN)
