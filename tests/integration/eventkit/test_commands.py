"""Commands on a real log: once for their key, on fresh state when others were faster, never on half of what was
read."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from eventkit.commands import decider
from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.commands.decider import Commands
from eventkit.commands.loading import Load
from eventkit.context import Actor, Context, command_id
from eventkit.errors import Kind, Rejected
from eventkit.log import NewEvent, Origin, Recorded, StreamId, Write
from eventkit.log.faults import TRANSIENT
from eventkit.log.postgres import PostgresLog
from eventkit.privacy.keys import KeyStore
from eventkit.privacy.words import Words
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1.events_pb2 import UnitCreated, UnitHeadAppointed
from tests.waiting import PATIENCE


def evolve(heads: tuple[str, ...] | None, event: UnitCreated | UnitHeadAppointed) -> tuple[str, ...]:
    match event:
        case UnitCreated():
            return ()
        case UnitHeadAppointed():
            return (*(heads or ()), event.after)
        case _:
            refuse_unknown(event)


UNIT = Aggregate[tuple[str, ...] | None]("unit", None, evolve)


@dataclass
class Office:
    log: PostgresLog
    open: Callable[[], Commands]
    dsn: str
    commands: Commands = field(init=False)

    def __post_init__(self) -> None:
        self.commands = self.open()

    async def heads(self, unit: str) -> list[str]:
        events = [e async for e in self.log.read(StreamId("acme", "unit", unit))]
        return [e.message.after for e in events if isinstance(e.message, UnitHeadAppointed)]


@pytest.fixture
async def office(postgres: str) -> AsyncGenerator[Office]:
    async with PostgresLog(postgres) as log, KeyStore(postgres, b"k" * 32) as keys:
        yield Office(log, lambda: Commands("people", log, Words(keys)), postgres)


def asked(key: str = "", *, body: bytes = b"body", actor: str = "lan") -> Context:
    who = Actor("acme", actor)
    id = command_id(who, "/nhip.test/Appoint", key) if key else uuid4()
    return Context(who, datetime.now(UTC), id, digest=body, retryable=bool(key), correlation_id="c1")


def create(unit: str):
    async def decide(load: Load) -> Decision:
        if await load(UNIT, unit) is not None:
            raise Rejected("UNIT_EXISTS", "there is such a unit")
        return [StreamEvent(UNIT(unit), UnitCreated(unit_id=unit))]

    return decide


def appoint(unit: str, head: str, *, pause: Callable[[], object] | None = None):
    async def decide(load: Load) -> Decision:
        heads = await load(UNIT, unit)
        if heads and heads[-1] == head:
            return []
        if pause:
            await pause()  # type: ignore[misc]
        return [StreamEvent(UNIT(unit), UnitHeadAppointed(unit_id=unit, after=head))]

    return decide


async def test_a_command_is_answered_with_what_it_made_and_how_far_the_log_is(office: Office):
    done = await office.commands.execute(asked(), UNIT("sales"), create("sales"))
    assert done == Accepted(id="sales", position="people=1")
    [event] = [e async for e in office.log.read(StreamId("acme", "unit", "sales"))]
    assert (event.origin.actor, event.origin.correlation_id, event.origin.command_digest) == (
        "person:lan",
        "c1",
        b"body",
    )


async def test_nothing_to_do_is_no_event(office: Office):
    await office.commands.execute(asked(), UNIT("sales"), appoint("sales", "an"))
    assert await office.commands.execute(asked(), UNIT("sales"), appoint("sales", "an")) == Accepted(
        id="sales", unchanged=True
    )
    assert await office.log.last_position() == 1


async def test_the_same_key_is_told_the_first_answer_whatever_happened_since(office: Office):
    first = await office.commands.execute(asked("k"), UNIT("sales"), create("sales"))
    await office.commands.execute(asked(), UNIT("sales"), appoint("sales", "an"))
    for commands in (office.commands, office.open()):
        again = await commands.execute(asked("k"), UNIT("sales"), create("sales"))
        assert again == Accepted(id="sales", position=first.position, repeated=True)
    assert await office.log.last_position() == 2


async def test_the_same_key_for_another_request_is_refused(office: Office):
    await office.commands.execute(asked("k"), UNIT("sales"), create("sales"))
    with pytest.raises(Rejected) as refused:
        await office.commands.execute(asked("k", body=b"other"), UNIT("ops"), create("ops"))
    assert (refused.value.reason, refused.value.violations[0].field) == ("IDEMPOTENCY_KEY_REUSED", "idempotency-key")
    await office.commands.execute(
        asked("k", body=b"other", actor="nam"), UNIT("ops"), create("ops")
    )  # somebody else's key is another one


async def test_a_key_whose_command_was_rejected_is_free(office: Office):
    await office.commands.execute(asked(), UNIT("sales"), create("sales"))
    with pytest.raises(Rejected, match="UNIT_EXISTS"):
        await office.commands.execute(asked("k"), UNIT("sales"), create("sales"))
    assert not (await office.commands.execute(asked("k", body=b"other"), UNIT("ops"), create("ops"))).repeated


@pytest.mark.parametrize("make", [create, lambda unit: appoint(unit, "an")], ids=["a rejection", "nothing to do"])
async def test_the_same_command_in_several_processes_at_once_is_carried_out_once(office: Office, make):
    """Whoever comes second is not judged on what the first one made."""
    for n in range(15):
        processes = [office.open() for _ in range(4)]
        told = await asyncio.gather(
            *(c.execute(asked(f"k{n}"), UNIT(f"u{n}"), make(f"u{n}")) for c in processes for _ in range(2))
        )
        assert sorted(t.repeated for t in told) == [False] + [True] * 7
        assert len({t.position for t in told}) == 1
        assert await office.log.last_position() == n + 1


async def test_a_refusal_is_not_judged_on_halves_of_two_states(office: Office):
    """Between the first stream that it read and the second, another process changed both."""
    for unit in ("sales", "ops"):
        await office.commands.execute(asked(), UNIT(unit), create(unit))
    judged: list[tuple[object, object]] = []
    asking = office.open()  # in a process that remembers nothing yet

    async def both_get_a_head(load: Load) -> Decision:
        for unit in ("sales", "ops"):
            await load(UNIT, unit)
        return [StreamEvent(UNIT(unit), UnitHeadAppointed(unit_id=unit, after="an")) for unit in ("sales", "ops")]

    async def compare(load: Load) -> Decision:
        sales = await load(UNIT, "sales")
        if not judged:
            await office.open().execute(asked(), UNIT("ops"), both_get_a_head)
        judged.append((sales, await load(UNIT, "ops")))
        raise Rejected("DIFFERENT" if len(set(judged[-1])) > 1 else "SAME", "…")

    with pytest.raises(Rejected, match="SAME"):
        await asking.execute(asked(), UNIT("sales"), compare)
    assert judged == [((), ("an",)), (("an",), ("an",))]


async def test_a_refusal_on_what_is_remembered_stands_only_if_it_is_still_so(office: Office):
    mine, other = office.open(), office.open()
    judged: list[object] = []

    async def want_a_head(load: Load) -> Decision:
        judged.append(heads := await load(UNIT, "sales"))
        if not heads:
            raise Rejected("NO_HEAD", "…")
        return []

    await mine.execute(asked(), UNIT("sales"), create("sales"))
    with pytest.raises(Rejected, match="NO_HEAD"):
        await mine.execute(asked(), UNIT("sales"), want_a_head)
    await other.execute(asked(), UNIT("sales"), appoint("sales", "an"))
    assert (await mine.execute(asked(), UNIT("sales"), want_a_head)).unchanged
    assert judged == [(), (), ("an",)]


async def test_that_a_stream_has_no_events_yet_is_remembered_until_it_has(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    mine, other = office.open(), office.open()
    read: list[StreamId] = []
    judged: list[object] = []

    def reading(stream: StreamId, *, after: int = 0):
        read.append(stream)
        return PostgresLog.read(office.log, stream, after=after)

    async def beside_ops(load: Load) -> Decision:
        judged.append(await load(UNIT, "ops"))
        await load(UNIT, "sales")
        return [StreamEvent(UNIT("sales"), UnitHeadAppointed(unit_id="sales", after=f"h{len(judged)}"))]

    monkeypatch.setattr(office.log, "read", reading)
    for _ in range(2):
        await mine.execute(asked(), UNIT("sales"), beside_ops)
    assert [stream.id for stream in read] == ["ops", "sales"]
    await other.execute(asked(), UNIT("ops"), create("ops"))
    await mine.execute(asked(), UNIT("sales"), beside_ops)
    assert judged == [None, None, None, ()], "what was decided on a stream that had begun was decided again"
    assert await office.heads("sales") == ["h1", "h2", "h4"]


async def test_what_refuses_the_words_of_a_decision_does_not_hide_what_the_log_says(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    await office.commands.execute(asked(), UNIT("sales"), create("sales"))
    await office.open().execute(asked(), UNIT("sales"), appoint("sales", "rival"))

    async def no_words(*_: object, **__: object) -> None:
        raise Rejected("PERSON_ERASED", "nothing is kept about them any more")

    async def decide(load: Load) -> Decision:
        if await load(UNIT, "sales"):
            raise Rejected("HEADED", "somebody heads it")
        return [StreamEvent(UNIT("sales"), UnitHeadAppointed(unit_id="sales", after="an"))]

    monkeypatch.setattr(Words, "seal", no_words)
    with pytest.raises(Rejected, match="HEADED"):
        await office.commands.execute(asked(), UNIT("sales"), decide)


async def test_the_same_key_with_two_bodies_at_once_serves_one(office: Office):
    for n in range(10):
        told = await asyncio.gather(
            *(
                office.open().execute(asked(f"k{n}", body=b"%d" % b), UNIT(f"u{n}"), appoint(f"u{n}", f"h{b}"))
                for b in range(2)
            ),
            return_exceptions=True,
        )
        assert sorted(type(t).__name__ for t in told) == ["Accepted", "Rejected"]
        [refused] = [t for t in told if isinstance(t, Rejected)]
        assert refused.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_lost_race_is_decided_again_on_fresh_state(office: Office):
    everybody = [f"h{n}" for n in range(24)]
    processes = [office.open() for _ in range(3)]
    await asyncio.gather(
        *(processes[n % 3].execute(asked(), UNIT("sales"), appoint("sales", head)) for n, head in enumerate(everybody))
    )
    assert sorted(await office.heads("sales")) == sorted(everybody)


async def test_decisions_on_each_others_state_cannot_both_stand(office: Office):
    """At most one unit may have a head: each command reads both and writes one."""

    def only(mine: str, other: str):
        async def decide(load: Load) -> Decision:
            if await load(UNIT, other):
                raise Rejected("TAKEN", "the other one has a head")
            await load(UNIT, mine)
            await asyncio.sleep(0.002)
            return [StreamEvent(UNIT(mine), UnitHeadAppointed(unit_id=mine, after="an"))]

        return decide

    for n in range(15):
        a, b = f"a{n}", f"b{n}"
        told = await asyncio.gather(
            office.open().execute(asked(), UNIT(a), only(a, b)),
            office.open().execute(asked(), UNIT(b), only(b, a)),
            return_exceptions=True,
        )
        assert sorted(type(t).__name__ for t in told) == ["Accepted", "Rejected"]


async def test_several_aggregates_are_written_together_or_not_at_all(office: Office):
    async def both(load: Load) -> Decision:
        await load(UNIT, "a")
        return [StreamEvent(UNIT("a"), UnitCreated(unit_id="a")), StreamEvent(UNIT("b"), UnitCreated(unit_id="b"))]

    done = await office.commands.execute(asked("k"), UNIT("a"), both, answers="both")
    assert done == Accepted(id="both", position="people=2")
    assert len({e.append_id for u in "ab" async for e in office.log.read(StreamId("acme", "unit", u))}) == 1


async def test_what_was_not_looked_at_is_not_written_to(office: Office):
    await office.commands.execute(asked(), UNIT("b"), appoint("b", "an"))

    async def blind(load: Load) -> Decision:
        return [StreamEvent(UNIT("b"), UnitHeadAppointed(unit_id="b", after="bình"))]

    with pytest.raises(decider.NotLoaded, match="unit/b"):
        await office.commands.execute(asked(), UNIT("a"), blind)
    assert await office.heads("b") == ["an"]


async def test_who_never_wins_is_told_so(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decider, "ATTEMPTS", 3)
    others = office.open()

    async def somebody_faster() -> None:
        await others.execute(asked(), UNIT("sales"), appoint("sales", uuid4().hex))

    with pytest.raises(Rejected) as refused:
        await office.commands.execute(asked(), UNIT("sales"), appoint("sales", "an", pause=somebody_faster))
    assert (refused.value.reason, refused.value.kind) == ("CONTENDED", Kind.CONFLICT)
    assert "an" not in await office.heads("sales")


async def test_a_stream_with_an_event_from_a_newer_version_is_not_decided_on(office: Office):
    stream = StreamId("acme", "unit", "sales")
    await office.log.append(
        Write(stream, 0, [NewEvent(uuid4(), "nhip.people.v9.UnitPainted", b"")]), origin=Origin("x")
    )
    with pytest.raises(Rejected, match="NEWER_EVENT"):
        await office.commands.execute(asked(), UNIT("sales"), appoint("sales", "an"))


async def test_a_log_that_lost_its_end_is_read_anew(office: Office):
    """After a failover to a replica that lagged, what is remembered of a stream is ahead of it."""
    for n in range(5):
        await office.commands.execute(asked(), UNIT("sales"), appoint("sales", f"h{n}"))
    con = await asyncpg.connect(office.dsn)
    try:
        await con.execute("alter table log_event disable trigger all")
        await con.execute("delete from log_event where position > 2")
        await con.execute("alter table log_event enable trigger all")
        await con.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'nhip log writer'"
        )
    finally:
        await con.close()
    async with asyncio.timeout(PATIENCE):
        while True:  # whoever is first to find the connection cut is told so, and asks again
            try:
                await office.commands.execute(asked("k"), UNIT("sales"), appoint("sales", "new"))
                break
            except TRANSIENT:
                continue
    assert await office.heads("sales") == ["h0", "h1", "new"]


async def test_commands_on_one_aggregate_take_turns(office: Office):
    running = most = 0

    async def count() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    await asyncio.gather(
        *(office.commands.execute(asked(), UNIT("sales"), appoint("sales", f"h{n}", pause=count)) for n in range(20))
    )
    assert most == 1
    assert await office.heads("sales") == [f"h{n}" for n in range(20)]


def test_recorded_events_show_no_data() -> None:
    event = Recorded(
        uuid4(),
        "t",
        b"secret",
        StreamId("a", "b", "c"),
        1,
        1,
        uuid4(),
        0,
        1,
        datetime.now(UTC),
        datetime.now(UTC),
        Origin("x"),
    )
    assert "secret" not in repr(event)


async def test_events_stand_in_the_order_of_the_decision_whatever_was_loaded_first(office: Office):
    async def decide(load: Load) -> Decision:
        for unit in ("team", "guarded", "sales"):
            await load(UNIT, unit)
        return [
            StreamEvent(UNIT("sales"), UnitCreated(unit_id="sales")),
            StreamEvent(UNIT("team"), UnitCreated(unit_id="team")),
            StreamEvent(UNIT("sales"), UnitHeadAppointed(unit_id="sales", after="lan")),
        ]

    await office.commands.execute(asked("k"), UNIT("sales"), decide)
    [first, *_] = [e async for e in office.log.read(StreamId("acme", "unit", "sales"))]
    assert [(e.stream.id, e.version, e.position) for e in await office.log.append_of(first.id)] == [
        ("sales", 1, 1),
        ("team", 1, 2),
        ("sales", 2, 3),
    ]
    assert (await office.commands.execute(asked("k"), UNIT("sales"), decide)).repeated
