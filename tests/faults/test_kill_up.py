"""`nhip up` is killed while people work: what was acknowledged is there, once; every view is right."""

import asyncio
import random
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from cli.client import connected
from cli.importing.table import Sending
from importing.sheets.dry_run import Wanted, dry_run
from importing.sheets.grid import read
from importing.sheets.mapping import guess
from importing.sheets.tables import TABLES
from importing.sheets.writing import Report, write
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from tests.e2e.running import Company, Up, company
from tests.faults.work import ROUNDS, Work, while_working
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
async def up(folder: Path) -> AsyncGenerator[Up]:
    running = Up(folder / "killed-up")
    shutil.rmtree(running.directory, ignore_errors=True)
    await running.start()
    yield running
    await running.stop()


async def test_nhip_up_is_killed_while_people_work(up: Up, chance: random.Random):
    async with company(up.system()) as x:
        work = Work(x, chance, reconnect=True)

        async def kill() -> None:
            up.kill()
            (up.directory / "addresses.json").unlink()
            await up.start()

        await while_working(work, kill, chance)
        system = up.system()
        async with connected(system.services, "") as client:
            client.positions = x.positions
            work.x = Company(system, client, x.tenant, x.people, x.kpis, x.cycle)
            await work.is_whole()


ROWS = 600
STAFF = "Mã NV;Họ và tên;Quản lý\nS0;Trưởng nhóm;\n" + "".join(f"S{n};Người {n};S0\n" for n in range(1, ROWS))


async def test_a_table_whose_import_is_killed_is_there_whole_or_not_at_all(up: Up, chance: random.Random):
    """At any moment, and at the first in which anything of it is seen. Brought in again, nobody is there twice."""
    async with company(up.system()) as x:
        tenant, before, positions = x.tenant, await staff(up, x.tenant), x.positions
    for seen_first in (False, True)[:ROUNDS]:
        prefix = "V" if seen_first else "S"
        file = STAFF.replace(";S0", f";{prefix}0").replace("\nS", f"\n{prefix}")
        async with connected(up.system().services, up.system().issuer.mint(tenant, "service:importer")) as client:
            client.positions = positions
            bringing = asyncio.create_task(brought_in(Sending(client), file))
            if seen_first:
                while await staff(up, tenant) == before:
                    assert not bringing.done()
                    await asyncio.sleep(0.005)
            else:
                await asyncio.sleep(chance.uniform(0.5, 4.0))
            up.kill()
            bringing.cancel()
            await asyncio.gather(bringing, return_exceptions=True)
        (up.directory / "addresses.json").unlink()
        await up.start()
        found = await staff(up, tenant)
        assert found in (before, before + ROWS)
        assert not seen_first or found == before + ROWS
        async with connected(up.system().services, up.system().issuer.mint(tenant, "service:importer")) as client:
            client.positions = positions
            report = await brought_in(Sending(client), file)
        assert (report is None) == (found > before)  # nothing was left to be done, or all of it
        before += ROWS
        assert await staff(up, tenant) == before
    code, printed = await up.system().nhip("verify", "--tenant", tenant)
    assert code == 0, printed


async def staff(up: Up, tenant: str) -> int:
    """How many people the log of people has taken on."""
    connection = await asyncpg.connect(up.system().database("people"))
    try:
        found = await connection.fetchval(
            "select count(*) from log_event where tenant = $1 and type = 'nhip.people.v1.PersonRegistered'", tenant
        )
        return int(found)
    finally:
        await connection.close()


async def brought_in(services: Sending, content: str) -> Report | None:
    """As `nhip import` does; None: everything is there."""
    grid, table, run = read(content.encode(), "staff.csv").grids[0], TABLES["people"], uuid4().hex
    result = await dry_run(services, Wanted(table, grid, guess(grid, table).mapping), run)
    assert result.plan.faults == []
    deeds = result.plan.deeds(frozenset())
    if not deeds:
        return None
    [*_, report] = [report async for report in write(services, deeds, run)]
    assert (report.stopped, report.done) == (None, ROWS)
    return report


async def test_an_erasure_that_was_killed_ends_by_itself(up: Up, chance: random.Random):
    """At whatever point after the approval Nhip is killed: it destroys the key, says so, and no words are left to
    read."""
    erased = ("Minh", "Trâm")[:ROUNDS]
    async with company(up.system()) as x:
        people, token, positions = x.people, x.token, x.positions
        for who in erased:
            await x.do(who, p.RequestErasure(person_id=people[who]))
    for who in erased:
        async with connected(up.system().services, "") as client:
            await client.acting(token("Nam")).command(
                p.ApproveErasure(person_id=people[who]), key=people[who], after=positions.all()
            )
        await asyncio.sleep(chance.uniform(0, 0.02))
        up.kill()
        (up.directory / "addresses.json").unlink()
        await up.start()
        async with connected(up.system().services, "") as client, asyncio.timeout(PATIENCE):
            nam = client.acting(token("Nam"))
            while True:
                told = {one.person_id: one.state for one in (await nam.ask(p.ListErasures(), p.Erasures)).erasures}
                if told.get(people[who]) == p.ERASURE_STATE_ERASED:
                    break
                await asyncio.sleep(0.05)
            person = await nam.ask(p.GetPerson(person_id=people[who]), p.Person)
            assert person.name == PersonalText(erased=True)
    code, printed = await up.system().nhip("verify", "--tenant", x.tenant)
    assert code == 0, printed
