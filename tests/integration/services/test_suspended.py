"""A company that is suspended: nobody of it is let in, in any service, until it is resumed."""

from nhip.common.v1 import operations_pb2 as o
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p
from tests.e2e.running import nhip
from tests.integration.services.company import OPERATOR, Company, System

ASKED = {
    "people": p.ListPeople(),
    "goals": g.ListCycles(),
    "checkins": o.GetAccess(),
    "rewards": o.GetAccess(),
    "retros": o.GetAccess(),
    "notifications": o.GetAccess(),
    "audit": o.GetAccess(),
}


async def listed(company: Company) -> p.TenantLine:
    token = ""
    while True:
        page = await company.ask(p.ListTenants(page_size=2, page_token=token), OPERATOR)
        assert isinstance(page, p.TenantList)
        if found := [one for one in page.tenants if one.tenant_id == company.tenant]:
            return found[0]
        token = page.next_page_token
        assert token, "not among the installation's tenants"


async def test_nobody_is_let_into_a_suspended_company_but_who_operates(system: System):
    company = await system.company().found()
    other = await system.company().found()
    assert (await listed(company)).active_people == 5
    suspend = p.SuspendTenant(tenant_id=company.tenant)
    for by in ("nam", "service:importer"):
        assert (await company.refused(suspend, by)).reason == "NOT_ALLOWED"
    assert (await other.refused(suspend, OPERATOR)).reason == "ANOTHER_TENANT"

    at = ("--address", f"people={system.services['people'].address}")
    token = ("--token", system.issuer.mint(company.tenant, OPERATOR))
    code, told = await nhip("tenant", "suspend", company.tenant, *at, *token)
    assert (code, f"The company {company.tenant} is suspended" in told) == (0, True), told
    await company.do(suspend, OPERATOR)  # said twice it is so once; its position everybody waits for
    for context, request in ASKED.items():
        refusal = await company.refused(request, "nam", context=context)
        assert (refusal.reason, "ask whoever operates" in refusal.message) == ("TENANT_SUSPENDED", True), context
    assert (await company.refused(p.CreateUnit(name="X"), "service:importer")).reason == "TENANT_SUSPENDED"
    assert (await listed(company)).suspended
    of_it = o.Verify(view="cycle", tenant_id=company.tenant)
    verified = await other.ask(of_it, OPERATOR, context="goals")
    assert isinstance(verified, o.Verified)
    assert not [view for view in verified.views if view.differences]
    await other.ask(g.ListCycles(), "nam")
    assert (await other.refused(of_it, "nam", context="goals")).reason == "NOT_ALLOWED"

    told = [await nhip("tenant", *words, *at, *token) for words in (("list",), ("resume", company.tenant))]
    assert [code for code, _ in told] == [0, 0], told
    assert f"{company.tenant}  Công ty thử: 5 active people, suspended\n" in told[0][1]
    code, verified_all = await nhip("verify", "--all-tenants", "--view", "directory_tenant", *at, *token)
    assert (code, f"{other.tenant}: 1 views, none differs" in verified_all) == (0, True), verified_all
    await company.do(p.ResumeTenant(tenant_id=company.tenant), OPERATOR)  # whose position everybody waits for
    for context, request in ASKED.items():
        await company.ask(request, "nam", context=context)
    assert not (await listed(company)).suspended
