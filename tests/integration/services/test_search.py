"""What a search finds, and of whom: KPIs, goals, success factors and cycles in goals, people in people."""

import pytest

from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from tests.integration.services.company import Company, System, words


@pytest.fixture
async def company(system: System) -> Company:
    return await (await system.company().found()).branch()


async def found(company: Company, text: str) -> g.GoalsFound:
    reply = await company.ask(g.SearchGoals(text=text), "minh")
    assert isinstance(reply, g.GoalsFound)
    return reply


async def test_everything_of_goals_is_found_by_how_its_words_begin(company: Company):
    await company.define("Đăng ký dùng thử", t.LEVEL_INDIVIDUAL, 30, company.under("D1"), owner="tram")
    [kpi] = (await found(company, "thu DANG")).kpis
    assert (kpi.name, kpi.owner_ids, kpi.cycle_name) == ("Đăng ký dùng thử", [company.ids["tram"]], "Q1")
    assert [csf.name for csf in (await found(company, "dung khach")).csfs] == ["Khách dùng thử"]
    assert [csf.name for csf in (await found(company, "cfs")).csfs] == ["Khách dùng thử"]
    assert [goal.name for goal in (await found(company, "300 kh")).goals] == ["300 khách"]
    assert [cycle.name for cycle in (await found(company, "q1")).cycles] == ["Q1"]
    for nothing in ("ang ky", "%", "dang ky gi"):
        assert await found(company, nothing) == g.GoalsFound()

    renamed = t.SaidChange(before=t.KpiSaid(name="Đăng ký dùng thử"), after=t.KpiSaid(name="Thử miễn phí"))
    change = t.TargetChange(kpi_id=kpi.kpi_id, said=renamed)
    await company.do(g.ChangeKpi(kpi_id=kpi.kpi_id, change=change), "phuc")
    assert not (await found(company, "dang ky")).kpis
    assert [one.name for one in (await found(company, "mien phi")).kpis] == ["Thử miễn phí"]
    end = g.RetireKpi(kpi_id=kpi.kpi_id, reason_class=t.REASON_CLASS_CORRECTION, reason=words("thừa"))
    await company.do(end, "phuc")
    assert not (await found(company, "mien phi")).kpis


async def test_things_of_goals_are_named_by_their_ids_as_they_are_called_now_and_after_their_end(company: Company):
    ids = company.ids
    renamed = t.SaidChange(before=t.KpiSaid(name="I1"), after=t.KpiSaid(name="Buổi demo"))
    await company.do(g.ChangeKpi(kpi_id=ids["I1"], change=t.TargetChange(kpi_id=ids["I1"], said=renamed)), "phuc")
    end = g.RetireKpi(kpi_id=ids["I1"], reason_class=t.REASON_CLASS_CORRECTION, reason=words("thừa"))
    await company.do(end, "phuc")
    asked = g.ListNames(
        kpi_ids=[ids["I1"], ids["K1"], "nobody-knows-it"],
        goal_ids=[ids["goal"]],
        csf_ids=[ids["csf"]],
        cycle_ids=[ids["q1"]],
    )
    reply = await company.ask(asked, "minh")
    assert isinstance(reply, g.Names)
    assert {one.id: one.name for one in reply.names} == {
        ids["I1"]: "Buổi demo",
        ids["K1"]: "K1",
        ids["goal"]: "300 khách",
        ids["csf"]: "Khách dùng thử",
        ids["q1"]: "Q1",
    }
    other = await company.system.company().found()
    assert await other.ask(asked, "minh") == g.Names()


async def test_people_are_found_by_an_address_only_by_who_is_shown_it(company: Company):
    await company.do(p.ChangeEmail(person_id=company.ids["tram"], email=words("tram.le@x.vn")), "nam")

    async def people(text: str, by: str) -> list[str]:
        reply = await company.ask(p.ListPeople(text=text), by)
        assert isinstance(reply, p.PeopleList)
        return [person.person_id for person in reply.people]

    for seeing in ("nam", "tram"):
        assert await people("tram.le@", seeing) == [company.ids["tram"]]
    assert await people("tram.le@", "minh") == []
    assert await people("ten tram", "minh") == [company.ids["tram"]]
