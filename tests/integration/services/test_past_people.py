"""A past day shows who answered then: the place and the head of then, under the name of today."""

from datetime import UTC, datetime

import pytest

from eventkit.values import from_datetime
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p
from tests.integration.services.company import Company, System


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def owners(company: Company, kpi: str, then: datetime | None = None) -> set[tuple[str, str]]:
    """Who answers for a KPI, and in whose place."""
    names = {id: name for name, id in company.ids.items()}
    as_of = AsOf(recorded_at=from_datetime(then)) if then else None
    page = await company.ask(g.GetKpi(kpi_id=company.ids[kpi], as_of=as_of), "nam")
    assert isinstance(page, g.KpiPage)
    whole = await company.ask(g.GetMap(cycle_id=company.ids["q1"], as_of=as_of), "nam")
    assert isinstance(whole, g.GoalMap)
    [on_map] = [one for one in whole.kpis if one.kpi_id == page.kpi.kpi_id]
    assert list(on_map.owners) == list(page.kpi.owners)
    return {(names[owner.person_id], names.get(owner.stands_in_for_id, "")) for owner in page.kpi.owners}


async def test_who_answered_then_is_who_headed_and_was_there_then(company: Company):
    ids = company.ids
    begun = datetime.now(UTC)
    await company.do(p.AppointUnitHead(unit_id=ids["sales"], person_id=ids["tram"]))
    headed = datetime.now(UTC)
    await company.do(p.DeactivatePerson(person_id=ids["minh"], successor_id=ids["tram"]), "nam")

    assert (await owners(company, "D1"), await owners(company, "I1")) == ({("tram", "")}, {("tram", "minh")})
    assert (await owners(company, "D1", headed), await owners(company, "I1", headed)) == (
        {("tram", "")},
        {("minh", "")},
    )
    assert await owners(company, "D1", begun) == {("phuc", "")}
