"""Nobody holds one connection and waits for another."""

import asyncio

import asyncpg
import pytest

from eventkit.database import NestedConnection, connection, snapshot, transaction
from tests.waiting import PATIENCE


@pytest.mark.parametrize("inner", [connection, transaction, snapshot])
async def test_who_holds_a_connection_is_refused_another_even_where_some_are_left(postgres: str, inner):
    async with asyncpg.create_pool(postgres, min_size=1, max_size=2) as pool:
        async with connection(pool) as con:
            with pytest.raises(NestedConnection):
                async with inner(pool):
                    pass
            assert await con.fetchval("select 1") == 1
        async with inner(pool) as con:  # afterwards one may be taken again
            assert await con.fetchval("select 1") == 1


async def test_many_more_callers_than_connections_are_all_answered(postgres: str):
    async with asyncpg.create_pool(postgres, min_size=1, max_size=2) as pool:

        async def ask(number: int) -> int:
            async with snapshot(pool) as con:
                return await con.fetchval("select $1::int", number)

        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*map(ask, range(64))) == list(range(64))
