"""A topic is held against its log with few of its records held at once."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from eventkit.kafka import comparing
from eventkit.kafka.comparing import AT_ONCE, Compared


class Cursor:
    """Gives the same record again and again."""

    def __init__(self, number: int):
        self.left, self.held = number, 0
        self.partition = SimpleNamespace(partition=0)

    async def peek(self) -> object | None:
        return SimpleNamespace() if self.left else None

    def take(self) -> None:
        self.left, self.held = self.left - 1, self.held + 1


async def test_however_many_records_do_not_follow_the_log_few_are_held(monkeypatch: pytest.MonkeyPatch):
    item = SimpleNamespace(offset=0, event=SimpleNamespace(id=uuid4(), position=7))
    monkeypatch.setattr(comparing, "received", lambda _: item)  # pyright: ignore[reportUnknownLambdaType]
    cursor, done, held = Cursor(2 * AT_ONCE + 1), Compared(), list[int]()

    class Log:
        async def stored(self, ids: list[object]) -> dict[object, object]:
            held.append(cursor.held)
            cursor.held = 0
            return {}

    one = comparing._Held(cast(Any, None), cast(Any, cursor), cast(Any, Log()), done, 0)  # pyright: ignore[reportPrivateUsage]
    await one.against((), 9)
    assert held == [AT_ONCE, AT_ONCE, 1]
    assert (done.records, done.number) == (2 * AT_ONCE + 1, 2 * AT_ONCE + 1)
