"""Appends: the log's own port, as deciders use it, beside raw INSERTs and `eventsourcing`."""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import asyncpg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.domain import event as recorded
from google.type.date_pb2 import Date

from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Write, WrongVersion, wire
from eventkit.log.postgres import PostgresLog
from eventkit.telemetry import Metrics
from eventkit.values import from_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from tests.bench.harness import Bench, Figure, Measure, at_least, at_most, latencies, percentile, rate

EVENTS = int(os.environ.get("BENCH_EVENTS", 10_000_000))
"""How many events a large log has; filling ten million takes about three minutes."""
TENANTS = 1_000
PEER = "eventsourcing, same PostgreSQL, 8 threads"
APPEND_8 = Figure("append, 8 callers", "appends/s", PEER, at_least(8))
APPEND_64 = Figure("append, 64 callers", "appends/s", PEER, at_least(25), short=True)
APPEND_64_RAW = Figure(
    "append, 64 callers, beside raw",
    "appends/s",
    "raw unnest INSERT, 64 rows a commit",
    at_least(0.5),
    limited_by="The INSERT itself takes 1.27 times as long as the raw one (fourteen arrays, order, versions); the "
    "rest is Python for each append. uvloop was tried: 1.00, 1.10 and 1.00 times as many at 1, 8 and 64 callers.",
    short=True,
)
LONE = Figure(
    "lone append, p50",
    "ms",
    "bare one-row INSERT, p50",
    at_most(1.4),
    limited_by="The function that orders appends and the notification, in the same round trip; "
    "a single event goes as scalars, which takes 0.88 of the time of arrays.",
    short=True,
)
P99 = Figure("append, 64 callers, p99", "ms", "its own p50", at_most(2))
HOT = Figure("one hot stream, 16 racing callers", "appends/s", "one lone caller", at_least(0.8))
THREE = Figure("one append over three streams", "ms", "over one stream, as many events", at_most(1.3))
LARGE = Figure(f"append, 64 callers, {EVENTS:,} events in the log", "appends/s", "100,000 events", at_least(0.9))
MANY = Figure(f"append, 64 callers, {TENANTS:,} tenants", "appends/s", "one tenant", at_least(0.9))
FIGURES = (APPEND_8, APPEND_64, APPEND_64_RAW, LONE, P99, HOT, THREE, LARGE, MANY)

ORIGIN = Origin(
    "person:0197e2f0-7f3a-7c51-9b1e-3f6a5f0c9d21",
    bytes(32),
    "0197e2f0-7f3a-7c51-9b1e-3f6a5f0c9d22",
    "0197e2f0-7f3a-7c51-9b1e-3f6a5f0c9d23",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def event(day: int = 1) -> NewEvent:
    """One value of one KPI, as it is stored most often."""
    recorded = ProgressRecorded(
        kpi_id=str(uuid7()),
        cycle_id=str(uuid7()),
        occurred_on=Date(year=2025, month=1, day=day),
        after=from_decimal(44),
        confidence=7,
        author_id=str(uuid7()),
    )
    return NewEvent(uuid7(), wire.type_name(recorded), wire.encode(recorded))


def stream(tenant: int = 0) -> StreamId:
    return StreamId(f"tenant-{tenant}", "progress", str(uuid4()))


async def run(bench: Bench) -> None:
    if bench.wants(APPEND_8, APPEND_64, APPEND_64_RAW, LONE, P99, HOT, THREE):
        await _beside_others(bench)
    if bench.wants(MANY):
        await _at_size(bench, MANY, (100_000, TENANTS), (100_000, 1))
    if bench.wants(LARGE):
        await _at_size(bench, LARGE, (EVENTS, TENANTS), (100_000, TENANTS))


async def _beside_others(bench: Bench) -> None:
    dsn = await bench.database("log")
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(PostgresLog(dsn, metrics=Metrics(), context="bench"))
        con = await asyncpg.connect(dsn)
        stack.push_async_callback(con.close)
        # the log's own columns and indexes, and nothing else of it: no order, no versions, no trigger
        await con.execute("create table plain(like log_event including all)")
        raw = Raw(con)
        if bench.wants(APPEND_8, APPEND_64):
            peer = Peer(await bench.database("peer"))
            stack.callback(peer.close)
            await bench.compare(APPEND_8, appending(log, 8), peer.measure)
            await bench.compare(APPEND_64, appending(log, 64), peer.measure)
        await bench.compare(APPEND_64_RAW, appending(log, 64, made=60_000), raw.inserting(64))
        await bench.compare(LONE, _median(1, lambda: _appender(log, made=8_000)), raw.one_by_one)
        if bench.wants(P99):
            took = await latencies(64, _appender(log))
            bench.report(P99, percentile(took, 0.99) * 1e3, percentile(took, 0.5) * 1e3)
        await bench.compare(HOT, racing(log, 16), racing(log, 1))
        await bench.compare(THREE, _median(1, lambda: _appender(log, streams=3)), _median(1, lambda: _thrice(log)))


async def _at_size(bench: Bench, figure: Figure, ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    """Compare logs of so many events of so many tenants."""
    async with AsyncExitStack() as stack:
        measures: list[Measure] = []
        for number, (events, tenants) in enumerate((ours, theirs)):
            dsn = await bench.database(f"log_of_{events}_{tenants}_{number}")
            log = await stack.enter_async_context(PostgresLog(dsn))
            await fill(dsn, events, tenants)
            measures.append(appending(log, 64, tenants=tenants, made=60_000))
        await bench.compare(figure, *measures)


def _appender(
    log: PostgresLog, *, streams: int = 1, tenants: int = 1, made: int = 0
) -> Callable[[int], Awaitable[int]]:
    """Each caller appends to streams of its own; one event to each at once. Of the events, `made` are made before."""
    ready = [event() for _ in range(made)]
    versions: dict[int, tuple[list[StreamId], int]] = {}

    async def append(number: int) -> int:
        own, version = versions.get(number) or ([stream(number % tenants) for _ in range(streams)], 0)
        await log.append(*(Write(s, version, [ready.pop() if ready else event()]) for s in own), origin=ORIGIN)
        versions[number] = own, version + 1
        return 1

    return append


def appending(log: PostgresLog, callers: int, *, tenants: int = 1, made: int = 0) -> Measure:
    """Appends a second: each caller to a stream of its own."""
    return lambda: rate(callers, _appender(log, tenants=tenants, made=made))


def _thrice(log: PostgresLog) -> Callable[[int], Awaitable[int]]:
    mine, version = stream(), 0

    async def append(_: int) -> int:
        nonlocal version
        await log.append(Write(mine, version, [event() for _ in range(3)]), origin=ORIGIN)
        version += 3
        return 1

    return append


def _median(callers: int, once: Callable[[], Callable[[int], Awaitable[int]]]) -> Measure:
    """Milliseconds of half of the calls."""

    async def measure() -> float:
        return percentile(await latencies(callers, once()), 0.5) * 1e3

    return measure


def racing(log: PostgresLog, callers: int) -> Measure:
    """Appends a second to one stream: who loses tries again on what it was told."""

    async def measure() -> float:
        hot, seen = stream(), dict.fromkeys(range(callers), 0)

        async def append(number: int) -> int:
            while True:
                try:
                    appended = await log.append(Write(hot, seen[number], [event()]), origin=ORIGIN)
                except WrongVersion as lost:
                    seen[number] = lost.actual
                else:
                    seen[number] = appended.versions[hot]
                    return 1

        return await rate(callers, append)

    return measure


class Raw:
    """INSERTs of the same rows into the same columns and indexes, and nothing else."""

    def __init__(self, con: asyncpg.Connection):
        self._con, self._last = con, 0

    def inserting(self, rows: int) -> Measure:
        """Rows a second: one INSERT, one commit for so many, of rows that were made before."""

        async def measure() -> float:
            ready = [self._columns(rows) for _ in range(100_000 // rows)]

            async def insert(_: int) -> int:
                ids, appends, streams, types, data = ready.pop() if ready else self._columns(rows)
                await self._con.execute(
                    "insert into plain select $1 + o, now(), now(), 1, id, append, 0, 1, 'tenant-0', 'progress', "
                    "stream, type, data, $7, $8, $9, $10, $11 "
                    "from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[]) "
                    "with ordinality u(id, append, stream, type, data, o)",
                    self._last,
                    ids,
                    appends,
                    streams,
                    types,
                    data,
                    *ORIGIN,
                )
                self._last += rows
                return rows

            return await rate(1, insert)

        return measure

    def _columns(self, rows: int) -> Sequence[list[Any]]:
        events = [event() for _ in range(rows)]
        return (
            [e.id for e in events],
            [uuid7() for _ in events],
            [str(stream()) for _ in events],
            [e.type for e in events],
            [e.data for e in events],
        )

    async def one_by_one(self) -> float:
        """Milliseconds of half of the INSERTs of one row, prepared, of rows that were made before."""
        insert = await self._con.prepare(
            "insert into plain values($1, $2, $2, 1, $3, $4, 0, 1, 'tenant-0', 'progress', $5, $6, $7, "
            "$8, $9, $10, $11, $12)"
        )
        ready = [(event(), uuid7(), str(stream())) for _ in range(8_000)]
        now = datetime.now(UTC)

        async def once(_: int) -> None:
            made, append, name = ready.pop() if ready else (event(), uuid7(), str(stream()))
            self._last += 1
            await insert.fetch(self._last, now, made.id, append, name, made.type, made.data, *ORIGIN)

        return percentile(await latencies(1, once), 0.5) * 1e3


class Kpi(Aggregate):
    """An aggregate of `eventsourcing`, with an event like ours."""

    @recorded("Defined")
    def __init__(self, kpi_id: str, cycle_id: str):
        self.kpi_id, self.cycle_id, self.value = kpi_id, cycle_id, ""

    @recorded("ProgressRecorded")
    def record(self, occurred_on: str, after: str, confidence: int, author_id: str) -> None:
        self.value = after


class Peer:
    """`eventsourcing`: aggregates with an event as ours, saved one event at a time by threads."""

    def __init__(self, dsn: str):
        url = urlsplit(dsn)
        self._app = Application[Any](
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": url.path[1:],
                "POSTGRES_HOST": url.hostname or parse_qs(url.query)["host"][0],
                "POSTGRES_PORT": str(url.port or 5432),
                "POSTGRES_USER": url.username or "postgres",
                "POSTGRES_PASSWORD": url.password or "none",
                "POSTGRES_POOL_SIZE": "10",
                "POSTGRES_MAX_OVERFLOW": "20",
            }
        )

    def close(self) -> None:
        self._app.close()

    async def measure(self) -> float:
        return await asyncio.to_thread(self._saving, 8, 1.5)

    def _saving(self, threads: int, seconds: float) -> float:
        kpis = [[Kpi(str(uuid4()), str(uuid4())) for _ in range(30)] for _ in range(threads)]
        for own in kpis:
            self._app.save(*own)
        done = [0] * threads
        stop = time.perf_counter() + seconds

        def save(number: int) -> None:
            while time.perf_counter() < stop:
                kpi = kpis[number][done[number] % 30]
                kpi.record("2025-01-01", "44", 7, "0197e2f0-7f3a-7c51-9b1e-3f6a5f0c9d21")
                self._app.save(kpi)
                done[number] += 1

        began = time.perf_counter()
        workers = [threading.Thread(target=save, args=(number,)) for number in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(done) / (time.perf_counter() - began)


async def fill(dsn: str, events: int, tenants: int) -> None:
    """A log of so many events, twenty on each stream, the streams' events far from each other."""
    streams = events // 20
    con = await asyncpg.connect(dsn)
    try:
        indexes = await con.fetch(
            "select indexname as name, indexdef as made, pg_get_constraintdef(c.oid) as kept "
            "from pg_indexes left join pg_constraint c on conname = indexname where tablename = 'log_event'"
        )
        for index in indexes:  # made once at the end, they take a fraction of the time
            what = f"constraint {index['name']}"
            await con.execute(f"alter table log_event drop {what}" if index["kept"] else f"drop index {index['name']}")
        made = event()
        await con.execute(
            "insert into log_event "
            "select n, now(), now(), (n - 1) / $2 + 1, ids.id, ids.id, 0, 1, t.name, 'progress', "
            "t.name || '/progress/' || md5((n % $2)::text)::uuid, $4, $5, $6, $7, $8, $9, $10 "
            "from generate_series(1, $1::bigint) n, lateral (select 'tenant-' || (n % $2) % $3 as name) t, "
            "lateral (select (lpad(to_hex(1735689600000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid "
            "as id) ids",
            events,
            streams,
            tenants,
            made.type,
            made.data,
            *ORIGIN,
            timeout=900,
        )
        await con.execute("set maintenance_work_mem = '512MB'")
        for index in indexes:
            add = f"alter table log_event add constraint {index['name']} {index['kept']}"
            await con.execute(add if index["kept"] else index["made"], timeout=900)
        await con.execute("vacuum (analyze, freeze) log_event", timeout=900)
        await con.execute("checkpoint", timeout=900)
    finally:
        await con.close()
