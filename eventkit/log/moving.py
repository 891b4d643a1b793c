"""A log moved from one adapter to another, event by event as it is: ids, versions, times, appends, and positions.

Positions are kept, so whatever counts by them (checkpoints, the relay, records on Kafka, the ledger, callers) goes on
as if nothing had happened; a log's own positions begin behind them.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from eventkit.log.port import EventLog, Recorded
from eventkit.settings import SettingsError

PAGE = 500


class Receives(Protocol):
    """What an adapter is while a log is moved into it; only whole appends are ever there."""

    async def begin(self) -> int:
        """Make it one that is being filled, which nobody can open as a log; answers how far it has come: a position.

        Raises `Occupied` for a log of its own.
        """
        ...

    async def take(self, events: Sequence[Recorded]) -> None:
        """Store whole appends as they are, all of them or none."""
        ...

    async def finish(self, last: int) -> None:
        """From here on it is a log like any other, whose new events stand behind `last`."""
        ...

    def taken(self) -> AsyncGenerator[Recorded]:
        """All that was taken, in order."""
        ...


class Occupied(Exception):
    """There is a log already that did not come from this one; its text says where."""


class Unfinished(SettingsError):
    """A log that was being moved or restored here is not whole yet: its text says what to do first."""


class Differs(Exception):
    """What was copied is not what is there; its text names the first position at which it differs."""


@dataclass(frozen=True, slots=True)
class Moved:
    events: int
    """Of the log, all of which were compared."""
    copied: int
    """This time; the others were there already."""


async def move(
    source: EventLog,
    target: Receives,
    unused: Callable[[], Awaitable[None]],
    *,
    told: Callable[[int], None] = lambda _: None,
) -> Moved:
    """Copy what is missing, compare every event, and let the target be a log.

    Nobody may write to the source meanwhile, which `unused` sees to: it raises where somebody does, before anything is
    done and again at the end. Cut off anywhere, it goes on where it was. `told` hears of each position that was
    reached. Raises `Occupied`, `Differs`.
    """
    await unused()
    last, after, copied = await source.last_position(), await target.begin(), 0
    if after < last:
        async with aclosing(source.feed(after, page=PAGE)) as pages:
            async for page in pages:
                if page:
                    await target.take(page)
                    after, copied = page[-1].position, copied + len(page)
                    told(after)
                if after >= last:
                    break
    compared = await _compare(source, target, last)
    await unused()
    if (moved_on := await source.last_position()) != last:
        raise Differs(f"the log went on to position {moved_on} while it was copied: stop who writes to it, and go on")
    await target.finish(last)
    return Moved(compared, copied)


async def _compare(source: EventLog, target: Receives, last: int) -> int:
    count = 0
    async with aclosing(_upto(source, last)) as wanted, aclosing(target.taken()) as have:
        while True:
            one, other = await anext(wanted, None), await anext(have, None)
            if one is None and other is None:
                return count
            if one != other:
                at = min(event.position for event in (one, other) if event)
                raise Differs(f"position {at} is not the same in both: {one} there, {other} here")
            count += 1


async def _upto(log: EventLog, last: int) -> AsyncGenerator[Recorded]:
    if not last:
        return
    async with aclosing(log.feed(0, page=PAGE)) as pages:
        async for page in pages:
            for event in page:
                yield event
                if event.position >= last:
                    return
