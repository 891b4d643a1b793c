"""The end of a log, kept in memory: who follows it in the process that wrote it need not ask the database."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from eventkit.log.port import Recorded


class Recent:
    """The last events, as many as fit. Positions are 1, 2, 3 … without a gap, so that nothing is missing between two
    of them; where something is, what was before is forgotten."""

    def __init__(self, *, max_events: int = 2_000, max_bytes: int = 8 << 20):
        self._max_events, self._max_bytes = max_events, max_bytes
        self._events: deque[Recorded] = deque()
        self._bytes = 0

    def put(self, events: Sequence[Recorded]) -> None:
        """Whole appends that are stored, in order."""
        if self._events and events[0].position != self._events[-1].position + 1:
            self.forget()
        for event in events:
            self._events.append(event)
            self._bytes += len(event.data)
        while len(self._events) > self._max_events or self._bytes > self._max_bytes:
            self._bytes -= len(self._events.popleft().data)

    def after(self, position: int, page: int) -> list[Recorded]:
        """About `page` events behind a position, with the whole of the last one's append; none if they are not
        known."""
        if not self._events or not self._events[0].position - 1 <= position < self._events[-1].position:
            return []
        start = position - self._events[0].position + 1
        stop = min(start + page, len(self._events))
        last = self._events[stop - 1]
        return list(islice(self._events, start, stop + last.size - last.index - 1))

    def forget(self) -> None:
        self._events.clear()
        self._bytes = 0
