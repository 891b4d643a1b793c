"""How often one may ask."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc import ceilings
from eventkit.rpc.ceilings import BURST_SECONDS, Rates, Waiting, Working

LAN, NAM, THEIRS, IMPORTER, GUEST = (
    Actor("acme", "lan"),
    Actor("acme", "nam"),
    Actor("other", "lan"),
    Actor("acme", "importer", "service"),
    Actor("acme", "6f1c44", "guest", email="lan@x.vn"),
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def passed(rates: Rates, actor: Actor, times: int) -> int:
    """How many of so many calls got through."""
    through = 0
    for _ in range(times):
        with suppress(Rejected):
            rates.take(actor)
            through += 1
    return through


def test_a_tenants_quota_is_everybodys_in_it_but_who_operates():
    rates = Rates(caller=100, tenant=100, clock=Clock())
    operates = Actor("acme", "operator", "service")
    for actor in [LAN, GUEST] * 5:
        rates.take(actor, 2.0)
    for actor in (LAN, GUEST, IMPORTER):
        with pytest.raises(Rejected, match="RATE_EXCEEDED") as refusal:
            rates.take(actor, 2.0)
        assert refusal.value.retry_after == 0.5
    rates.take(operates, 2.0)
    rates.take(LAN)


def test_a_caller_has_a_rate_and_may_catch_up_what_they_did_not_use():
    clock = Clock()
    rates = Rates(caller=10, clock=clock)
    assert passed(rates, LAN, 100) == 10 * BURST_SECONDS
    clock.now += 1
    assert passed(rates, LAN, 100) == 10
    clock.now += 1000
    assert passed(rates, LAN, 100) == 10 * BURST_SECONDS


def test_nobody_uses_up_what_is_anothers():
    rates = Rates(caller=10, clock=Clock())
    assert passed(rates, LAN, 100) == passed(rates, NAM, 100) == passed(rates, THEIRS, 100) == 10 * BURST_SECONDS


def test_who_is_linked_to_nobody_yet_has_a_callers_rate():
    assert passed(Rates(caller=10, clock=Clock()), GUEST, 100) == 10 * BURST_SECONDS


def test_a_tenant_has_a_rate_for_all_of_it():
    rates = Rates(caller=10, tenant=12, clock=Clock())
    assert passed(rates, LAN, 100) == 50
    assert passed(rates, NAM, 100) == 0  # what was refused counted as well: who floods, waits longer
    assert passed(rates, THEIRS, 100) == 50


def test_the_projects_own_services_have_only_their_tenants_rate():
    assert passed(Rates(caller=1, clock=Clock()), IMPORTER, 1000) == 1000
    assert passed(Rates(caller=1, tenant=10, clock=Clock()), IMPORTER, 1000) == 50


def test_it_is_said_when_to_ask_again():
    clock = Clock()
    rates = Rates(caller=0.5, clock=clock)
    passed(rates, LAN, 10)
    with pytest.raises(Rejected) as refused:
        rates.take(LAN)
    assert (refused.value.kind, refused.value.reason) == (Kind.TOO_MANY, "RATE_EXCEEDED")
    clock.now += refused.value.retry_after
    rates.take(LAN)


def test_without_a_rate_everything_passes():
    assert passed(Rates(), LAN, 10_000) == 10_000


@asynccontextmanager
async def worked_on(working: Working, calls: int) -> AsyncGenerator[Sequence[asyncio.Event]]:
    """So many calls have begun; each ends when its event is set, or with the block."""
    ends, began = [asyncio.Event() for _ in range(calls)], asyncio.Semaphore(0)

    async def call(end: asyncio.Event):
        async with working.one():
            began.release()
            await end.wait()

    async with asyncio.TaskGroup() as tasks:
        for end in ends:
            tasks.create_task(call(end))
            await began.acquire()
        yield ends
        for end in ends:
            end.set()


async def in_line(working: Working, order: list[str], name: str):
    async with working.one():
        order.append(name)


async def test_the_others_stand_in_line_and_have_their_turn_in_its_order():
    working, order = Working(most=2), list[str]()
    async with worked_on(working, 2) as ends, asyncio.TaskGroup() as tasks:
        for name in ("first", "second", "third"):
            tasks.create_task(in_line(working, order, name))
        await asyncio.sleep(0)
        assert order == []
        ends[0].set()
    assert order == ["first", "second", "third"]


async def test_who_has_no_turn_in_time_is_told_when_to_ask_again(monkeypatch):
    monkeypatch.setattr(ceilings, "PATIENCE_SECONDS", 0.01)
    working = Working(most=1)
    async with worked_on(working, 1):
        with pytest.raises(Rejected) as refused:
            await in_line(working, [], "late")
        assert (refused.value.kind, refused.value.reason) == (Kind.TOO_MANY, "OVERLOADED")
        assert 0.5 <= refused.value.retry_after <= 2
    await in_line(working, order := [], "next")
    assert order == ["next"]


async def test_nobody_is_let_into_a_line_whose_first_has_stood_for_long():
    clock, order = Clock(), list[str]()
    working = Working(most=1, clock=clock)
    async with worked_on(working, 1) as ends, asyncio.TaskGroup() as tasks:
        tasks.create_task(in_line(working, order, "first"))
        await asyncio.sleep(0)
        assert not working.full
        clock.now += ceilings.STOOD_SECONDS + 0.01
        assert working.full
        with pytest.raises(Rejected, match="OVERLOADED"):
            await in_line(working, order, "second")
        ends[0].set()
    assert order == ["first"]
    assert not working.full


async def test_who_takes_long_gives_the_place_to_the_next(monkeypatch):
    monkeypatch.setattr(ceilings, "PLACE_SECONDS", 0.01)
    working, order = Working(most=1), list[str]()
    async with worked_on(working, 1):
        await in_line(working, order, "first")
        await in_line(working, order, "second")
    assert order == ["first", "second"]
    monkeypatch.undo()
    async with worked_on(working, 1) as ends, asyncio.TaskGroup() as tasks:
        tasks.create_task(in_line(working, order, "third"))
        await asyncio.sleep(0)
        assert order == ["first", "second"]
        ends[0].set()
    assert order == ["first", "second", "third"]


async def test_what_takes_long_by_what_it_is_keeps_its_place_to_the_end(monkeypatch):
    monkeypatch.setattr(ceilings, "PLACE_SECONDS", 0.0)
    monkeypatch.setattr(ceilings, "PATIENCE_SECONDS", 0.05)
    working, order = Working(most=2, kept=True), list[str]()
    async with worked_on(working, 2):
        with pytest.raises(Rejected, match="OVERLOADED"):
            await in_line(working, order, "third")
    await in_line(working, order, "fourth")
    assert order == ["fourth"]


async def test_who_waits_for_the_caller_has_no_place_meanwhile():
    working, order, comes = Working(most=1), list[str](), asyncio.Event()

    async def sends_slowly():
        async with working.one() as place:
            async with place.left():
                await comes.wait()
            order.append("slow")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sends_slowly())
        await asyncio.sleep(0)
        await in_line(working, order, "first")
        async with worked_on(working, 1) as ends:
            comes.set()
            await asyncio.sleep(0)
            assert order == ["first"]
            ends[0].set()
    assert order == ["first", "slow"]


async def test_the_line_has_an_end(monkeypatch):
    monkeypatch.setattr(ceilings, "LINE", 2)
    working, order = Working(most=1), list[str]()
    async with worked_on(working, 1) as ends, asyncio.TaskGroup() as tasks:
        for name in ("first", "second"):
            tasks.create_task(in_line(working, order, name))
        await asyncio.sleep(0)
        with pytest.raises(Rejected, match="OVERLOADED"):
            await in_line(working, order, "third")
        ends[0].set()
    assert order == ["first", "second"]


@pytest.mark.parametrize("its_turn_came", [False, True])
async def test_a_caller_who_goes_away_leaves_no_gap_in_the_line(its_turn_came):
    working, order = Working(most=1), list[str]()
    async with worked_on(working, 1) as ends:
        gone, stays = (asyncio.create_task(in_line(working, order, name)) for name in ("gone", "stays"))
        await asyncio.sleep(0)
        if its_turn_came:
            ends[0].set()
            await asyncio.sleep(0)
        gone.cancel()
        ends[0].set()
        await stays
        with pytest.raises(asyncio.CancelledError):
            await gone
    assert order == ["stays"]
    await in_line(working, order, "next")
    assert order == ["stays", "next"]


async def test_without_a_bound_everybody_is_worked_on():
    async with worked_on(Working(), 1000):
        pass


def test_waiting_is_counted_by_caller_and_given_back():
    waiting = Waiting(most=2)
    with waiting.one(LAN), waiting.one(LAN):
        with pytest.raises(Rejected, match="TOO_MANY_WAITING"), waiting.one(LAN):
            raise AssertionError("a third one waits")
        with waiting.one(NAM):
            pass
    with waiting.one(LAN), waiting.one(LAN):
        pass
