"""The judge can fail: machinery that is wrong on purpose, as others have it, is caught by what can be seen from
outside.

Each fault is brought about step by step and not left to luck; all else is what Nhip runs on.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from cli.history.facts import Asked, Delivered, Fact, Follows, Seen, Stored, Told
from cli.history.judge import Kind, judge
from eventkit import kafka
from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.commands.decider import Commands
from eventkit.commands.loading import Load, Loaded
from eventkit.context import Actor, Context
from eventkit.database import connection, transaction
from eventkit.ids import uuid7
from eventkit.kafka import Kept
from eventkit.kafka.relay import Relay
from eventkit.log import Appended, NewEvent, Origin, Recorded, StreamId, Write
from eventkit.log.conformance import everything
from eventkit.log.postgres import PostgresLog
from eventkit.privacy.keys import KeyStore
from eventkit.privacy.words import Words
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import OWN_FEED, Checkpoint
from eventkit.subscriptions.following import follow
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.table import READER, reading
from nhip.rewards.v1.events_pb2 import GiftOffered, GiftReserved
from tests.integration.eventkit.topics import Notes, World, running, until, world
from tests.waiting import PATIENCE


@pytest.fixture
async def here(postgres: str, kafka: str) -> AsyncGenerator[World]:
    async with world(postgres, kafka) as found:
        yield found


def stored(event: Recorded, **says: Mapping[str, str]) -> Stored:
    return Stored.of(event, event.origin.traceparent[3:35], **says)


def found(*facts: Fact) -> set[Kind]:
    return {fault.kind for fault in judge(facts).faults}


async def test_positions_from_a_sequence_lose_what_is_committed_late(postgres: str):
    """A log whose positions are given by a sequence, and a reader that goes on behind the last one it saw."""
    first, second, reader = [await asyncpg.connect(postgres) for _ in range(3)]
    try:
        await reader.execute("create table planted(position bigserial primary key, id text)")
        insert, page = "insert into planted(id) values ($1)", "select * from planted where position > $1 order by 1"
        slow = first.transaction()
        await slow.start()
        await first.execute(insert, "e1")  # takes 1, and is not there yet
        await second.execute(insert, "e2")
        delivered = await reader.fetch(page, 0)
        await slow.commit()
        delivered += await reader.fetch(page, delivered[-1]["position"])
        log = await reader.fetch(page, 0)
    finally:
        for con in (first, second, reader):
            await con.close()
    facts: list[Fact] = [Stored(row["position"], row["id"], row["id"], 1, row["id"], 0, 1) for row in log]
    facts += [Delivered("feed", row["position"], row["id"]) for row in delivered]
    assert found(*facts, Follows("feed")) == {Kind.LOST}


async def test_a_checkpoint_outside_the_transaction_doubles_what_it_was_killed_behind(here: World):
    class Careless(Notes):
        """Its rows and its checkpoint are two transactions."""

        killed = False

        async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
            async with transaction(self._pool) as con:
                await con.executemany(
                    "insert into noted(name, partition, position) values ($1, $2, $3)",
                    [(self.name, partition, e.position) for e in events],
                )
            if not self.killed:
                self.killed = True
                raise ConnectionError("killed")
            async with transaction(self._pool) as con:
                await checkpoint.move(con, self.name, partition, at=at, to=to)

    view = Careless("careless", here.context, here.pool)
    await here.append(3)
    leads = Leads(here.dsn)
    here.leads.append(leads)
    async with running(lambda beat: follow(view, here.log, here.pool, leads, here.metrics, beat)):

        async def done() -> bool:
            async with connection(here.pool) as con:
                return (await checkpoint.load(con, "careless", OWN_FEED)).position == await here.log.last_position()

        await until(done)
    log = await everything(here.log)
    ids = {event.position: str(event.id) for event in log}
    noted = (await here.noted("careless"))[OWN_FEED]
    delivered = [Delivered("view", position, ids[position]) for position in noted]
    assert found(*map(stored, log), *delivered, Follows("view")) == {Kind.DOUBLED}


class Hasty(Relay):
    """Remembers what it is about to send, and believes it afterwards."""

    async def _start(self, writer: kafka.TopicWriter) -> int:
        await writer.look({})
        return max((kept.position for kept in (await self._remembered()).values()), default=0)

    async def _note(self, writer, lead, sent, page) -> None:
        await writer.acknowledged(sent)


class Killed(Hasty):
    """… and is killed in between."""

    async def _publish(self, writer, lead, backoff, beat) -> None:
        async with aclosing(self.log.feed(await self._start(writer))) as feed:
            page = await anext(feed)
        await self._remember({0: Kept(page[-1].position, 0)})
        raise Death


class Death(Exception):
    """kill -9."""


async def test_a_relay_that_checkpoints_first_loses_what_it_was_killed_before(here: World):
    await here.make_topic()
    await here.append(3, tenants=["acme"])

    def relay(kind: type[Relay]) -> Relay:
        here.leads.append(Leads(here.dsn))
        return kind(here.context, here.log, here.pool, here.leads[-1], here.topics(), here.metrics, 60)

    with suppress(Death):
        await relay(Killed).run(lambda: None)
    await here.leads[-1].__aexit__()
    delivered: list[Fact] = []
    async with running(relay(Hasty).run):
        await here.append(2, tenants=["acme"])
        async with (
            asyncio.timeout(PATIENCE),
            aclosing(kafka.tail(here.kafka, [here.context], after={here.context: 0}, follow=True)) as events,
        ):
            async for one in events:
                delivered.append(Delivered("kafka", one.event.position, str(one.event.id)))
                if one.event.position == await here.log.last_position():
                    break
    log = [stored(event) for event in await everything(here.log)]
    assert found(*log, *delivered, Follows("kafka")) == {Kind.LOST}


def evolve(stock: int, event: GiftOffered | GiftReserved) -> int:
    match event:
        case GiftOffered():
            return event.stock
        case GiftReserved():
            return event.after
        case _:
            refuse_unknown(event)


STOCK, TAKEN = Aggregate("stock", 0, evolve), Aggregate("taken", 0, evolve)


class Unguarded(Commands):
    """Appends what it writes to, and does not say what it has read."""

    async def _append(
        self, ctx: Context, decision: Decision, events: Sequence[NewEvent], loaded: Mapping[StreamId, Loaded]
    ) -> Appended:
        written = {StreamId(ctx.tenant, ref.category, ref.id) for ref, _ in decision}
        return await super()._append(ctx, decision, events, {s: known for s, known in loaded.items() if s in written})


@pytest.mark.parametrize(("kind", "faults"), [(Unguarded, {Kind.LOST}), (Commands, set())])
async def test_a_decision_that_does_not_guard_what_it_read_is_made_on_what_is_no_more(
    postgres: str, kind: type[Commands], faults: set[Kind]
):
    """Two processes decide at once on the one piece that is left; what each writes is a stream of its own."""
    async with PostgresLog(postgres) as log, PostgresLog(postgres) as other, KeyStore(postgres, b"k" * 32) as keys:
        await log.append(
            Write(
                StreamId("acme", "stock", "mug"),
                0,
                [NewEvent(uuid7(), GiftOffered.DESCRIPTOR.full_name, GiftOffered(stock=1).SerializeToString())],
            ),
            origin=Origin("person:lan"),
        )
        both = asyncio.Barrier(2)
        facts: list[Fact] = []

        async def take(commands: Commands, name: str) -> None:
            read = False

            async def decide(load: Load) -> Decision:
                nonlocal read
                seen = [await load(STOCK, "mug"), *[await load(TAKEN, one) for one in ("first", "second")]]
                if not read:
                    read = True
                    await both.wait()
                left = min(seen[0], *(1 - taken for taken in seen[1:]))
                if not left:
                    return []
                return [StreamEvent(TAKEN(name), GiftReserved(gift_id="mug", before=left, after=1))]

            key = uuid4()
            ctx = Context(Actor("acme", name), datetime.now(UTC), key, traceparent=f"00-{key.hex}-0-01")
            facts.append(Asked(key.hex))
            done = await commands.execute(ctx, TAKEN(name), decide, answers=name)
            none_left = Told(key.hex, refused="none left")
            facts.append(none_left if done.unchanged else Told(key.hex, int(done.position.partition("=")[2])))

        words = Words(keys)
        await asyncio.gather(take(kind("rewards", log, words), "first"), take(kind("rewards", other, words), "second"))
        for event in await everything(log):
            message = event.message
            says = (
                {"sets": {"left": "1"}}
                if isinstance(message, GiftOffered)
                else {"found": {"left": str(message.before)}, "sets": {"left": "0"}}  # type: ignore[union-attr]
            )
            facts.append(stored(event, **says))
    assert found(*facts) == faults


async def test_a_query_that_reads_a_page_in_two_snapshots_shows_what_never_was(here: World):
    """A balance, and the movements that made it; between the two reads a view takes the next event."""
    pool, stream = here.pool, StreamId("acme", "wallet", "lan")
    await pool.execute("create table balance(position bigint); create table movement(id text, version bigint)")
    await pool.execute("insert into balance values (0)")
    await pool.execute(f"do $$ begin create role {READER}; exception when duplicate_object then null; end $$")
    await pool.execute("grant select on balance, movement to " + READER)

    async def happens(version: int) -> None:
        event = NewEvent(uuid7(), "test.StreamEvent", b"")
        await here.log.append(Write(stream, version - 1, [event]), origin=Origin("person:lan"))
        async with view.transaction():
            await view.execute("update balance set position = $1", version)
            await view.execute("insert into movement values ($1, $2)", str(event.id), version)

    async def page(con: asyncpg.Connection, version: int) -> Seen:
        balance = await con.fetchval("select position from balance")
        await happens(version)
        rows = await con.fetch("select id from movement order by version desc")
        return Seen("a caller", {"balance": str(balance)}, {str(stream): [row["id"] for row in rows]})

    view = await asyncpg.connect(here.dsn)
    await happens(1)
    async with connection(pool) as con:
        two_snapshots = await page(con, 2)
    async with reading(pool, "acme") as con:
        one_snapshot = await page(con, 3)
    await view.close()
    log = [stored(event, sets={"balance": str(event.version)}) for event in await everything(here.log)]
    assert found(*log, two_snapshots) == {Kind.TORN}
    assert found(*log, one_snapshot) == set()
