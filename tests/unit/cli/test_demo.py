"""The demo company is alive on whatever day it is imported, in every language."""

import re
from datetime import date

import pytest

from cli.demo import LANGUAGES, company
from cli.importing.check import checked
from cli.whole import command
from eventkit.context import IMPORTER
from eventkit.rpc.rules import violations
from importing.company import File

DAYS = [date(2026, 11, 28), date(2028, 2, 29), date(2027, 1, 1), date(2026, 12, 31)]


def right(text: str, today: date) -> File:
    file, problems = checked(text.encode(), today)
    assert not problems
    assert file is not None
    return file


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("today", DAYS)
def test_its_quarter_runs_and_everything_in_it_has_happened(today: date, language: str):
    demo = company(language, today)
    file = right(demo.now, today)
    assert file.cycle is not None
    starts_on, ends_on = file.cycle.starts_on, file.cycle.ends_on
    assert starts_on is not None
    assert ends_on is not None
    assert starts_on < today < ends_on
    assert not {"2023", "2025"} & set(re.findall(r"20\d\d", demo.now)) - {str(today.year - 2)}
    assert all(value.day is None or starts_on <= value.day <= today for value in file.progress)
    assert all(praise.deed_on is None or praise.deed_on <= today for praise in file.praises)
    before = right(demo.before, today)
    assert before.cycle is not None
    assert before.cycle.ends_on is not None
    assert (starts_on - before.cycle.ends_on).days == 1
    assert before.people == () or {p.ref for p in before.people} == {p.ref for p in file.people}


def test_somebody_of_every_role_is_there_and_what_waits_waits_for_others():
    demo = company("vi", DAYS[0])
    file = right(demo.now, DAYS[0])
    assert {role for person in file.people for role in person.roles} >= {"executive", "okr_master", "admin", "auditor"}
    people, kpis = {person.ref for person in file.people}, {kpi.ref for kpi in file.kpis}
    for asked in demo.asked:
        assert {asked.by, *filter(None, [asked.decided_by])} <= people
        assert asked.changes.keys() <= kpis
        assert asked.by != asked.decided_by
    assert [bool(asked.decided_by) for asked in demo.asked] == [True, False, False]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_its_people_do_is_what_the_contracts_take(language: str):
    """With every thing that it names among those that the files bring, or that an act before it made."""
    demo = company(language, DAYS[0])
    now, before = right(demo.now, DAYS[0]), right(demo.before, DAYS[0])
    brought = [*(f"person/{one.ref}" for one in now.people), *(f"unit/{one.ref}" for one in now.units)]
    brought += [f"kpi/{one.ref}" for one in (*now.kpis, *before.kpis)]
    ids = dict.fromkeys([*brought, "cycle/now", "cycle/before"], "an-id")
    for act in demo.acts:
        assert act.by == IMPORTER or f"person/{act.by}" in ids
        request = command(act, ids)
        assert not violations(request), act
        ids |= {act.ref: "an-id"} if act.ref else {}


def test_both_languages_tell_the_same():
    vi, en = (right(company(language, DAYS[0]).now, DAYS[0]) for language in LANGUAGES)
    for part in ("units", "people", "goals", "csfs", "kpis", "values", "gifts", "praises"):
        assert [one.ref for one in getattr(vi, part)] == [one.ref for one in getattr(en, part)]
    assert [(kpi.target, kpi.weight, kpi.parent) for kpi in vi.kpis] == [
        (kpi.target, kpi.weight, kpi.parent) for kpi in en.kpis
    ]
