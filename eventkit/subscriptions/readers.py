"""Which running processes read which tables of views, so that those that nobody reads can be dropped.

A process says what it reads when it makes or finds its tables, and again and again while it runs. Every version writes
its own tables, so replicas of two versions run beside each other, and each row here is of one process and one
subscription. Times are the database's.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import asyncpg

from eventkit.database import connection
from eventkit.subscriptions.projection import AnyView, by_subscription

SCHEMA = """
create table if not exists reader(
  id uuid not null, process text not null, subscription text not null, tables text[] not null,
  until timestamptz not null, primary key (id, subscription)
)
"""
LOCK = "select pg_advisory_xact_lock(hashtext('nhip tables'))"
"""Tables are made, and dropped, by one process at a time."""
READS_SECONDS = 60
"""How long a process that says nothing more counts as one that reads."""
SAYS_SECONDS = 15.0
"""How often it says so."""
DROP_WAIT = "5s"
"""How long a drop waits for a query that runs."""


class Forgotten(Exception):
    """This process said nothing for so long that its tables may be gone: it must start anew."""


class InUse(Exception):
    """A table that nobody said to read is being read."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A running process."""

    id: UUID = field(default_factory=uuid4)
    process: str = field(default_factory=lambda: f"{socket.gethostname()}/{os.getpid()}")


async def register(con: asyncpg.Connection, reader: Reader, views: Sequence[AnyView]) -> None:
    """Say what a process reads, in the transaction that holds `LOCK` and finds the tables there.

    What ended processes had said of the same tables is said by this one now.
    """
    for subscription, shared in by_subscription(views).items():
        tables = sorted(view.table.name for view in shared)
        await con.execute(
            "delete from reader where subscription = $1 and tables = $2 and until < now()", subscription, tables
        )
        await con.execute(
            "insert into reader values ($1, $2, $3, $4, now() + make_interval(secs => $5))",
            reader.id,
            reader.process,
            subscription,
            tables,
            READS_SECONDS,
        )


async def still_reads(pool: asyncpg.Pool, reader: Reader) -> None:
    """Say it again. Raises `Forgotten` when somebody has dropped what nobody seemed to read any more."""
    async with connection(pool) as con:
        said = await con.execute(
            "update reader set until = now() + make_interval(secs => $2) where id = $1", reader.id, READS_SECONDS
        )
    if said == "UPDATE 0":
        raise Forgotten(f"{reader.process} was taken for ended, and its tables may be gone")


async def reads_no_more(pool: asyncpg.Pool, reader: Reader) -> None:
    """The process ends. What it read is remembered, so that it can be dropped one day."""
    async with connection(pool) as con:
        await con.execute("update reader set until = now() where id = $1", reader.id)


@dataclass(frozen=True, slots=True)
class Kept:
    """The tables of one subscription, and who reads them; nobody: they can be dropped."""

    subscription: str
    tables: tuple[str, ...]
    processes: tuple[str, ...]


async def kept(con: asyncpg.Connection) -> list[Kept]:
    """All tables that any process said it reads, by subscription. A table counts where it is read, if anywhere.

    A view that the code has no more stays until its subscription takes the next version: the version before may come
    back, and finds a subscription that has begun with all of its tables.
    """
    rows = await con.fetch(
        """with said as (select subscription, process, until > now() as reads, unnest(tables) as name from reader)
        select subscription, array_agg(distinct name order by name) as tables,
          coalesce(array_agg(distinct process order by process) filter (where reads), '{}') as processes
        from said where reads or not exists (select from said other where other.name = said.name and other.reads)
        group by subscription order by subscription"""
    )
    return [Kept(row["subscription"], tuple(row["tables"]), tuple(row["processes"])) for row in rows]


async def processes(con: asyncpg.Connection) -> list[str]:
    """Those that run, or were killed less than `READS_SECONDS` ago."""
    rows = await con.fetch("select distinct process from reader where until > now() order by process")
    return [row["process"] for row in rows]


async def drop(con: asyncpg.Connection, unread: Sequence[Kept]) -> None:
    """Drop tables that nobody reads, with their checkpoints and what is parked behind them.

    In a transaction that held `LOCK` when it looked. Raises `InUse` when a query runs on one of them.
    """
    await con.execute(f"set local lock_timeout = '{DROP_WAIT}'")
    for each in unread:
        try:
            await con.execute("".join(f"drop table if exists {name};" for name in each.tables))
        except asyncpg.LockNotAvailableError as error:
            raise InUse(each.subscription) from error
        for of in ("checkpoint", "parked", "reader"):
            await con.execute(f"delete from {of} where subscription = $1", each.subscription)
