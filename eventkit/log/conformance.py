"""What every adapter of the event log must show, a user's own too. Needs pytest with pytest-asyncio.

class TestMyLog(LogConformance):
    @pytest.fixture
    async def make_log(self):
        async with AsyncExitStack() as stack:
            async def make():
                return await stack.enter_async_context(MyLog(...))      # each time another adapter, on the same storage
            yield make
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from eventkit.ids import uuid7
from eventkit.log.port import (
    NO_STREAM,
    Appended,
    EventLog,
    IdReused,
    NewEvent,
    Origin,
    Recorded,
    StreamId,
    Together,
    Write,
    WrongVersion,
)

MakeLog = Callable[[], Awaitable[EventLog]]
ORIGIN = Origin(
    "person:lan", b"digest", "correlation", "causation", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)
SECONDS = 20
"""How long a test waits for what must happen."""


def stream(id: str = "k1", *, tenant: str = "acme", category: str = "kpi") -> StreamId:
    return StreamId(tenant, category, id)


def events(count: int = 1, data: bytes = b"data") -> list[NewEvent]:
    return [NewEvent(uuid7(), "test.Recorded", data) for _ in range(count)]


async def taken(log: EventLog, count: int, *, after: int = 0, page: int = 500) -> list[list[Recorded]]:
    """The feed's pages, heartbeats left out, until they hold `count` events."""
    pages: list[list[Recorded]] = []
    async with asyncio.timeout(SECONDS), aclosing(log.feed(after, page=page)) as feed:
        async for recorded in feed:
            if recorded:
                pages.append(recorded)
            if sum(map(len, pages)) >= count:
                break
    return pages


async def everything(log: EventLog) -> list[Recorded]:
    """All that the log holds now."""
    last = await log.last_position()
    collected: list[Recorded] = []
    async with asyncio.timeout(SECONDS), aclosing(log.feed()) as feed:
        async for recorded in feed:
            collected += recorded
            if not last or (collected and collected[-1].position >= last):
                break
    return collected


async def read(log: EventLog, of: StreamId, *, after: int = 0) -> list[Recorded]:
    return [event async for event in log.read(of, after=after)]


async def verdict(append: Awaitable[Appended]) -> Appended | Exception:
    """What an append is told, be it a refusal."""
    try:
        return await append
    except (WrongVersion, IdReused) as refused:
        return refused


class LogConformance:
    """Inherit from it, and give it `make_log`."""

    @pytest.fixture
    def make_log(self) -> MakeLog:
        """Opens one more adapter on the same, at first empty, storage; the fixture closes them all."""
        raise NotImplementedError

    @pytest.fixture
    async def log(self, make_log: MakeLog) -> EventLog:
        return await make_log()

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

    # -- expected versions, guards

    async def test_a_wrong_version_is_told_the_true_one_and_stores_nothing(self, log: EventLog):
        await log.append(Write(stream(), NO_STREAM, events(3)), origin=ORIGIN)
        for expected in (NO_STREAM, 2, 4, 10**9):
            with pytest.raises(WrongVersion) as refused:
                await log.append(
                    Write(stream("other"), NO_STREAM, events()), Write(stream(), expected, events()), origin=ORIGIN
                )
            assert (refused.value.stream, refused.value.expected, refused.value.actual) == (stream(), expected, 3)
        assert await read(log, stream("other")) == []
        assert len(await everything(log)) == 3

    async def test_of_racing_appends_one_wins_and_the_others_are_told(self, log: EventLog, make_log: MakeLog):
        logs = [log, await make_log()]
        await log.append(Write(stream(), NO_STREAM, events()), origin=ORIGIN)
        verdicts = await asyncio.gather(
            *(
                verdict(
                    logs[n % 2].append(
                        Write(stream(), 1, events(2)), Write(stream(f"s{n}"), 0, events()), origin=ORIGIN
                    )
                )
                for n in range(20)
            )
        )
        assert [type(t) for t in verdicts].count(Appended) == 1
        assert {t.actual for t in verdicts if isinstance(t, WrongVersion)} == {3}
        assert len(await everything(log)) == 1 + 3

    async def test_a_loser_does_not_disturb_others_of_its_group(self, log: EventLog):
        verdicts = await asyncio.gather(
            *(
                verdict(log.append(Write(stream(f"s{n}"), 7 if n % 3 == 0 else NO_STREAM, events()), origin=ORIGIN))
                for n in range(30)
            )
        )
        assert [isinstance(t, WrongVersion) for t in verdicts] == [n % 3 == 0 for n in range(30)]
        assert len(await everything(log)) == 20

    async def test_appends_that_count_on_each_other_chain(self, log: EventLog):
        verdicts = await asyncio.gather(*(log.append(Write(stream(), n, events()), origin=ORIGIN) for n in range(50)))
        assert [t.versions[stream()] for t in verdicts] == list(range(1, 51))

    async def test_a_guard_that_holds_lets_pass_and_writes_nothing(self, log: EventLog):
        await log.append(Write(stream("guarded"), NO_STREAM, events(2)), origin=ORIGIN)
        appended = await log.append(
            Write(stream("guarded"), 2),
            Write(stream("absent"), NO_STREAM),
            Write(stream(), NO_STREAM, events()),
            origin=ORIGIN,
        )
        assert appended.versions == {stream(): 1}
        assert len(await read(log, stream("guarded"))) == 2
        assert await read(log, stream("absent")) == []

    @pytest.mark.parametrize("stored", [0, 2])
    async def test_a_guard_whose_stream_moved_refuses(self, log: EventLog, make_log: MakeLog, stored: int):
        """Also when this adapter has not seen the move, having seen the stream before it."""
        other, guarded = await make_log(), stream("guarded")
        if stored:
            await log.append(Write(guarded, NO_STREAM, events(stored)), origin=ORIGIN)
        await log.append(Write(stream("warm"), NO_STREAM, events()), Write(guarded, stored), origin=ORIGIN)
        await other.append(Write(guarded, stored, events()), origin=ORIGIN)
        with pytest.raises(WrongVersion) as refused:
            await log.append(Write(stream(), NO_STREAM, events()), Write(guarded, stored), origin=ORIGIN)
        assert (refused.value.stream, refused.value.actual) == (guarded, stored + 1)
        assert await read(log, stream()) == []

    async def test_guard_and_write_in_one_group_are_judged_in_turn(self, log: EventLog):
        guarded = stream("guarded")
        verdicts = await asyncio.gather(
            verdict(
                log.append(Write(stream("a"), NO_STREAM, events()), Write(guarded, NO_STREAM), origin=ORIGIN)
            ),  # holds: before the write
            verdict(log.append(Write(guarded, NO_STREAM, events(2)), origin=ORIGIN)),
            verdict(
                log.append(Write(stream("b"), NO_STREAM, events()), Write(guarded, NO_STREAM), origin=ORIGIN)
            ),  # moved meanwhile
            verdict(
                log.append(Write(stream("c"), NO_STREAM, events()), Write(guarded, 2), origin=ORIGIN)
            ),  # counts on the write
        )
        assert [type(t) for t in verdicts] == [Appended, Appended, WrongVersion, Appended]

    async def test_two_that_guard_what_the_other_writes_cannot_both_win(self, log: EventLog, make_log: MakeLog):
        """Write skew: each decided on a state that the other changes."""
        other = await make_log()
        for n in range(30):
            a, b = stream(f"a{n}"), stream(f"b{n}")
            verdicts = await asyncio.gather(
                verdict(log.append(Write(a, NO_STREAM, events()), Write(b, NO_STREAM), origin=ORIGIN)),
                verdict(other.append(Write(b, NO_STREAM, events()), Write(a, NO_STREAM), origin=ORIGIN)),
            )
            assert sorted(type(t).__name__ for t in verdicts) == ["Appended", "WrongVersion"]

    async def test_under_racing_adapters_every_guard_held_where_its_append_stands(
        self, log: EventLog, make_log: MakeLog
    ):
        logs, dice = [log, await make_log()], random.Random(7)
        streams = [stream(f"s{n}") for n in range(4)]
        accepted: list[tuple[Sequence[Write], Appended]] = []

        async def caller(mine: EventLog) -> None:
            versions = dict.fromkeys(streams, 0)
            for _ in range(40):
                chosen = dice.sample(streams, 3)
                writes = [Write(s, versions[s], events(n)) for s, n in zip(chosen, (1, 2, 0), strict=True)]
                outcome = await verdict(mine.append(*writes, origin=ORIGIN))
                if isinstance(outcome, Appended):
                    accepted.append((writes, outcome))
                    versions |= outcome.versions
                elif isinstance(outcome, WrongVersion):
                    versions[outcome.stream] = outcome.actual

        await asyncio.gather(*(caller(logs[n % 2]) for n in range(8)))
        recorded = await everything(log)
        assert len(recorded) == 3 * len(accepted) > 0
        positions = [e.position for e in recorded]
        for writes, outcome in accepted:
            before = recorded[: positions.index(outcome.position) + 1 - 3]
            for of, expected, _ in writes:
                assert sum(e.stream == of for e in before) == expected

    # -- several as one

    async def test_appends_that_are_stored_together_are_appends_of_their_own(self, log: EventLog):
        other = Origin("person:b", b"two")
        first, second, third = events(2), events(1), events(1)
        done = await log.append_together(
            [
                Together([Write(stream("a"), NO_STREAM, first), Write(stream("g"), NO_STREAM)], ORIGIN),
                Together([Write(stream("b"), NO_STREAM, second), Write(stream("a"), 2, third)], other),
            ]
        )
        recorded = await everything(log)
        assert [e.id for e in recorded] == [e.id for e in (*first, *second, *third)]
        assert [(e.index, e.size, e.version) for e in recorded] == [(0, 2, 1), (1, 2, 2), (0, 2, 1), (1, 2, 3)]
        assert [e.origin for e in recorded] == [ORIGIN, ORIGIN, other, other]
        assert done == Appended(recorded[-1].position, {stream("a"): 3, stream("b"): 1})
        assert [e.id for e in await log.append_of(third[0].id)] == [second[0].id, third[0].id]
        assert len({e.recorded_at for e in recorded}) == 1

    async def test_of_appends_that_are_stored_together_none_is_stored_where_one_loses(
        self, log: EventLog, make_log: MakeLog
    ):
        await log.append(Write(stream("taken"), NO_STREAM, events()), origin=ORIGIN)
        last = await log.last_position()
        first, repeated = events(), events()
        for mine in (log, await make_log()):
            together = [
                Together([Write(stream("a"), NO_STREAM, first)], ORIGIN),
                Together([Write(stream("taken"), NO_STREAM, events())], ORIGIN),
            ]
            assert isinstance(await verdict(mine.append_together(together)), WrongVersion)
            assert await log.last_position() == last
        last = (await log.append(Write(stream("r"), NO_STREAM, repeated), origin=ORIGIN)).position
        for again in ([first, repeated], [repeated, first]):
            together = [
                Together([Write(stream(str(n)), NO_STREAM, some)], ORIGIN) for n, some in enumerate(again, start=1)
            ]
            assert isinstance(await verdict(log.append_together(together)), IdReused)
        assert await log.last_position() == last
        await log.append_together([Together([Write(stream("a"), NO_STREAM, first)], ORIGIN)])
        assert [e.id for e in await read(log, stream("a"))] == [first[0].id]

    async def test_a_guard_of_one_of_them_refuses_all(self, log: EventLog):
        before = (await log.append(Write(stream("g"), NO_STREAM, events()), origin=ORIGIN)).position
        together = [
            Together([Write(stream("a"), NO_STREAM, events())], ORIGIN),
            Together([Write(stream("b"), NO_STREAM, events()), Write(stream("g"), NO_STREAM)], ORIGIN),
        ]
        assert isinstance(await verdict(log.append_together(together)), WrongVersion)
        assert await log.last_position() == before
        with pytest.raises(ValueError, match="guards alone"):
            await log.append_together([together[0], Together([Write(stream("g"), 1)], ORIGIN)])

    # -- asking again

    async def test_the_same_append_again_is_told_what_it_was_told(self, log: EventLog, make_log: MakeLog):
        writes = [
            Write(stream("a"), NO_STREAM, events(2)),
            Write(stream("g"), NO_STREAM),
            Write(stream("b"), NO_STREAM, events(1)),
        ]
        first = await log.append(*writes, origin=ORIGIN)
        await log.append(
            Write(stream("a"), 2, events()), Write(stream("g"), NO_STREAM, events()), origin=ORIGIN
        )  # the world moves on
        for again in (log, await make_log()):
            assert await again.append(*writes, origin=ORIGIN) == Appended(first.position, first.versions, repeated=True)
        assert len(await everything(log)) == 5

    async def test_the_same_append_many_times_at_once_is_stored_once(self, log: EventLog, make_log: MakeLog):
        logs = [log, await make_log()]
        writes = [Write(stream("a"), NO_STREAM, events(2)), Write(stream("b"), NO_STREAM, events(1))]
        verdicts = await asyncio.gather(*(logs[n % 2].append(*writes, origin=ORIGIN) for n in range(20)))
        assert sorted(t.repeated for t in verdicts) == [False] + [True] * 19
        assert len({(t.position, tuple(t.versions.items())) for t in verdicts}) == 1
        assert len(await everything(log)) == 3

    async def test_an_id_of_another_append_is_refused_to_that_caller_alone(self, log: EventLog):
        stored = events(2)
        await log.append(Write(stream("a"), NO_STREAM, stored), origin=ORIGIN)
        more, elsewhere = [*stored, *events()], [stored[0]]
        verdicts = await asyncio.gather(
            verdict(log.append(Write(stream("b"), NO_STREAM, events()), origin=ORIGIN)),
            verdict(log.append(Write(stream("a"), 2, more), origin=ORIGIN)),
            verdict(log.append(Write(stream("c"), NO_STREAM, elsewhere), origin=ORIGIN)),
            verdict(log.append(Write(stream("a"), NO_STREAM, stored[:1]), origin=ORIGIN)),
            verdict(log.append(Write(stream("a"), NO_STREAM, stored[::-1]), origin=ORIGIN)),
            verdict(log.append(Write(stream("d"), NO_STREAM, events()), origin=ORIGIN)),
        )
        assert [type(t) for t in verdicts] == [Appended, IdReused, IdReused, IdReused, IdReused, Appended]
        assert len(await everything(log)) == 4

    async def test_an_id_of_an_append_that_lost_is_free(self, log: EventLog):
        lost = events()
        with pytest.raises(WrongVersion):
            await log.append(Write(stream(), 5, lost), origin=ORIGIN)
        assert (await log.append(Write(stream(), NO_STREAM, lost), origin=ORIGIN)).repeated is False

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

    # -- what no log could store

    @pytest.mark.parametrize(
        "writes",
        [
            pytest.param([], id="nothing"),
            pytest.param([Write(stream(), 0)], id="guards alone"),
            pytest.param(
                [Write(stream(), 0, events()), Write(stream(), 0, events())], id="a stream twice at one version"
            ),
            pytest.param([Write(stream(), 0, events()), Write(stream(), 0)], id="a stream written and guarded"),
            pytest.param([Write(stream(), 0, events() * 2)], id="an id twice"),
            pytest.param([Write(stream(), -1, events())], id="no version"),
            pytest.param([Write(stream("a\0b"), 0, events())], id="NUL in a name"),
            pytest.param([Write(stream("a\ud800"), 0, events())], id="a lone surrogate in a name"),
            pytest.param(
                [Write(stream(), 0, [NewEvent(UUID(int=1), "a\ud800", b"")])], id="a lone surrogate in a type"
            ),
            pytest.param([Write(stream("x" * 600), 0, events())], id="a long name"),
            pytest.param([Write(stream("ệ" * 200), 0, events())], id="a name of many bytes"),
            pytest.param([Write(stream(""), 0, events())], id="no id"),
            pytest.param([Write(stream("a/b"), 0, events())], id="a slash in an id"),
            pytest.param([Write(stream(), 0, events(data=b"x" * (1 << 20)))], id="more than a Kafka record holds"),
            pytest.param(
                [Write(stream(), 0, [NewEvent(UUID(int=1), "a", b"", datetime(2026, 1, 1))])],  # noqa: DTZ001
                id="no time zone",
            ),
        ],
    )
    async def test_what_cannot_be_stored_is_refused_and_disturbs_nobody(self, log: EventLog, writes: list[Write]):
        good = asyncio.ensure_future(log.append(Write(stream("good"), NO_STREAM, events()), origin=ORIGIN))
        with pytest.raises(ValueError):
            await log.append(*writes, origin=ORIGIN)
        await good
        assert len(await everything(log)) == 1

    async def test_text_beside_events_is_checked_too(self, log: EventLog):
        for origin in (
            Origin("a\0"),
            Origin("a", correlation_id="\ud800"),
            Origin("a", causation_id="\0"),
            Origin("a", traceparent="\udfff"),
        ):
            with pytest.raises(ValueError):
                await log.append(Write(stream(), NO_STREAM, events()), origin=origin)

    async def test_the_longest_names_and_largest_events_are_stored(self, log: EventLog):
        dice = random.Random(1)  # letters that do not compress
        long = StreamId("".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=480)), "kpi", "k1")
        await log.append(Write(long, NO_STREAM, events(2, dice.randbytes(512 << 10))), origin=ORIGIN)
        assert [len(e.data) for e in await read(log, long)] == [512 << 10] * 2
