"""A pool's connections, and transactions on them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg


@asynccontextmanager
async def connection(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """One of the pool's connections. In truth it is a proxy, which asyncpg's types keep apart from what it stands for."""
    async with pool.acquire() as con:
        yield cast(asyncpg.Connection, con)


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """A connection inside a transaction: committed at the end of the block, rolled back when it raises."""
    async with connection(pool) as con, con.transaction():
        yield con


@asynccontextmanager
async def snapshot(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that only reads, all of it as of one moment."""
    async with connection(pool) as con, con.transaction(isolation="repeatable_read", readonly=True):
        yield con
