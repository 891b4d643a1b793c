"""The log in one PostgreSQL table.

Positions are 1, 2, 3 … without a gap, in commit order, whatever the number of writing processes: every INSERT takes one
lock and only then reads the last position. Appends that arrive while a commit is in flight become the next group: one
INSERT, one commit, no timer. A group is decided in `grouping.decide` on the versions that its streams are believed to
have; UNIQUE(stream, version) is the compare-and-swap that proves the belief, and guards, which insert nothing, are
checked behind the lock.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg

from eventkit.database import connect, pool
from eventkit.log import grouping
from eventkit.log.group_commit import GroupCommit, Limits
from eventkit.log.grouping import Accepted, Pending
from eventkit.log.moving import Unfinished
from eventkit.log.port import NO_STREAM, Appended, Origin, Recorded, StreamId, Together, Write, WrongVersion
from eventkit.log.recent import Recent
from eventkit.log.rows import event_of
from eventkit.telemetry import Metrics

SCHEMA = """
create table log_event(
  position bigint primary key, recorded_at timestamptz not null, occurred_at timestamptz not null,
      version bigint not null,
  id uuid not null, append_id uuid not null, append_index int not null, append_size int not null,
  tenant text not null, category text not null, stream text not null, type text not null, data bytea not null,
  actor text not null, command_digest bytea not null, correlation_id text not null, causation_id text not null,
      traceparent text not null,
  constraint log_event_id unique (id), constraint log_event_version unique (stream, version)
) with (autovacuum_vacuum_insert_scale_factor = 0.05);
create index log_event_append on log_event(append_id);
create index log_event_tenant on log_event(tenant, category, stream, version);
create function log_last(guarded text[], versions bigint[], out last bigint,
    out at timestamptz) language plpgsql volatile as $$ begin
  perform pg_advisory_xact_lock(hashtext('log_event'));
  -- From here on a new snapshot: what other writers committed before they gave up the lock is seen.
  if cardinality(guarded) > 0 and exists (
      select from unnest(guarded, versions) g(s, v)
      where exists (select from log_event e where e.stream = g.s and e.version = g.v + 1)) then
    raise unique_violation using message = 'a guarded stream has moved';
  end if;
  select position, recorded_at into last, at from log_event order by position desc limit 1;
  last := coalesce(last, 0); at := greatest(at, clock_timestamp());  -- recorded_at never goes back
end $$;
create function log_refuse() returns trigger language plpgsql as
    $$ begin raise exception 'the log is append-only'; end $$;
create trigger log_append_only before update or delete or truncate on log_event
    for each statement execute function log_refuse();
alter table log_event enable always trigger log_append_only;
"""
MARK = "log_moving"
"""A table that is there while a log is being moved here (`postgres_moving`)."""
RESTORING = "log_restoring"
"""A table that is there while `nhip restore` fills this database."""
COLUMNS = (
    "position, recorded_at, occurred_at, version, id, append_id, append_index, append_size, stream, type, data, "
    "actor, command_digest, correlation_id, causation_id, traceparent"
)
READ = """
select array(select coalesce((select version from log_event where stream = s order by version desc limit 1), 0)
             from unnest($1::text[]) with ordinality u(s, o) order by o) as versions,
  array(select i from unnest($2::uuid[]) u(i) where exists(select from log_event where id = i)) as known
"""
_INSERT = """
with t as materialized (select last, at from log_last($15::text[], $16::bigint[])),
i as (insert into log_event(position, recorded_at, occurred_at, version, id, append_id, append_index, append_size,
    tenant, category, stream,
                            type, data, actor, command_digest, correlation_id, causation_id, traceparent)
  select last + o, at, coalesce(occurred, at), v, id, append, idx, size, split_part(stream, '/', 1),
      split_part(stream, '/', 2), stream,
         type, data, actor, digest, correlation, causation, trace
  from t, {rows} u(id, append, idx, size, stream, v, type, data, occurred, actor, digest, correlation, causation,
      trace, o))
select last, at, pg_notify('log_event', (last + $17)::text), {known} as known from t
"""
INSERT = _INSERT.format(
    rows="unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::text[], $6::bigint[], $7::text[], $8::bytea[], "
    "$9::timestamptz[], $10::text[], $11::bytea[], $12::text[], $13::text[], $14::text[]) with ordinality",
    known="array(select i from unnest($18::uuid[]) u(i) where exists(select from log_event where id = i))",
)
INSERT_ONE = _INSERT.format(
    rows="(select $1::uuid, $2::uuid, $3::int, $4::int, $5::text, $6::bigint, $7::text, $8::bytea, $9::timestamptz, "
    "$10::text, $11::bytea, $12::text, $13::text, $14::text, 1)",
    known="'{}'::uuid[]",
)
"""The same for a single event, in a third less time than as arrays."""
LOCK = "begin; select pg_advisory_xact_lock(hashtext('log_event'))"
HOLD = "select pg_advisory_lock(hashtext('log_event'))"
"""As long as the session lives, nobody appends."""
ASK = "select pg_notify('log_turn', s) from unnest($1::text[]) s"
FIND = f"select {COLUMNS} from log_event where id = any($1::uuid[])"
PAGE = f"select {COLUMNS} from log_event where position > $1 order by position limit $2"
STREAM = f"select {COLUMNS} from log_event where stream = $1 and version > $2 order by version limit $3"
STREAMS = (
    f"select e.* from unnest($1::text[], $2::bigint[]) u(s, v), lateral (select {COLUMNS} from log_event "
    "where stream = s and version > v order by version) e"
)
APPEND_OF = (
    f"select {COLUMNS} from log_event "
    "where append_id = (select append_id from log_event where id = $1) order by position"
)
HISTORY = (
    f"select {COLUMNS} from log_event where tenant = $1 and ($2::text[] = '{{}}' or category = any($2)) and position "
    "<= $3 "
    "order by stream, version"
)

# Every statement of the writer is an index probe: a plan made while the table was small must not be a scan that is kept
# for ever. And a new snapshot after the lock needs READ COMMITTED, whatever the database's default is.
WRITER_SETTINGS = {
    "enable_seqscan": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "default_transaction_isolation": "read committed",
}
READ_PAGE = 1000


class PostgresLog:
    """A log in the database at `dsn`. Open it with `async with`; one writer connection and a small pool of readers.

    `metrics` counts what is appended, under the name of the `context`.
    """

    def __init__(
        self,
        dsn: str,
        *,
        metrics: Metrics | None = None,
        context: str = "",
        limits: Limits = Limits(),
        remember: int = 200_000,
        poll_seconds: float = 5.0,
        timeout_seconds: float = 30.0,
    ):
        self._dsn = dsn
        self._remember, self._poll, self._timeout = remember, poll_seconds, timeout_seconds
        self._groups = GroupCommit(
            self._serve,
            self._disbelieve,
            metrics=metrics,
            context=context,
            limits=limits,
        )
        self._writer: asyncpg.Connection | None = None
        self._versions: dict[StreamId, int] = {}
        self._recent = Recent()
        self._last = 0
        """As far as is known: the position of the last event, of whatever process."""
        self._asked = 0
        """How often feeds were asked for a heartbeat."""
        self._listener: asyncpg.Connection | None = None
        self._connecting = asyncio.Lock()
        self._ears: set[asyncio.Event] = set()
        """Of the feeds: set when something may have been appended."""
        self._inserted = 0, datetime.now(UTC)
        """Behind which position the last group was inserted, and when; not committed yet where the lock is held."""

    async def __aenter__(self) -> "PostgresLog":
        self._readers = await pool(self._dsn, "nhip log reader", 4, settings={"jit": "off"}, command_timeout=None)
        async with self._readers.acquire() as con, con.transaction():
            # A lock of its own, as two processes may start at once; and no DDL on a log in use, which would wait for
            # writers or deadlock.
            await con.execute("select pg_advisory_xact_lock(hashtext('log_event schema'))")
            if await con.fetchval("select to_regclass('log_event')") is None:
                await con.execute(SCHEMA)
            if await con.fetchval("select to_regclass($1)", MARK) is not None:
                raise Unfinished("a log was being moved into this database: go on with `nhip log copy`, as before")
            if await con.fetchval("select to_regclass($1)", RESTORING) is not None:
                raise Unfinished(
                    "a restore into this database is not finished, or was cut off: then drop the databases and call "
                    "`nhip restore` again"
                )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Serve what is queued, then disconnect."""
        await self._groups.close()
        if self._writer:
            await self._writer.close()
        if self._listener:
            self._listener.terminate()
        await self._readers.close()

    # -- writing

    async def append(self, *writes: Write, origin: Origin) -> Appended:
        return await self._groups.append(writes, origin)

    async def append_together(self, appends: Sequence[Together]) -> Appended:
        return await self._groups.append_together(appends)

    async def _serve(self, group: list[Pending]) -> None:
        if self._writer is None or self._writer.is_closed():
            # a belief dies with its connection: after a failover it could be too high, and leave a gap in a stream
            self._disbelieve()
            self._writer = await connect(
                self._dsn, "nhip log writer", settings=WRITER_SETTINGS, command_timeout=self._timeout
            )
            await self._listen()
        await self._store(self._writer, group)
        repeats = [p for p in group if p.verdict is None]
        if repeats:
            ids = [e.id for p in repeats for w in p.writes for e in w.events]
            stored = {r.id: r for r in map(event_of, await self._writer.fetch(FIND, ids))}
            for p in repeats:
                p.verdict = grouping.repeated(p, stored)

    def _disbelieve(self) -> None:
        self._versions = {}
        self._recent.forget()
        if self._writer:
            self._writer.terminate()
            self._writer = None

    async def _store(self, writer: asyncpg.Connection, group: list[Pending]) -> None:
        believed: dict[StreamId, int | None] = {}
        for pending in group:
            for stream, expected, _ in pending.writes:
                # To take NO_STREAM at its word is safe: version 1 is refused if there is one.
                if stream not in believed:
                    believed[stream] = self._versions.get(stream, 0 if expected == NO_STREAM else None)
        # 1. On what is believed. If that gives every append a verdict that the INSERT proves: one round trip.
        versions = {stream: version for stream, version in believed.items() if version is not None}
        if len(versions) == len(believed):
            start = dict(versions)  # as `decide` moves the other one on
            accepted = grouping.decide(group, versions, frozenset())
            if grouping.proved(group) and await self._insert(writer, group, accepted, start, versions):
                self._stored(accepted)
                return
        # 2. On what is stored now. 3. The same with all other writers locked out, if one of them moved a stream in
        # between.
        ids = [e.id for p in group for w in p.writes for e in w.events]
        for locked in (False, True):
            if locked:
                await writer.execute(LOCK)
            row = await writer.fetchrow(READ, [str(s) for s in believed], ids)
            assert row is not None
            start: dict[StreamId, int] = dict(zip(believed, row["versions"], strict=True))
            versions = dict(start)
            accepted = grouping.decide(group, versions, frozenset(row["known"]))
            done = await self._insert(writer, group, accepted, start, versions)
            if locked:
                await writer.execute("commit" if done else "rollback")
            if done:
                self._stored(accepted)
                elsewhere = {
                    str(s)
                    for p in group
                    if isinstance(p.verdict, WrongVersion) and (s := p.verdict.stream)
                    if (belief := believed[s]) is not None and belief < start[s]
                }
                if elsewhere:  # another process was faster: it leaves the stream to this one for a moment
                    await writer.execute(ASK, list(elsewhere))
                return
        raise AssertionError("a conflict behind the lock: somebody writes to log_event without it")

    async def _insert(
        self,
        writer: asyncpg.Connection,
        group: list[Pending],
        accepted: list[Accepted],
        start: dict[StreamId, int],
        versions: dict[StreamId, int],
    ) -> bool:
        """False, and nothing stored: a stream was moved by another process, or an id is stored already."""
        if accepted:
            guarded = grouping.guards(group, start)
            lost = [e.id for p in group if isinstance(p.verdict, WrongVersion) for w in p.writes for e in w.events]
            proofs = [str(s) for s in guarded], list(guarded.values()), len(accepted)
            rows = [_row(event) for event in accepted]
            try:
                if len(rows) == 1 and not lost:
                    row = await writer.fetchrow(INSERT_ONE, *rows[0], *proofs)
                else:
                    columns = [list(column) for column in zip(*rows, strict=True)]
                    row = await writer.fetchrow(INSERT, *columns, *proofs, lost)
            except asyncpg.UniqueViolationError:
                return False
            assert row is not None
            known = frozenset[UUID](row["known"])
            self._inserted = row["last"], row["at"]
            for pending in group:
                if isinstance(pending.verdict, Appended):
                    pending.verdict = Appended(row["last"] + pending.verdict.position, pending.verdict.versions)
                elif known and pending.verdict and any(e.id in known for w in pending.writes for e in w.events):
                    pending.verdict = None  # it lost because it is stored already
        self._versions.update(versions)
        for stream in list(islice(self._versions, max(0, len(self._versions) - self._remember))):
            del self._versions[stream]
        return True

    def _stored(self, accepted: list[Accepted]) -> None:
        """What was stored and committed: whoever follows the log here is given it."""
        if not accepted or not self._ears:
            self._recent.forget()
            return
        behind, at = self._inserted
        self._last = behind + len(accepted)
        self._recent.put(
            [
                Recorded(
                    a.event.id,
                    a.event.type,
                    a.event.data,
                    a.stream,
                    a.version,
                    position,
                    a.part.append_id,
                    a.index,
                    a.part.events,
                    a.event.occurred_at or at,
                    at,
                    a.part.origin,
                )
                for position, a in enumerate(accepted, behind + 1)
            ]
        )
        for news in self._ears:
            news.set()

    # -- reading

    async def read(self, stream: StreamId, *, after: int = 0) -> AsyncIterator[Recorded]:
        while rows := await self._readers.fetch(STREAM, str(stream), after, READ_PAGE):
            for row in rows:
                yield event_of(row)
            if len(rows) < READ_PAGE:
                return
            after = rows[-1]["version"]

    async def read_together(self, after: Mapping[StreamId, int]) -> list[Recorded]:
        rows = await self._readers.fetch(STREAMS, [str(stream) for stream in after], list(after.values()))
        return [event_of(row) for row in rows]

    async def append_of(self, event_id: UUID) -> list[Recorded]:
        return [event_of(row) for row in await self._readers.fetch(APPEND_OF, event_id)]

    async def stored(self, event_ids: Collection[UUID]) -> dict[UUID, Recorded]:
        return {event.id: event for event in map(event_of, await self._readers.fetch(FIND, list(event_ids)))}

    async def last_position(self) -> int:
        return await self._readers.fetchval("select coalesce(max(position), 0) from log_event")

    async def history(self, tenant: str, categories: Sequence[str], *, upto: int) -> AsyncGenerator[list[Recorded]]:
        async with self._readers.acquire() as con, con.transaction():
            stream: list[Recorded] = []
            async for row in con.cursor(HISTORY, tenant, list(categories), upto, prefetch=READ_PAGE):
                event = event_of(row)
                if stream and stream[0].stream != event.stream:
                    yield stream
                    stream = []
                stream.append(event)
            if stream:
                yield stream

    async def feed(self, after: int = 0, *, page: int = 500) -> AsyncGenerator[list[Recorded]]:
        """See the port. Raises the connection's error when it breaks: begin again behind the last position."""
        news, asked, unsure = asyncio.Event(), self._asked, True
        self._ears.add(news)
        try:
            listener = await self._listen()
            while True:
                news.clear()
                while events := self._recent.after(after, page) or (
                    await self._page(after, page) if unsure or self._last > after else []
                ):
                    after = events[-1].position
                    yield events
                unsure = False
                if asked != self._asked:
                    asked = self._asked
                    yield []
                try:
                    # Not wait_for: before Python 3.12 that may swallow a cancellation.
                    async with asyncio.timeout(self._poll):
                        await news.wait()  # a notification only shortens the wait
                except TimeoutError:
                    unsure = True
                    yield []
                if listener.is_closed():
                    raise ConnectionError("the connection that hears of new events was lost")
        finally:
            self._ears.discard(news)

    async def _page(self, after: int, page: int) -> list[Recorded]:
        rows = await self._readers.fetch(PAGE, after, page)
        missing = rows[-1]["append_size"] - rows[-1]["append_index"] - 1 if rows else 0
        if missing:  # positions of an append follow each other, so the rest of it is just behind
            rows += await self._readers.fetch(PAGE, rows[-1]["position"], missing)
        return [event_of(row) for row in rows]

    async def _listen(self) -> asyncpg.Connection:
        """The one connection that hears of new events, for all feeds."""
        async with self._connecting:
            if self._listener is None or self._listener.is_closed():
                self._listener = await connect(self._dsn, "nhip log feed")
                self._listener.add_termination_listener(self._hear)
                await self._listener.add_listener("log_event", self._hear)
                await self._listener.add_listener("log_turn", self._hear_of_a_turn)
            return self._listener

    def _hear(self, _connection: object, _pid: int = 0, _channel: str = "", payload: object = "") -> None:
        """Something was appended, by whatever process: `payload` is the last position. Without one, feeds are asked for
        a heartbeat, or their connection was lost."""
        if payload:
            self._last = max(self._last, int(str(payload)))
        else:
            self._asked += 1
        for news in self._ears:
            news.set()

    def _hear_of_a_turn(self, _connection: object, pid: int, _channel: str, stream: object) -> None:
        if self._writer is None or pid != self._writer.get_server_pid():
            self._groups.leave_to_others(StreamId.parse(str(stream)))


def _row(accepted: Accepted) -> tuple[Any, ...]:
    """An event as the INSERT takes it."""
    event, part = accepted.event, accepted.part
    return (
        event.id,
        part.append_id,
        accepted.index,
        part.events,
        str(accepted.stream),
        accepted.version,
        event.type,
        event.data,
        event.occurred_at,
        *part.origin,
    )
