"""Timers: one process at a time asks what is due, and issues the command for it."""

import asyncio
import time
from collections.abc import Callable
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
LONGEST_PAUSE = 300.0
"""Between attempts at a thing that keeps failing."""


class Ticking:
    """Runs a timer.

    A thing that fails is tried again after pauses that double from one second to five minutes; others go on.
    """

    def __init__(
        self, timer: Timer, leads: Leads, metrics: Metrics, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ):
        self._timer, self._leads, self._metrics, self._now = timer, leads, metrics, now
        self._failed: dict[Due, tuple[float, float]] = {}
        """What failed last time: its pause, and when that is over."""

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
        at = self._now()
        due_now = await self._timer.due(at)
        self._failed = {due: failed for due, failed in self._failed.items() if due in set(due_now)}
        self._metrics.timer_overdue.labels(self._timer.name).set((at - due_now[0].at).total_seconds() if due_now else 0)
        for due in due_now:
            lead.check()
            _, again = self._failed.get(due, (0.0, 0.0))
            if again <= time.monotonic():
                await self._act(due)
            beat()

    async def _act(self, due: Due) -> None:
        ctx = by_the_clock(due.tenant, self._timer.name, due.thing, due.at, self._now())
        try:
            with span(self.name, ""):
                await self._timer.act(due, ctx)
        except Exception as error:
            pause = min(2 * self._failed.get(due, (0.5, 0.0))[0], LONGEST_PAUSE)
            self._failed[due] = pause, time.monotonic() + pause
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
            self._failed.pop(due, None)
            log.info("timer.acted", timer=self._timer.name, tenant=due.tenant, thing=due.thing, due=due.at.isoformat())
