"""A log moved between adapters: what was there is there as it was, and whoever counts by positions goes on."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import asyncpg
import pytest

from eventkit.log import moving
from eventkit.log.conformance import ORIGIN, events, everything, read, stream, taken
from eventkit.log.kurrentdb import KurrentLog
from eventkit.log.kurrentdb_moving import IntoKurrent
from eventkit.log.moving import Differs, Moved, Occupied, Receives, Unfinished, move
from eventkit.log.port import EventLog, Recorded, Together, Write
from eventkit.log.postgres import PostgresLog
from eventkit.log.postgres_moving import IntoPostgres
from tests.integration.eventkit.kurrentdb_server import KurrentServer


@pytest.fixture
async def server() -> AsyncGenerator[KurrentServer]:
    async with KurrentServer() as server:
        yield server


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "PAGE", 7)


async def nobody() -> None:
    """Runs."""


async def filled(log: EventLog, appends: int = 30) -> list[Write]:
    """Appends over several streams, back to one of them too, and several that were stored as one; answers the last."""
    dice, versions, writes = random.Random(5), dict.fromkeys(range(4), 0), list[Write]()
    for _ in range(appends):
        writes = []
        for number in dice.sample(range(4), 2):
            writes.append(Write(stream(f"s{number}"), versions[number], events(dice.randint(1, 3))))
            versions[number] += len(writes[-1].events)
        again = dice.choice(range(4))
        writes.append(Write(stream(f"s{again}"), versions[again], events()))
        versions[again] += 1
        await log.append(*writes, origin=ORIGIN)
    one = [Together([Write(stream(f"t{n}"), 0, events(2))], ORIGIN) for n in range(3)]
    await log.append_together(one)
    return writes


async def into_kurrent(server: KurrentServer, source: EventLog) -> Moved:
    async with IntoKurrent(server.url, context="goals") as target:
        return await move(source, target, nobody)


def kurrent(server: KurrentServer) -> KurrentLog:
    return KurrentLog(server.url, context="goals", poll_seconds=0.2)


async def goes_on(log: EventLog, was: Sequence[Recorded], last: Sequence[Write]) -> None:
    """Everything is there; what comes stands behind it; wherever a reader stood, it goes on there."""
    assert await everything(log) == was
    repeated = await log.append(*last, origin=ORIGIN)
    assert repeated.repeated
    assert repeated.position in {event.position for event in was}
    for number in range(3):
        new = await log.append(Write(stream("new"), 2 * number, events(2)), origin=ORIGIN)
        assert await log.last_position() == new.position > was[-1].position
    recorded = await everything(log)
    assert all(a.position < b.position and a.recorded_at <= b.recorded_at for a, b in pairwise(recorded))
    ends = [event.position for event in recorded if event.index == event.size - 1]
    for after in (0, *ends[::5], ends[-4], ends[-2]):
        behind = [event for event in recorded if event.position > after]
        pages = await taken(log, len(behind), after=after, page=3)
        assert [event for page in pages for event in page] == behind
    upto = was[len(was) // 2].position
    streams = [s async for s in log.history("acme", ["kpi"], upto=upto)]
    assert sorted(e.position for s in streams for e in s) == [e.position for e in was if e.position <= upto]
    assert [e.position for e in await log.append_of(was[0].id)] == [e.position for e in was[: was[0].size]]
    assert await read(log, stream("s1")) == [event for event in recorded if event.stream == stream("s1")]


async def test_from_postgresql_to_kurrentdb_and_back_and_to_another_server(postgres: str, server: KurrentServer):
    async with PostgresLog(postgres) as log:
        last = await filled(log)
        was = await everything(log)
        moved = await into_kurrent(server, log)
    assert moved == Moved(len(was), len(was))
    async with kurrent(server) as log:
        await goes_on(log, was, last)
        was = await everything(log)
        con = await asyncpg.connect(postgres)
        await con.execute("drop table log_event; drop function log_last, log_refuse")
        await con.close()
        async with IntoPostgres(postgres) as target:
            await move(log, target, nobody)
    async with PostgresLog(postgres, poll_seconds=0.2) as log:
        await goes_on_again(log, was)
        was = await everything(log)
        async with KurrentServer() as other:  # whose own positions are still small
            await into_kurrent(other, log)
            async with kurrent(other) as moved_again:
                await goes_on_again(moved_again, was)


async def goes_on_again(log: EventLog, was: Sequence[Recorded]) -> None:
    assert await everything(log) == was
    version = sum(event.stream == stream("new") for event in was)
    new = await log.append(Write(stream("new"), version, events(2)), origin=ORIGIN)
    assert await log.last_position() == new.position > was[-1].position
    assert len(await everything(log)) == len(was) + 2


@pytest.mark.parametrize("to", ["KurrentDB", "PostgreSQL"])
async def test_a_move_that_was_cut_off_goes_on_and_until_then_nobody_opens_it(
    to: str, postgres: str, server: KurrentServer
):
    class Cut:
        """Is killed after a few pages, with one stored and not acknowledged."""

        def __init__(self, target: Receives):
            self.target, self.left = target, 3

            self.begin, self.finish, self.taken = target.begin, target.finish, target.taken

        async def take(self, events: Sequence[Recorded]) -> None:
            await self.target.take(events)
            self.left -= 1
            if not self.left:
                raise asyncio.CancelledError

    there, here = (PostgresLog(postgres), kurrent(server)) if to == "KurrentDB" else (kurrent(server), None)
    async with there as log:
        await filled(log)
        was = await everything(log)
        into = IntoKurrent(server.url, context="goals") if here else IntoPostgres(postgres)
        async with into as target:
            with suppress(asyncio.CancelledError):
                await move(log, Cut(target), nobody)
            with pytest.raises(Unfinished, match="go on with"):
                async with kurrent(server) if here else PostgresLog(postgres):
                    pass
            moved = await move(log, target, nobody)
            assert moved.events == len(was) > moved.copied > 0
            with pytest.raises(Occupied):
                await move(log, target, nobody)
    async with kurrent(server) if here else PostgresLog(postgres) as log:
        assert await everything(log) == was


async def test_what_differs_is_said_and_is_no_log(postgres: str, server: KurrentServer):
    class Falsified(IntoKurrent):
        async def take(self, events: Sequence[Recorded]) -> None:
            await super().take([replace(e, data=b"false") if e.position == 20 else e for e in events])

    async with PostgresLog(postgres) as log, Falsified(server.url, context="goals") as target:
        await filled(log)
        with pytest.raises(Differs, match="position 20 is not the same"):
            await move(log, target, nobody)
    with pytest.raises(Unfinished):
        async with kurrent(server):
            pass


async def test_a_log_that_is_written_to_meanwhile_is_not_left(postgres: str, server: KurrentServer):
    async with PostgresLog(postgres) as log, IntoKurrent(server.url, context="goals") as target:
        await filled(log)
        looked = 0

        async def somebody() -> None:
            nonlocal looked
            looked += 1
            if looked == 2:
                await log.append(Write(stream("late"), 0, events()), origin=ORIGIN)

        with pytest.raises(Differs, match="went on to position"):
            await move(log, target, somebody)
        assert (await move(log, target, nobody)).copied == 1


async def test_an_empty_log_is_moved_too(postgres: str, server: KurrentServer):
    async with PostgresLog(postgres) as log:
        assert await into_kurrent(server, log) == Moved(0, 0)
    async with kurrent(server) as log:
        await log.append(Write(stream(), 0, events()), origin=ORIGIN)
