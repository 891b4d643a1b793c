"""Takes out of a service's database what is kept of tenants that were deleted: rows of views, of whatever version, what
is parked, what is noted beside the log. The log itself stays whole (decision 54).

It is looked for again and again: a page that was folded at that moment, a version that fills its tables or a row that
came late leaves nothing behind for longer than a minute.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from eventkit.database import connection
from eventkit.log.faults import TRANSIENT, Backoff
from eventkit.process import use
from eventkit.process.service import Resources, Service
from eventkit.subscriptions import checkpoint, parking, readers
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.subscription import count_parked
from eventkit.telemetry import Metrics

LOOK_SECONDS = 1.0
SWEEP_SECONDS = 60.0
AT_ONCE = 20_000
"""Rows of one statement: however many there are, each has an end, and liveness is told in between."""
_WITH_TENANTS = """
select table_name, array_agg(column_name::text) as columns from information_schema.columns
where table_schema = current_schema() and table_name = any($1::text[])
group by table_name having bool_or(column_name = 'tenant') order by table_name
"""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sweeper:
    """What a service keeps beside its log, and what has to be told when something of it is gone."""

    resources: Resources
    pool: asyncpg.Pool
    leads: Leads
    metrics: Metrics
    service: Service
    subscriptions: Iterable[str]

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever, in one process at a time."""
        backoff = Backoff()
        while True:
            try:
                async with self.leads.lead("deleted tenants", beat) as lead:
                    swept, again_at = frozenset[str](), 0.0
                    while True:
                        lead.check()
                        gone = await self.resources.directory.gone()
                        if gone - swept or (gone and time.monotonic() > again_at):
                            await self.take_out(gone, beat)
                            swept, again_at = gone, time.monotonic() + SWEEP_SECONDS
                        backoff.succeeded()
                        beat()
                        await asyncio.sleep(LOOK_SECONDS)
            except TRANSIENT as error:
                log.warning("deleted_tenants.retry", error=type(error).__name__)
                beat()
                await backoff.pause()

    async def take_out(self, gone: frozenset[str], beat: Callable[[], None]) -> int:
        """Answers how many rows there were, or had something to be blanked. Each table by itself: what ends it in
        between is gone on from."""
        taken = 0
        async with connection(self.pool) as con:
            for taking in await self._statements(con):
                last = AT_ONCE
                while last == AT_ONCE:
                    try:
                        done = await con.execute(taking, list(gone))
                    except asyncpg.UndefinedTableError:  # dropped meanwhile, with all that was in it
                        break
                    last = int(done.rpartition(" ")[2])
                    taken += last
                    beat()
            if taken:
                await checkpoint.tell_changed(con)
                for name in self.subscriptions:
                    await count_parked(con, self.metrics, name)
        if taken:
            self.resources.reached.changed()
            log.info("deleted_tenants.taken_out", rows=taken)
        return taken

    async def _statements(self, con: asyncpg.Connection) -> Sequence[str]:
        """For each table that has tenants' rows, views of other versions among them as long as they are kept: what
        takes out some of those of tenants `$1`, or makes them blank where they are to stay."""
        made = ";".join((parking.SCHEMA, use.SCHEMA, *self.service.beside))
        names = set(re.findall(r"create table if not exists (\w+)", made))
        names.update(name for kept in await readers.kept(con) for name in kept.tables)
        outlive = {view.name: view.blanks for view in self.service.views if view.outlives}
        statements = list[str]()
        for table, columns in await con.fetch(_WITH_TENANTS, list(names)):
            theirs = f"select ctid from {table} where tenant = any($1::text[])"
            blanks = outlive.get(re.sub(r"_v\d+$", "", table))
            if blanks is None:
                statements.append(f"delete from {table} where ctid = any(array({theirs} limit {AT_ONCE}))")
            elif has := [column for column in blanks if column in columns]:
                blank = ", ".join(f"{column} = ''" for column in has)
                said = " or ".join(f"{column} <> ''" for column in has)
                some = f"{theirs} and ({said}) limit {AT_ONCE}"
                statements.append(f"update {table} set {blank} where ctid = any(array({some}))")
        return statements
