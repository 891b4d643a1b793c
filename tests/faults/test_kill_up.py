"""`nhip up` is killed while people work: what was acknowledged is there, once; every view is right."""

import asyncio
import random
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from cli.client import connected
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as p
from tests.e2e.running import Company, Up, company
from tests.faults.work import ROUNDS, Work, while_working

pytestmark = pytest.mark.timeout(600)


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
        async with connected(up.system().services, "") as client, asyncio.timeout(60):
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
