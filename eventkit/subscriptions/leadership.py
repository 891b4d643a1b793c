"""Who of several processes does a thing that one of them is to do: the one that holds its advisory lock."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from eventkit.database import connect
from eventkit.log.faults import TRANSIENT

TRY_SECONDS = 1.0
"""How often a process that waits for a lead tries to take it."""


@dataclass(frozen=True, slots=True)
class Lead:
    """The lead, for as long as the connection that holds it lives."""

    con: asyncpg.Connection

    def check(self) -> None:
        """Raises ConnectionError once the lead is lost: by now somebody else may have it."""
        if self.con.is_closed():
            raise ConnectionError("the connection that held the lead was lost")


class Leads:
    """The leads of one service in one process, on one connection.

    They are lost with it, so a process that is killed blocks nobody.
    """

    def __init__(self, dsn: str):
        self._dsn, self._con, self._lock = dsn, None, asyncio.Lock()
        self._con: asyncpg.Connection | None

    async def __aenter__(self) -> "Leads":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._con:
            self._con.terminate()

    @asynccontextmanager
    async def lead(self, name: str, beat: Callable[[], None]) -> AsyncGenerator[Lead]:
        """Waits until this process has the lead of that name; given up at the end of the block.

        Raises the connection's errors.
        """
        while (con := await self._take(name)) is None:
            beat()
            await asyncio.sleep(TRY_SECONDS)
        try:
            yield Lead(con)
        finally:
            await self._give_up(name, con)

    async def _take(self, name: str) -> asyncpg.Connection | None:
        async with self._lock:
            if self._con is None or self._con.is_closed():
                self._con = await connect(self._dsn, "nhip leads")
            try:
                taken = await self._con.fetchval(
                    "select pg_try_advisory_lock(hashtext('subscription'), hashtext($1))", name
                )
            except BaseException:
                self._con.terminate()  # it may have been taken, and nobody would follow it
                raise
            return self._con if taken else None

    async def _give_up(self, name: str, con: asyncpg.Connection) -> None:
        try:
            async with self._lock:
                if not con.is_closed():
                    await con.execute("select pg_advisory_unlock(hashtext('subscription'), hashtext($1))", name)
        except BaseException as error:
            # a lead that nobody follows must not be held: rather lose the others with it, and take them again
            con.terminate()
            if not isinstance(error, TRANSIENT):  # a connection that is gone is no news, and would hide a cancellation
                raise
