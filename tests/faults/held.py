"""A log that takes nothing for a while: whoever appends is in the middle of it, and can be killed there."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from eventkit.log.postgres import HOLD
from tests.waiting import PATIENCE

_WAITING = """
select count(*) from pg_locks l join pg_database d on d.oid = l.database
where d.datname = current_database() and l.locktype = 'advisory' and not l.granted
"""


@dataclass(frozen=True, slots=True)
class Held:
    con: asyncpg.Connection

    async def appending(self, sessions: int) -> None:
        """Returns when so many sessions wait to append, those of killed processes too: what these had sent is carried
        out once the log takes something again."""
        async with asyncio.timeout(PATIENCE):
            while await self.con.fetchval(_WAITING) < sessions:
                await asyncio.sleep(0.02)

    async def release(self) -> None:
        """Returns when those that waited have appended, or were refused."""
        await self.con.execute("select pg_advisory_unlock_all()")
        async with asyncio.timeout(PATIENCE):
            while await self.con.fetchval(_WAITING):
                await asyncio.sleep(0.02)
        await self.con.execute(HOLD)  # behind the last of them
        await self.con.execute("select pg_advisory_unlock_all()")


@asynccontextmanager
async def held(database: str) -> AsyncGenerator[Held]:
    con = await asyncpg.connect(database)
    try:
        await con.execute(HOLD)
        yield Held(con)
    finally:
        await con.close()
