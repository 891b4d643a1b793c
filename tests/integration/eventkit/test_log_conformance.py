"""The log in PostgreSQL: what every log must show, and what only this one promises."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from typing import Any

import asyncpg
import pytest

from eventkit.log.conformance import ORIGIN, LogConformance, MakeLog, events, everything, read, stream, taken, verdict
from eventkit.log.group_commit import Limits
from eventkit.log.port import NO_STREAM, Appended, LogFull, Write, WrongVersion
from eventkit.log.postgres import PostgresLog

CUT = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = $1 and datname = current_database()"
)


@pytest.fixture
async def empty(postgres_of_module: str) -> str:
    """A database without a log."""
    con = await asyncpg.connect(postgres_of_module)
    try:
        await con.execute(
            "drop table if exists log_event; drop function if exists log_last; drop function if exists log_refuse"
        )
    finally:
        await con.close()
    return postgres_of_module


@pytest.fixture
async def make_log(empty: str) -> AsyncGenerator[MakeLog]:
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> PostgresLog:
            return await stack.enter_async_context(PostgresLog(empty, poll_seconds=0.2, **options))

        yield make


class TestConformance(LogConformance):
    @pytest.fixture
    def make_log(self, make_log: MakeLog) -> MakeLog:
        return make_log


class TestPostgres:
    @pytest.fixture
    async def sql(self, empty: str):
        con = await asyncpg.connect(empty)
        yield con
        await con.close()

    async def test_positions_are_1_2_3_whatever_the_number_of_writers(self, make_log):
        logs = [await make_log() for _ in range(3)]
        told = await asyncio.gather(
            *(
                verdict(logs[n % 3].append(Write(stream(f"s{n % 20}"), n // 20, events(1)), origin=ORIGIN))
                for n in range(120)
            )
        )
        found = await everything(logs[0])
        assert [e.position for e in found] == list(range(1, len(found) + 1))
        assert len(found) == sum(isinstance(t, Appended) for t in told) >= 20

    async def test_several_processes_may_open_an_empty_database_at_once(self, make_log):
        logs = await asyncio.gather(*(make_log() for _ in range(6)))
        await asyncio.gather(
            *(log.append(Write(stream(f"s{n}"), NO_STREAM, events()), origin=ORIGIN) for n, log in enumerate(logs))
        )
        assert await logs[0].last_position() == 6

    @pytest.mark.parametrize(
        "change", ["update log_event set data = ''", "delete from log_event", "truncate log_event"]
    )
    async def test_the_table_refuses_to_be_changed(self, make_log, sql, change):
        log = await make_log()
        await log.append(Write(stream(), NO_STREAM, events()), origin=ORIGIN)
        # `replica` is how a restore or a replication would go past ordinary triggers.
        for role in (
            "origin",
            "replica",
        ):
            await sql.execute(f"set session_replication_role = {role}")
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await sql.execute(change)
        assert len(await read(log, stream())) == 1

    async def test_an_append_given_up_while_it_is_queued_is_dropped(self, make_log, sql):
        log = await make_log()
        await log.append(Write(stream("first"), NO_STREAM, events()), origin=ORIGIN)
        async with sql.transaction():
            await sql.execute("select pg_advisory_xact_lock(hashtext('log_event'))")  # commits stand still
            flying = asyncio.ensure_future(log.append(Write(stream("flying"), NO_STREAM, events()), origin=ORIGIN))
            await asyncio.sleep(0.05)
            queued = asyncio.ensure_future(log.append(Write(stream("queued"), NO_STREAM, events()), origin=ORIGIN))
            kept = asyncio.ensure_future(log.append(Write(stream("kept"), NO_STREAM, events()), origin=ORIGIN))
            await asyncio.sleep(0.05)
            queued.cancel()
            flying.cancel()  # too late: nobody waits for it any more, but it is stored
            with suppress(asyncio.CancelledError):
                await asyncio.gather(queued, flying, return_exceptions=True)
        await kept
        assert [e.stream.id for e in await everything(log)] == ["first", "flying", "kept"]

    async def test_a_cut_connection_is_an_error_to_those_in_flight_and_the_log_works_again(self, make_log, sql):
        log = await make_log()
        await log.append(Write(stream(), NO_STREAM, events()), origin=ORIGIN)
        mine = [Write(stream(), 1, events())]
        async with sql.transaction():
            await sql.execute("select pg_advisory_xact_lock(hashtext('log_event'))")
            flying = asyncio.ensure_future(log.append(*mine, origin=ORIGIN))
            await asyncio.sleep(0.05)
            await sql.execute(CUT, "nhip log writer")
            with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
                await flying
        assert (await log.append(*mine, origin=ORIGIN)).versions == {stream(): 2}
        assert len(await everything(log)) == 2

    async def test_a_feed_ends_with_its_connection(self, make_log, sql):
        log = await make_log()
        feed = asyncio.ensure_future(taken(log, 1))
        await asyncio.sleep(0.3)
        await sql.execute(CUT, "nhip log feed")
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await feed

    async def test_a_full_queue_refuses_at_once(self, make_log, sql):
        log = await make_log(limits=Limits(queue=3))
        async with sql.transaction():
            await sql.execute("select pg_advisory_xact_lock(hashtext('log_event'))")
            waiting = [asyncio.ensure_future(log.append(Write(stream("s0"), NO_STREAM, events()), origin=ORIGIN))]
            await asyncio.sleep(0.1)
            waiting += [
                asyncio.ensure_future(log.append(Write(stream(f"s{n}"), NO_STREAM, events()), origin=ORIGIN))
                for n in (1, 2, 3)
            ]
            await asyncio.sleep(0)
            with pytest.raises(LogFull):
                await log.append(Write(stream("s4"), NO_STREAM, events()), origin=ORIGIN)
        await asyncio.gather(*waiting)
        assert len(await everything(log)) == 4

    async def test_a_queue_of_many_bytes_refuses_at_once(self, make_log, sql):
        log = await make_log(limits=Limits(queue_bytes=1000))
        async with sql.transaction():
            await sql.execute("select pg_advisory_xact_lock(hashtext('log_event'))")
            waiting = [
                asyncio.ensure_future(log.append(Write(stream("s0"), NO_STREAM, events(1, b"x" * 900)), origin=ORIGIN))
            ]
            await asyncio.sleep(0.1)
            waiting.append(
                asyncio.ensure_future(log.append(Write(stream("s1"), NO_STREAM, events(1, b"x" * 5000)), origin=ORIGIN))
            )
            await asyncio.sleep(0)
            with pytest.raises(LogFull):
                await log.append(Write(stream("s2"), NO_STREAM, events(1, b"x" * 200)), origin=ORIGIN)
        await asyncio.gather(*waiting)  # one that is larger than the whole queue passes alone
        assert len(await everything(log)) == 2

    async def test_groups_are_capped_and_all_of_them_served(self, make_log):
        for name, options in {
            "events": {"limits": Limits(group_events=10)},
            "bytes": {"limits": Limits(group_bytes=1000)},
            "remembered": {"remember": 3},
        }.items():
            log = await make_log(**options)
            start = await log.last_position()
            await asyncio.gather(
                *(
                    log.append(Write(stream(f"{name}{n}"), NO_STREAM, events(4, b"x" * 50)), origin=ORIGIN)
                    for n in range(60)
                )
            )
            assert await log.last_position() == start + 240

    async def test_a_belief_that_another_process_outdated_costs_nothing_but_time(self, make_log):
        log, other = await make_log(), await make_log()
        for version in range(0, 20, 2):  # each time the other one has moved what this one believes to know
            await log.append(Write(stream(), version, events()), origin=ORIGIN)
            await other.append(Write(stream(), version + 1, events()), origin=ORIGIN)
        with pytest.raises(WrongVersion) as refused:
            await log.append(Write(stream(), 19, events()), origin=ORIGIN)
        assert refused.value.actual == 20

    async def test_closing_serves_what_is_queued(self, empty):
        async with PostgresLog(empty) as log:
            waiting = [
                asyncio.ensure_future(log.append(Write(stream(f"s{n}"), NO_STREAM, events()), origin=ORIGIN))
                for n in range(20)
            ]
            await asyncio.sleep(0)
        assert len(await asyncio.gather(*waiting)) == 20
        with pytest.raises(ConnectionError):
            await log.append(Write(stream(), NO_STREAM, events()), origin=ORIGIN)
