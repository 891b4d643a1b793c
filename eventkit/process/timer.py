"""Timers: one process at a time asks what is due, and issues the command for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from eventkit.context import by_the_clock
from eventkit.errors import Rejected
from eventkit.log.faults import TRANSIENT, Backoff
from eventkit.process.service import Due, Timer
from eventkit.subscriptions.leadership import Lead, Leads
from eventkit.telemetry import Metrics, span

log = structlog.get_logger(__name__)

ASK_SECONDS = 1.0
SLACK = 0.1
"""Seconds by which a timer may ask too early: what is due each second is not asked for every other."""
LONGEST_PAUSE = 300.0
"""Between attempts at a thing that keeps failing."""
STILL_SECONDS = 30.0
"""How long what is due to a tenant that is suspended is left alone before it is looked at again."""
AT_ONCE = 200
"""Things that are asked for in a turn, beside those that are left alone: however many these are, they keep no others
from their turn."""


@dataclass(frozen=True, slots=True)
class Left:
    """A thing that is due and left alone until `over`, by the process's own clock."""

    over: float
    pause: float = 0.0
    """Seconds for which it is left alone because it failed; 0: there was nothing to do about it."""


class Ticking:
    """Runs a timer.

    A thing that fails is tried again after pauses that double from one second to five minutes; others go on. Those of a
    tenant for whom `still` says so are left alone, are not overdue, and are looked at again after a while.
    """

    def __init__(
        self,
        timer: Timer,
        leads: Leads,
        metrics: Metrics,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        still: Callable[[str], Awaitable[bool]] | None = None,
    ):
        self._timer, self._leads, self._metrics, self._now, self._still = timer, leads, metrics, now, still
        self._left: dict[Due, Left] = {}
        self._asks_again = 0.0
        """When it asks what is due, by the process's own clock."""

    @property
    def name(self) -> str:
        return f"timer {self._timer.name}"

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever: a database that is away is asked again."""
        backoff = Backoff()
        while True:
            try:
                async with self._leads.lead(self.name, beat) as lead:
                    while True:
                        await self._turn(lead, beat)
                        backoff.succeeded()
                        beat()
                        await asyncio.sleep(ASK_SECONDS)
            except TRANSIENT as error:
                self._metrics.retries.labels(self.name).inc()
                log.warning("timer.retry", timer=self._timer.name, error=type(error).__name__)
                beat()
                await backoff.pause()

    async def _turn(self, lead: Lead, beat: Callable[[], None]) -> None:
        if time.monotonic() < self._asks_again:
            return
        at = self._now()
        due_now = await self._timer.due(at, AT_ONCE + len(self._left))
        self._left = {due: self._left[due] for due in due_now if due in self._left}
        wanted = [due for due in due_now if self._is_wanted(due)]
        if not wanted:
            self._asks_again = time.monotonic() + self._timer.every.total_seconds() - SLACK
        still = dict[str, bool | Exception]()
        for tenant in {due.tenant for due in wanted}:
            still[tenant] = await self._stands_still(tenant)
            beat()
        over = time.monotonic() + STILL_SECONDS
        self._left |= {due: Left(over) for due in wanted if still[due.tenant] is True}
        wanted = [due for due in wanted if still[due.tenant] is not True]
        self._metrics.timer_overdue.labels(self._timer.name).set((at - wanted[0].at).total_seconds() if wanted else 0)
        for due in wanted:
            lead.check()
            if due not in self._left or self._left[due].over <= time.monotonic():
                await self._act(due, still[due.tenant])
            beat()

    def _is_wanted(self, due: Due) -> bool:
        """Also while it is left alone because it failed."""
        left = self._left.get(due)
        return left is None or left.pause > 0 or left.over <= time.monotonic()

    async def _stands_still(self, tenant: str) -> bool | Exception:
        """Or why nobody can tell: then what is due to this tenant fails, and that of others goes on."""
        if self._still is None or self._timer.of_suspended:
            return False
        try:
            return await self._still(tenant)
        except Exception as error:
            return error

    async def _act(self, due: Due, still: bool | Exception) -> None:
        ctx = by_the_clock(due.tenant, self._timer.name, due.thing, due.at, self._now())
        try:
            if isinstance(still, Exception):
                raise still
            with span(self.name, ""):
                leave = await self._timer.act(due, ctx)
        except Exception as error:
            before = self._left.get(due)
            pause = min(2 * before.pause, LONGEST_PAUSE) if before and before.pause else 1.0
            self._left[due] = Left(time.monotonic() + pause, pause)
            self._metrics.timer_failures.labels(self._timer.name).inc()
            reason = error.reason if isinstance(error, Rejected) else type(error).__name__
            log.warning(
                "timer.failed",
                timer=self._timer.name,
                tenant=due.tenant,
                thing=due.thing,
                error=reason,
                pause_seconds=pause,
            )
        else:
            self._left.pop(due, None)
            if leave:
                self._left[due] = Left(time.monotonic() + leave.total_seconds())
            log.info("timer.acted", timer=self._timer.name, tenant=due.tenant, thing=due.thing, due=due.at.isoformat())
