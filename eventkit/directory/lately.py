"""What is asked for at every call, or every page of events, and may be a second old."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

LATELY_SECONDS = 1.0
"""How long an answer holds."""

Value = TypeVar("Value")


class Lately(Generic[Value]):
    """What `ask` answered lately. Of all that want to know at once one asks, and the others wait for its answer; where
    it raises, whoever comes next asks again."""

    def __init__(self, ask: Callable[[], Awaitable[Value]]):
        self._ask, self._asking = ask, asyncio.Lock()
        self._answer: tuple[float, Value] | None = None
        self._forgotten = 0

    def forget(self) -> None:
        """What is known by now, or is being asked for, holds no longer."""
        self._answer = None
        self._forgotten += 1

    async def get(self) -> Value:
        if known := self._known():
            return known[1]
        async with self._asking:
            if known := self._known():
                return known[1]
            forgotten = self._forgotten
            value = await self._ask()
            if forgotten == self._forgotten:
                self._answer = time.monotonic(), value
            return value

    def _known(self) -> tuple[float, Value] | None:
        return self._answer if self._answer and time.monotonic() - self._answer[0] < LATELY_SECONDS else None
