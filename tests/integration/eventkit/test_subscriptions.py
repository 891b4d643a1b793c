"""Projections and reactors on a real log: exactly once in effect, at least once with the same id, parked and brought
back."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

import asyncpg
import pytest

from eventkit.commands.aggregate import UnknownEvent
from eventkit.database import connection
from eventkit.errors import Kind, Rejected
from eventkit.ids import uuid7
from eventkit.log import NO_STREAM, LogFull, NewEvent, Origin, Recorded, StreamId, Write
from eventkit.log.postgres import PostgresLog
from eventkit.process import provision
from eventkit.subscriptions import checkpoint, parking
from eventkit.subscriptions.checkpoint import OWN_FEED, Checkpoint, Fenced
from eventkit.subscriptions.following import feed_upto, follow
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.projection import Rows, View, by_subscription
from eventkit.subscriptions.subscription import Projecting, Reacting, Subscription
from eventkit.subscriptions.table import Key, reading
from eventkit.telemetry import Metrics
from nhip.people.v1.events_pb2 import UnitCreated, UnitHeadAppointed
from tests.integration.eventkit.topics import CUT_LEADS, running, until
from tests.waiting import PATIENCE

ORIGIN = Origin("person:lan", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


@dataclass(frozen=True, slots=True)
class UnitRow:
    tenant: str
    unit_id: str
    name: str
    heads: list[str]
    events: int


class Units(View[UnitRow]):
    """Units, their heads in order, and how often each was touched: a repetition or a gap would show."""

    name, source, categories, key = "test_units", "test", ("unit",), ("tenant", "unit_id")
    row = UnitRow
    folds = (UnitCreated, UnitHeadAppointed)
    refuses = ""
    """A head whose appointment cannot be handled, for now."""
    pauses: Sequence[float] = ()

    async def apply(self, con: asyncpg.Connection, events: Sequence[Recorded]) -> Sequence[UnitRow]:
        if self.pauses:
            pause, *self.pauses = self.pauses
            await asyncio.sleep(pause)
        return await super().apply(con, events)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[UnitRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case UnitCreated() as e:
                rows.put(UnitRow(*key, e.name, [], 1))
            case UnitHeadAppointed() as e:
                if e.after == self.refuses:
                    raise LookupError(f"nobody is called {e.after}")
                row = rows[key]
                rows.put(replace(row, heads=[*row.heads, e.after], events=row.events + 1))
            case _:
                raise UnknownEvent(event.message)


@dataclass(frozen=True, slots=True)
class NameRow:
    tenant: str
    name: str
    unit_id: str


class Names(View[NameRow]):
    """A second view of the same streams."""

    name, source, categories, key = "test_names", "test", ("unit",), ("tenant", "name")
    row = NameRow
    folds = (UnitCreated,)
    passes_over = (UnitHeadAppointed,)

    def fold(self, rows: Rows[NameRow], event: Recorded) -> None:
        assert isinstance(event.message, UnitCreated)
        rows.put(NameRow(event.tenant, event.message.name, event.message.unit_id))


class NewerUnits(Units):
    version = 2


class GroupedUnits(Units):
    name, group = "test_grouped_units", "test_group"


class GroupedNames(Names):
    name, group = "test_grouped_names", "test_group"


@dataclass
class Service:
    """A log with a view of it."""

    dsn: str
    log: PostgresLog
    pool: asyncpg.Pool
    units: Units
    metrics: Metrics

    def projecting(self) -> Projecting:
        return Projecting([self.units], self.pool, self.metrics)  # type: ignore[arg-type]

    def following(self, subscription: Subscription):
        """As in a process of its own, with leads of its own."""

        async def run(beat: Callable[[], None]) -> None:
            async with Leads(self.dsn) as leads:
                await follow(subscription, self.log, self.pool, leads, self.metrics, beat)

        return run

    async def happen(self, unit: str, *heads: str, tenant: str = "acme", created: bool = True) -> None:
        stream = StreamId(tenant, "unit", unit)
        version = await self.pool.fetchval("select count(*) from log_event where stream = $1", str(stream))
        messages = [UnitCreated(unit_id=unit, name=unit)] * (created and not version)
        messages += [UnitHeadAppointed(unit_id=unit, after=head) for head in heads]
        batch = [NewEvent(uuid7(), m.DESCRIPTOR.full_name, m.SerializeToString()) for m in messages]
        await self.log.append(Write(stream, version, batch), origin=ORIGIN)

    async def cut_feed(self) -> None:
        """End the connection that the follower reads by, once there is one."""
        feed = "from pg_stat_activity where application_name = 'nhip log feed' and datname = current_database()"
        async with asyncio.timeout(PATIENCE):
            while not await self.pool.fetchval(f"select count(pg_terminate_backend(pid)) {feed}"):
                await asyncio.sleep(0.01)

    async def caught_up(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE):
            await checkpoint.wait(
                self.pool, list(names) or [self.units.subscription], OWN_FEED, await self.log.last_position()
            )

    async def rows(self) -> dict[str, tuple[list[str], int]]:
        return {r["unit_id"]: (r["heads"], r["events"]) for r in await self.pool.fetch("select * from test_units_v1")}

    async def parked(self, subscription: str = "test_v1") -> list[tuple[str, int, str]]:
        rows = await self.pool.fetch("select * from parked where subscription = $1 order by position", subscription)
        return [(StreamId.parse(r["stream"]).id, r["version"], r["error"].split(" ")[0]) for r in rows]

    def count(self, metric: str, subscription: str = "test_v1") -> float:
        return self.metrics.registry.get_sample_value(metric, {"subscription": subscription}) or 0.0


@pytest.fixture
async def service(postgres: str) -> AsyncGenerator[Service]:
    units = Units()
    async with (
        PostgresLog(postgres, poll_seconds=0.1) as log,
        asyncpg.create_pool(postgres, min_size=1, max_size=8) as pool,
    ):
        await pool.execute(
            f"do $$ begin create role {provision.READER} nologin; exception when duplicate_object then end $$"
        )
        await provision.tables(pool, [units])  # type: ignore[list-item]
        yield Service(postgres, log, pool, units, Metrics())


# -- projections


async def test_a_view_follows_its_log(service: Service):
    async with running(service.following(service.projecting())):
        await service.happen("sales", "an", "bình")
        await service.happen("ops", "chi")
        await service.caught_up()
        await service.happen("sales", "dung")
        await service.caught_up()
    assert await service.rows() == {"sales": (["an", "bình", "dung"], 4), "ops": (["chi"], 2)}


async def test_rivals_apply_each_event_once(service: Service):
    """Without the lock that keeps them apart: two that both believe to run the subscription."""
    for n in range(60):
        await service.happen(f"u{n % 5}", f"h{n}")
    fenced = 0

    async def rival() -> None:
        nonlocal fenced
        subscription = service.projecting()
        while True:
            async with connection(service.pool) as con:
                at = await checkpoint.load(con, subscription.name, OWN_FEED)
            async for page in service.log.feed(at.position, page=3):
                if not page:
                    return
                to = Checkpoint(page[-1].position)
                try:
                    await subscription.take(OWN_FEED, at, to, page)
                except Fenced:
                    fenced += 1
                    break
                at = to

    await asyncio.gather(rival(), rival(), rival())
    assert fenced > 0
    assert {u: (len(h), n) for u, (h, n) in (await service.rows()).items()} == {f"u{n}": (12, 13) for n in range(5)}


class PickyNames(Names):
    """Has rows that each event writes whole, and refuses a name, for now."""

    name, group = "test_picky_names", "test_picky"
    refuses = ""

    def fold(self, rows: Rows[NameRow], event: Recorded) -> None:
        if event.stream.id == self.refuses:
            raise LookupError(f"nothing is called {self.refuses}")
        super().fold(rows, event)


async def test_a_page_of_rows_that_are_written_whole_is_taken_by_one_of_two_rivals(service: Service):
    first, second = (Projecting([PickyNames()], service.pool, service.metrics) for _ in range(2))  # type: ignore[list-item]
    await provision.tables(service.pool, first.views)
    await service.happen("sales")
    await service.happen("ops")
    pages = [page async for page in feed_upto(service.log, 2)]
    events = [event for page in pages for event in page]
    async with connection(service.pool) as con:
        start = await checkpoint.load(con, first.name, OWN_FEED)
    await first.take(OWN_FEED, start, Checkpoint(1), events[:1])
    with pytest.raises(Fenced):
        await second.take(OWN_FEED, start, Checkpoint(2), events)
    assert await service.pool.fetch("select name from test_picky_names_v1") == [("sales",)]
    assert await service.pool.fetchval("select position from checkpoint where subscription = $1", first.name) == 1
    await second.take(OWN_FEED, Checkpoint(1), Checkpoint(2), events[1:])
    assert await service.pool.fetchval("select count(*) from test_picky_names_v1") == 2


async def test_rows_that_are_written_whole_wait_behind_what_is_parked_of_their_stream(service: Service):
    view = PickyNames()
    view.refuses = "sales"
    subscription = Projecting([view], service.pool, service.metrics)  # type: ignore[list-item]
    await provision.tables(service.pool, subscription.views)
    again = UnitCreated(unit_id="sales", name="sales again")
    async with running(service.following(subscription)):
        await service.happen("sales")
        await service.caught_up(subscription.name)
        view.refuses = ""
        append = Write(
            StreamId("acme", "unit", "sales"),
            1,
            [NewEvent(uuid7(), again.DESCRIPTOR.full_name, again.SerializeToString())],
        )
        await service.log.append(append, origin=ORIGIN)
        await service.happen("ops")
        await service.caught_up(subscription.name)
        assert await service.pool.fetch("select name from test_picky_names_v1") == [("ops",)]
        assert await service.parked(subscription.name) == [("sales", 1, "LookupError"), ("sales", 2, "")]
        assert await subscription.retry(StreamId("acme", "unit", "sales")) is None
    assert await service.pool.fetchval("select count(*) from test_picky_names_v1") == 3


async def test_of_two_processes_one_runs_it_and_the_other_takes_over(service: Service):
    async with running(*(service.following(service.projecting()) for _ in range(2))):
        for n in range(4):
            await service.happen("sales", f"h{n}")
            await service.caught_up()
            await service.pool.execute(CUT_LEADS)
    assert await service.rows() == {"sales": (["h0", "h1", "h2", "h3"], 5)}


async def test_what_cannot_be_handled_is_parked_with_its_followers_and_others_flow(service: Service):
    service.units.refuses = "nobody"
    await service.happen("sales", "an")
    await service.happen("ops", "chi")
    await service.happen("sales", "nobody", "bình")
    await service.happen("ops", "dung")
    async with running(service.following(service.projecting())):
        await service.caught_up()
        await service.happen("sales", "em")  # later ones join the queue, also from another page
        await service.happen("ops", "giang")
        await service.caught_up()
    assert await service.rows() == {"sales": (["an"], 2), "ops": (["chi", "dung", "giang"], 4)}
    assert await service.parked() == [("sales", 3, "LookupError"), ("sales", 4, ""), ("sales", 5, "")]
    assert service.count("nhip_parked_events") == 3


async def test_what_was_parked_is_retried_in_order(service: Service):
    service.units.refuses = "nobody"
    subscription, stream = service.projecting(), StreamId("acme", "unit", "sales")
    await service.happen("sales", "an", "nobody", "bình", "no one", "chi")
    async with running(service.following(subscription)):
        await service.caught_up()
        assert isinstance(await subscription.retry(stream), LookupError)
        assert len(await service.parked()) == 4
        service.units.refuses = "no one"
        assert isinstance(await subscription.retry(stream), LookupError)  # comes further, and is noted at the next one
        assert await service.parked() == [("sales", 5, "LookupError"), ("sales", 6, "")]
        service.units.refuses, service.units.pauses = (
            "",
            (0.3,),
        )  # the one that is first is slow, the other one would overtake it
        both = await asyncio.gather(subscription.retry(stream), subscription.retry(stream))  # two operators at once
        assert both == [None, None]
        await service.happen("sales", "dung")
        await service.caught_up()
    assert await service.rows() == {"sales": (["an", "nobody", "bình", "no one", "chi", "dung"], 7)}
    assert await service.parked() == []
    assert service.count("nhip_parked_events") == 0


async def test_a_parked_event_can_be_given_up(service: Service):
    service.units.refuses = "nobody"
    subscription = service.projecting()
    await service.happen("sales", "nobody", "bình", "chi")
    async with running(service.following(subscription)):
        await service.caught_up()
        assert await subscription.discard(StreamId("acme", "unit", "sales")) is None
    assert await service.rows() == {"sales": (["bình", "chi"], 3)}
    assert await service.parked() == []


async def test_an_event_without_its_predecessor_is_parked(service: Service):
    await service.happen("sales", "an", created=False)
    async with running(service.following(service.projecting())):
        await service.caught_up()
    assert await service.parked() == [("sales", 1, "KeyError")]


async def test_bytes_that_are_no_message_are_parked(service: Service):
    await service.log.append(
        Write(StreamId("acme", "unit", "x"), NO_STREAM, [NewEvent(uuid7(), "nhip.people.v1.UnitCreated", b"\xff\xff")]),
        origin=ORIGIN,
    )
    await service.happen("sales")
    async with running(service.following(service.projecting())):
        await service.caught_up()
    assert await service.parked() == [("x", 1, "DecodeError")]
    assert await service.rows() == {"sales": ([], 1)}


async def test_events_of_unknown_types_are_counted_and_passed_over(service: Service):
    await service.happen("sales", "an")
    await service.log.append(
        Write(
            StreamId("acme", "unit", "sales"),
            2,
            [NewEvent(uuid7(), "nhip.people.v9.UnitPainted", b"x") for _ in range(3)],
        ),
        origin=ORIGIN,
    )
    await service.log.append(
        Write(StreamId("acme", "other", "x"), 0, [NewEvent(uuid7(), "nhip.other.v1.X", b"x")]), origin=ORIGIN
    )
    await service.happen("sales", "bình")
    async with running(service.following(service.projecting())):
        await service.caught_up()

        async def counted() -> bool:  # behind the commit
            return service.count("nhip_unknown_events_total") == 3

        await until(counted)
    assert await service.rows() == {"sales": (["an", "bình"], 3)}
    assert await service.parked() == []


async def test_an_older_version_stops_at_a_newer_event_of_its_own_log_and_a_newer_one_goes_on_there(service: Service):
    await service.happen("sales", "an")
    chi = UnitHeadAppointed(unit_id="sales", after="chi")
    both = ((chi.DESCRIPTOR.full_name, chi.SerializeToString()), ("nhip.people.v9.UnitPainted", b""))
    append = Write(StreamId("acme", "unit", "sales"), 2, [NewEvent(uuid7(), *one) for one in both])
    await service.log.append(append, origin=ORIGIN)
    await service.happen("sales", "bình")
    older = Projecting([service.units], service.pool, service.metrics, own=True)  # type: ignore[arg-type]
    async with running(service.following(older)):

        async def it_stopped() -> bool:
            return service.count("nhip_subscription_retries_total", subscription=older.name) > 1

        await until(it_stopped)
    before = "select position from checkpoint where subscription = $1"
    assert await service.pool.fetchval(before, older.name) == 2  # nor is half of an append taken
    assert await service.rows() == {"sales": (["an"], 2)}
    async with running(service.following(service.projecting())):  # to which no type is new
        await service.caught_up()
    assert await service.rows() == {"sales": (["an", "chi", "bình"], 4)}
    with pytest.raises(Rejected, match="NEWER_EVENT"):
        await older.fold_anew(service.pool, [OWN_FEED], lambda _, upto: feed_upto(service.log, upto))
    assert await service.rows() == {"sales": (["an", "chi", "bình"], 4)}


async def test_an_older_version_passes_over_newer_events_of_its_own_log_where_the_newer_one_has_its_own_tables(
    service: Service,
):
    await service.happen("sales", "an")
    older = Projecting([service.units], service.pool, service.metrics, own=True)  # type: ignore[arg-type]
    newer = Projecting([NewerUnits()], service.pool, service.metrics)  # type: ignore[arg-type]
    await provision.tables(service.pool, newer.views)
    async with running(service.following(newer), service.following(older)):
        await service.caught_up(newer.name, older.name)
        painted = NewEvent(uuid7(), "nhip.people.v9.UnitPainted", b"")
        await service.log.append(Write(StreamId("acme", "unit", "sales"), 2, [painted]), origin=ORIGIN)
        await service.happen("sales", "bình")
        await service.caught_up(newer.name, older.name)
        await older.fold_anew(service.pool, [OWN_FEED], lambda _, upto: feed_upto(service.log, upto))
    assert await service.rows() == {"sales": (["an", "bình"], 3)}


async def test_a_view_is_folded_anew_behind_what_it_shows(service: Service):
    heads = [f"h{n}" for n in range(50)]
    await service.happen("sales", *heads)
    await service.happen("support", "an")
    service.units.refuses = "an"
    projecting = service.projecting()
    shown: list[object] = []

    async def pages(_: int, upto: int) -> AsyncGenerator[Sequence[Recorded]]:
        await service.happen("sales", "last")  # which its runner may not fold yet
        async for page in feed_upto(service.log, upto):
            yield page
            shown.append(await service.rows())

    async def killed(_: int, upto: int) -> AsyncGenerator[Sequence[Recorded]]:
        async for page in feed_upto(service.log, upto):
            yield page
            raise ConnectionResetError("killed in the middle")

    async with running(service.following(projecting)):
        await service.caught_up()
        await service.pool.execute("update test_units_v1 set name = 'falsified'")
        before = await service.rows()
        with pytest.raises(ConnectionResetError):
            await projecting.fold_anew(service.pool, [OWN_FEED], killed)
        assert await service.rows() == before == {"sales": (heads, 51), "support": ([], 1)}
        assert await service.pool.fetchval("select count(*) from test_units_v1 where name = 'falsified'") == 2
        await projecting.fold_anew(service.pool, [OWN_FEED], pages)
        assert set(map(str, shown)) == {str(before)}
        await service.caught_up()
    assert await service.rows() == {"sales": ([*heads, "last"], 52), "support": ([], 1)}
    assert await service.pool.fetchval("select count(*) from test_units_v1 where name = 'falsified'") == 0
    assert len(await service.parked()) == 1, "what cannot be handled is parked again, once"


class Kept(Names):
    """Says of tenants that were deleted that they were."""

    name, outlives = "test_kept", True


async def test_nothing_of_a_tenant_that_was_deleted_is_folded_or_acted_on_but_that_it_was(service: Service):
    deleted = set[str]()

    async def gone() -> set[str]:
        return deleted

    views: list[View[Any]] = [service.units, Kept()]
    mailer = Mailer(service)
    await provision.tables(service.pool, views)
    projecting = Projecting(views, service.pool, service.metrics, gone=gone)
    acting = Reacting("mailer", "test", mailer, service.pool, service.metrics, gone=gone)
    async with running(service.following(projecting)):
        await service.happen("sales", "an")
        await service.happen("sales", "bình", tenant="other")
        await service.caught_up()
        deleted.add("acme")
        await service.pool.execute("delete from test_units_v1 where tenant = 'acme'")
        await service.happen("sales", "cúc")  # late, and its row is gone: it is not parked for that
        await service.happen("kho", "em")
        await service.happen("sales", "dung", tenant="other")
        await service.caught_up()
        found = await service.pool.fetch("select tenant, heads from test_units_v1")
        assert [(row["tenant"], row["heads"]) for row in found] == [("other", ["bình", "dung"])]
        await projecting.fold_anew(service.pool, [OWN_FEED], lambda _, upto: feed_upto(service.log, upto))
        assert await service.pool.fetchval("select count(*) from test_units_v1 where tenant = 'acme'") == 0
        assert await service.pool.fetchval("select count(*) from test_kept_v1 where tenant = 'acme'") == 2
    assert await service.parked() == []
    async with running(service.following(acting)):
        await service.caught_up("mailer")
    assert await mailer.sent() == 3  # of the other's events


async def test_a_lost_database_connection_parks_nothing(service: Service):
    async with running(service.following(service.projecting())):
        for n in range(5):
            await service.happen("sales", f"h{n}")
            await service.cut_feed()
        await service.caught_up()
    assert await service.rows() == {"sales": ([f"h{n}" for n in range(5)], 6)}
    assert await service.parked() == []
    assert service.count("nhip_subscription_retries_total") > 0


async def test_waiting_for_a_position_ends_when_every_view_has_passed_it(service: Service):
    await service.happen("sales", "an")
    position = await service.log.last_position()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await checkpoint.wait(service.pool, ["test_v1"], OWN_FEED, position)
    async with running(service.following(service.projecting())):
        await service.caught_up()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await checkpoint.wait(service.pool, ["test_v1", "another_v1"], OWN_FEED, position)
        await checkpoint.wait(service.pool, [], OWN_FEED, position)


# -- reactors


class Mailer:
    """Reacts to each appointment with an event of its own, whose id is made from what it reacts to."""

    def __init__(self, service: Service):
        self.service, self.calls = service, list[UUID]()
        self.fails_with: Sequence[Exception] = ()

    async def __call__(self, event: Recorded) -> None:
        self.calls.append(event.id)
        if event.stream.category != "unit":
            return
        if self.fails_with:
            error, *self.fails_with = self.fails_with
            raise error
        sent = NewEvent(uuid5(event.id, "mail"), "nhip.test.v1.MailSent", b"")
        await self.service.log.append(
            Write(StreamId(event.tenant, "mail", str(event.id)), NO_STREAM, [sent]), origin=ORIGIN
        )

    async def sent(self) -> int:
        return await self.service.pool.fetchval("select count(*) from log_event where category = 'mail'")


def reacting(service: Service, mailer: Mailer) -> Reacting:
    return Reacting("mailer", "test", mailer, service.pool, service.metrics)


async def test_a_reaction_that_is_repeated_has_its_effect_once(service: Service):
    mailer = Mailer(service)
    await service.happen("sales", "an", "bình")
    for _ in range(3):  # as if each process died before its checkpoint moved
        async with running(service.following(reacting(service, mailer))):
            await service.caught_up("mailer")
        await service.pool.execute("update checkpoint set position = 0 where subscription = 'mailer'")
    assert await mailer.sent() == 3
    assert len(mailer.calls) > 9


@pytest.mark.parametrize("fault", [ConnectionError(), LogFull(), Rejected("CONTENDED", "again", kind=Kind.CONFLICT)])
async def test_a_fault_that_passes_is_waited_for(service: Service, fault: Exception):
    mailer = Mailer(service)
    mailer.fails_with = [fault, fault]
    await service.happen("sales", "an")
    async with running(service.following(reacting(service, mailer))):
        await service.caught_up("mailer")
    assert (await mailer.sent(), await service.parked("mailer")) == (2, [])


async def test_a_reaction_that_fails_is_parked_and_brought_back(service: Service):
    mailer = Mailer(service)
    mailer.fails_with = [LookupError()]
    subscription = reacting(service, mailer)
    await service.happen("sales", "an", "bình")
    await service.happen("ops")
    async with running(service.following(subscription)):
        await service.caught_up("mailer")
        assert await service.parked("mailer") == [("sales", 1, "LookupError"), ("sales", 2, ""), ("sales", 3, "")]
        assert await mailer.sent() == 1
        mailer.fails_with = [LookupError()]
        assert isinstance(await subscription.retry(StreamId("acme", "unit", "sales")), LookupError)
        assert await subscription.retry(StreamId("acme", "unit", "sales")) is None
    assert (await mailer.sent(), await service.parked("mailer")) == (4, [])
    assert service.count("nhip_parked_events", "mailer") == 0


async def test_a_reaction_waits_for_the_views_that_it_reads(service: Service):
    seen: list[tuple[int, int]] = []

    async def ready(event: Recorded) -> None:
        await checkpoint.wait(service.pool, [service.units.subscription], OWN_FEED, event.position)

    async def react(event: Recorded) -> None:
        seen.append((event.position, await service.pool.fetchval("select max(events) from test_units_v1")))

    service.units.pauses = (0.05, 0.05, 0.05)
    reacting = Reacting("reading", "test", react, service.pool, service.metrics, ready)
    async with running(service.following(reacting), service.following(service.projecting())):
        for n in range(3):
            await service.happen("sales", *(["an"] if n else []))
            await service.caught_up("reading")
    assert all(events >= position for position, events in seen)
    assert [position for position, _ in seen] == [1, 2, 3]


# -- views that share a subscription


async def test_views_of_a_group_move_together(service: Service):
    views: list[View[Any]] = [GroupedUnits(), GroupedNames()]
    await provision.tables(service.pool, views)
    grouped = Projecting(views, service.pool, service.metrics)
    assert grouped.name == "test_group_v1"
    assert by_subscription([*views, service.units]) == {"test_group_v1": views, "test_v1": [service.units]}  # type: ignore[list-item]
    async with running(service.following(grouped)):
        await service.happen("sales", "an")
        await service.caught_up("test_group_v1")
    assert await service.pool.fetchval("select heads from test_grouped_units_v1") == ["an"]
    assert await service.pool.fetchval("select unit_id from test_grouped_names_v1") == "sales"


async def test_what_one_view_of_a_group_cannot_handle_none_has(service: Service):
    units = GroupedUnits()
    units.refuses = "nobody"
    await provision.tables(service.pool, [units, GroupedNames()])
    async with running(service.following(Projecting([GroupedNames(), units], service.pool, service.metrics))):
        await service.happen("sales", "nobody", "an")
        await service.happen("ops")
        await service.caught_up("test_group_v1")
    assert [(stream, version) for stream, version, _ in await service.parked("test_group_v1")] == [
        ("sales", 2),
        ("sales", 3),
    ]
    assert await service.pool.fetchval("select count(*) from test_grouped_names_v1") == 2


async def test_a_view_does_not_join_a_group_that_has_begun(service: Service):
    units = GroupedUnits()
    await provision.tables(service.pool, [units])
    await service.happen("sales")
    async with running(service.following(Projecting([units], service.pool, service.metrics))):
        await service.caught_up("test_group_v1")
    with pytest.raises(provision.ShapeChanged, match="next version"):
        await provision.tables(service.pool, [units, GroupedNames()])


def test_a_group_has_one_source_and_one_version():
    class Later(GroupedNames):
        version = 2

    class Elsewhere(GroupedNames):
        source = "goals"

    with pytest.raises(ValueError, match="versions"):
        by_subscription([GroupedUnits(), Later()])
    with pytest.raises(ValueError, match="sources"):
        by_subscription([GroupedUnits(), Elsewhere()])


# -- parking keeps an event whole


async def test_a_parked_event_comes_back_as_it_was(service: Service):
    await service.happen("sales", "an")
    events: Sequence[Recorded] = [e async for e in service.log.read(StreamId("acme", "unit", "sales"))]
    async with service.pool.acquire() as con:
        for _ in range(2):  # twice changes nothing
            for event in events:
                await parking.park(con, "s", "test", event, None)  # type: ignore[arg-type]
        found = await parking.list_parked(con, "acme", "s")  # type: ignore[arg-type]
        assert await parking.list_parked(con, "other") == []  # type: ignore[arg-type]
    assert [p.event for p in found] == events
    assert {p.context for p in found} == {"test"}


async def test_the_reader_role_sees_views_and_how_far_they_are_and_nothing_else(service: Service):
    async with reading(service.pool, "acme") as con:
        await con.fetch("select * from test_units_v1")
        await con.fetch("select * from checkpoint")  # how far they are
    for table in ("log_event", "parked", "relay"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with reading(service.pool, "acme") as con:
                await con.fetch(f"select * from {table}")
