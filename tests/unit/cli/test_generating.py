"""The invented company: it can be imported, it is the size that was asked for, and it is the same again."""

from datetime import UTC, date, datetime

import pytest

from cli.generating import as_file, big_company
from cli.importing.check import checked

TODAY = datetime.now(UTC).date()


def text(people: int, kpis: int, *, seed: int = 1, today: date = TODAY) -> str:
    return "\n".join(as_file(big_company(people, kpis, seed=seed, today=today)))


@pytest.mark.parametrize(("people", "kpis"), [(3, 3), (8, 15), (120, 300)])
def test_an_import_takes_it_and_finds_all_of_it(people: int, kpis: int):
    file, problems = checked(text(people, kpis).encode(), TODAY)
    assert problems == []
    assert file is not None
    assert (len(file.people), len(file.kpis)) == (people, kpis)
    assert {kpi.level for kpi in file.kpis} == {"company", "department", "individual"}


def test_the_same_seed_makes_the_same_company_and_another_one_another():
    assert text(50, 60) == text(50, 60)
    assert text(50, 60) != text(50, 60, seed=2)


def test_people_answer_for_kpis_of_their_own_unit_and_report_to_its_head():
    company = big_company(120, 300, today=TODAY)
    units = {unit.ref: unit for unit in company.units}
    people, kpis = {p.ref: p for p in company.people}, {kpi.ref: kpi for kpi in company.kpis}
    for kpi in company.kpis:
        if kpi.level == "individual":
            [owner] = kpi.owners
            assert people[owner].unit == kpis[kpi.parent].department
    for person in company.people:
        if person.unit and units[person.unit].head != person.ref:
            assert person.manager == units[person.unit].head
