"""A past day shows who was where and who answered then: places, titles and units of then, under the names of today.

A-01.
"""

from datetime import UTC, datetime

import pytest

from eventkit.values import from_datetime
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from tests.integration.services.company import Company, System, words


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


async def test_people_and_units_are_shown_as_they_were_and_what_was_withdrawn_while_it_was_there(company: Company):
    ids = company.ids
    await company.do(p.CreateUnit(name="Nhầm"), name="mistake")
    mistaken = p.RegisterPerson(name=words("Nhầm"), title=words("Thử"))
    await company.do(mistaken, name="nobody")
    begun = datetime.now(UTC)
    await company.do(p.RenameUnit(unit_id=ids["sales"], name="Kinh doanh"))
    await company.do(p.ChangeTitle(person_id=ids["tram"], title=words("Trưởng nhóm")))
    await company.do(p.AssignPlace(person_id=ids["tram"], place=pt.Place(manager_id=ids["nam"])))
    await company.do(p.WithdrawUnit(unit_id=ids["mistake"], reason=words("nhầm")), "nam")
    await company.do(p.WithdrawPerson(person_id=ids["nobody"], reason=words("nhầm")), "nam")
    refusal = await company.refused(p.WithdrawUnit(unit_id=ids["sales"], reason=words("x")), "nam")
    assert refusal.reason == "UNIT_HAD_PEOPLE"

    async def seen(then: datetime | None) -> tuple[object, ...]:
        as_of = AsOf(recorded_at=from_datetime(then)) if then else None
        units = await company.ask(p.ListUnits(as_of=as_of), "nam")
        people = await company.ask(p.ListPeople(as_of=as_of), "nam")
        tram = await company.ask(p.GetPerson(person_id=ids["tram"], as_of=as_of), "nam")
        kpi = await company.ask(g.GetKpi(kpi_id=ids["D1"], as_of=as_of), "nam")
        assert isinstance(units, p.Units)
        assert isinstance(people, p.PeopleList)
        assert isinstance(tram, p.Person)
        assert isinstance(kpi, g.KpiPage)
        return (
            {unit.name for unit in units.units if not unit.withdrawn},
            ids["nobody"] in {one.person_id for one in people.people},
            (tram.title.plain, tram.place.unit_id, tram.place.manager_id),
            kpi.kpi.unit_name,
        )

    assert await seen(begun) == ({"Sales", "Nhầm"}, True, ("Chức", ids["sales"], ids["phuc"]), "Sales")
    assert await seen(None) == ({"Kinh doanh"}, False, ("Trưởng nhóm", "", ids["nam"]), "Kinh doanh")


async def test_a_day_before_anything_was_said_shows_who_headed_first_and_nothing_made_by_mistake(company: Company):
    ids, long_ago = company.ids, AsOf(recorded_at=from_datetime(datetime(2020, 1, 1, tzinfo=UTC)))
    await company.do(p.CreateUnit(name="Nhầm"), name="mistake")
    await company.do(p.RegisterPerson(name=words("Nhầm")), name="nobody")
    await company.do(p.WithdrawUnit(unit_id=ids["mistake"], reason=words("nhầm")), "nam")
    await company.do(p.WithdrawPerson(person_id=ids["nobody"], reason=words("nhầm")), "nam")
    await company.do(p.AppointUnitHead(unit_id=ids["sales"], person_id=ids["tram"]))
    units = await company.ask(p.ListUnits(as_of=long_ago), "nam")
    people = await company.ask(p.ListPeople(as_of=long_ago), "nam")
    assert isinstance(units, p.Units)
    assert isinstance(people, p.PeopleList)
    assert {unit.name: unit.head_id for unit in units.units if not unit.withdrawn}["Sales"] == ids["phuc"]
    assert "Nhầm" not in {unit.name for unit in units.units if not unit.withdrawn}
    assert ids["nobody"] not in {one.person_id for one in people.people}
