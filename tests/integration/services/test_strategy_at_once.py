"""Goals and success factors when many set, correct and withdraw them at once while KPIs are put under them, in two
processes on one log: nothing serves what was withdrawn, and no two of one place have one name."""

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import uuid4

import asyncpg
from google.protobuf.message import Message

from eventkit import settings as all_settings
from eventkit.commands.decider import Commands
from eventkit.context import Actor, Context
from eventkit.database import transaction
from eventkit.directory.directory import Directory
from eventkit.directory.facts import OrgChart
from eventkit.errors import Rejected
from eventkit.kafka import Cluster
from eventkit.log import Recorded
from eventkit.log.incarnations import Incarnations
from eventkit.log.postgres import PostgresLog
from eventkit.names import name_key
from eventkit.privacy.keys import KeyStore
from eventkit.privacy.words import Words
from eventkit.process import provision
from eventkit.process.service import Resources
from eventkit.settings import load
from eventkit.subscriptions.projection import messages
from eventkit.subscriptions.reached import Reached
from eventkit.values import from_date
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.api import GoalsApi
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.strategy import STRATEGY
from services.goals.service import service
from tests.unit.decisions import company_x, number, words

TENANT, AT, TODAY = "company-x", datetime(2025, 3, 12, 5, tzinfo=UTC), date(2025, 3, 12)
NAMES = ("Khách hàng", "Lãi", "Chất lượng")
LOST = ("UNKNOWN", "EXISTS", "HAS_CSFS", "HAS_KPIS", "CONTENDED")


@dataclass
class Known:
    """Who is who, without the people service."""

    async def org_chart(self, tenant: str) -> OrgChart:
        return company_x()


def asks() -> Context:
    return Context(Actor(TENANT, "nam"), AT, uuid4(), retryable=True, digest=b"d")


async def asked(rpc: Callable[[Any, Context], Awaitable[Any]], command: Message) -> str:
    """The id in the reply; empty: refused, as somebody else was faster or something hangs on it."""
    try:
        return (await rpc(command, asks())).id
    except Rejected as refusal:
        if not refusal.reason.endswith(LOST):
            raise
        return ""


async def somebody(apis: Sequence[GoalsApi], cycle: str, goals: list[str], csfs: list[str], seed: int) -> None:
    dice, reason = random.Random(seed), words("nhầm")
    for turn in range(10):
        api, name = apis[(seed + turn) % 2], dice.choice(NAMES)
        goal, csf = dice.choice(goals), dice.choice(csfs)
        match dice.randrange(8):
            case 0:
                goals.append(
                    await asked(api.set_strategic_goal, pb.SetStrategicGoal(name=name, year=2025, target=number(9)))
                    or goal
                )
            case 1:
                command = pb.CorrectStrategicGoal(goal_id=goal, name=name, year=2025, target=number(turn))
                await asked(api.correct_strategic_goal, command)
            case 2:
                csfs.append(await asked(api.choose_csf, pb.ChooseCsf(name=name, goal_ids=[goal])) or csf)
            case 3:
                await asked(api.correct_csf, pb.CorrectCsf(csf_id=csf, name=name, goal_ids=[goal]))
            case 4:
                await asked(api.withdraw_csf, pb.WithdrawCsf(csf_id=csf, reason=reason))
            case 5:
                await asked(api.withdraw_strategic_goal, pb.WithdrawStrategicGoal(goal_id=goal, reason=reason))
            case _:
                parent = dice.choice((t.Parent(csf_id=csf), t.Parent(goal_id=goal)))
                await asked(api.define_kpi, pb.DefineKpi(cycle_id=cycle, kpi=drafted(f"KPI {seed} {turn}", parent)))


def goal_named(name: str) -> pb.SetStrategicGoal:
    return pb.SetStrategicGoal(name=name, year=2025, target=number(9))


async def recorded(log: PostgresLog) -> list[Recorded]:
    every = log.history(TENANT, ("cycle", "strategy", "alignment"), upto=await log.last_position())
    return sorted([event async for page in every for event in page], key=lambda event: event.position)


def drafted(name: str, parent: t.Parent) -> t.KpiDraft:
    measure = t.Measure(kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, target=number(5))
    return t.KpiDraft(name=name, level=t.LEVEL_COMPANY, measure=measure, parent=parent)


async def test_nothing_serves_what_was_withdrawn_and_names_stay_apart_whoever_is_faster(postgres: str):
    settings = all_settings.load(
        postgres=postgres, kafka="127.0.0.1:1", master_key=base64.b64encode(b"m" * 32).decode()
    )
    async with AsyncExitStack() as stack:
        apis, every, logs = list[GoalsApi](), list[Resources](), list[PostgresLog]()
        for _ in range(2):
            logs.append(log := await stack.enter_async_context(PostgresLog(postgres)))
            pool = await stack.enter_async_context(asyncpg.create_pool(postgres, min_size=1, max_size=6))
            keys = Words(await stack.enter_async_context(KeyStore(postgres, b"k" * 32)))
            known, commands = cast(Directory, Known()), Commands("goals", log, keys)
            begun, reached = Incarnations("goals", pool, log.stored), Reached(postgres, pool)
            every.append(Resources("goals", settings, log, pool, commands, keys, known, reached, Cluster(""), begun))
            apis.append(cast(GoalsApi, service(every[-1]).apis[0].implementation))
        views = [view for view in service(every[0]).views if view.source == "goals"]
        await provision.databases(load(postgres=postgres), [])
        await provision.tables(every[0].pool, service(every[0]).views)
        opened = pb.OpenCycle(name="Q1", starts_on=from_date(date(2025, 1, 1)), ends_on=from_date(date(2025, 3, 31)))
        cycle = await asked(apis[0].open_cycle, opened)
        async with transaction(every[0].pool) as con:
            for view in views:
                await view.apply(con, await recorded(logs[0]))
        goals = [
            await asked(apis[0].set_strategic_goal, pb.SetStrategicGoal(name=NAMES[0], year=2025, target=number(9)))
        ]
        csfs = [await asked(apis[0].choose_csf, pb.ChooseCsf(name=NAMES[0], goal_ids=goals))]
        await asyncio.gather(*(somebody(apis, cycle, goals, csfs, seed) for seed in range(10)))

        events = await recorded(logs[0])
        strategy = STRATEGY.fold(messages(e for e in events if e.stream.category == "strategy"))
        links = ALIGNMENT.fold(messages(e for e in events if e.stream.category == "alignment"))
        assert any(goal.withdrawn for goal in strategy.goals.values()) or any(
            c.withdrawn for c in strategy.csfs.values()
        )
        served = [link.parent for kpi in links.links if (link := links.link(kpi, TODAY))]
        assert served
        assert all(strategy.csf(parent.csf_id) or strategy.goal(parent.goal_id) for parent in served)
        here = [csf for csf in strategy.csfs.values() if not csf.withdrawn]
        assert all(strategy.goal(goal) for csf in here for goal in csf.said.goal_ids)
        names = Counter(name_key(goal.said.name) for goal in strategy.goals.values() if not goal.withdrawn)
        assert max(names.values(), default=1) == 1
        factors = Counter((goal, name_key(csf.said.name)) for csf in here for goal in csf.said.goal_ids)
        assert max(factors.values(), default=1) == 1
