"""How pages of the own log follow each other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

import pytest

from eventkit.log import Origin, Recorded, StreamId
from eventkit.subscriptions import following
from eventkit.subscriptions.following import BREATH_SECONDS, PAGE, one_ahead

NOW = datetime(2025, 1, 6, tzinfo=UTC)


def append(number: int, events: int = 1) -> list[Recorded]:
    id, stream, origin = UUID(int=number), StreamId("acme", "unit", "sales"), Origin("person:lan")
    return [Recorded(id, "t", b"", stream, 1, number, id, index, events, NOW, NOW, origin) for index in range(events)]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before each page that was waited for."""
    waited: list[float] = []

    class Waiting:
        get_running_loop, create_task, wait = asyncio.get_running_loop, asyncio.create_task, asyncio.wait

        @staticmethod
        async def sleep(seconds: float) -> None:
            waited.append(seconds)

    monkeypatch.setattr(following, "asyncio", Waiting)
    return waited


async def read(*pages: list[Recorded]) -> list[list[Recorded]]:
    async def feed() -> AsyncGenerator[list[Recorded]]:
        for page in pages:
            yield page

    ahead = one_ahead(feed())
    async with aclosing(ahead):
        return [await anext(ahead) for _ in pages]


async def test_whoever_comes_alone_waits_for_nothing_however_soon_it_comes_again(pauses: list[float]):
    pages = [append(1), append(2, events=7), [], append(3)]
    assert await read(*pages) == pages
    assert pauses == []


async def test_pages_that_several_share_are_some_way_apart(pauses: list[float]):
    pages = [append(1) + append(2), append(3), append(4)]
    assert await read(*pages) == pages
    assert len(pauses) == 1
    assert 0 < pauses[0] <= BREATH_SECONDS


async def test_full_pages_follow_each_other_at_once(pauses: list[float]):
    page = [event for number in range(PAGE) for event in append(number)]
    assert await read(page, page) == [page, page]
    assert pauses == []
