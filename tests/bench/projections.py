"""What an event costs a view: followed behind its checkpoint, and folded again from the first.

The view is one that services keep, of the events that are recorded most: eleven columns, two indexes, and each event is
a row of its own. The other side keeps the same columns and indexes by its own means: a projection with its runner,
which commits each event's row together with its tracking.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL

from eventkit import database
from eventkit.log import StreamId, Write
from eventkit.log.postgres import PostgresLog
from eventkit.process import provision
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.following import feed_upto, follow
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.reached import Reached
from eventkit.subscriptions.subscription import Projecting
from eventkit.telemetry import Metrics
from services.goals.views.progress import ProgressView
from tests.bench.harness import Bench, Figure, at_least
from tests.bench.log import ORIGIN
from tests.bench.log import event as recorded

RUNNER = "eventsourcing ProjectionRunner, same PostgreSQL, columns and indexes"
LIMITED_BY = (
    "Both cores. Of an event the service's process spends about a third on reading and decoding it, a third on the row "
    "that the view makes of it, a third on sending that; PostgreSQL as much again on a row of eleven columns in two "
    "indexes. Pages of up to 2,000 events in one statement, without waiting for the disk, rows as arrays instead of "
    "JSON, the next page read meanwhile, words looked for only where a contract may hold them."
)
LIVE = Figure("live projection with checkpoint", "events/s", RUNNER, at_least(45), LIMITED_BY, short=True)
REBUILD = Figure(
    "rebuild of a view",
    "events/s",
    RUNNER,
    at_least(150),
    LIMITED_BY + " A rebuild folds as a live view does; rows that are all different leave nothing to fold together.",
)
FIGURES = (LIVE, REBUILD)

EVENTS = 40_000
"""A turn's."""
PER_STREAM = 20
THEIR_SECONDS = 1.5
THEIR_EVENTS = 30_000
"""More than they handle in all their turns."""


async def run(bench: Bench) -> None:
    dsn, theirs = await bench.database("projections"), await bench.database("projections_peer")
    async with PostgresLog(dsn) as log, database.pool(dsn, "bench", 4) as pool:
        ours = await Ours.of(dsn, log, pool)
        app = await asyncio.to_thread(filled, theirs)
        await bench.compare(LIVE, ours.live, lambda: asyncio.to_thread(running, theirs))
        await bench.compare(REBUILD, ours.rebuild, lambda: asyncio.to_thread(running, theirs))
        await asyncio.to_thread(app.close)


class Ours:
    """A service's subscription to its own log."""

    def __init__(self, dsn: str, log: PostgresLog, pool: asyncpg.Pool):
        self.dsn, self.log, self.pool = dsn, log, pool
        self.view = ProgressView()
        self.reached = Reached(dsn, pool)

    @classmethod
    async def of(cls, dsn: str, log: PostgresLog, pool: asyncpg.Pool) -> "Ours":
        await provision.tables(pool, [ProgressView()])
        ours = cls(dsn, log, pool)
        await ours.happen()
        return ours

    async def happen(self) -> None:
        """So many events more are in the log."""
        for _ in range(0, EVENTS, 500):
            writes = [
                Write(StreamId("bench", "progress", str(uuid4())), 0, [recorded() for _ in range(PER_STREAM)])
                for _ in range(500 // PER_STREAM)
            ]
            await self.log.append(*writes, origin=ORIGIN)

    @asynccontextmanager
    async def following(self) -> AsyncGenerator[None]:
        projecting = Projecting([self.view], self.pool, Metrics(), self.reached.moved)

        async def work() -> None:
            async with Leads(self.dsn) as leads:
                await follow(projecting, self.log, self.pool, leads, Metrics(), lambda: None, self.reached.check)

        tasks = [asyncio.create_task(self.reached.run(lambda: None)), asyncio.create_task(work())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def live(self) -> float:
        """Behind the rows that are there."""
        await self.happen()
        return await self._caught_up(EVENTS)

    async def rebuild(self) -> float:
        """From the first event of the log, as `nhip rebuild` asks for it."""
        events, began = await self.log.last_position(), time.perf_counter()
        projecting = Projecting([self.view], self.pool, Metrics())
        await projecting.fold_anew(self.pool, [OWN_FEED], lambda _, upto: feed_upto(self.log, upto))
        return events / (time.perf_counter() - began)

    async def _caught_up(self, events: int) -> float:
        end, began = await self.log.last_position(), time.perf_counter()
        async with self.following():
            await self.reached.wait([self.view.subscription], OWN_FEED, end)
            return events / (time.perf_counter() - began)


class Value(Aggregate):
    """The same, of the other side: what is recorded about a KPI."""

    @event("Defined")
    def __init__(self, tenant: str):
        self.tenant = tenant

    @event("Recorded")
    def record(self, cycle: str, day: str, value: str, confidence: int, author: str) -> None:
        self.value = value


class Values(Application):
    name = "values"


class Rows(PostgresTrackingRecorder):
    def __init__(self, datastore: Any, **given: Any):
        super().__init__(datastore, **given)
        self.sql_create_statements.append(
            SQL(
                "create table if not exists bench_values(tenant text, kpi_id text, version bigint, occurred_on date, "
                "recorded_at timestamptz, before numeric, value numeric, confidence bigint, note bytea, actor text, "
                "event_id text, primary key (tenant, kpi_id, version))"
            ).format()
        )
        self.sql_create_statements.append(
            SQL(
                "create index if not exists bench_values_day on "
                "bench_values(tenant, kpi_id, occurred_on desc, version desc)"
            ).format()
        )

    def put(self, values: tuple[Any, ...], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "insert into bench_values values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
                "on conflict (tenant, kpi_id, version) do update set value = excluded.value",
                values,
            )
            self._insert_tracking(cursor, tracking)


class Folding(Projection[Rows]):
    name = "folding"
    topics = ()

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        if type(domain_event).__name__ != "Recorded":  # made by the decorator
            self.view.insert_tracking(tracking)
            return
        e = domain_event
        row = (
            "bench",
            str(e.originator_id),
            e.originator_version,
            date.fromisoformat(e.day),
            e.timestamp,
            None,
            Decimal(e.value),
            e.confidence,
            b"",
            "person:bench",
            str(uuid4()),
        )
        self.view.put(row, tracking)


def environment(dsn: str) -> dict[str, str]:
    given = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given.get("port", 5432)),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": str(given.get("password", "unused")),
        "SINGLE_ROW_TRACKING": "y",
    }


def filled(dsn: str) -> Values:
    app = Values(env=environment(dsn))
    for _ in range(THEIR_EVENTS // PER_STREAM):
        value = Value("bench")
        for _ in range(PER_STREAM):
            value.record(str(uuid4()), datetime.now(UTC).date().isoformat(), "44", 7, str(uuid4()))
        app.save(value)
    return app


def running(dsn: str) -> float:
    """Events a second by their runner, from where it stood."""
    runner: Any = ProjectionRunner(
        application_class=Values, projection_class=Folding, view_class=Rows, env=environment(dsn)
    )
    with runner:
        time.sleep(0.5)  # until it goes round
        first, began = runner.view.max_tracking_id(Values.name), time.perf_counter()
        time.sleep(THEIR_SECONDS)
        last, took = runner.view.max_tracking_id(Values.name), time.perf_counter() - began
    return (last - first) / took
