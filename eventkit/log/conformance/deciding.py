"""Who may append: expected versions and guards, several appends as one."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from eventkit.log.conformance.given import (
    ORIGIN,
    Given,
    MakeLog,
    events,
    everything,
    read,
    stream,
    verdict,
)
from eventkit.log.port import (
    NO_STREAM,
    Appended,
    EventLog,
    IdReused,
    Origin,
    Together,
    Write,
    WrongVersion,
)


class Deciding(Given):
    """What an append counts on."""

    # -- expected versions, guards

    async def test_a_wrong_version_is_told_the_true_one_and_stores_nothing(self, log: EventLog):
        await log.append(Write(stream(), NO_STREAM, events(3)), origin=ORIGIN)
        for expected in (NO_STREAM, 2, 4, 10**9):
            with pytest.raises(WrongVersion) as refused:
                await log.append(
                    Write(stream("other"), NO_STREAM, events()), Write(stream(), expected, events()), origin=ORIGIN
                )
            assert (refused.value.stream, refused.value.expected, refused.value.actual) == (stream(), expected, 3)
        assert await read(log, stream("other")) == []
        assert len(await everything(log)) == 3

    async def test_of_racing_appends_one_wins_and_the_others_are_told(self, log: EventLog, make_log: MakeLog):
        logs = [log, await make_log()]
        await log.append(Write(stream(), NO_STREAM, events()), origin=ORIGIN)
        verdicts = await asyncio.gather(
            *(
                verdict(
                    logs[n % 2].append(
                        Write(stream(), 1, events(2)), Write(stream(f"s{n}"), 0, events()), origin=ORIGIN
                    )
                )
                for n in range(20)
            )
        )
        assert [type(t) for t in verdicts].count(Appended) == 1
        assert {t.actual for t in verdicts if isinstance(t, WrongVersion)} == {3}
        assert len(await everything(log)) == 1 + 3

    async def test_a_loser_does_not_disturb_others_of_its_group(self, log: EventLog):
        verdicts = await asyncio.gather(
            *(
                verdict(log.append(Write(stream(f"s{n}"), 7 if n % 3 == 0 else NO_STREAM, events()), origin=ORIGIN))
                for n in range(30)
            )
        )
        assert [isinstance(t, WrongVersion) for t in verdicts] == [n % 3 == 0 for n in range(30)]
        assert len(await everything(log)) == 20

    async def test_appends_that_count_on_each_other_chain(self, log: EventLog):
        verdicts = await asyncio.gather(*(log.append(Write(stream(), n, events()), origin=ORIGIN) for n in range(50)))
        assert [t.versions[stream()] for t in verdicts] == list(range(1, 51))

    async def test_a_guard_that_holds_lets_pass_and_writes_nothing(self, log: EventLog):
        await log.append(Write(stream("guarded"), NO_STREAM, events(2)), origin=ORIGIN)
        appended = await log.append(
            Write(stream("guarded"), 2),
            Write(stream("absent"), NO_STREAM),
            Write(stream(), NO_STREAM, events()),
            origin=ORIGIN,
        )
        assert appended.versions == {stream(): 1}
        assert len(await read(log, stream("guarded"))) == 2
        assert await read(log, stream("absent")) == []

    @pytest.mark.parametrize("stored", [0, 2])
    async def test_a_guard_whose_stream_moved_refuses(self, log: EventLog, make_log: MakeLog, stored: int):
        """Also when this adapter has not seen the move, having seen the stream before it."""
        other, guarded = await make_log(), stream("guarded")
        if stored:
            await log.append(Write(guarded, NO_STREAM, events(stored)), origin=ORIGIN)
        await log.append(Write(stream("warm"), NO_STREAM, events()), Write(guarded, stored), origin=ORIGIN)
        await other.append(Write(guarded, stored, events()), origin=ORIGIN)
        with pytest.raises(WrongVersion) as refused:
            await log.append(Write(stream(), NO_STREAM, events()), Write(guarded, stored), origin=ORIGIN)
        assert (refused.value.stream, refused.value.actual) == (guarded, stored + 1)
        assert await read(log, stream()) == []

    async def test_guard_and_write_in_one_group_are_judged_in_turn(self, log: EventLog):
        guarded = stream("guarded")
        verdicts = await asyncio.gather(
            verdict(
                log.append(Write(stream("a"), NO_STREAM, events()), Write(guarded, NO_STREAM), origin=ORIGIN)
            ),  # holds: before the write
            verdict(log.append(Write(guarded, NO_STREAM, events(2)), origin=ORIGIN)),
            verdict(
                log.append(Write(stream("b"), NO_STREAM, events()), Write(guarded, NO_STREAM), origin=ORIGIN)
            ),  # moved meanwhile
            verdict(
                log.append(Write(stream("c"), NO_STREAM, events()), Write(guarded, 2), origin=ORIGIN)
            ),  # counts on the write
        )
        assert [type(t) for t in verdicts] == [Appended, Appended, WrongVersion, Appended]

    async def test_two_that_guard_what_the_other_writes_cannot_both_win(self, log: EventLog, make_log: MakeLog):
        """Write skew: each decided on a state that the other changes."""
        other = await make_log()
        for n in range(30):
            a, b = stream(f"a{n}"), stream(f"b{n}")
            verdicts = await asyncio.gather(
                verdict(log.append(Write(a, NO_STREAM, events()), Write(b, NO_STREAM), origin=ORIGIN)),
                verdict(other.append(Write(b, NO_STREAM, events()), Write(a, NO_STREAM), origin=ORIGIN)),
            )
            assert sorted(type(t).__name__ for t in verdicts) == ["Appended", "WrongVersion"]

    async def test_under_racing_adapters_every_guard_held_where_its_append_stands(
        self, log: EventLog, make_log: MakeLog
    ):
        logs, dice = [log, await make_log()], random.Random(7)
        streams = [stream(f"s{n}") for n in range(4)]
        accepted: list[tuple[Sequence[Write], Appended]] = []

        async def caller(mine: EventLog) -> None:
            versions = dict.fromkeys(streams, 0)
            for _ in range(40):
                chosen = dice.sample(streams, 3)
                writes = [Write(s, versions[s], events(n)) for s, n in zip(chosen, (1, 2, 0), strict=True)]
                outcome = await verdict(mine.append(*writes, origin=ORIGIN))
                if isinstance(outcome, Appended):
                    accepted.append((writes, outcome))
                    versions |= outcome.versions
                elif isinstance(outcome, WrongVersion):
                    versions[outcome.stream] = outcome.actual

        await asyncio.gather(*(caller(logs[n % 2]) for n in range(8)))
        recorded = await everything(log)
        assert len(recorded) == 3 * len(accepted) > 0
        positions = [e.position for e in recorded]
        for writes, outcome in accepted:
            before = recorded[: positions.index(outcome.position) + 1 - 3]
            for of, expected, _ in writes:
                assert sum(e.stream == of for e in before) == expected

    # -- several as one

    async def test_appends_that_are_stored_together_are_appends_of_their_own(self, log: EventLog):
        other = Origin("person:b", b"two")
        first, second, third = events(2), events(1), events(1)
        done = await log.append_together(
            [
                Together([Write(stream("a"), NO_STREAM, first), Write(stream("g"), NO_STREAM)], ORIGIN),
                Together([Write(stream("b"), NO_STREAM, second), Write(stream("a"), 2, third)], other),
            ]
        )
        recorded = await everything(log)
        assert [e.id for e in recorded] == [e.id for e in (*first, *second, *third)]
        assert [(e.index, e.size, e.version) for e in recorded] == [(0, 2, 1), (1, 2, 2), (0, 2, 1), (1, 2, 3)]
        assert [e.origin for e in recorded] == [ORIGIN, ORIGIN, other, other]
        assert done == Appended(recorded[-1].position, {stream("a"): 3, stream("b"): 1})
        assert [e.id for e in await log.append_of(third[0].id)] == [second[0].id, third[0].id]
        assert len({e.recorded_at for e in recorded}) == 1

    async def test_of_appends_that_are_stored_together_none_is_stored_where_one_loses(
        self, log: EventLog, make_log: MakeLog
    ):
        await log.append(Write(stream("taken"), NO_STREAM, events()), origin=ORIGIN)
        last = await log.last_position()
        first, repeated = events(), events()
        for mine in (log, await make_log()):
            together = [
                Together([Write(stream("a"), NO_STREAM, first)], ORIGIN),
                Together([Write(stream("taken"), NO_STREAM, events())], ORIGIN),
            ]
            assert isinstance(await verdict(mine.append_together(together)), WrongVersion)
            assert await log.last_position() == last
        last = (await log.append(Write(stream("r"), NO_STREAM, repeated), origin=ORIGIN)).position
        for again in ([first, repeated], [repeated, first]):
            together = [
                Together([Write(stream(str(n)), NO_STREAM, some)], ORIGIN) for n, some in enumerate(again, start=1)
            ]
            assert isinstance(await verdict(log.append_together(together)), IdReused)
        assert await log.last_position() == last
        await log.append_together([Together([Write(stream("a"), NO_STREAM, first)], ORIGIN)])
        assert [e.id for e in await read(log, stream("a"))] == [first[0].id]

    async def test_a_guard_of_one_of_them_refuses_all(self, log: EventLog):
        before = (await log.append(Write(stream("g"), NO_STREAM, events()), origin=ORIGIN)).position
        together = [
            Together([Write(stream("a"), NO_STREAM, events())], ORIGIN),
            Together([Write(stream("b"), NO_STREAM, events()), Write(stream("g"), NO_STREAM)], ORIGIN),
        ]
        assert isinstance(await verdict(log.append_together(together)), WrongVersion)
        assert await log.last_position() == before
        with pytest.raises(ValueError, match="guards alone"):
            await log.append_together([together[0], Together([Write(stream("g"), 1)], ORIGIN)])
