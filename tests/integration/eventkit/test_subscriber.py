"""Single events for integrators: none lost, each tenant's in order, whatever their handler does and whatever else is in
the topic."""

import asyncio
from typing import Any

import pytest

from eventkit.kafka import partition_of
from eventkit.kafka.subscribing import subscriber
from eventkit.log import Recorded
from tests.integration.eventkit.topics import PARTITIONS, TENANTS, World, running, until, world


@pytest.fixture
async def there(postgres: str, kafka: str):
    async with world(postgres, kafka) as here:
        await here.append(30)
        async with running(here.relay().run):
            await here.until_relayed()
        yield here


class Handler:
    def __init__(self, there: World):
        self.there, self.seen, self.aside = there, list[Recorded](), list[Exception]()
        self.fails: dict[int, list[Exception]] = {}
        """By position: what handling it raises, in turn."""
        self.holds: int | None = None
        self.set_aside_fails = 0

    async def __call__(self, event: Recorded) -> None:
        if event.position == self.holds:
            await asyncio.sleep(3600)
        if errors := self.fails.get(event.position):
            raise errors.pop(0)
        self.seen.append(event)

    async def set_aside(self, record: Any, error: Exception) -> None:
        if self.set_aside_fails:
            self.set_aside_fails -= 1
            raise ConnectionError
        self.aside.append(error)

    def broker(self):
        return subscriber(
            self.there.kafka,
            self.there.context,
            group=f"{self.there.context}-group",
            handle=self,
            set_aside=self.set_aside,
            graceful_timeout=0.5,
        )

    async def until_handled(self, positions: set[int]) -> None:
        async def handled() -> bool:
            return {e.position for e in self.seen} >= positions

        await until(handled)


def in_order(events: list[Recorded]) -> bool:
    by_tenant = {t: [e.position for e in events if e.tenant == t] for t in TENANTS}
    return all(positions == sorted(set(positions)) for positions in by_tenant.values())


async def test_every_event_comes_from_the_first_one_on_and_in_order(there: World):
    handler = Handler(there)
    async with handler.broker() as broker:
        await broker.start()
        await handler.until_handled(set(range(1, 31)))
    assert in_order(handler.seen)
    assert {e.origin.actor for e in handler.seen} == {"person:lan"}
    again = Handler(there)  # started again, it goes on where it was
    async with again.broker() as broker:
        await broker.start()
        await there.append(10)
        async with running(there.relay().run):
            await again.until_handled(set(range(31, 41)))
    assert len(again.seen) == 10


async def test_what_fails_is_tried_again_or_set_aside_and_the_rest_goes_on(there: World):
    handler = Handler(there)
    handler.fails = {5: [ConnectionError(), TimeoutError()], 7: [LookupError()], 11: [ValueError()]}
    handler.set_aside_fails = 1  # then it is tried again, and this time it goes well
    async with handler.broker() as broker:
        await broker.start()
        await handler.until_handled(set(range(1, 31)) - {11} | {5})
    assert in_order(handler.seen)
    assert len(handler.aside) == 1
    assert len({e.position for e in handler.seen}) == 29


async def test_records_that_no_relay_wrote_do_no_harm(there: World):
    handler = Handler(there)
    for partition in range(PARTITIONS):
        await there.send(partition, b"hello", [])
        await there.send(partition, None, [("ce_id", b"\xff\xfe")])
        await there.send(partition, b"x", [("anything", None), ("ce_type", b"\xff")])
    await there.append(10)
    async with running(there.relay().run), handler.broker() as broker:
        await broker.start()
        await handler.until_handled(set(range(1, 41)))
    assert (in_order(handler.seen), len(handler.aside)) == (True, 3 * PARTITIONS)


async def test_an_event_whose_handler_was_cut_off_comes_again(there: World):
    first, second = Handler(there), Handler(there)
    first.holds = 12

    async def held() -> bool:
        tenant = TENANTS[11 % len(TENANTS)]
        mine = [
            e.position for e in first.seen if partition_of(e.tenant, PARTITIONS) == partition_of(tenant, PARTITIONS)
        ]
        return bool(mine) and max(mine) == max(
            p for p in (await there.by_partition())[partition_of(tenant, PARTITIONS)] if p < 12
        )

    broker = first.broker()
    await broker.start()
    await until(held)
    task = asyncio.ensure_future(broker.stop())
    await asyncio.wait([task], timeout=20)
    async with second.broker() as again:
        await again.start()
        await second.until_handled(set(range(1, 31)) - {e.position for e in first.seen})
    assert 12 in {e.position for e in second.seen}
