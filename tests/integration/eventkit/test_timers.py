"""Timers: what falls due is done, once in effect, by one process at a time; what fails does not hold up the rest."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import asyncpg
import pytest

from eventkit.context import Context
from eventkit.errors import Rejected
from eventkit.process.service import Due, Timer
from eventkit.process.timer import AT_ONCE, Ticking
from eventkit.subscriptions.leadership import Leads
from eventkit.telemetry import Metrics
from tests.integration.eventkit.topics import CUT_LEADS, running
from tests.waiting import PATIENCE

NOW = datetime(2025, 3, 20, 8, tzinfo=UTC)
EARLIER = NOW - timedelta(minutes=5)


@dataclass
class Kettle:
    """Things that fall due, as a view would have them."""

    dsn: str
    waiting: list[Due] = field(default_factory=list[Due])
    done: list[tuple[Due, Context]] = field(default_factory=list[tuple[Due, Context]])
    refuses: Callable[[Due], Exception | None] = lambda _: None
    metrics: Metrics = field(default_factory=Metrics)
    left: list[Due] = field(default_factory=list[Due])
    idle: frozenset[str] = frozenset()
    """Things about which there is nothing to do, although they stay due."""
    suspended: set[str] = field(default_factory=set[str])
    """Tenants."""
    unknown: frozenset[str] = frozenset()
    """Tenants of whom nobody can tell whether they are suspended."""
    asked: list[str] = field(default_factory=list[str])
    """Tenants, each time it was asked whether they are suspended."""

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return sorted((due for due in self.waiting if due.at <= at), key=lambda due: due.at)[:most]

    async def act(self, due: Due, ctx: Context) -> timedelta | None:
        if error := self.refuses(due):
            raise error
        if due.thing in self.idle:
            self.left.append(due)
            return timedelta(hours=1)
        self.done.append((due, ctx))
        self.waiting.remove(due)
        return None

    of_suspended: bool = False

    async def tick(self, beat: Callable[[], None]) -> None:
        """As in a process of its own."""
        async with Leads(self.dsn) as leads:
            timer = Timer("kettle", self.due, self.act, of_suspended=self.of_suspended)
            await Ticking(timer, leads, self.metrics, now=lambda: NOW, still=self.still).run(beat)

    async def still(self, tenant: str) -> bool:
        self.asked.append(tenant)
        if tenant in self.unknown:
            raise ZoneInfoNotFoundError("Asia/Nowhere")
        return tenant in self.suspended

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.done) < count:
                await asyncio.sleep(0.01)

    def count(self, metric: str) -> float:
        return self.metrics.registry.get_sample_value(metric, {"timer": "kettle"}) or 0.0


@pytest.fixture
async def kettle(postgres: str) -> Kettle:
    return Kettle(postgres)


async def test_what_is_due_is_done_by_the_clock_and_what_is_not_waits(kettle: Kettle):
    kettle.waiting = [
        Due("acme", "later", NOW + timedelta(seconds=1)),
        Due("acme", "tea", NOW),
        Due("acme", "soup", EARLIER),
    ]
    async with running(kettle.tick):
        await kettle.until(2)
    assert [due.thing for due, _ in kettle.done] == ["soup", "tea"]
    assert [due.thing for due in kettle.waiting] == ["later"]
    ctx = kettle.done[0][1]
    assert (str(ctx.actor), ctx.actor.tenant, ctx.at, ctx.retryable) == ("system:clock", "acme", NOW, True)


async def test_the_same_thing_at_the_same_time_is_the_same_command(kettle: Kettle):
    soup = Due("acme", "soup", EARLIER)
    kettle.waiting = [soup, soup, Due("acme", "soup", NOW), Due("other", "soup", EARLIER)]
    async with running(kettle.tick):
        await kettle.until(4)
    ids = [ctx.command_id for due, ctx in kettle.done if due == soup]
    assert ids[0] == ids[1]
    assert len({ctx.command_id for _, ctx in kettle.done}) == 3


async def test_what_falls_due_to_a_suspended_tenant_stands_still_and_is_done_once_it_is_resumed(
    kettle: Kettle, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("eventkit.process.timer.STILL_SECONDS", 0.1)
    kettle.suspended = {"acme"}
    kettle.waiting = [*(Due("acme", f"soup {n}", EARLIER) for n in range(20)), Due("other", "tea", NOW)]
    async with running(kettle.tick):
        await kettle.until(1)
        assert [due.tenant for due, _ in kettle.done] == ["other"]
        assert sorted(kettle.asked) == ["acme", "other"]  # not for each thing
        assert kettle.count("nhip_timer_overdue_seconds") == 0
        kettle.suspended.clear()
        await kettle.until(21)
    assert kettle.count("nhip_timer_failures_total") == 0


async def test_what_is_done_about_suspended_tenants_is_done_while_they_are(kettle: Kettle):
    kettle.of_suspended, kettle.suspended = True, {"acme"}
    kettle.waiting = [Due("acme", "soup", EARLIER)]
    async with running(kettle.tick):
        await kettle.until(1)
    assert kettle.asked == []


async def test_a_tenant_that_cannot_be_judged_keeps_no_other_from_its_turn(kettle: Kettle):
    kettle.unknown = frozenset({"broken"})
    kettle.waiting = [Due("broken", "soup", EARLIER), Due("other", "tea", NOW)]
    async with running(kettle.tick):
        await kettle.until(1)
    assert [due.tenant for due, _ in kettle.done] == ["other"]
    assert kettle.count("nhip_timer_failures_total") == 1
    assert kettle.count("nhip_timer_overdue_seconds") == 300


async def test_what_fails_is_tried_again_and_holds_up_nothing(kettle: Kettle):
    failures = [Rejected("TOO_HOT", "wait"), OSError()]
    kettle.refuses = lambda due: failures.pop() if due.thing == "soup" and failures else None
    kettle.waiting = [Due("acme", "soup", EARLIER), Due("acme", "tea", NOW)]
    async with running(kettle.tick):
        await kettle.until(1)
        assert [due.thing for due, _ in kettle.done] == ["tea"]
        assert kettle.count("nhip_timer_overdue_seconds") == 300
        await kettle.until(2)
        async with asyncio.timeout(PATIENCE):
            while kettle.count("nhip_timer_overdue_seconds"):
                await asyncio.sleep(0.01)
    assert kettle.count("nhip_timer_failures_total") == 2


async def test_what_fails_or_leaves_nothing_to_do_keeps_no_other_from_its_turn_however_many_it_is(kettle: Kettle):
    empty = [Due("acme", f"empty {n}", EARLIER) for n in range(AT_ONCE)]
    broken = [Due("acme", f"broken {n}", EARLIER) for n in range(AT_ONCE)]
    kettle.idle = frozenset(due.thing for due in empty)
    kettle.refuses = lambda due: OSError() if due in broken else None
    kettle.waiting = [*empty, *broken, Due("acme", "tea", NOW)]
    async with running(kettle.tick):
        await kettle.until(1)
    assert [due.thing for due, _ in kettle.done] == ["tea"]
    assert kettle.left == empty  # each was looked at once, and then left alone


async def test_of_two_processes_one_keeps_the_time_and_the_other_takes_over(kettle: Kettle):
    async with running(kettle.tick, kettle.tick), asyncpg.create_pool(kettle.dsn, min_size=1, max_size=1) as pool:
        for n in range(3):
            kettle.waiting.append(Due("acme", f"cup {n}", NOW))
            await kettle.until(n + 1)
            await pool.execute(CUT_LEADS)
    assert [due.thing for due, _ in kettle.done] == ["cup 0", "cup 1", "cup 2"]


async def test_a_lead_that_is_given_up_is_free_at_once_and_others_stay(postgres: str):
    async with Leads(postgres) as here, Leads(postgres) as there, here.lead("views", lambda: None) as kept:
        async with here.lead("relay", lambda: None):
            pass
        async with asyncio.timeout(5), there.lead("relay", lambda: None) as taken:
            kept.check()
            taken.check()
