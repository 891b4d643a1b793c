"""How much one caller, and one tenant, may ask of this process: so many calls a second, so many that wait at once; and
how much everybody together."""

import asyncio
import math
import random
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from eventkit.context import OPERATOR, Actor
from eventkit.errors import Kind, Rejected
from eventkit.telemetry import OVERLOADED

BURST_SECONDS = 5.0
"""Who was quiet may catch up: that many seconds' worth of calls at once."""
WAITING_PER_CALLER = 16
"""Calls of one caller that wait for positions at the same time."""
STOOD_SECONDS = 1.0
"""How long the first in line may have stood before nobody else is let into it."""
PATIENCE_SECONDS = 3.0
"""How long a call stands in line at most."""
PLACE_SECONDS = 1.0
"""How long a call keeps its place among those that are worked on."""
LINE = 400
"""How many calls stand in line at most, and how many are worked on that have given their place to others: what is kept
of them has an end."""

_REMEMBERED = 10_000
QUOTA = "quota"
"""Whose bucket is that of a tenant's quota: no actor is called so."""


@dataclass(frozen=True, slots=True)
class Left:
    """How much an integration may still ask of this process: it is told so with every answer."""

    limit: int
    """Calls that may be made at once by who was quiet."""
    remaining: int
    reset: int
    """Seconds until it may make that many again."""

    def __str__(self) -> str:
        return f"limit={self.limit}, remaining={self.remaining}, reset={self.reset}"


class Rates:
    """Calls a second, over time, of a person, linked already or not, of a feed, of an integration, and of everybody in
    a tenant together; 0: as many as they like.

    The project's own services (the importer, an operator) have no rate of their own; they count in their tenant's.
    """

    def __init__(
        self,
        *,
        caller: float = 0.0,
        tenant: float = 0.0,
        integration: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._tenant, self._clock = tenant, clock
        self._rates = {"person": caller, "guest": caller, "feed": caller, "integration": integration}
        # What is left, and as of when; the least recently used go first, and a full bucket is the same as none.
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, actor: Actor, quota: float = 0.0) -> None:
        """Counts one call. `quota`: what the tenant may make of this process beside, 0: any number; whoever operates
        the installation takes none of it. Raises Rejected (TOO_MANY): RATE_EXCEEDED, saying when to ask again."""
        wait = self._missing((actor.tenant, ""), self._tenant)
        if quota and (actor.kind, actor.id) != OPERATOR:
            wait = max(wait, self._missing((actor.tenant, QUOTA), quota))
        if rate := self._rates.get(actor.kind, 0.0):
            wait = max(wait, self._missing((actor.tenant, str(actor)), rate))
        if wait > 0:
            raise Rejected(
                "RATE_EXCEEDED",
                "more calls than may be made in a while: slow down",
                kind=Kind.TOO_MANY,
                retry_after=wait,
            )

    def left(self, actor: Actor) -> Left | None:
        """What an integration is told; None: nothing, for its calls are not counted or it is none."""
        rate = self._rates["integration"]
        if actor.kind != "integration" or not rate:
            return None
        most = max(rate * BURST_SECONDS, 1.0)
        left, at = self._buckets.get((actor.tenant, str(actor)), (most, self._clock()))
        left = min(left + (self._clock() - at) * rate, most)
        return Left(int(most), int(left), math.ceil((most - left) / rate))

    def _missing(self, whose: tuple[str, str], rate: float) -> float:
        """Takes one call out of a bucket; answers the seconds until there is one, where there is none."""
        if not rate:
            return 0.0
        now, most = self._clock(), max(rate * BURST_SECONDS, 1.0)
        left, at = self._buckets.get(whose, (most, now))
        left = min(left + (now - at) * rate, most)
        enough = left >= 1
        self._buckets[whose] = left - enough, now
        self._buckets.move_to_end(whose)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (1 - left) / rate


class Waiting:
    """How many calls of each caller wait for positions."""

    def __init__(self, most: int = WAITING_PER_CALLER):
        self._most = most
        self._now: dict[Actor, int] = {}

    @contextmanager
    def one(self, actor: Actor) -> Generator[None]:
        """While the block lasts one more waits. Raises Rejected (TOO_MANY): TOO_MANY_WAITING."""
        if (waiting := self._now.get(actor, 0)) >= self._most:
            raise Rejected(
                "TOO_MANY_WAITING",
                f"{self._most} of your calls wait for positions already: let them be answered first",
                kind=Kind.TOO_MANY,
                retry_after=1.0,
            )
        self._now[actor] = waiting + 1
        try:
            yield
        finally:
            self._now[actor] -= 1
            if not self._now[actor]:
                del self._now[actor]


class Working:
    """How many calls are worked on at once, of all callers together. 0: any number.

    They are few, for they share one processor: more at once are not answered sooner, and keep the process from seeing
    who else has come. The others stand in line, first come, first served. Who comes while the first in line has stood
    for long, or stands for too long, is refused and told when to ask again. So what is let in is answered soon, however
    fast the machine is: the line is measured in time, not in calls. Who is worked on for long waits for something else
    than the processor, and gives the place to the next.
    """

    def __init__(self, most: int = 0, clock: Callable[[], float] = time.monotonic, *, kept: bool = False):
        """`kept`: whoever has a place has it to the end."""
        self._most, self._clock, self._kept = most, clock, kept
        self._now, self._longer = 0, 0
        self._line = deque[tuple[float, asyncio.Future[None]]]()
        """Since when each stands there, and its turn."""

    @property
    def full(self) -> bool:
        """Whoever comes now is refused."""
        if not self._line:
            return False
        return self._clock() - self._line[0][0] > STOOD_SECONDS or len(self._line) >= LINE

    @asynccontextmanager
    async def one(self) -> AsyncGenerator["Place"]:
        """While the block lasts one more is worked on. Raises Rejected (TOO_MANY): OVERLOADED."""
        place = Place(self)
        await place.take()
        try:
            yield place
        finally:
            place.give_back()

    async def enter(self) -> None:
        """Takes a place, in line where there is none. Raises Rejected (TOO_MANY): OVERLOADED."""
        if self.full:
            raise overloaded()
        if self._most and self._now >= self._most:
            await self._turn()
        else:
            self._now += 1

    def gives_on(self) -> bool:
        """Whether the place of somebody who is worked on for long went to the next."""
        if self._kept or self._longer >= LINE:
            return False
        self._longer += 1
        self._next()
        return True

    def leave(self, *, longer: bool) -> None:
        """`longer`: the place is somebody else's already."""
        if longer:
            self._longer -= 1
        else:
            self._next()

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        place = self._clock(), turn
        self._line.append(place)
        try:
            await asyncio.wait((turn,), timeout=PATIENCE_SECONDS)
        except asyncio.CancelledError:  # its deadline passed, or its caller is gone
            if turn.done():
                self._next()
            else:
                self._line.remove(place)
            raise
        if not turn.done():
            self._line.remove(place)
            raise overloaded()

    def _next(self) -> None:
        """Gives a place to whoever stands first."""
        if self._line:
            self._line.popleft()[1].set_result(None)
        else:
            self._now -= 1


class Place:
    """Of one among those that are worked on."""

    def __init__(self, working: Working):
        self._working = working
        self._timer: asyncio.TimerHandle | None = None
        self._longer = False

    async def take(self) -> None:
        await self._working.enter()
        self._timer, self._longer = asyncio.get_running_loop().call_later(PLACE_SECONDS, self._takes_longer), False

    def _takes_longer(self) -> None:
        self._longer = self._working.gives_on()

    def give_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._working.leave(longer=self._longer)

    @asynccontextmanager
    async def left(self) -> AsyncGenerator[None]:
        """While the block lasts, who waits there for the caller has no place; then one is taken again. Raises like
        `Working.one`."""
        self.give_back()
        yield
        await self.take()


def overloaded() -> Rejected:
    """A refusal, which is counted."""
    OVERLOADED.inc()
    return Rejected(
        "OVERLOADED",
        "more is asked here than is carried: ask again in a moment",
        kind=Kind.TOO_MANY,
        retry_after=random.uniform(0.5, 2.0),  # so that not all come back at once
    )
