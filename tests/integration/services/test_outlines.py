"""Outlines of cycles are remembered, and never beyond what is recorded: whatever happens to a cycle, the next answer
has it."""

from collections.abc import AsyncGenerator
from datetime import timedelta

import asyncpg
import pytest

from eventkit.database import snapshot
from eventkit.process.service import Resources
from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from services.goals.queries import cycles
from services.goals.queries.outline import Outline
from services.goals.queries.outlines import FOREVER, Outlines
from services.goals.views.kpi import KPIS, KpiView
from tests.integration.services.company import OPERATOR, Company, System, today, words


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


@pytest.fixture
def outlines() -> Outlines:
    return Outlines()


@pytest.fixture
async def con(system: System) -> AsyncGenerator[asyncpg.Connection]:
    con = await asyncpg.connect(system.settings.database("goals"))
    yield con
    await con.close()


async def read(company: Company, outlines: Outlines, days: int = 0) -> Outline:
    """As a query reads it, once all is applied that the company knows of."""
    await company.ask(g.GetMap(cycle_id=company.ids["q1"]), "minh")
    resources: Resources = company.system.all_resources["goals"]
    async with snapshot(resources.pool) as con:
        family = await cycles.family(con, company.tenant, company.ids["q1"])
        return await outlines.read(con, company.tenant, family, FOREVER, today() + timedelta(days=days))


async def test_an_outline_is_read_once_for_all_days_between_two_changes(company: Company, outlines: Outlines):
    first = await read(company, outlines)
    assert await read(company, outlines) is first
    assert await read(company, outlines, days=3) is first
    assert not (await read(company, outlines, days=-90)).stubs  # before anything was in force


async def test_what_happens_elsewhere_leaves_it_as_it_is(company: Company, outlines: Outlines):
    first = await read(company, outlines)
    other = await (await company.system.company().found()).branch()
    await read(other, outlines)
    assert await read(company, outlines) is first


async def test_whatever_happens_to_a_kpi_or_a_link_is_in_the_next_outline(company: Company, outlines: Outlines):
    seen = [await read(company, outlines)]
    await company.define("I9", t.LEVEL_INDIVIDUAL, 5, t.Parent(kpi_id=company.ids["D1"]), owner="minh")
    seen.append(await read(company, outlines))
    assert company.ids["I9"] in seen[-1].stubs
    await company.do(g.AlignKpi(kpi_id=company.ids["I9"], parent=t.Parent(kpi_id=company.ids["K1"])))
    seen.append(await read(company, outlines))
    assert seen[-1].above(company.ids["I9"])[0] == company.ids["K1"]
    ended = g.RetireKpi(
        kpi_id=company.ids["I9"], reason_class=t.REASON_CLASS_CONTEXT_CHANGED, reason=words("không còn cần")
    )
    await company.do(ended, "nam")
    seen.append(await read(company, outlines))
    assert company.ids["I9"] not in seen[-1].stubs
    assert len({id(one) for one in seen}) == len(seen)


async def test_rows_that_were_parked_or_rebuilt_are_read_anew(
    company: Company, outlines: Outlines, con: asyncpg.Connection
):
    first = await read(company, outlines)
    await con.execute(
        "insert into parked select $1, 'x/kpi/x', 1, '', now(), $2, 'goals', gen_random_uuid(), '', '', 1, "
        "gen_random_uuid(), 0, 1, now(), now(), '', '', '', ''",
        KpiView().subscription,
        company.tenant,
    )
    waiting = await read(company, outlines)
    await con.execute("delete from parked where stream = 'x/kpi/x'")
    brought_back = await read(company, outlines)
    await company.ask(o.Rebuild(view="kpi"), OPERATOR, context="goals")
    rebuilt = await read(company, outlines)
    assert len({id(one) for one in (first, waiting, brought_back, rebuilt)}) == 4
    assert first == waiting == brought_back == rebuilt


async def test_what_is_asked_for_least_is_forgotten(company: Company, con: asyncpg.Connection):
    few = Outlines(most=await con.fetchval(f"select count(*) from {KPIS} where tenant = $1", company.tenant))
    first = await read(company, few)
    await read(await (await company.system.company().found()).branch(), few)
    assert await read(company, few) is not first
