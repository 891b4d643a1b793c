"""Quotas of a company: how many people and KPIs it may have, how many calls it may make; who meets one is told."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from eventkit.errors import Rejected
from nhip.common.v1 import operations_pb2 as o
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from tests.e2e.running import nhip
from tests.integration.services.company import OPERATOR, Company, System, words
from tests.integration.services.test_suspended import listed


@pytest.fixture
async def company(system: System) -> AsyncGenerator[Company]:
    company = await (await system.company().found()).branch()
    yield company
    await quotas(company)  # what it was refused is not to slow others down


async def quotas(company: Company, **most: int) -> None:
    """Sets those that are given, and takes the others away."""
    asked = p.SetTenantQuotas(tenant_id=company.tenant, **{"people": 0, "kpis": 0, "calls": 0, **most})
    await company.do(asked, OPERATOR)


def person(name: str) -> p.RegisterPerson:
    return p.RegisterPerson(name=words(name))


async def test_whoever_operates_sets_them_and_people_are_not_more_than_they_may_be(company: Company):
    assert (await company.refused(p.SetTenantQuotas(tenant_id=company.tenant), "nam")).reason == "NOT_ALLOWED"
    at = ("--address", f"people={company.system.services['people'].address}")
    token = ("--token", company.system.issuer.mint(company.tenant, OPERATOR))
    code, told = await nhip("tenant", "quota", company.tenant, "--people", "7", *at, *token)
    assert (code, told) == (0, f"{company.tenant}: at most 7 people; it has 5 active people\n")
    await quotas(company, people=7)  # said again it is so already; its position everybody waits for
    await asyncio.gather(*(company.do(p.SetTenantQuotas(tenant_id=company.tenant, **one), OPERATOR)
                           for one in ({"kpis": 30}, {"calls": 900})))  # fmt: skip
    await listed(company)
    code, told = await nhip("tenant", "quota", company.tenant, *at, *token)
    assert (code, told) == (0, f"{company.tenant}: at most 7 people, 30 KPIs of a cycle, 900 calls a second; it has 5 "
                               "active people\n")  # fmt: skip
    assert (await listed(company)).quotas.people == 7
    tenant = await company.ask(p.GetTenant(), "nam")
    assert isinstance(tenant, p.Tenant)
    assert tenant.quotas.people == 7

    items = [p.PersonItem(person=person(f"Đợt {n}"), key=str(n)) for n in range(4)]
    batch = await company.ask(p.BatchRegisterPeople(items=items))
    assert isinstance(batch, Accepted)
    assert [one.refused.reason for one in batch.verdicts] == ["", "", "PEOPLE_QUOTA", "PEOPLE_QUOTA"]
    refusal = await company.refused(person("Thêm"), "nam")
    assert (refusal.reason, dict(refusal.parameters)) == ("PEOPLE_QUOTA", {"most": "7", "have": "8"})

    await company.do(p.DeactivatePerson(person_id=company.ids["tram"]), "nam")
    await company.ask(p.GetTenant(), "nam")  # by whom everything has been heard of
    new = await company.do(person("Thay"), "nam")
    assert (await company.refused(p.ReactivatePerson(person_id=company.ids["tram"]), "nam")).reason == "PEOPLE_QUOTA"
    await company.do(p.ReactivatePerson(person_id=new), "nam")  # who is here already takes no second place

    await quotas(company, people=3)  # whoever is here stays
    assert (await listed(company)).active_people == 7
    await quotas(company)
    await company.do(p.ReactivatePerson(person_id=company.ids["tram"]), "nam")


async def test_of_many_who_come_at_once_as_many_are_taken_as_there_is_room_for(company: Company):
    await quotas(company, people=8)
    outcomes = await asyncio.gather(*(company.ask(person(f"Cùng lúc {n}"), key=f"k{n}") for n in range(12)),
                                    return_exceptions=True)  # fmt: skip
    reasons = [one.reason for one in outcomes if isinstance(one, Rejected)]
    assert reasons == ["PEOPLE_QUOTA"] * 9
    await company.ask(p.GetTenant(), "nam")
    assert (await listed(company)).active_people == 8


async def test_a_cycle_has_no_more_kpis_than_it_may_and_what_ends_makes_room(company: Company):
    await quotas(company, kpis=4)
    await company.define("I2", t.LEVEL_INDIVIDUAL, 10, company.under("D1"), owner="tram")
    more = company.definition("I3", t.LEVEL_INDIVIDUAL, 10, company.under("D1"), owner="tram")
    refusal = await company.refused(more, "service:importer")
    assert (refusal.reason, dict(refusal.parameters)) == ("KPI_QUOTA", {"most": "4", "have": "5"})
    assert "'Q1' would have 5" in refusal.message
    over = g.RetireKpi(kpi_id=company.ids["I2"], reason=words("Thôi"), reason_class=t.REASON_CLASS_CONTEXT_CHANGED)
    await company.do(over, "nam")
    await company.do(more)


async def test_a_company_makes_no_more_calls_than_it_may_and_others_make_theirs(company: Company):
    other = await company.system.company().found()
    await quotas(company, calls=1)
    ask = o.GetAccess()
    async with asyncio.timeout(20):  # it is heard of within a second
        while not (refusal := await rate(company, ask)):
            await asyncio.sleep(0.01)
    assert (refusal.reason, refusal.retry_after > 0) == ("RATE_EXCEEDED", True)
    assert await rate(other, ask) is None


async def rate(company: Company, ask: o.GetAccess) -> Rejected | None:
    try:
        await company.ask(ask, "nam", context="people")
    except Rejected as refusal:
        return refusal
    return None
