"""Checkpoints known in memory: by this process's own moves, by what others tell, and by the table where neither is to
be had."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from eventkit.database import transaction
from eventkit.subscriptions import checkpoint, parking
from eventkit.subscriptions.checkpoint import OWN_FEED, Checkpoint, Fenced
from eventkit.subscriptions.reached import Changed, Reached
from tests.integration.eventkit.topics import running, until
from tests.waiting import PATIENCE

VIEWS = "units_v1"


@pytest.fixture
async def pool(postgres: str) -> AsyncGenerator[asyncpg.Pool]:
    async with asyncpg.create_pool(postgres, min_size=1, max_size=8) as pool:
        await pool.execute(f"{checkpoint.SCHEMA};{parking.SCHEMA}")
        yield pool


async def current(*all_reached: Reached) -> None:
    async def are_current() -> bool:
        return all(reached.is_current for reached in all_reached)

    await until(are_current)


async def move(pool: asyncpg.Pool, reached: Reached | None, to: int) -> None:
    """As a projection does."""
    async with transaction(pool) as con:
        at = await checkpoint.load(con, VIEWS, OWN_FEED)
        await checkpoint.move_views(con, VIEWS, OWN_FEED, at=at, to=Checkpoint(to))
    if reached:
        reached.moved(VIEWS, OWN_FEED, at, Checkpoint(to), {})


async def test_own_moves_are_known_at_once_and_those_of_another_process_soon(postgres: str, pool: asyncpg.Pool):
    mine, other = Reached(postgres, pool), Reached(postgres, pool)
    async with running(mine.run, other.run):
        await current(mine, other)
        async with asyncio.timeout(PATIENCE):
            waiting = [asyncio.create_task(one.wait([VIEWS], OWN_FEED, 7)) for one in (mine, other)]
            await move(pool, mine, 6)
            assert await mine.positions([(VIEWS, OWN_FEED), ("another_v1", OWN_FEED)]) == [6, 0]
            await move(pool, mine, 7)
            await asyncio.gather(*waiting)
        assert await other.positions([(VIEWS, OWN_FEED)]) == [7]


async def test_whoever_asks_before_anything_is_heard_is_answered_by_the_table(postgres: str, pool: asyncpg.Pool):
    reached = Reached(postgres, pool)
    await move(pool, None, 3)
    assert not reached.is_current
    assert await reached.positions([(VIEWS, OWN_FEED)]) == [3]
    async with asyncio.timeout(PATIENCE):
        waiting = asyncio.create_task(reached.wait([VIEWS], OWN_FEED, 4))
        await asyncio.sleep(0)
        await move(pool, None, 4)
        await waiting


async def test_a_lost_connection_is_no_knowledge_and_is_made_anew(postgres: str, pool: asyncpg.Pool):
    reached = Reached(postgres, pool)
    async with running(reached.run):
        await current(reached)
        mark = await reached.mark([VIEWS], OWN_FEED)
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'nhip checkpoints' and datname = current_database()"
        )

        async def is_lost() -> bool:
            return not reached.is_current

        await until(is_lost)
        await move(pool, None, 5)
        assert await reached.positions([(VIEWS, OWN_FEED)]) == [5]
        await current(reached)
        assert await reached.positions([(VIEWS, OWN_FEED)]) == [5]
        assert await reached.mark([VIEWS], OWN_FEED) != mark


async def test_what_changes_without_a_move_changes_the_mark_everywhere(postgres: str, pool: asyncpg.Pool):
    mine, other = Reached(postgres, pool), Reached(postgres, pool)
    async with running(mine.run, other.run):
        await current(mine, other)
        marks = [await one.mark([VIEWS], OWN_FEED) for one in (mine, other)]
        async with transaction(pool) as con:
            await checkpoint.tell_changed(con)

        async def are_changed() -> bool:
            return all(
                [await one.mark([VIEWS], OWN_FEED) != was for one, was in zip((mine, other), marks, strict=True)]
            )

        await until(are_changed)


async def test_a_checkpoint_that_somebody_else_put_back_is_noticed(postgres: str, pool: asyncpg.Pool):
    reached = Reached(postgres, pool)
    async with running(reached.run):
        await current(reached)
        await move(pool, reached, 9)
        await reached.check(VIEWS, {OWN_FEED: Checkpoint(9)})
        async with transaction(pool) as con:
            await checkpoint.move(con, VIEWS, OWN_FEED, at=Checkpoint(9), to=Checkpoint())
            await checkpoint.tell_changed(con)

        async def is_put_back() -> bool:
            return await reached.positions([(VIEWS, OWN_FEED)]) == [0]

        await until(is_put_back)
        with pytest.raises(Fenced):
            await reached.check(VIEWS, {OWN_FEED: Checkpoint(9)})


async def test_who_keeps_something_in_memory_hears_of_a_move_before_anybody_who_waits(
    postgres: str, pool: asyncpg.Pool
):
    reached, order = Reached(postgres, pool), list[str]()

    def hear(subscription: str, partition: int, at: Checkpoint, to: Checkpoint, changed: Changed) -> None:
        order.append(f"{subscription} {at.position} {to.position}")

    async def wait() -> None:
        await reached.wait([VIEWS], OWN_FEED, 2)
        order.append("waited")

    reached.hear(hear)
    async with running(reached.run):
        await current(reached)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            group.create_task(wait())
            await move(pool, reached, 2)
    assert order == [f"{VIEWS} 0 2", "waited"]
