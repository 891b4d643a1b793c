"""Looking on at a topic: each event once, from where one asks, and what is missing is said."""

import asyncio

import pytest

from eventkit.kafka import TopicMissing, tail
from tests.integration.eventkit.topics import World, running, world
from tests.waiting import PATIENCE


@pytest.fixture
async def there(postgres: str, kafka: str):
    async with world(postgres, kafka) as here:
        await here.append(30)
        async with running(here.relay().run):
            await here.until_relayed()
        yield here


async def positions(there: World, after: dict[str, int]) -> list[int]:
    return sorted([each.event.position async for each in tail(there.kafka, [there.context], after=after, follow=False)])


async def test_it_begins_behind_a_position_and_ends_with_what_is_there(there: World):
    assert await positions(there, {there.context: 0}) == list(range(1, 31))
    assert await positions(there, {there.context: 27}) == [28, 29, 30]
    assert await positions(there, {}) == []


async def test_it_goes_on_with_what_comes_from_now_on(there: World):
    seen: list[int] = []

    async def look() -> None:
        async for each in tail(there.kafka, [there.context], after={}, follow=True):
            assert not each.missing
            seen.append(each.event.position)
            if len(seen) == 3:
                return

    async with asyncio.timeout(PATIENCE):
        looking = asyncio.create_task(look())
        async with running(there.relay().run):
            while not looking.done():  # until it looks, nobody sees what goes by
                await there.append(1)
                await asyncio.sleep(0.1)
        await looking
    assert min(seen) > 30


async def test_attributes_are_those_of_the_record(there: World):
    events = [each async for each in tail(there.kafka, [there.context], after={there.context: 29}, follow=False)]
    [last] = events
    attributes = last.attributes()
    assert (attributes["specversion"], attributes["id"], attributes["sequence"]) == ("1.0", str(last.event.id), "30")
    assert attributes["previous"] == str(last.previous) != "0"
    assert (attributes["source"], attributes["authid"]) == (f"/nhip/{there.context}", "person:lan")


async def test_a_topic_that_is_not_there_is_named(there: World):
    with pytest.raises(TopicMissing, match=r"nhip\.ghost\.v1"):
        await anext(tail(there.kafka, ["ghost"], after={}, follow=False))
