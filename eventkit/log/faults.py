"""Which errors pass by themselves, and how long to wait before trying again."""

import asyncio
import random

import asyncpg

from eventkit.log import LogFull

TRANSIENT: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidTransactionStateError,
    LogFull,
)
"""The database or the network is away or busy, or somebody else held a lock: the same thing may succeed a moment
later."""

LONGEST_PAUSE = 5.0


class Backoff:
    """Pauses that double from 0.1 s to 5 s, with jitter, until something succeeded."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def succeeded(self) -> None:
        self._seconds = 0.0

    async def pause(self) -> float:
        self._seconds = min(2 * self._seconds or 0.1, LONGEST_PAUSE)
        await asyncio.sleep(self._seconds * random.uniform(0.5, 1))
        return self._seconds
