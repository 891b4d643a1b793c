"""What was opened of a company's people is remembered for as long as their keys are, and no longer, whoever asks."""

import asyncio
import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from eventkit.privacy.keys import KEY_SECONDS
from eventkit.privacy.words import Words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Remembered(Generic[T]):
    at: float
    told: T
    timer: asyncio.TimerHandle


class Opened(Generic[T]):
    """By tenant: forgotten `seconds` after the first of it was opened, as soon as a key of theirs is destroyed, and
    where more than `most` others were remembered since."""

    def __init__(self, words: Words, most: int, seconds: float = KEY_SECONDS):
        self._most, self._seconds = most, seconds
        self._by_tenant: dict[str, _Remembered[T]] = {}
        self._destroyed_at = 0.0
        words.when_destroyed(self._destroyed)

    def __len__(self) -> int:
        return len(self._by_tenant)

    def of(self, tenant: str) -> tuple[float, T | None]:
        """Since when what is remembered was open (now, where it is nothing), and that."""
        known = self._by_tenant.get(tenant)
        return (known.at, known.told) if known else (time.monotonic(), None)

    def remember(self, tenant: str, told: T, *, at: float, began: float) -> None:
        """`at`: as `of` answered; `began`: when opening the rest did. What a key opened that is destroyed meanwhile is
        not remembered."""
        self._forget(tenant)
        left = at + self._seconds - time.monotonic()
        if self._destroyed_at >= began or left <= 0:
            return
        timer = asyncio.get_running_loop().call_later(left, self._forget, tenant)
        self._by_tenant[tenant] = _Remembered(at, told, timer)
        while len(self._by_tenant) > self._most:
            self._forget(next(iter(self._by_tenant)))

    def _destroyed(self, tenant: str) -> None:
        self._destroyed_at = time.monotonic()
        self._forget(tenant)

    def _forget(self, tenant: str) -> None:
        if known := self._by_tenant.pop(tenant, None):
            known.timer.cancel()
