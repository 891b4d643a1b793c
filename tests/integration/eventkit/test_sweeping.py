"""Of tenants that were deleted nothing is kept beside the log, in tables of whatever version, also while others drop
them."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import asyncpg
import pytest

from eventkit.directory.directory import PERSON_TABLE, TENANT_TABLE
from eventkit.directory.version import VERSION
from eventkit.directory.views import views
from eventkit.process import provision
from eventkit.process.service import Resources, Service
from eventkit.process.sweeping import Sweeper
from eventkit.settings import load
from eventkit.subscriptions.leadership import Leads
from eventkit.telemetry import Metrics
from tests.integration.eventkit.topics import until

BEFORE = VERSION - 1
OLD_TENANTS, OLD_PEOPLE = f"directory_tenant_v{BEFORE}", f"directory_person_v{BEFORE}"


@dataclass
class Swept:
    pool: asyncpg.Pool
    sweeper: Sweeper

    async def sweep(self) -> int:
        return await self.sweeper.take_out(frozenset({"acme"}), lambda: None)


@pytest.fixture
async def swept(postgres: str) -> AsyncGenerator[Swept]:
    """The directory of this version and, as an upgraded installation has it, of the one before."""
    async with asyncpg.create_pool(postgres, min_size=1, max_size=4) as pool, Leads(postgres) as leads:
        await provision.databases(load(postgres=postgres), [])
        await provision.tables(pool, views())
        for table, old in ((TENANT_TABLE, OLD_TENANTS), (PERSON_TABLE, OLD_PEOPLE)):
            await pool.execute(f"create table {old} (like {table})")
        await pool.execute(
            "insert into reader values (gen_random_uuid(), 'before', $1, $2, now())",
            f"people_v{BEFORE}",
            [OLD_TENANTS, OLD_PEOPLE],
        )
        told = SimpleNamespace(reached=SimpleNamespace(changed=lambda: None))
        service = Service([], views())
        yield Swept(pool, Sweeper(cast(Resources, told), pool, leads, Metrics(), service, []))


async def test_a_row_that_says_that_it_was_deleted_stays_without_its_words_in_tables_of_versions_before_too(
    swept: Swept,
):
    for tenant in ("acme", "corp"):
        await swept.pool.execute(
            f"insert into {OLD_TENANTS}(tenant, name, time_zone, language, logo, suspended, deleted, most_people, "
            "most_kpis, most_calls) values ($1, 'Công ty', 'Asia/Tokyo', 'vi', 'a1b2', true, false, 0, 0, 0)",
            tenant,
        )
    assert await swept.sweep() == 1
    rows = await swept.pool.fetch(f"select tenant, name, logo, suspended from {OLD_TENANTS} order by tenant")
    assert [tuple(row) for row in rows] == [("acme", "", "", True), ("corp", "Công ty", "a1b2", True)]
    assert await swept.sweep() == 0


async def test_a_table_that_is_dropped_meanwhile_is_passed_over(swept: Swept):
    async with swept.pool.acquire() as pruning, swept.pool.acquire() as looking:
        turn = pruning.transaction()
        await turn.start()
        await pruning.execute(f"drop table {OLD_PEOPLE}")
        sweeping = asyncio.create_task(swept.sweep())

        async def waits() -> bool:
            waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like $1"
            return bool(await looking.fetchval(waiting, f"delete from {OLD_PEOPLE}%"))

        await until(waits)
        await turn.commit()
        assert await sweeping == 0
