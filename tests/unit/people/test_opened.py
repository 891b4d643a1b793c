"""What was opened of people's words is forgotten by itself: by time, by destroyed keys, by number."""

import asyncio
import time
from collections.abc import Callable
from typing import cast

from eventkit.privacy.words import Words
from services.people.opened import Opened
from tests.waiting import PATIENCE


class Heard:
    """Of destroyed keys, as words hear of them."""

    def __init__(self) -> None:
        self.destroyed: list[Callable[[str], None]] = []

    def when_destroyed(self, forget: Callable[[str], None]) -> None:
        self.destroyed.append(forget)


def opened(heard: Heard | None = None, *, most: int = 9, seconds: float = 60) -> Opened[str]:
    return Opened[str](cast(Words, heard or Heard()), most, seconds)


def remember(known: Opened[str], tenant: str, told: str) -> None:
    at, _ = known.of(tenant)
    known.remember(tenant, told, at=at, began=time.monotonic())


async def test_it_is_forgotten_though_nobody_asks_again_and_not_later_for_being_added_to():
    known = opened(seconds=0.05)
    remember(known, "x", "Minh")
    first, _ = known.of("x")
    remember(known, "x", "Minh, Lan")
    assert known.of("x") == (first, "Minh, Lan")
    async with asyncio.timeout(PATIENCE):
        while len(known):
            await asyncio.sleep(0.005)
    known.remember("x", "Minh", at=first, began=time.monotonic())
    assert len(known) == 0


async def test_it_is_forgotten_with_a_key_and_what_was_opened_meanwhile_is_not_remembered():
    heard = Heard()
    known = opened(heard)
    remember(known, "x", "Minh")
    remember(known, "y", "Lan")
    began = time.monotonic()
    heard.destroyed[0]("x")
    assert (known.of("x")[1], known.of("y")[1]) == (None, "Lan")
    known.remember("x", "Minh", at=began, began=began)
    assert known.of("x")[1] is None


async def test_of_many_companies_the_last_are_remembered():
    known = opened(most=2)
    for tenant in ("x", "y", "z"):
        remember(known, tenant, tenant)
    assert [known.of(tenant)[1] for tenant in ("x", "y", "z")] == [None, "y", "z"]
