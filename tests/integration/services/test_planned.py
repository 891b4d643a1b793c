"""Changes planned for a day to come: carried out on that day as if asked for then, by who may do so then."""

import asyncio
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from eventkit.context import by_the_clock
from eventkit.values import from_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.notifications.v1 import types_pb2 as nt
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.people.deciding import Deciding
from services.people.reactors.planned import planned_changes
from tests.integration.services.company import MANY, Company, System, today
from tests.waiting import PATIENCE

ON = today() + timedelta(days=7)
BECAUSE = PersonalText(plain="tái cơ cấu")


@pytest.fixture
async def company(system: System) -> Company:
    return await system.company().found()


async def plan(company: Company, by: str, **change: object) -> str:
    return await company.do(p.PlanChange(on=from_date(ON), change=p.Change(**change)), by)  # type: ignore[arg-type] # one of its commands


async def the_day_comes(company: Company) -> None:
    """What the timer does when the day begins in the tenant's zone."""
    resources = company.system.all_resources["people"]
    await planned(company)  # the view has them
    timer = planned_changes(resources, Deciding(resources))
    begins = datetime.combine(ON, time(), ZoneInfo("Asia/Ho_Chi_Minh"))
    assert company.tenant not in {due.tenant for due in await timer.due(begins - timedelta(seconds=1), MANY)}
    for due in await timer.due(begins, MANY):
        if due.tenant == company.tenant:
            await timer.act(due, by_the_clock(due.tenant, timer.name, due.thing, due.at, begins))
            await timer.act(due, by_the_clock(due.tenant, timer.name, due.thing, due.at, begins))  # delivered again
    async with asyncio.timeout(PATIENCE):  # the timer tells nobody its position
        while any(state == "WAITING" for state, _ in await planned(company)):
            await asyncio.sleep(0.02)


async def planned(company: Company, by: str = "nam") -> list[tuple[str, str]]:
    listed = await company.ask(p.ListPlannedChanges(), by)
    assert isinstance(listed, p.PlannedChanges)
    return [(p.PlanState.Name(one.state).removeprefix("PLAN_STATE_"), one.refusal) for one in listed.changes]


async def person(company: Company, who: str) -> p.Person:
    found = await company.ask(p.GetPerson(person_id=company.ids[who]), "nam")
    assert isinstance(found, p.Person)
    return found


async def test_what_is_planned_happens_on_its_day_and_whoever_stands_in_hears_for_which_kpis(company: Company):
    ids = company.ids
    await company.branch()
    await plan(company, "nam", deactivate_person=p.DeactivatePerson(person_id=ids["phuc"], successor_id=ids["tram"]))
    roles = p.ChangeRoles(person_id=ids["minh"], roles=[pt.ROLE_OKR_MASTER], reason=BECAUSE)
    await plan(company, "nam", change_roles=roles)
    back = await plan(company, "nam", rename_unit=p.RenameUnit(unit_id=ids["sales"], name="Kinh doanh"))
    await company.do(p.WithdrawPlannedChange(plan_id=back), "nam")
    own = p.PlanChange(on=from_date(ON), change=p.Change(change_roles=roles))
    own.change.change_roles.person_id = ids["nam"]
    assert (await company.refused(own, "nam")).reason == "OWN_ROLES"
    assert (await company.refused(p.ListPlannedChanges(), "minh")).reason == "NOT_ALLOWED"
    assert (await person(company, "phuc")).active
    await company.ask(n.ListNotices(), "tram")  # who tells of it has heard of the KPIs

    await the_day_comes(company)

    assert sorted(await planned(company)) == [("MADE", ""), ("MADE", ""), ("WITHDRAWN", "")]
    left, minh = await person(company, "phuc"), await person(company, "minh")
    assert (left.active, left.successor_id, minh.place.manager_id) == (False, ids["tram"], ids["tram"])
    assert (minh.role_changes[0].changed_by, minh.role_changes[0].reason) == (ids["nam"], BECAUSE)
    [notice] = await stands_in(company, "tram")
    assert (notice.leaver_id, [change.kpi_name for change in notice.changes]) == (ids["phuc"], ["D1"])


async def test_on_the_day_it_is_asked_again_whether_whoever_planned_it_may(company: Company):
    quang = company.ids["quang"]
    both, one = [pt.ROLE_EXECUTIVE, pt.ROLE_ADMIN], [pt.ROLE_EXECUTIVE]
    await company.do(p.ChangeRoles(person_id=quang, roles=both, reason=BECAUSE), "nam")
    await plan(company, "quang", change_title=p.ChangeTitle(person_id=company.ids["minh"]))
    await company.do(p.ChangeRoles(person_id=quang, roles=one, reason=BECAUSE), "nam")
    await plan(company, "nam", close_unit=p.CloseUnit(unit_id=company.ids["sales"]))

    await the_day_comes(company)

    assert sorted(await planned(company)) == [("REFUSED", "NOT_ALLOWED"), ("REFUSED", "UNIT_HAS_PEOPLE")]
    assert (await person(company, "minh")).title.plain == "Chức"


async def stands_in(company: Company, who: str) -> list[n.Notice]:
    async with asyncio.timeout(PATIENCE):
        while True:
            page = await company.ask(n.ListNotices(), who)
            assert isinstance(page, n.Notices)
            if found := [notice for notice in page.notices if notice.kind == nt.NOTICE_KIND_STANDS_IN]:
                return found
            await asyncio.sleep(0.05)
