"""A log moved into PostgreSQL: rows as they were, under a mark that keeps services from the half of one."""

from collections.abc import AsyncGenerator, Sequence

from eventkit.database import connect
from eventkit.log.moving import Occupied
from eventkit.log.port import Recorded
from eventkit.log.postgres import COLUMNS, MARK, SCHEMA
from eventkit.log.rows import event_of

INSERT = (
    f"insert into log_event({COLUMNS}, tenant, category) "
    "select *, split_part(u.stream, '/', 1), split_part(u.stream, '/', 2) from unnest($1::bigint[], $2::timestamptz[], "
    "$3::timestamptz[], $4::bigint[], $5::uuid[], $6::uuid[], $7::int[], $8::int[], $9::text[], $10::text[], "
    "$11::bytea[], $12::text[], $13::bytea[], $14::text[], $15::text[], $16::text[]) as "
    f"u({COLUMNS})"
)
LAST = "select coalesce(max(position), 0) from log_event"


class IntoPostgres:
    """Receives a log in the database at `dsn`; open it with `async with`."""

    def __init__(self, dsn: str):
        self._dsn = dsn

    async def __aenter__(self) -> "IntoPostgres":
        settings = {"idle_in_transaction_session_timeout": "0"}  # while rows are compared with a slower log
        self._con = await connect(self._dsn, "nhip log copy", settings=settings, command_timeout=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._con.close()

    async def begin(self) -> int:
        async with self._con.transaction():
            await self._con.execute("select pg_advisory_xact_lock(hashtext('log_event schema'))")
            if await self._con.fetchval("select to_regclass('log_event')") is None:
                await self._con.execute(SCHEMA)
            if await self._con.fetchval("select to_regclass($1)", MARK) is None:
                if await self._con.fetchval("select exists(select from log_event)"):
                    raise Occupied("there is a log in this database already")
                await self._con.execute(f"create table {MARK}()")
            return await self._con.fetchval(LAST)

    async def take(self, events: Sequence[Recorded]) -> None:
        rows = [
            (
                e.position,
                e.recorded_at,
                e.occurred_at,
                e.version,
                e.id,
                e.append_id,
                e.index,
                e.size,
                str(e.stream),
                e.type,
                e.data,
                *e.origin,
            )
            for e in events
        ]
        await self._con.execute(INSERT, *(list(column) for column in zip(*rows, strict=True)))

    async def finish(self, last: int) -> None:
        """New positions go on behind the last one by themselves."""
        await self._con.execute(f"drop table {MARK}; analyze log_event")

    async def taken(self) -> AsyncGenerator[Recorded]:
        async with self._con.transaction():
            async for row in self._con.cursor(f"select {COLUMNS} from log_event order by position", prefetch=1000):
                yield event_of(row)
