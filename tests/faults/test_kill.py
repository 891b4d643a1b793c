"""Processes of a cluster are killed, its engines taken away, topics deleted, while people work.

What was acknowledged is there, once; every view is right.
"""

import asyncio
import random
import shutil
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from cli.client import Client
from cli.running import Failed
from deploy.cluster import SERVICES, Cluster, cluster
from eventkit.errors import Rejected
from eventkit.log.postgres import PostgresLog
from eventkit.values import from_date, required_date
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1.events_pb2 import CheckInsFellDue
from nhip.checkins.v1.types_pb2 import SLOT_STAGE_DUE, SLOT_STAGE_OVERDUE, SLOT_STAGE_SOON
from nhip.common.v1.operations_pb2 import Rebuild, Verified, Verify
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1.events_pb2 import PeopleTold
from nhip.notifications.v1.types_pb2 import NOTICE_KIND_CHECK_IN_DUE
from nhip.people.v1 import settings_pb2 as st
from services.goals.views.kpi import KPIS
from tests.e2e.running import Company, command, company, number, of_cluster, targets
from tests.faults.held import held
from tests.faults.work import Work, while_working
from tests.waiting import PATIENCE


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


async def test_each_reminder_is_given_once_however_often_who_gives_it_is_killed_n04(running: Cluster, x: Company):
    """The process whose timer says what is due is killed while it says so, and the one in its place too; then those
    that tell people of it. What the killed had sent is carried out beside what the next one does."""
    checkins, notices = ([running.process(name, number) for number in (0, 1)] for name in ("checkins", "notifications"))
    today = await in_rhythm(x)
    async with held(x.system.database("checkins")) as dues, held(x.system.database("notifications")) as tellings:
        await begins_a_cycle(x, today)
        for one in checkins:
            one.kill()
        for number, one in enumerate(checkins, 1):
            await one.start()
            await dues.appending(number)
            one.kill()
        await dues.release()
        assert await fallen_due(x), "they were killed in the middle of it"
        again, other = checkins
        before = looks(again.log, x)
        await again.start()
        await tellings.appending(1)
        for one in notices:
            one.kill()
        await tellings.release()
    await asyncio.gather(*(one.start() for one in (other, *notices)))
    minh, everybody = x.people["Minh"], x.people.values()
    last, tomorrow = today - timedelta(days=7), today + timedelta(days=1)
    wanted = Counter({(tomorrow, minh): 1} | {(day, one): 1 for day in (last, today) for one in everybody})
    async with asyncio.timeout(PATIENCE):
        while looks(again.log, x) == before or len(await told(x)) < len(wanted):
            await asyncio.sleep(0.05)
    assert await fallen_due(x) == Counter(
        {(tomorrow, SLOT_STAGE_SOON, minh): 1}
        | {(day, SLOT_STAGE_DUE, one): 1 for day in (last, today) for one in everybody}
        | {(last, SLOT_STAGE_OVERDUE, one): 1 for one in everybody}
    )
    assert await told(x) == wanted
    assert await x.differences() == []


async def in_rhythm(x: Company) -> date:
    """Everybody checks in each week, today too, and Minh from tomorrow on too: nobody as long as no cycle runs.

    Answers the company's day, whose clock is set to noon.
    """
    now = datetime.now(UTC)
    ahead = 12 - now.hour
    await x.do("Nam", st.ChangeCompany(time_zone=f"Etc/GMT{-ahead:+d}"))  # the name's sign is the other way round
    today = (now + timedelta(hours=ahead)).date()
    for person, first_on in (("", today - timedelta(days=7)), (x.people["Minh"], today + timedelta(days=1))):
        rhythm = cd.SetCadence(person_id=person, every_weeks=1, first_on=from_date(first_on))
        rhythm.weekday = first_on.isoweekday()  # type: ignore[assignment] # the enum's number
        await x.do("service:importer", rhythm)
    return today


async def begins_a_cycle(x: Company, today: date) -> None:
    """Returns when check-ins know of it."""
    starts_on, ends_on = today - timedelta(days=10), today + timedelta(days=80)
    opened = g.OpenCycle(name="Quý này", starts_on=from_date(starts_on), ends_on=from_date(ends_on))
    cycle_id = (await x.do("service:importer", opened)).id
    measure = t.Measure(kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, target=number(10))
    draft = t.KpiDraft(name="Khách mới", level=t.LEVEL_COMPANY, measure=measure, owner_ids=[x.people["Nam"]])
    draft.parent.csf_id = (await x.map()).csfs[0].csf_id
    await x.do("service:importer", g.DefineKpi(cycle_id=cycle_id, kpi=draft))
    await x.do("Nam", g.StartCycle(cycle_id=cycle_id, with_uneven_weights=True))
    calendar = await x.ask("Minh", cd.GetCalendar(person_id=x.people["Minh"]), cd.Calendar)
    assert required_date(calendar.starts_on) == starts_on


async def fallen_due(x: Company) -> Counter[tuple[date, int, str]]:
    """How often the log says it of each person, by the day and the stage."""
    return Counter(
        (required_date(e.due_on), e.stage, one.person_id)
        for e in await logged(x, "checkins", "slot")
        if isinstance(e, CheckInsFellDue)
        for one in e.people
    )


async def told(x: Company) -> Counter[tuple[date, str]]:
    """How often each person was told that something is due, by its day."""
    return Counter(
        (required_date(one.since), one.person_id)
        for e in await logged(x, "notifications", "telling")
        if isinstance(e, PeopleTold)
        for one in e.told
        if one.kind == NOTICE_KIND_CHECK_IN_DUE
    )


async def logged(x: Company, service: str, category: str) -> list[object]:
    async with PostgresLog(x.system.database(service)) as log:
        pages = log.history(x.tenant, [category], upto=await log.last_position())
        return [event.message async for page in pages for event in page]


def looks(log: Path, x: Company) -> int:
    """How often a replica has looked at what is due, to the end."""
    acted = [line for line in log.read_text().splitlines() if "timer.acted" in line and x.tenant in line]
    return sum("check_ins_falling_due" in line for line in acted)


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
    async with asyncio.timeout(PATIENCE):
        while not await agrees(x):
            await asyncio.sleep(0.5)
    await work.is_whole()


async def agrees(x: Company) -> bool:
    """Whether views are what topics say; not before those that were deleted are filled again."""
    try:
        return not await x.differences()
    except Rejected as refused:
        if refused.reason != "TOPIC_INCOMPLETE":
            raise
        return False


async def test_every_view_is_folded_anew_while_people_work_whoever_is_killed(
    running: Cluster, x: Company, chance: random.Random
):
    """Who asked for it and who folds are killed in the middle; until it is done everybody is shown what they were."""
    work, stop = Work(x, chance), asyncio.Event()
    looking, working = asyncio.create_task(always_shown(x, stop)), asyncio.create_task(work.through())
    goals = [running.process("goals", number) for number in (0, 1)]
    operator = x.client.acting(x.token("service:operator"))
    try:
        async with folding_is_held(x) as in_the_middle:
            for killed in (None, goals):
                asking = await asyncio.create_subprocess_exec(
                    *command("rebuild", "goals", "kpi", "--tenant", x.tenant, "--directory", str(x.system.directory)),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                )
                await in_the_middle(asking)
                if killed:
                    for one in killed:
                        one.kill()
                else:
                    asking.kill()
                await asyncio.wait_for(asking.communicate(), PATIENCE)
                assert asking.returncode != 0
        await asyncio.gather(*(one.start() for one in goals))
        also_killed = chance.choice([name for name in SERVICES if name != "goals"])
        for service in SERVICES:
            rebuilding = asyncio.create_task(all_folded_anew(operator, service))
            if service == also_killed:
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                replica = running.process(service, chance.randrange(2))
                replica.kill()
                await replica.start()
            assert await rebuilding
        work.enough.set()
        await working
        stop.set()
        assert await looking > 10
    finally:
        for task in (looking, working):
            task.cancel()
        await asyncio.gather(looking, working, return_exceptions=True)
    await work.is_whole()


@asynccontextmanager
async def folding_is_held(x: Company) -> AsyncGenerator[Callable[[Process], Awaitable[None]]]:
    """Whoever folds goals' KPIs anew gets as far as to delete their rows, and no further: one is held that nobody works
    on, or pages that change it would be held too. What it yields returns when one has, and those before have ended."""
    con, other = [await asyncpg.connect(x.system.database("goals")) for _ in range(2)]
    seen = set[tuple[int, datetime]]()

    async def in_the_middle(asking: Process) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                assert asking.returncode is None, await asking.communicate()
                rows = await other.fetch(
                    "select pid, query_start from pg_stat_activity where datname = current_database() "
                    "and wait_event_type = 'Lock' and query like 'delete from %'"
                )
                # The next one may come by the same connection: it is told by when it began.
                if len(now := {(row["pid"], row["query_start"]) for row in rows}) == 1 and not now & seen:
                    seen.update(now)
                    return
                await asyncio.sleep(0.05)

    try:
        async with con.transaction():
            one = f"select from {KPIS} where tenant = $1 and kpi_id = $2 for update"
            assert await con.fetch(one, x.tenant, x.kpis["Tư vấn sớm"])
            yield in_the_middle
    finally:
        await con.close()
        await other.close()


async def always_shown(x: Company, stop: asyncio.Event) -> int:
    """Asks for what nobody changes, without a position to wait for, and is always shown the same. Answers how often."""
    nam = x.client.acting(x.token("Nam"), patience=300)

    async def shown() -> object:
        kpis = await nam.ask(g.ListKpis(cycle_id=x.cycle, page_size=200), g.Kpis)
        notices = await nam.ask(n.ListNotices(page_size=100), n.Notices)
        return {
            kpi.name: (kpi.measure.target.value, kpi.standing.current.value, [one.name.plain for one in kpi.owners])
            for kpi in kpis.kpis
            if kpi.name in x.kpis
        }, {notice.notice_id for notice in notices.notices} & known

    known = {one.notice_id for one in (await nam.ask(n.ListNotices(page_size=100), n.Notices)).notices}
    first, times = await shown(), 0
    while not stop.is_set():
        assert await shown() == first
        times += 1
    return times


async def all_folded_anew(operator: Client, service: str) -> int:
    """One view of each subscription, and with it the others; asked for again where who was asked is killed."""
    views = (await operator.ask(Verify(service=service), Verified, at=service, deadline=90)).views
    one_of_each = {view.subscription: view.view for view in views}
    for view in one_of_each.values():
        async with asyncio.timeout(120):
            while True:
                try:
                    await operator.command(Rebuild(service=service, view=view), at=service, deadline=60)
                    break
                except Failed:
                    await asyncio.sleep(0.1)
    return len(one_of_each)


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
    async with asyncio.timeout(PATIENCE):
        while await x.differences():
            await asyncio.sleep(0.1)
    assert targets(await x.map())["Demo sản phẩm"] == "100"
