"""Processes of a cluster are killed, its engines taken away, topics deleted, while people work.

What was acknowledged is there, once; every view is right.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncGenerator
from itertools import cycle
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.cluster import SERVICES, Cluster, cluster
from services.goals.views.kpi import KPIS
from tests.e2e.running import Company, company, of_cluster, targets
from tests.faults.work import Work, while_working

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
async def running(folder: Path) -> AsyncGenerator[Cluster]:
    directory = folder / "killed-cluster"
    shutil.rmtree(directory, ignore_errors=True)
    async with cluster(directory, replicas=2) as found:
        yield found
        for process in found.processes:
            process.kill()  # once more: an orderly end of so many is waited for elsewhere


@pytest.fixture(scope="module")
async def x(running: Cluster, folder: Path) -> AsyncGenerator[Company]:
    async with company(of_cluster(folder / "killed-cluster", running)) as found:
        yield found


async def test_a_replica_of_each_service_is_killed_while_people_work(
    running: Cluster, x: Company, chance: random.Random
):
    turns = cycle(chance.sample(SERVICES, len(SERVICES)))
    work = Work(x, chance)

    async def kill() -> None:
        replica = running.process(next(turns), chance.randrange(2))
        replica.kill()
        await asyncio.sleep(chance.uniform(0, 0.5))
        await replica.start()

    await while_working(work, kill, chance, times=len(SERVICES))
    await work.is_whole()


async def test_all_replicas_are_killed_while_people_work(running: Cluster, x: Company, chance: random.Random):
    work = Work(x, chance)

    async def kill() -> None:
        org = [one for one in running.processes if one.name in SERVICES]
        for one in org:
            one.kill()
        await asyncio.gather(*(one.start() for one in org))

    await while_working(work, kill, chance)
    await work.is_whole()


async def test_kafka_is_away_while_people_work(running: Cluster, x: Company, chance: random.Random):
    kafka = next(engine for engine in running.engines.ours if engine.name == "Kafka")
    work = Work(x, chance)

    async def away() -> None:
        kafka.kill()
        await asyncio.sleep(2)
        await kafka.start()

    await while_working(work, away, chance)
    await work.is_whole()


async def test_postgresql_is_killed_while_people_work(running: Cluster, x: Company, chance: random.Random):
    postgres = next(engine for engine in running.engines.ours if engine.name == "PostgreSQL")
    work = Work(x, chance)

    async def away() -> None:
        postgres.kill()
        await asyncio.sleep(0.5)
        await postgres.start()

    await while_working(work, away, chance)
    await work.is_whole()


async def test_topics_are_deleted_while_people_work(running: Cluster, x: Company, chance: random.Random):
    work = Work(x, chance)

    async def delete() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=running.engines.kafka)
        await admin.start()
        try:
            await admin.delete_topics([f"nhip.{name}.v1" for name in SERVICES])
        finally:
            await admin.close()

    await while_working(work, delete, chance)
    await work.is_whole()


async def test_a_falsified_row_is_reported_and_folded_away(x: Company):
    connection = await asyncpg.connect(x.system.database("goals"))
    try:
        changed = await connection.execute(
            f"update {KPIS} set target = 1 where tenant = $1 and kpi_id = $2", x.tenant, x.kpis["Demo sản phẩm"]
        )
    finally:
        await connection.close()
    assert changed == "UPDATE 1"
    code, printed = await x.system.nhip("verify", "--tenant", x.tenant)
    assert code == 1
    assert "target: expected 100, found 1" in printed
    assert "1 difference" in printed
    code, printed = await x.system.nhip("rebuild", "goals", "kpi", "--tenant", x.tenant)
    assert code == 0, printed
    async with asyncio.timeout(60):
        while await x.differences():
            await asyncio.sleep(0.1)
    assert targets(await x.map())["Demo sản phẩm"] == "100"
