"""Whether all keys are there that there were, and none that was destroyed: looked at by every process, again and again
(decisions 49, 54)."""

import asyncio
from collections.abc import Callable

import structlog

from eventkit.log.faults import TRANSIENT
from eventkit.privacy.keys import KeyStore
from eventkit.telemetry import Metrics

LOOK_SECONDS = 15.0
COUNTED_EACH = 20
"""Looks after which keys are counted again: that reads all of them, and the whole ledger."""

log = structlog.get_logger(__name__)


async def watch(store: KeyStore, metrics: Metrics, beat: Callable[[], None]) -> None:
    """For ever. The first look was taken when the service was opened."""
    looks = 0
    while True:
        try:
            await look(store, metrics, count=looks % COUNTED_EACH == 0)
            looks += 1
        except TRANSIENT as error:
            log.warning("keys.retry", error=type(error).__name__)
        beat()
        await asyncio.sleep(LOOK_SECONDS)


async def look(store: KeyStore, metrics: Metrics, *, count: bool = True) -> None:
    metrics.keys_went_back.set(0 if await store.compare() else 1)
    if count:
        lost = await store.lost()
        metrics.lost_keys.set(lost)
        if lost:
            log.error("keys.lost_count", number=lost)
        left = await store.left()
        metrics.left_keys.set(left)
        if left:
            log.error("keys.left_count", number=left)
