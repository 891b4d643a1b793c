"""A pool's connections, and transactions on them.

Nobody holds one connection and waits for another: as many callers as a pool has connections would wait for each other
for good. A nested acquisition raises at once, in tests and in service, also when the pool has some left.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import cast

import asyncpg

_holding: ContextVar[bool] = ContextVar("holding", default=False)


class NestedConnection(RuntimeError):
    """Who holds a connection asked for another: a defect of the caller, who takes what is needed first, or passes the
    connection on."""


@asynccontextmanager
async def connection(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """One of the pool's connections. In truth it is a proxy, which asyncpg's types keep apart from what it stands for.

    Raises `NestedConnection` inside the block of another one.
    """
    if _holding.get():
        raise NestedConnection("a connection is held already: take what is needed before, or pass the connection on")
    async with pool.acquire() as con:
        held = _holding.set(True)
        try:
            yield cast(asyncpg.Connection, con)
        finally:
            _holding.reset(held)


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncGenerator[asyncpg.Connection]:
    """A connection inside a transaction: committed at the end of the block, rolled back when it raises."""
    async with connection(pool) as con, con.transaction():
        yield con


@asynccontextmanager
async def snapshot(pool: asyncpg.Pool, *settings: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that only reads, all of it as of one moment. `settings` are statements to begin with: all of it is
    begun in one round trip, which takes no parameters."""
    async with connection(pool) as con:
        await con.execute("; ".join(("begin isolation level repeatable read read only", *settings)))
        try:
            yield con
        except BaseException:
            if not con.is_closed():
                await con.execute("rollback")
            raise
        await con.execute("commit")
