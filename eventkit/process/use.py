"""When integrations were last there, and how often: beside the log, for it is no fact that anything is decided by.

Counted in memory, written every few seconds: what a process that is killed had not written is lost.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from eventkit.context import Actor
from eventkit.database import connection
from eventkit.log.faults import TRANSIENT
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.common.v1 import operations_pb2 as pb

WRITE_SECONDS = 5.0
KEPT = timedelta(days=30)

SCHEMA = """create table if not exists integration_use (
    tenant text not null, integration_id text not null, day date not null, calls bigint not null,
    last_at timestamptz not null, primary key (tenant, integration_id, day))"""

log = structlog.get_logger(__name__)


class Use:
    """What this process saw of integrations."""

    def __init__(self, pool: asyncpg.Pool, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._pool, self._now = pool, now
        self._calls, self._last = Counter[tuple[str, str]](), dict[tuple[str, str], datetime]()

    def count(self, actor: Actor) -> None:
        who = actor.tenant, actor.id
        self._calls[who] += 1
        self._last[who] = self._now()

    async def run(self, beat: Callable[[], None]) -> None:
        """Writes, for ever."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()
            beat()

    async def write(self) -> None:
        calls, last = self._calls, self._last
        self._calls, self._last = Counter[tuple[str, str]](), dict[tuple[str, str], datetime]()
        if not calls:
            return
        rows = [(*who, last[who].date(), number, last[who]) for who, number in calls.items()]
        try:
            async with connection(self._pool) as con:
                await con.executemany(
                    """insert into integration_use values ($1, $2, $3, $4, $5) on conflict (tenant, integration_id, day)
                    do update set calls = integration_use.calls + excluded.calls,
                                  last_at = greatest(integration_use.last_at, excluded.last_at)""",
                    rows,
                )
                # The last day stays, however long ago it was.
                await con.execute(
                    """delete from integration_use u where day < $1 and exists (select from integration_use later
                    where (later.tenant, later.integration_id) = (u.tenant, u.integration_id) and later.day > u.day)""",
                    (self._now() - KEPT).date(),
                )
        except TRANSIENT as error:
            log.warning("use.not_written", error=type(error).__name__)
            self._calls.update(calls)
            self._last = last | self._last


async def uses(pool: asyncpg.Pool, tenant: str, request: pb.ListIntegrationUse, now: datetime) -> pb.IntegrationUses:
    """A page of what all processes of a service saw."""
    page = asked(request, tenant, str, size=200)
    async with connection(pool) as con:
        rows = await con.fetch(
            """select integration_id, max(last_at) as last_at, coalesce(sum(calls) filter (where day >= $2), 0) as calls
            from integration_use where tenant = $1 and ($3 = '' or integration_id = $3)
            and ($4::text is null or integration_id > $4) group by integration_id order by integration_id limit $5""",
            tenant,
            (now - KEPT).date(),
            request.integration_id,
            page.after[0] if page.after else None,
            page.limit,
        )
    shown, token = page.cut(rows, lambda row: (row["integration_id"],))
    return pb.IntegrationUses(
        uses=[
            pb.IntegrationUse(
                integration_id=row["integration_id"], last_at=from_datetime(row["last_at"]), calls=int(row["calls"])
            )
            for row in shown
        ],
        next_page_token=token,
    )
