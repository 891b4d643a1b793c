"""Asking again, and what no log could store."""

import asyncio
import random
from datetime import datetime
from uuid import UUID

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
    NewEvent,
    Origin,
    StreamId,
    Write,
    WrongVersion,
)


class Asking(Given):
    """What else an append is told."""

    # -- asking again

    async def test_the_same_append_again_is_told_what_it_was_told(self, log: EventLog, make_log: MakeLog):
        writes = [
            Write(stream("a"), NO_STREAM, events(2)),
            Write(stream("g"), NO_STREAM),
            Write(stream("b"), NO_STREAM, events(1)),
        ]
        first = await log.append(*writes, origin=ORIGIN)
        await log.append(
            Write(stream("a"), 2, events()), Write(stream("g"), NO_STREAM, events()), origin=ORIGIN
        )  # the world moves on
        for again in (log, await make_log()):
            assert await again.append(*writes, origin=ORIGIN) == Appended(first.position, first.versions, repeated=True)
        assert len(await everything(log)) == 5

    async def test_the_same_append_many_times_at_once_is_stored_once(self, log: EventLog, make_log: MakeLog):
        logs = [log, await make_log()]
        writes = [Write(stream("a"), NO_STREAM, events(2)), Write(stream("b"), NO_STREAM, events(1))]
        verdicts = await asyncio.gather(*(logs[n % 2].append(*writes, origin=ORIGIN) for n in range(20)))
        assert sorted(t.repeated for t in verdicts) == [False] + [True] * 19
        assert len({(t.position, tuple(t.versions.items())) for t in verdicts}) == 1
        assert len(await everything(log)) == 3

    async def test_an_id_of_another_append_is_refused_to_that_caller_alone(self, log: EventLog):
        stored = events(2)
        await log.append(Write(stream("a"), NO_STREAM, stored), origin=ORIGIN)
        more, elsewhere = [*stored, *events()], [stored[0]]
        verdicts = await asyncio.gather(
            verdict(log.append(Write(stream("b"), NO_STREAM, events()), origin=ORIGIN)),
            verdict(log.append(Write(stream("a"), 2, more), origin=ORIGIN)),
            verdict(log.append(Write(stream("c"), NO_STREAM, elsewhere), origin=ORIGIN)),
            verdict(log.append(Write(stream("a"), NO_STREAM, stored[:1]), origin=ORIGIN)),
            verdict(log.append(Write(stream("a"), NO_STREAM, stored[::-1]), origin=ORIGIN)),
            verdict(log.append(Write(stream("d"), NO_STREAM, events()), origin=ORIGIN)),
        )
        assert [type(t) for t in verdicts] == [Appended, IdReused, IdReused, IdReused, IdReused, Appended]
        assert len(await everything(log)) == 4

    async def test_an_id_of_an_append_that_lost_is_free(self, log: EventLog):
        lost = events()
        with pytest.raises(WrongVersion):
            await log.append(Write(stream(), 5, lost), origin=ORIGIN)
        assert (await log.append(Write(stream(), NO_STREAM, lost), origin=ORIGIN)).repeated is False

    # -- what no log could store

    @pytest.mark.parametrize(
        "writes",
        [
            pytest.param([], id="nothing"),
            pytest.param([Write(stream(), 0)], id="guards alone"),
            pytest.param(
                [Write(stream(), 0, events()), Write(stream(), 0, events())], id="a stream twice at one version"
            ),
            pytest.param([Write(stream(), 0, events()), Write(stream(), 0)], id="a stream written and guarded"),
            pytest.param([Write(stream(), 0, events() * 2)], id="an id twice"),
            pytest.param([Write(stream(), -1, events())], id="no version"),
            pytest.param([Write(stream("a\0b"), 0, events())], id="NUL in a name"),
            pytest.param([Write(stream("a\ud800"), 0, events())], id="a lone surrogate in a name"),
            pytest.param(
                [Write(stream(), 0, [NewEvent(UUID(int=1), "a\ud800", b"")])], id="a lone surrogate in a type"
            ),
            pytest.param([Write(stream("x" * 600), 0, events())], id="a long name"),
            pytest.param([Write(stream("ệ" * 200), 0, events())], id="a name of many bytes"),
            pytest.param([Write(stream(""), 0, events())], id="no id"),
            pytest.param([Write(stream("a/b"), 0, events())], id="a slash in an id"),
            pytest.param([Write(stream(), 0, events(data=b"x" * (1 << 20)))], id="more than a Kafka record holds"),
            pytest.param(
                [Write(stream(), 0, [NewEvent(UUID(int=1), "a", b"", datetime(2026, 1, 1))])],  # noqa: DTZ001
                id="no time zone",
            ),
        ],
    )
    async def test_what_cannot_be_stored_is_refused_and_disturbs_nobody(self, log: EventLog, writes: list[Write]):
        good = asyncio.ensure_future(log.append(Write(stream("good"), NO_STREAM, events()), origin=ORIGIN))
        with pytest.raises(ValueError):
            await log.append(*writes, origin=ORIGIN)
        await good
        assert len(await everything(log)) == 1

    async def test_text_beside_events_is_checked_too(self, log: EventLog):
        for origin in (
            Origin("a\0"),
            Origin("a", correlation_id="\ud800"),
            Origin("a", causation_id="\0"),
            Origin("a", traceparent="\udfff"),
        ):
            with pytest.raises(ValueError):
                await log.append(Write(stream(), NO_STREAM, events()), origin=origin)

    async def test_the_longest_names_and_largest_events_are_stored(self, log: EventLog):
        dice = random.Random(1)  # letters that do not compress
        long = StreamId("".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=480)), "kpi", "k1")
        await log.append(Write(long, NO_STREAM, events(2, dice.randbytes(512 << 10))), origin=ORIGIN)
        assert [len(e.data) for e in await read(log, long)] == [512 << 10] * 2
