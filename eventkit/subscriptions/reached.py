"""How far the subscriptions of a service have come, as a process knows it without asking.

Of its own moves it knows at once; of those of other processes it is told, and reads the table of checkpoints then. It
reads it now and then all the same, and where that fails, or the connection that hears is lost, whoever wants to know is
answered by the table itself: nobody is answered by what may be old.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar, cast

import asyncpg
import structlog

from eventkit.database import connect, connection
from eventkit.log.faults import TRANSIENT, Backoff
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import CHANNEL, Checkpoint

READ_SECONDS = 2.0
"""How often the table is read, whatever is heard."""
CURRENT_SECONDS = 3 * READ_SECONDS
"""How long after that what is known counts as current: a network may let nothing through and say nothing."""

log = structlog.get_logger(__name__)

Value = TypeVar("Value")
Changed = Mapping[str, Sequence[Any]]
"""The rows that a page changed, by the name of their table."""
Hear = Callable[[str, int, Checkpoint, Checkpoint, Changed], None]
"""`hear(subscription, partition, at, to, changed)`: this process moved its views from one checkpoint to another."""
Mark = tuple[int, ...]
"""Changes whenever some views do: what was read of them holds for as long as it stays the same."""


def nobody_hears(subscription: str, partition: int, at: Checkpoint, to: Checkpoint, changed: Changed) -> None:
    """The `Hear` of a subscription whose process keeps nothing in memory."""


class Reached:
    """Checkpoints in memory. `run` keeps it current; until then, and whenever it ended, the table is asked.

    `pool` is for those questions.
    """

    def __init__(self, dsn: str, pool: asyncpg.Pool):
        self._dsn, self._pool = dsn, pool
        self._positions: dict[tuple[str, int], int] = {}
        self._again = 0
        """How often views changed without a move, or may have."""
        self._hearing: list[Hear] = []
        self._read_at = float("-inf")
        self._moved_meanwhile = set[tuple[str, int]]()
        """What this process moved while it read the table: what was read of it may be older."""
        self._news = asyncio.Event()
        self._wake = asyncio.Event()
        self._to_read = self._to_tell = False
        self._others = False
        """There is, or was, another process to tell."""

    def hear(self, hear: Hear) -> None:
        """From now on `hear` is told of every move of this process, behind its commit and before anybody else."""
        self._hearing.append(hear)

    def moved(self, subscription: str, partition: int, at: Checkpoint, to: Checkpoint, changed: Changed) -> None:
        """This process moved a checkpoint, and has committed that."""
        for hear in self._hearing:
            hear(subscription, partition, at, to, changed)
        self._positions[subscription, partition] = to.position
        self._moved_meanwhile.add((subscription, partition))
        self._tell_waiting()
        self._say()

    def changed(self) -> None:
        """This process changed views without a move of their checkpoint, and has committed that."""
        self._again += 1

    @property
    def is_current(self) -> bool:
        """What is known is what the table says, but for the blink of an eye that news are on their way."""
        return time.monotonic() - self._read_at < CURRENT_SECONDS

    async def positions(self, of: Sequence[tuple[str, int]]) -> list[int]:
        """How far some subscriptions have come on a partition each; 0: not begun."""
        known = self._positions if self.is_current else await self._asked(of)
        return [known.get(key, 0) for key in of]

    async def mark(self, subscriptions: Sequence[str], partition: int) -> Mark:
        """To be taken before anything is read of their views: what is read then is of that mark, or newer."""
        return (self._again, *await self.positions([(name, partition) for name in subscriptions]))

    async def wait(self, subscriptions: Sequence[str], partition: int, position: int) -> None:
        """Until every one of the subscriptions has passed a position. The caller sets the deadline."""
        while self.is_current:
            if all(self._positions.get((name, partition), 0) >= position for name in subscriptions):
                return
            news = self._news
            with suppress(TimeoutError):
                async with asyncio.timeout(READ_SECONDS):
                    await news.wait()
        await checkpoint.wait(self._pool, list(subscriptions), partition, position)

    async def check(self, subscription: str, where: Mapping[int, Checkpoint]) -> None:
        """Raises `Fenced` when checkpoints are not where this process left them, as where a rival moved them."""
        if self.is_current and all(
            self._positions.get((subscription, partition), 0) == at.position for partition, at in where.items()
        ):
            return
        await checkpoint.check(self._pool, subscription, where)

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever: a database that is away is asked again."""
        backoff = Backoff()
        while True:
            try:
                await self._listen(beat, backoff)
            except TRANSIENT as error:
                log.warning("checkpoints.retry", error=type(error).__name__)
                beat()
                await backoff.pause()

    async def _listen(self, beat: Callable[[], None], backoff: Backoff) -> None:
        con = await connect(self._dsn, "nhip checkpoints")
        try:
            con.add_termination_listener(self._lost)
            await con.add_listener(CHANNEL, self._heard)
            self._again += 1  # whatever happened while nobody listened
            await con.execute("select pg_notify($1, 'joined')", CHANNEL)
            while True:
                if self._to_tell:
                    self._to_tell = False
                    await con.execute("select pg_notify($1, 'moved')", CHANNEL)
                if self._to_read or time.monotonic() - self._read_at >= READ_SECONDS:
                    await self._read(con)
                backoff.succeeded()
                beat()
                with suppress(TimeoutError):
                    async with asyncio.timeout(READ_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
                if con.is_closed():
                    raise ConnectionError("the connection that hears of checkpoints was lost")
        finally:
            self._lost()
            con.terminate()

    async def _read(self, con: asyncpg.Connection) -> None:
        began = time.monotonic()
        self._to_read = False
        self._moved_meanwhile.clear()
        rows = await con.fetch("select subscription, partition, position from checkpoint")
        stored = {(row["subscription"], row["partition"]): row["position"] for row in rows}
        own = {key: self._positions[key] for key in self._moved_meanwhile}
        self._positions, self._read_at = stored | own, began
        self._tell_waiting()

    async def _asked(self, of: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        async with connection(self._pool) as con:
            rows = await con.fetch(
                "select subscription, partition, position from checkpoint where subscription = any($1::text[])",
                [subscription for subscription, _ in of],
            )
        return {(row["subscription"], row["partition"]): row["position"] for row in rows}

    def _heard(self, con: Any, pid: int, _channel: str, payload: object) -> None:
        if pid == con.get_server_pid():
            return
        if payload == "changed":
            self._again += 1
        else:
            self._others = True
        if payload == "joined":
            self._say()  # so that the other one knows of this one
        self._to_read = True
        self._wake.set()

    def _lost(self, *_: object) -> None:
        self._read_at = float("-inf")
        self._tell_waiting()
        self._wake.set()

    def _say(self) -> None:
        if self._others:
            self._to_tell = True
            self._wake.set()

    def _tell_waiting(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class Remembered(Generic[Value]):
    """What was read of some views, for as long as they do not change: for what many commands in a row must know."""

    def __init__(self, reached: Reached, subscriptions: Sequence[str], most: int = 10_000):
        self._reached, self._subscriptions, self._most = reached, list(dict.fromkeys(subscriptions)), most
        self._values: OrderedDict[Hashable, tuple[Mark, Value]] = OrderedDict()

    async def get(self, key: Hashable, partition: int, read: Callable[[], Awaitable[Value]]) -> Value:
        """What `read` answers, or answered before and would answer now. `partition`: where the views are of whom the
        key is about."""
        mark = await self._reached.mark(self._subscriptions, partition)
        at, value = self._values.get(key, (None, None))
        if at == mark:
            self._values.move_to_end(key)
            return cast(Value, value)
        value = await read()
        self._values[key] = mark, value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
        return value
