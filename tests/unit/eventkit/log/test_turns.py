"""Who lost on a stream keeps its place; nobody waits for ever."""

import asyncio
from uuid import UUID

import pytest

from eventkit.log import Appended, NewEvent, Origin, StreamId, Write, WrongVersion, grouping
from eventkit.log.grouping import Pending
from eventkit.log.turns import ELSEWHERE_SECONDS, TURN_SECONDS, Turns

HOT, QUIET = StreamId("acme", "kpi", "hot"), StreamId("acme", "kpi", "quiet")


class Callers:
    """Tasks that wait until they are let go, the appends that they make, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.woken = 0
        self.turns = Turns(lambda: self.now, self._wake)
        self._tasks: dict[str, asyncio.Task[bool]] = {}
        self._over: dict[str, asyncio.Event] = {}

    def _wake(self) -> None:
        self.woken += 1

    def append(self, name: str, stream: StreamId = HOT) -> Pending:
        if name not in self._tasks:
            self._over[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._over[name].wait(), name=name)
        pending = grouping.pending(UUID(int=2), [Write(stream, 0, [NewEvent(UUID(int=1), "t", b"")])], Origin("x"))
        pending.caller, pending.told = self._tasks[name], asyncio.get_running_loop().create_future()
        return pending

    async def end(self, name: str) -> None:
        self._over[name].set()
        await self._tasks[name]
        await asyncio.sleep(0)  # its callbacks run

    def lost(self, name: str) -> Pending:
        pending = self.append(name)
        pending.verdict = WrongVersion(HOT, 0, 7)
        return pending

    def won(self, name: str, version: int) -> Pending:
        pending = self.append(name)
        pending.verdict = Appended(99, {HOT: version})
        return pending


@pytest.fixture
async def callers() -> Callers:
    return Callers()


def names(pendings: list[Pending]) -> list[str]:
    return [pending.caller.get_name() if pending.caller else "" for pending in pendings]


async def test_of_those_who_lost_one_is_told_and_before_the_winner(callers: Callers):
    told = callers.turns.settle([callers.won("lan", 8), callers.lost("minh"), callers.lost("nam")])
    assert names(told) == ["minh", "lan"]


async def test_whose_turn_it_is_goes_first_and_others_ride_along_to_lose(callers: Callers):
    callers.turns.settle([callers.lost("minh"), callers.lost("nam")])
    going, held = callers.turns.sort([callers.append("lan"), callers.append("minh"), callers.append("ann", QUIET)])
    assert (names(going), names(held)) == (["minh", "ann"], ["lan"])


async def test_the_next_in_line_is_told_where_the_stream_stands_once_the_turn_was_used(callers: Callers):
    callers.turns.settle([callers.lost("minh"), callers.lost("nam"), callers.lost("ann")])
    told = callers.turns.settle([callers.won("minh", 9), callers.lost("lan")])
    assert names(told) == ["nam", "minh"]
    assert isinstance(told[0].verdict, WrongVersion)
    assert told[0].verdict.actual == 9
    order = [names(callers.turns.settle([callers.won(name, 10 + n)]))[0] for n, name in enumerate(["nam", "ann"])]
    assert order == ["ann", "lan"]  # lan won before, and came last
    assert names(callers.turns.settle([callers.won("lan", 12)])) == ["lan"]
    assert not callers.turns


async def test_who_loses_in_its_turn_is_told_and_keeps_it(callers: Callers):
    callers.turns.settle([callers.lost("minh"), callers.lost("nam")])
    assert names(callers.turns.settle([callers.lost("minh")])) == ["minh"]
    assert names(callers.turns.sort([callers.append("lan"), callers.append("minh")])[0]) == ["minh"]


@pytest.mark.parametrize("how", ["its time is up", "it ended"])
async def test_a_turn_that_nobody_uses_passes_on(callers: Callers, how: str):
    callers.turns.settle([callers.lost("minh"), callers.lost("nam")])
    assert callers.turns.lapsed() == []
    if how == "it ended":
        await callers.end("minh")
        assert callers.woken == 1
    else:
        assert callers.turns.next_lapse() == callers.now + TURN_SECONDS
        callers.now += TURN_SECONDS
    assert names(callers.turns.lapsed()) == ["nam"]
    await callers.end("nam")
    assert callers.turns.lapsed() == []
    assert not callers.turns


async def test_who_turns_to_another_stream_gives_up_its_turn(callers: Callers):
    callers.turns.settle([callers.lost("minh"), callers.lost("nam")])
    assert callers.turns.came(callers.append("minh")) == callers.turns.came(callers.append("lan", QUIET)) == []
    assert names(callers.turns.came(callers.append("minh", QUIET))) == ["nam"]


async def test_who_gave_up_in_line_is_passed_over(callers: Callers):
    gone = callers.lost("nam")
    callers.turns.settle([callers.lost("minh"), gone, callers.lost("ann")])
    gone.told.cancel()
    assert names(callers.turns.settle([callers.won("minh", 8)])) == ["ann", "minh"]


async def test_two_that_have_a_turn_each_do_not_wait_for_each_other(callers: Callers):
    quiet = callers.lost("nam")
    quiet.verdict = WrongVersion(QUIET, 0, 1)
    callers.turns.settle([callers.lost("minh"), quiet])
    both = [callers.append("minh"), callers.append("nam")]
    for pending in both:
        pending.writes = [Write(HOT, 7, ()), Write(QUIET, 1, ())]
    assert callers.turns.sort(both) == (both, [])


async def test_a_stream_that_another_process_asks_for_is_left_to_it_for_a_moment(callers: Callers):
    callers.turns.leave_to_others(HOT)
    assert names(callers.turns.sort([callers.append("lan"), callers.append("ann", QUIET)])[1]) == ["lan"]
    callers.now = callers.turns.next_lapse()
    assert callers.now == pytest.approx(100 + ELSEWHERE_SECONDS)
    assert callers.turns.lapsed() == []
    assert not callers.turns


async def test_whose_turn_it_is_here_waits_for_another_process_too(callers: Callers):
    callers.turns.settle([callers.lost("minh")])
    callers.turns.leave_to_others(HOT)
    assert names(callers.turns.sort([callers.append("minh")])[1]) == ["minh"]
    callers.now = callers.turns.next_lapse()
    assert names(callers.turns.sort([callers.append("minh")])[0]) == ["minh"]


async def test_at_the_end_all_in_line_are_told(callers: Callers):
    callers.turns.settle([callers.lost("minh"), callers.lost("nam")])
    assert names(callers.turns.end()) == ["nam"]
    assert not callers.turns
