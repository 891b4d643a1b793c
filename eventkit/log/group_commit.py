"""Group commit: appends that arrive while others are being stored are the next group. No timer.

What an adapter stores, and how, it says itself: it is given a group, and gives each append of it a verdict.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from eventkit.ids import uuid7
from eventkit.log import grouping
from eventkit.log.grouping import Pending
from eventkit.log.port import Appended, LogFull, Origin, StreamId, Together, Write
from eventkit.log.turns import Turns
from eventkit.telemetry import Metrics

log = structlog.get_logger(__name__)

OVERLAP = 48
"""Appends from which on a group is told in two parts: below, two commits cost more than the work that they hide."""

Serve = Callable[[list[Pending]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is stored at once, and how much may wait; more is refused as `LogFull`."""

    group_events: int = 512
    group_bytes: int = 4 << 20
    queue: int = 20_000
    """Appends."""
    queue_bytes: int = 64 << 20


class GroupCommit:
    """The queue of an adapter's writer.

    `serve` stores a group and gives each append its verdict. Where it raises, nothing is known of any append of the
    group: `disbelieve` is called, and all of them are told the error.
    """

    def __init__(
        self,
        serve: Serve,
        disbelieve: Callable[[], None],
        *,
        metrics: Metrics | None,
        context: str,
        limits: Limits,
    ):
        self._serve, self._disbelieve = serve, disbelieve
        self._seconds = metrics.append_seconds.labels(context) if metrics else None
        self._counted = metrics.events_appended.labels(context) if metrics else None
        self._limits, self._queued_bytes = limits, 0
        self._queue: deque[Pending] = deque()
        self._task: asyncio.Task[None] | None = None
        self._turns = Turns(time.monotonic, self._wake)
        self._alarm: asyncio.TimerHandle | None = None
        self._closing = False

    async def close(self) -> None:
        """Serve what is queued; nothing more is taken in."""
        self._closing = True
        while self._queue or self._task or self._turns:
            _tell(self._turns.end())
            self._task = self._task or asyncio.create_task(self._drain())
            await asyncio.wait([self._task])
        if self._alarm:
            self._alarm.cancel()

    async def append(self, writes: Sequence[Write], origin: Origin) -> Appended:
        """As the port's: what `serve` gave as verdict."""
        return await self._append(grouping.pending(uuid7(), writes, origin))

    async def append_together(self, appends: Sequence[Together]) -> Appended:
        """As the port's. To the group it is one append, to readers several."""
        parts = [grouping.part(uuid7(), writes, origin) for writes, origin in appends]
        if not all(part.events for part in parts):
            raise ValueError("each append needs events; guards alone record nothing")
        return await self._append(Pending([write for part in parts for write in part.writes], parts))

    async def _append(self, pending: Pending) -> Appended:
        if self._closing:
            raise ConnectionError("the log is being closed")
        if len(self._queue) >= self._limits.queue or (
            self._queue and self._queued_bytes + pending.bytes > self._limits.queue_bytes
        ):
            raise LogFull(f"{len(self._queue)} appends are waiting, with {self._queued_bytes} bytes")
        pending.caller, pending.told = asyncio.current_task(), asyncio.get_running_loop().create_future()
        if self._turns:
            _tell(self._turns.came(pending))
        self._queue.append(pending)
        self._queued_bytes += pending.bytes
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        if self._seconds is None or self._counted is None:
            return await pending.told
        began = time.perf_counter()
        appended = await pending.told
        self._seconds.observe(time.perf_counter() - began)
        if not appended.repeated:
            self._counted.inc(pending.events)
        return appended

    def leave_to_others(self, stream: StreamId) -> None:
        """Another process lost on this stream and asks for it."""
        self._turns.leave_to_others(stream)

    async def _drain(self) -> None:
        """Serve what is queued, group by group. What callers do when they are told, and what they append next, costs
        no time where it can be done while the next group is in flight: of a large group, as many are told at once as
        make half of what is to come, and the others when that is on its way."""
        telling: list[Pending] = []
        try:
            while self._queue:
                group = self._next_group()
                _tell(telling)
                if not group:
                    break
                await self._served(group)
                group = self._turns.settle(group)
                now = max((len(group) - len(self._queue)) // 2, 0) if len(group) > OVERLAP else len(group)
                telling = group[now:]
                _tell(group[:now])
                await asyncio.sleep(0)  # whoever is ready joins
        finally:
            _tell(telling)
            self._task = None
            if self._turns:
                self._wake_at(self._turns.next_lapse())

    async def _served(self, group: list[Pending]) -> None:
        try:
            await self._serve(group)
        except BaseException as error:  # whatever it is: nobody may wait for ever, and nothing is believed any more
            log.warning("log.group_failed", appends=len(group), error=type(error).__name__)
            self._disbelieve()
            for pending in group:
                pending.verdict = (
                    error if isinstance(error, Exception) else ConnectionError("the log's writer was stopped")
                )
            if not isinstance(error, Exception):
                _tell(group)
                raise

    def _wake_at(self, when: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(when, self._wake)

    def _wake(self) -> None:
        """Turns may be over: whoever waited for them goes on."""
        _tell(self._turns.lapsed())
        if self._task is None:
            if self._queue:
                self._task = asyncio.create_task(self._drain())
            elif self._turns:
                self._wake_at(self._turns.next_lapse())

    def _next_group(self) -> list[Pending]:
        group: list[Pending] = []
        held: list[Pending] = []
        events = size = 0
        if self._turns:
            _tell(self._turns.lapsed())
            going, held = self._turns.sort(self._queue)
            self._queue = deque(going)
        while self._queue:
            pending = self._queue[0]
            if group and (
                events + pending.events > self._limits.group_events or size + pending.bytes > self._limits.group_bytes
            ):
                break
            self._queue.popleft()
            self._queued_bytes -= pending.bytes
            if not pending.told.done():  # else the caller gave up while it waited: nothing is stored
                group.append(pending)
                events, size = events + pending.events, size + pending.bytes
        self._queue += held
        return group


def _tell(group: Iterable[Pending]) -> None:
    for pending in group:
        if pending.told.done():  # its caller gave up
            continue
        if isinstance(pending.verdict, Appended):
            pending.told.set_result(pending.verdict)
        else:
            pending.told.set_exception(pending.verdict or AssertionError("an append without a verdict"))
