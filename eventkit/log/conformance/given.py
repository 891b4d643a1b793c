"""What the tests of every adapter are made of."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from eventkit.ids import uuid7
from eventkit.log.port import (
    Appended,
    EventLog,
    IdReused,
    NewEvent,
    Origin,
    Recorded,
    StreamId,
    WrongVersion,
)

MakeLog = Callable[[], Awaitable[EventLog]]
ORIGIN = Origin(
    "person:lan", b"digest", "correlation", "causation", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)
SECONDS = 20
"""How long a test waits for what must happen."""


def stream(id: str = "k1", *, tenant: str = "acme", category: str = "kpi") -> StreamId:
    return StreamId(tenant, category, id)


def events(count: int = 1, data: bytes = b"data") -> list[NewEvent]:
    return [NewEvent(uuid7(), "test.Recorded", data) for _ in range(count)]


async def taken(log: EventLog, count: int, *, after: int = 0, page: int = 500) -> list[list[Recorded]]:
    """The feed's pages, heartbeats left out, until they hold `count` events."""
    pages: list[list[Recorded]] = []
    async with asyncio.timeout(SECONDS), aclosing(log.feed(after, page=page)) as feed:
        async for recorded in feed:
            if recorded:
                pages.append(recorded)
            if sum(map(len, pages)) >= count:
                break
    return pages


async def everything(log: EventLog) -> list[Recorded]:
    """All that the log holds now."""
    last = await log.last_position()
    collected: list[Recorded] = []
    async with asyncio.timeout(SECONDS), aclosing(log.feed()) as feed:
        async for recorded in feed:
            collected += recorded
            if not last or (collected and collected[-1].position >= last):
                break
    return collected


async def read(log: EventLog, of: StreamId, *, after: int = 0) -> list[Recorded]:
    return [event async for event in log.read(of, after=after)]


async def verdict(append: Awaitable[Appended]) -> Appended | Exception:
    """What an append is told, be it a refusal."""
    try:
        return await append
    except (WrongVersion, IdReused) as refused:
        return refused


class Given:
    """A log to try, on storage that is empty at first."""

    @pytest.fixture
    def make_log(self) -> MakeLog:
        """Opens one more adapter on the same, at first empty, storage; the fixture closes them all."""
        raise NotImplementedError

    @pytest.fixture
    async def log(self, make_log: MakeLog) -> EventLog:
        return await make_log()
