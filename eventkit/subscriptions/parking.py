"""Parked events: what a subscription could not handle, with everything that follows it on its stream, so that other
streams flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from eventkit.log import Recorded, StreamId
from eventkit.log.rows import event_of

SCHEMA = """
create table if not exists parked(
  subscription text not null, stream text not null, position bigint not null, error text not null,
  parked_at timestamptz not null default now(), tenant text not null, context text not null,
  id uuid not null, type text not null, data bytea not null, version bigint not null,
  append_id uuid not null, append_index int not null, append_size int not null,
  occurred_at timestamptz not null, recorded_at timestamptz not null,
  actor text not null, correlation_id text not null, causation_id text not null, traceparent text not null,
  primary key (subscription, stream, position)
)
"""


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that waits; `error` is empty for one that only waits behind another."""

    subscription: str
    context: str
    event: Recorded
    error: str
    parked_at: datetime


async def parked_streams(con: asyncpg.Connection, subscription: str) -> set[StreamId]:
    """The streams whose events go straight to the others that wait."""
    rows = await con.fetch("select distinct stream from parked where subscription = $1", subscription)
    return {StreamId.parse(row["stream"]) for row in rows}


async def park(
    con: asyncpg.Connection, subscription: str, context: str, event: Recorded, error: Exception | None
) -> None:
    """Set an event aside; the same event again changes nothing.

    Of the error only its type is kept: its text may hold personal words.
    """
    await con.execute(
        "insert into parked values ($1,$2,$3,$4,now(),$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19) on "
        "conflict do nothing",
        subscription,
        str(event.stream),
        event.position,
        describe(error) if error else "",
        event.tenant,
        context,
        event.id,
        event.type,
        event.data,
        event.version,
        event.append_id,
        event.index,
        event.size,
        event.occurred_at,
        event.recorded_at,
        event.origin.actor,
        event.origin.correlation_id,
        event.origin.causation_id,
        event.origin.traceparent,
    )


async def list_parked(
    con: asyncpg.Connection, tenant: str, subscription: str = "", stream: str = ""
) -> list[ParkedEvent]:
    """A tenant's parked events in order, of every subscription and stream or of one."""
    rows = await con.fetch(
        "select * from parked where tenant = $1 and ($2 = '' or subscription = $2) and ($3 = '' or stream = $3) "
        "order by subscription, stream, position",
        tenant,
        subscription,
        stream,
    )
    return [_parked(row) for row in rows]


async def parked_of(con: asyncpg.Connection, subscription: str, stream: StreamId) -> list[Recorded]:
    """A stream's parked events, in order."""
    rows = await con.fetch(
        "select * from parked where subscription = $1 and stream = $2 order by position", subscription, str(stream)
    )
    return [_parked(row).event for row in rows]


async def note(con: asyncpg.Connection, subscription: str, event: Recorded, error: Exception) -> None:
    """Keep why a parked event failed this time."""
    await con.execute(
        "update parked set error = $4 where subscription = $1 and stream = $2 and position = $3",
        subscription,
        str(event.stream),
        event.position,
        describe(error),
    )


async def remove(con: asyncpg.Connection, subscription: str, event: Recorded) -> None:
    await con.execute(
        "delete from parked where subscription = $1 and stream = $2 and position = $3",
        subscription,
        str(event.stream),
        event.position,
    )


async def drop_all(con: asyncpg.Connection, subscription: str) -> None:
    """Of a subscription whose views are folded anew: what still fails is parked again."""
    await con.execute("delete from parked where subscription = $1", subscription)


async def drop_first(con: asyncpg.Connection, subscription: str, stream: StreamId) -> None:
    """Give up the event that the others of its stream wait behind."""
    await con.execute(
        "delete from parked where subscription = $1 and stream = $2 "
        "and position = (select min(position) from parked where subscription = $1 and stream = $2)",
        subscription,
        str(stream),
    )


async def count(con: asyncpg.Connection, subscription: str) -> int:
    return await con.fetchval("select count(*) from parked where subscription = $1", subscription)


def describe(error: Exception) -> str:
    """An error's type and where it was raised, without its text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + where


def split(events: Sequence[Recorded], waiting: set[StreamId]) -> tuple[list[Recorded], list[Recorded]]:
    """The events that may be handled, and those that must wait behind a parked one."""
    return [e for e in events if e.stream not in waiting], [e for e in events if e.stream in waiting]


def _parked(row: asyncpg.Record) -> ParkedEvent:
    return ParkedEvent(row["subscription"], row["context"], event_of(row), row["error"], row["parked_at"])
