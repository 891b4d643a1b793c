"""What no running process reads can be dropped; what one reads is kept, and who was taken for ended begins anew."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import asyncpg
import pytest

from eventkit.database import transaction
from eventkit.process import provision
from eventkit.settings import load
from eventkit.subscriptions import readers
from eventkit.subscriptions.projection import View
from eventkit.subscriptions.readers import Forgotten, InUse, Kept, Reader
from nhip.people.v1.events_pb2 import UnitCreated


@dataclass(frozen=True, slots=True)
class ThingRow:
    tenant: str
    thing_id: str


class Things(View[ThingRow]):
    name, source, categories, key = "thing", "test", ("thing",), ("tenant", "thing_id")
    row, folds = ThingRow, (UnitCreated,)


class NextThings(Things):
    version = 2


OLD, NEW = Reader(process="old"), Reader(process="new")


@pytest.fixture
async def pool(postgres: str) -> AsyncGenerator[asyncpg.Pool]:
    async with asyncpg.create_pool(postgres, min_size=1, max_size=3) as pool:
        await provision.databases(load(postgres=postgres), [])  # the role that reads
        await provision.tables(pool, [Things()], OLD)
        await provision.tables(pool, [NextThings()], NEW)
        yield pool


async def pruned(pool: asyncpg.Pool) -> list[Kept]:
    async with transaction(pool) as con:
        await con.execute(readers.LOCK)
        kept = await readers.kept(con)
        await readers.drop(con, [each for each in kept if not each.processes])
        return kept


async def is_there(pool: asyncpg.Pool, table: str) -> bool:
    return await pool.fetchval("select to_regclass($1) is not null", table)


async def test_what_a_process_reads_is_kept_and_what_an_ended_one_read_is_dropped(pool: asyncpg.Pool):
    assert await pruned(pool) == [
        Kept("test_v1", ("thing_v1",), ("old",)),
        Kept("test_v2", ("thing_v2",), ("new",)),
    ]
    await readers.reads_no_more(pool, OLD)
    assert (await pruned(pool))[0] == Kept("test_v1", ("thing_v1",), ())
    assert [await is_there(pool, table) for table in ("thing_v1", "thing_v2")] == [False, True]
    await provision.tables(pool, [Things()], OLD2 := Reader(process="back"))  # it fills its tables from the first event
    assert (await pruned(pool))[0] == Kept("test_v1", ("thing_v1",), ("back",))
    await readers.still_reads(pool, OLD2)


async def test_a_process_that_said_nothing_for_too_long_begins_anew(pool: asyncpg.Pool):
    await pool.execute("update reader set until = now() - interval '1 s' where process = 'old'")
    await readers.still_reads(pool, OLD)  # nobody has dropped anything yet
    await pool.execute("update reader set until = now() - interval '1 s' where process = 'old'")
    await pruned(pool)
    with pytest.raises(Forgotten):
        await readers.still_reads(pool, OLD)


async def test_a_table_that_is_being_read_is_not_dropped(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "DROP_WAIT", "50ms")
    await readers.reads_no_more(pool, OLD)
    async with pool.acquire() as other, other.transaction():
        await other.fetch("select * from thing_v1")
        with pytest.raises(InUse):
            await pruned(pool)
    assert await is_there(pool, "thing_v1")
