"""The next version of views runs beside the one before, and back again: nobody sees a wrong answer in between."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import grpc

from deploy.engines.process import Child, tail
from eventkit.directory import version as directory_version
from eventkit.settings import Settings
from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from services.goals import views as goals_views
from services.goals.views.kpi import KPIS
from tests.integration.services.company import OPERATOR, Company, System

# What a release would change: the version of goals' own views, and of those that it keeps of people.
NEXT = """
import eventkit.directory.version, services.goals.views
services.goals.views.VERSION += 1
eventkit.directory.version.VERSION += 1
from cli.main import app
app()
"""


@asynccontextmanager
async def next_version(settings: Settings, folder: Path) -> AsyncGenerator[str]:
    """The address of goals with the next version of its views, in a process of its own."""
    ports, log = folder / "ports", folder / "next.log"
    assert settings.master_key is not None
    environment = {
        "NHIP_POSTGRES": settings.postgres,
        "NHIP_KAFKA": settings.kafka,
        "NHIP_MASTER_KEY": settings.master_key.get_secret_value(),
        "NHIP_ISSUER": settings.issuer,
        "NHIP_JWKS": settings.jwks,
    }
    child = Child.spawn(
        [sys.executable, "-c", NEXT, "serve", "goals", "--ports-file", str(ports)],
        log=log,
        environment={**os.environ, **environment},
    )
    try:
        while not ports.exists():
            assert child.ended is None, tail(log)
            await asyncio.sleep(0.02)
        yield f"127.0.0.1:{json.loads(ports.read_text())['grpc']}"
    finally:
        await child.stop((signal.SIGTERM, 30))
        ports.unlink(missing_ok=True)


async def shown(company: Company) -> g.GoalMap:
    reply = await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    assert isinstance(reply, g.GoalMap)
    for moving in ("applied", "as_of"):
        reply.ClearField(moving)
    return reply


async def test_two_versions_of_a_view_answer_alike_and_what_nobody_reads_any_more_is_pruned(
    system: System, tmp_path: Path
):
    company = await (await system.company().found()).branch()
    before = await shown(company)
    assert [kpi.owners[0].name.plain for kpi in before.kpis if kpi.name == "I1"] == ["Tên-minh"]
    async with next_version(system.settings, tmp_path) as address, grpc.aio.insecure_channel(address) as channel:
        beside = Company(
            replace(system, channels={**system.channels, "goals": channel}), company.tenant, ids=company.ids
        )
        assert await shown(beside) == before  # its very first answer, without a position to wait for
        beside.positions = company.positions  # one caller, who meets now this replica, now that one
        await beside.define("I2", t.LEVEL_INDIVIDUAL, 10, company.under("D1"), owner="tram")
        assert await shown(company) == await shown(beside) != before
        await company.define("I3", t.LEVEL_INDIVIDUAL, 5, company.under("D1"), owner="tram")
        assert await shown(beside) == await shown(company)
        both = await prune(company, drop=True)
        assert {name: bool(views.processes) for name, views in both.items() if name in WAS | IS} == dict.fromkeys(
            WAS | IS, True
        )
        after = await shown(company)
    assert await shown(company) == after  # back again
    code, printed = await nhip_prune(system, company, "--drop")
    assert code == 0, printed
    assert all(f"goals {name}: dropped" in printed for name in IS)
    assert all(f"goals {name}: read by " in printed for name in WAS)
    assert await shown(company) == after
    con = await asyncpg.connect(system.settings.database("goals"))
    try:
        tables = await con.fetch("select tablename from pg_tables where tablename ~ '^kpi_v[0-9]+$'")
        checkpoints = await con.fetch("select subscription from checkpoint where subscription = any($1)", [*WAS, *IS])
    finally:
        await con.close()
    assert [row["tablename"] for row in tables] == [KPIS.name]
    assert {row["subscription"] for row in checkpoints} == WAS
    assert not IS & (await prune(company)).keys()


NOW = {"goals": goals_views.VERSION, "people": directory_version.VERSION}
WAS, IS = ({f"{source}_v{version + more}" for source, version in NOW.items()} for more in (0, 1))


async def prune(company: Company, *, drop: bool = False) -> dict[str, o.ViewsInUse]:
    reply = await company.ask(o.Prune(drop=drop), OPERATOR, context="goals")
    assert isinstance(reply, o.Pruned)
    return {views.subscription: views for views in reply.views}


async def nhip_prune(system: System, company: Company, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli.main", "prune", "--service", "goals", *options),
        *("--address", f"goals={system.services['goals'].address}"),
        *("--token", system.issuer.mint(company.tenant, OPERATOR)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()
