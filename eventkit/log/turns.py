"""Turns on a stream that several want to write: who lost keeps its place, and nobody wins twice while others wait.

An append that lost would only lose again if everybody who lost were told at once. So one caller at a time is told, the
first who lost; it has the stream to itself until its next append is stored, it ends, or its time is up. The others wait
for their turn untold. All of it only delays: what is stored is decided by versions alone.

Processes take turns too: one that lost to another asks for the stream, and the others leave it alone for a moment.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from eventkit.log.grouping import Pending
from eventkit.log.port import Appended, StreamId, WrongVersion

TURN_SECONDS = 0.05
"""How long a caller who lost has a stream to itself, to decide anew."""
ELSEWHERE_SECONDS = 0.005
"""How long a stream is left to another process that asked for it."""


@dataclass(slots=True)
class _Turn:
    """Of one stream."""

    caller: "asyncio.Task[Any] | None" = None
    until: float = 0.0
    elsewhere_until: float = 0.0
    line: deque[Pending] = field(default_factory=deque[Pending])
    """Who lost and is not told yet, first come first served."""


class Turns:
    """The turns of one process. `clock` tells seconds; `wake` is called when a caller ended that had a turn."""

    def __init__(self, clock: Callable[[], float], wake: Callable[[], object]):
        self._clock, self._wake = clock, wake
        self._of: dict[StreamId, _Turn] = {}

    def __bool__(self) -> bool:
        return bool(self._of)

    def sort(self, queue: Iterable[Pending]) -> tuple[list[Pending], list[Pending]]:
        """Of what is queued: what may go now, whoever has a turn first, and what waits for another's turn to end."""
        now = self._clock()
        first, others, held = list[Pending](), list[Pending](), list[Pending]()
        for pending in queue:
            turns = [turn for write in pending.writes if (turn := self._of.get(write.stream))]
            if any(now < turn.elsewhere_until for turn in turns):
                held.append(pending)
            # Who has a turn waits for nobody: two that have one each would wait for each other.
            elif any(turn.caller is pending.caller for turn in turns):
                first.append(pending)
            else:
                (held if any(now < turn.until for turn in turns) else others).append(pending)
        return first + others, held

    def came(self, pending: Pending) -> list[Pending]:
        """A caller that appends to other streams than the one it lost on gives up its turn there: whom to tell now."""
        named = {write.stream for write in pending.writes}
        given_up = [s for s, turn in self._of.items() if turn.caller is pending.caller and s not in named]
        return [following for stream in given_up for following in self._pass_on(stream, None)]

    def settle(self, group: list[Pending]) -> list[Pending]:
        """Whom of a group that was served to tell now, in that order; the others are in line."""
        if not self._of and not any(isinstance(p.verdict, WrongVersion) for p in group):
            return group
        told: list[Pending] = []
        for pending in group:
            if not isinstance(pending.verdict, WrongVersion) or self._loses(pending, pending.verdict.stream):
                told.append(pending)
        called = [
            first
            for pending in group
            if isinstance(pending.verdict, Appended)
            for write in pending.writes
            if (turn := self._of.get(write.stream)) and turn.caller is pending.caller
            for first in self._pass_on(write.stream, pending.verdict.versions.get(write.stream))
        ]
        # Who lost is told first, so that it is there before whoever won comes again.
        return called + sorted(told, key=lambda pending: isinstance(pending.verdict, Appended))

    def lapsed(self) -> list[Pending]:
        """Pass on the turns that are over, unused: whom to tell now."""
        now = self._clock()
        over = [s for s, t in self._of.items() if now >= t.elsewhere_until and (now >= t.until or _ended(t.caller))]
        return [pending for stream in over for pending in self._pass_on(stream, None)]

    def next_lapse(self) -> float:
        """When to look again, on the clock."""
        now = self._clock()
        moments = [at for turn in self._of.values() for at in (turn.until, turn.elsewhere_until) if at > now]
        return min(moments, default=now)

    def leave_to_others(self, stream: StreamId) -> None:
        """Another process lost on this stream and asks for it."""
        self._of.setdefault(stream, _Turn()).elsewhere_until = self._clock() + ELSEWHERE_SECONDS

    def end(self) -> list[Pending]:
        """No more turns: whom to tell now."""
        waiting = [pending for turn in self._of.values() for pending in turn.line]
        self._of.clear()
        return waiting

    def _loses(self, pending: Pending, stream: StreamId) -> bool:
        """Whether it is told at once: the first who lost, and who has the turn. Others get in line."""
        turn = self._of.setdefault(stream, _Turn())
        if turn.caller is None and not turn.line:
            self._call(turn, pending)
            return True
        if turn.caller is pending.caller and self._clock() < turn.until:
            return True
        turn.line.append(pending)
        return False

    def _call(self, turn: _Turn, pending: Pending) -> None:
        turn.caller, turn.until = pending.caller, self._clock() + TURN_SECONDS
        if turn.caller:
            turn.caller.add_done_callback(self._ended)

    def _ended(self, _: object) -> None:
        self._wake()

    def _pass_on(self, stream: StreamId, version: int | None) -> Iterable[Pending]:
        """The next in line, told where the stream stands now; the turn ends with the line."""
        turn = self._of[stream]
        if turn.caller:
            turn.caller.remove_done_callback(self._ended)
        turn.caller, turn.until = None, 0.0
        while turn.line:
            pending = turn.line.popleft()
            if pending.told.done():  # its caller gave up
                continue
            assert isinstance(pending.verdict, WrongVersion)
            if version is not None:
                pending.verdict = WrongVersion(stream, pending.verdict.expected, version)
            self._call(turn, pending)
            return [pending]
        if self._clock() >= turn.elsewhere_until:
            del self._of[stream]
        return []


def _ended(caller: "asyncio.Task[Any] | None") -> bool:
    return caller is None or caller.done()
