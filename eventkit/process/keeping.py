"""Whether all keys are there that there were: looked at by every process, again and again (decision 49)."""

import asyncio
from collections.abc import Callable

import structlog

from eventkit.log.faults import TRANSIENT
from eventkit.privacy.keys import KeyStore
from eventkit.telemetry import Metrics

LOOK_SECONDS = 15.0
COUNTED_EACH = 20
"""Looks after which lost keys are counted again: that reads the whole ledger."""

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
