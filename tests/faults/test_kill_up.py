"""`nhip up` is killed while people work: what was acknowledged is there, once; every view is right."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from cli.client import connected
from tests.e2e.running import Company, Up, company
from tests.faults.work import Work, while_working

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
async def up(folder: Path) -> AsyncGenerator[Up]:
    running = Up(folder / "killed-up")
    shutil.rmtree(running.directory, ignore_errors=True)
    await running.start()
    yield running
    await running.stop()


async def test_nhip_up_is_killed_while_people_work(up: Up):
    async with company(up.system()) as x:
        work = Work(x, reconnect=True)

        async def kill() -> None:
            up.kill()
            (up.directory / "addresses.json").unlink()
            await up.start()

        await while_working(work, kill, 1)
        system = up.system()
        async with connected(system.services, "") as client:
            client.positions = x.positions
            work.x = Company(system, client, x.tenant, x.people, x.kpis, x.cycle)
            await work.is_whole()
