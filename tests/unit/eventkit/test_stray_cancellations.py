"""A client that breaks off inside must not look like the end of whoever uses it."""

import asyncio

import pytest
from aiokafka.errors import KafkaConnectionError

from eventkit.kafka import own_cancellation
from eventkit.kafka.faults import close


async def stray() -> None:
    """Lets the cancellation of an inner task escape, as aiokafka does when it stops without a broker."""
    inner = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.sleep(0)
    inner.cancel()
    await inner


async def fails() -> None:
    raise OSError


async def test_a_client_that_ends_badly_is_closed():
    assert await close(asyncio.sleep(0))
    assert not await close(stray())
    assert not await close(fails())
    assert not await close(asyncio.sleep(60), seconds=0.01)


async def test_a_stray_cancellation_is_a_lost_connection():
    with pytest.raises(KafkaConnectionError), own_cancellation():
        await stray()


async def test_ones_own_cancellation_is_one():
    async def run() -> None:
        with own_cancellation():
            await asyncio.sleep(60)

    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timeout_stays_one():
    async def run() -> None:
        with own_cancellation():
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await run()
