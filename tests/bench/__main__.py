"""`make bench`: how fast things are, each beside a limit measured in the same run. Machines are noisy: read the ratios.

Appends go through the log as services use it; the limit is the same number of rows in plain INSERTs of the same size
into the same table's shape, one commit per group. Folding pages into a view is held against counting the same events.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import asyncpg
from google.type.date_pb2 import Date
from rich.console import Console
from rich.table import Table

from deploy.engines import engines, url_of_database
from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Write, wire
from eventkit.log.postgres import PostgresLog
from eventkit.process import provision
from eventkit.values import from_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from services.goals.views.progress import ProgressView

SECONDS, ROUNDS = 1.5, 3
ORIGIN = Origin("person:bench")


def event(day: int = 1) -> NewEvent:
    recorded = ProgressRecorded(
        kpi_id="0" * 36,
        cycle_id="1" * 36,
        occurred_on=Date(year=2025, month=1, day=day),
        after=from_decimal(44),
        confidence=7,
        author_id="2" * 36,
    )
    return NewEvent(uuid7(), wire.type_name(recorded), wire.encode(recorded))


async def rate(callers: int, once: Callable[[int], Awaitable[int]]) -> float:
    """Things done a second by so many callers at once."""
    done = 0
    stop = time.perf_counter() + SECONDS

    async def call(number: int) -> None:
        nonlocal done
        while time.perf_counter() < stop:
            things = await once(number)
            done += things  # not `done += await …`: that would read `done` before the wait

    began = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(callers)))
    return done / (time.perf_counter() - began)


async def appending(log: PostgresLog, callers: int) -> float:
    versions: dict[int, tuple[StreamId, int]] = {}

    async def append(number: int) -> int:
        stream, version = versions.get(number, (StreamId("bench", "progress", str(uuid4())), 0))
        await log.append(Write(stream, version, [event()]), origin=ORIGIN)
        versions[number] = stream, version + 1
        return 1

    return await rate(callers, append)


async def plainly(con: asyncpg.Connection, rows: int) -> float:
    """The limit: INSERTs of so many rows, each its own commit."""

    async def insert(_: int) -> int:
        events = [event() for _ in range(rows)]
        await con.execute(
            "insert into plain(id, type, data) select * from unnest($1::uuid[], $2::text[], $3::bytea[])",
            [e.id for e in events],
            [e.type for e in events],
            [e.data for e in events],
        )
        return rows

    return await rate(1, insert)


async def folding(log: PostgresLog, pool: asyncpg.Pool, *, write: bool) -> float:
    """Events a second read from the feed, decoded, and, if asked, folded into a view."""
    view = ProgressView()
    end, done = await log.last_position(), 0
    began = time.perf_counter()
    feed = log.feed(0)
    async for page in feed:
        done += sum(1 for e in page if e.message is not None)
        if write and page:
            async with pool.acquire() as con, con.transaction():
                await view.apply(con, page)  # type: ignore[arg-type] # the pool's proxy is a connection in all but its type
        if not page or page[-1].position >= end:
            break
    await feed.aclose()
    return done / (time.perf_counter() - began)


async def median(measure: Callable[[], Awaitable[float]]) -> float:
    return statistics.median([await measure() for _ in range(ROUNDS)])


async def main() -> None:
    say = Console()
    table = Table(
        "what", "a second", "limit", "a second", "share", title="Medians of three rounds on this machine, now"
    )
    for column in table.columns[1::2] + table.columns[4:]:
        column.justify = "right"
    with TemporaryDirectory(prefix="nhip-bench-") as folder:
        async with engines(Path(folder), kafka="not-needed:1", say=say.print) as running:
            await provision.databases(running.postgres, ["bench"])
            dsn = url_of_database(running.postgres, "nhip_bench")
            async with PostgresLog(dsn) as log, asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
                con = await asyncpg.connect(dsn)
                await con.execute(
                    "create table plain(n bigint generated always as identity primary key, id uuid unique, type text, "
                    "data bytea)"
                )
                await provision.tables(pool, [ProgressView()])
                for callers in (1, 8, 64, 256):
                    ours, limit = (
                        await median(lambda n=callers: appending(log, n)),
                        await median(lambda n=callers: plainly(con, n)),
                    )
                    row(table, f"append, {callers} callers", ours, f"plain INSERT, {callers} rows a commit", limit)
                read, folded = await folding(log, pool, write=False), await folding(log, pool, write=True)
                row(table, "fold the log into a view", folded, "read and decode it", read)
                await con.close()
    say.print(table)


def row(table: Table, what: str, ours: float, limit: str, theirs: float) -> None:
    table.add_row(what, f"{ours:,.0f}", limit, f"{theirs:,.0f}", f"{ours / theirs:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
