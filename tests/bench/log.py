"""Appends through the log as services use it."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
from google.type.date_pb2 import Date

from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Write, wire
from eventkit.log.postgres import PostgresLog
from eventkit.values import from_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from tests.bench.harness import Bench, Figure, at_least, rate

APPEND_64_RAW = Figure(
    "append, 64 callers, raw", "appends/s", "raw unnest INSERT of 64 rows a commit", at_least(0.5), short=True
)
FIGURES = (APPEND_64_RAW,)
ORIGIN = Origin("person:bench")


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


async def run(bench: Bench) -> None:
    dsn = await bench.database("log")
    async with PostgresLog(dsn) as log:
        con = await asyncpg.connect(dsn)
        try:
            # the log's own columns and indexes, and nothing else of it: no order, no versions, no trigger
            await con.execute("create table plain(like log_event including all)")
            await bench.compare(APPEND_64_RAW, appending(log, 64), inserting(con, 64))
        finally:
            await con.close()


def appending(log: PostgresLog, callers: int) -> Callable[[], Awaitable[float]]:
    """Appends a second: each caller to a stream of its own."""

    async def measure() -> float:
        versions: dict[int, tuple[StreamId, int]] = {}

        async def append(number: int) -> int:
            stream, version = versions.get(number, (StreamId("bench", "progress", str(uuid4())), 0))
            await log.append(Write(stream, version, [event()]), origin=ORIGIN)
            versions[number] = stream, version + 1
            return 1

        return await rate(callers, append)

    return measure


def inserting(con: asyncpg.Connection, rows: int) -> Callable[[], Awaitable[float]]:
    """Rows a second: one INSERT, one commit for so many."""

    async def measure() -> float:
        last = await con.fetchval("select coalesce(max(position), 0) from plain")

        async def insert(_: int) -> int:
            nonlocal last
            events = [event() for _ in range(rows)]
            await con.execute(
                "insert into plain select $1 + o, now(), now(), 1, id, append, 0, 1, 'bench', 'progress', stream, "
                "type, data, 'person:bench', '', '', '', '' "
                "from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[]) "
                "with ordinality u(id, append, stream, type, data, o)",
                last,
                [e.id for e in events],
                [uuid7() for _ in events],
                [f"bench/progress/{uuid4()}" for _ in events],
                [e.type for e in events],
                [e.data for e in events],
            )
            last += rows
            return rows

        return await rate(1, insert)

    return measure
