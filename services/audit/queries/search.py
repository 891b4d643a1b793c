"""Queries of the ledger, over all contexts at once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from eventkit import contracts
from eventkit.errors import Kind, Rejected
from eventkit.rpc.paging import Cursor
from eventkit.telemetry import unshown
from eventkit.values import from_datetime, to_datetime
from nhip.audit.v1 import audit_pb2 as pb
from nhip.audit.v1 import types_pb2 as t
from services.audit.domain import contents
from services.audit.views.ledger import LedgerView, SubjectView, decoded

MOST_HOLES = 100
NEIGHBOURS = 10
"""How many events of an append are told before and behind each: an append may have hundreds."""

COLUMNS = (datetime, str, int)
"""The types of what a place in the ledger is made of: when it was recorded, in which context, at which position."""


def cursor_of(row: asyncpg.Record) -> Cursor:
    return row["recorded_at"], row["context"], row["position"]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, and what they may: all of it, or what is for whoever reads the ledger and what concerns themselves."""

    id: str
    everything: bool

    def may(self, row: str, argument: Callable[[object], str]) -> str:
        """The condition on a row."""
        return "true" if self.everything else f"({row}.concerned is null or {argument(self.id)} = any({row}.concerned))"


class _Arguments(list[Any]):
    """Those of a statement."""

    def named(self, value: object) -> str:
        """One more, as the statement calls it."""
        self.append(value)
        return f"${len(self)}"


async def entries(
    con: asyncpg.Connection,
    tenant: str,
    filter: t.Filter,
    reader: Reader,
    *,
    behind: Cursor | None,
    limit: int,
    newest_first: bool,
) -> list[asyncpg.Record]:
    """The rows that a filter lets through and the reader may read, in the order of their recording."""
    asked = [context for context in contracts.contexts() if filter.context in ("", context)]
    if not asked:
        known = ", ".join(contracts.contexts())
        raise Rejected("CONTEXT_UNKNOWN", f"give one of {known}", kind=Kind.INVALID, field="filter.context")
    if filter.subject_id and not filter.subject_kind:
        raise Rejected(
            "KIND_MISSING", "say of what kind the subject is, as kpi", kind=Kind.INVALID, field="filter.subject_kind"
        )
    arguments = _Arguments([tenant, limit])

    where = ["l.tenant = $1", reader.may("l", arguments.named)]
    if filter.type:
        where.append(f"l.type = any({arguments.named(contracts.types_named(filter.type))}::text[])")
    if filter.actor:
        actor = filter.actor if ":" in filter.actor else f"person:{filter.actor}"
        where.append(f"l.actor_id = {arguments.named(actor)}")
    if filter.HasField("from"):
        where.append(f"l.recorded_at >= {arguments.named(to_datetime(getattr(filter, 'from')))}")
    if filter.HasField("until"):
        where.append(f"l.recorded_at < {arguments.named(to_datetime(filter.until))}")
    if filter.reason:
        where.append(f"l.reason = {arguments.named(filter.reason)}")
    about = ""
    if filter.subject_kind:
        about = f"s.tenant = $1 and s.position = l.position and s.kind = {arguments.named(filter.subject_kind)}"
        about += f" and s.id = {arguments.named(filter.subject_id)}" if filter.subject_id else ""
    order = "desc" if newest_first else "asc"
    if behind:
        beyond = "<" if newest_first else ">"
        recorded_at, context, position = behind
        values = ", ".join(
            (arguments.named(recorded_at), arguments.named(context) + "::text", arguments.named(position))
        )
        where.append(f"(l.recorded_at, l.context, l.position) {beyond} ({values})")
    branches = [
        f"(select * from (select '{context}'::text as context, e.* from {LedgerView(context).table} e) l where "
        f"{' and '.join(where)} "
        + (f"and exists (select from {SubjectView(context).table} s where {about}) " if about else "")
        + f"order by l.recorded_at {order}, l.position {order} limit $2)"
        for context in asked
    ]
    return await con.fetch(
        f"select * from ({' union all '.join(branches)}) l order by l.recorded_at {order}, l.context {order}, "
        f"l.position {order} limit $2",
        *arguments,
    )


async def told(
    con: asyncpg.Connection, tenant: str, rows: Sequence[asyncpg.Record], reader: Reader, *, neighbours: int
) -> list[pb.Entry]:
    """Rows as they are answered: with what they say, their causes, and what stands next to them in their appends."""
    causes = await _references(
        con, tenant, reader, "l.event_id = any($2::uuid[])", list(_uuids(row["causation_id"] for row in rows))
    )
    cause_of = {str(row["event_id"]): _reference(row) for row in causes}
    several = [row for row in rows if row["append_size"] > 1] if neighbours else []
    near = await _references(
        con,
        tenant,
        reader,
        "l.append_id = any($2::uuid[]) and exists (select from unnest($2::uuid[], $3::int[]) next (append, index) "
        f"where next.append = l.append_id and next.index between l.append_index - {neighbours} "
        f"and l.append_index + {neighbours})",
        [row["append_id"] for row in several],
        [row["append_index"] for row in several],
    )
    readable = await _readable(con, tenant, reader, several)
    by_place = {(row["append_id"], row["append_index"]): _reference(row) for row in near}
    found: list[pb.Entry] = []
    for row in rows:
        message = decoded(row["type"], row["data"], row["event_id"])
        together = _next_to(row, by_place, neighbours)
        entry = pb.Entry(
            context=row["context"],
            position=row["position"],
            event_id=str(row["event_id"]),
            type=row["type"],
            stream=row["stream"],
            version=row["version"],
            actor=row["actor"],
            recorded_at=from_datetime(row["recorded_at"]),
            occurred_at=from_datetime(row["occurred_at"]),
            subjects=contents.subjects(message) if message else [],
            values=contents.values(message, reader=reader.id) if message else [],
            append_id=str(row["append_id"]),
            append_index=row["append_index"],
            append_size=row["append_size"],
            correlation_id=row["correlation_id"],
            cause=cause_of.get(row["causation_id"]),
            together=together,
            further=max(0, readable.get(row["append_id"], 1) - 1 - len(together)),
            unknown=message is None,
        )
        if lost := [value.path for value in entry.values if value.unreadable]:
            unshown("ledger", entry.event_id, ValueError(f"{entry.type} {', '.join(lost)}"))
        found.append(entry)
    return found


async def completeness(con: asyncpg.Connection, tenant: str, context: str) -> pb.ContextCompleteness:
    """Whether all that was recorded of a tenant is there.

    Positions are of all tenants, so the connection is none of the reader role; what is counted and told is the tenant's
    own.
    """
    ledger = LedgerView(context).table
    own = await con.fetchrow(
        f"select count(*) as entries, coalesce(max(position), 0) as last from {ledger} where tenant = $1",
        tenant,
    )
    assert own is not None
    passed_over = await con.fetchval(f"select $1::bigint - count(*) from {ledger} where position <= $1", own["last"])
    holes: list[asyncpg.Record] = []
    if passed_over:
        holes = await con.fetch(
            f"""with told as (select position, lag(position, 1, 0::bigint) over (order by position) as previous
                from {ledger})
                select previous + 1 as first, position - 1 as last from told
                where position > previous + 1 and position <= $2 order by position limit $1""",
            MOST_HOLES,
            own["last"],
        )
    broken = await con.fetchval(
        f"select exists (select from {ledger} where tenant = $1 group by stream having count(*) <> max(version))",
        tenant,
    )
    answer = pb.ContextCompleteness(
        context=context, last=own["last"], entries=own["entries"], complete=not holes and not broken
    )
    for hole in holes:
        told_hole = answer.holes.add(to=hole["last"])
        setattr(told_hole, "from", hole["first"])
    return answer


async def _references(
    con: asyncpg.Connection, tenant: str, reader: Reader, condition: str, ids: Sequence[UUID], *more: Sequence[int]
) -> list[asyncpg.Record]:
    """Events of all contexts by a condition on $2 (`ids`), $3 …, that the reader may read."""
    arguments = _Arguments([tenant, ids, *more])
    if not ids:
        return []

    may = reader.may("l", arguments.named)
    branches = [
        f"select '{context}' as context, l.* from {LedgerView(context).table} l "
        f"where l.tenant = $1 and {condition} and {may}"
        for context in contracts.contexts()
    ]
    return await con.fetch(" union all ".join(branches), *arguments)


async def _readable(
    con: asyncpg.Connection, tenant: str, reader: Reader, rows: Sequence[asyncpg.Record]
) -> Mapping[UUID, int]:
    """How many events of the appends of some rows the reader may read."""
    sizes = {row["append_id"]: row["append_size"] for row in rows}
    if reader.everything or not sizes:
        return sizes
    arguments = _Arguments([tenant, list(sizes)])

    may = reader.may("l", arguments.named)
    branches = [
        f"select l.append_id, count(*) as events from {LedgerView(context).table} l "
        f"where l.tenant = $1 and l.append_id = any($2::uuid[]) and {may} group by l.append_id"
        for context in sorted({row["context"] for row in rows})
    ]
    return {row["append_id"]: row["events"] for row in await con.fetch(" union all ".join(branches), *arguments)}


def _next_to(
    row: asyncpg.Record, by_place: Mapping[tuple[UUID, int], pb.Reference], neighbours: int
) -> list[pb.Reference]:
    """What stands before and behind a row in its append, in its order."""
    at, last = row["append_index"], row["append_size"] - 1
    places = range(max(0, at - neighbours), min(last, at + neighbours) + 1)
    return [by_place[row["append_id"], n] for n in places if n != at and (row["append_id"], n) in by_place]


def _reference(row: asyncpg.Record) -> pb.Reference:
    return pb.Reference(
        context=row["context"],
        position=row["position"],
        event_id=str(row["event_id"]),
        type=row["type"],
        stream=row["stream"],
        actor=row["actor"],
        recorded_at=from_datetime(row["recorded_at"]),
    )


def _uuids(texts: Iterable[str]) -> set[UUID]:
    """Ids of events among causes: what caused a command may also have been no event."""
    found: set[UUID] = set()
    for text in filter(None, texts):
        try:
            found.add(UUID(text))
        except ValueError:
            continue
    return found
