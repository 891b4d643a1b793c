"""A company's file is checked whole before anything is sent: every problem, with its line and what would be right."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from cli.importing.check import checked, kind_of, managers, remarks, rests_on, waves
from eventkit.directory.tenant_settings import TenantSettings
from importing import commands
from importing.company import File, Item
from nhip.goals.v1 import types_pb2 as t
from nhip.rewards.v1.types_pb2 import VISIBILITY_PRIVATE, VISIBILITY_UNSPECIFIED
from services.rewards.domain import rise

DEMO = Path(__file__).parents[3] / "demo" / "company-x.vi.yaml"
TODAY = date(2025, 6, 1)

RIGHT = """\
company: {tenant: acme, name: Acme, time_zone: Europe/Paris}
units:
  - {ref: sales, name: Sales, head: ann}
people:
  - {ref: bob, name: Bob, unit: sales, manager: ann}
  - {ref: ann, name: Ann, roles: [executive, admin]}
cycle: {ref: q1, name: Q1, starts_on: 2025-01-01, ends_on: 2025-03-31}
goals:
  - {ref: G, name: Grow, year: 2025, target: 25.50, measured_in: "%"}
csfs:
  - {ref: C, name: Trials, supports: [G]}
kpis:
  - {ref: R, name: Rate, level: individual, kind: level, direction: increase, target: 60, volume: V, owners: [bob], parent: D}
  - {ref: V, name: Demos, level: individual, kind: cumulative, direction: increase, target: 80, owners: [bob], parent: D}
  - {ref: D, name: Sold, level: department, kind: cumulative, direction: increase, target: 100, department: sales, parent: C}
progress:
  - {kpi: V, day: 2025-03-20, value: 12}
values:
  - {ref: care, name: Care}
gifts:
  - {ref: tea, name: Tea, points: 50, stock: 3}
praises:
  - {ref: p1, from: ann, to: bob, value: care, words: Well told, deed_on: 2025-03-20, visibility: private}
  - {ref: p2, from: ann, unit: sales, kpi: V, words: Well sold}
"""  # noqa: E501


def found(text: str | bytes) -> list[str]:
    """The problems, as `nhip import` prints them."""
    content = text.encode() if isinstance(text, str) else text
    return [str(problem) for problem in checked(content, TODAY)[1]]


def changed(old: str, new: str) -> str:
    assert RIGHT.count(old) >= 1, old
    return RIGHT.replace(old, new, 1)


def read(text: str) -> File:
    file, problems = checked(text.encode(), TODAY)
    assert not problems
    assert file is not None
    return file


def test_a_right_file_has_no_problems():
    assert found(RIGHT) == []


def test_the_demo_company_is_right():
    file, problems = checked(DEMO.read_bytes())
    assert problems == []
    assert file is not None
    levels = [kpi.level for kpi in file.kpis if kpi.parent]
    assert [levels.count(level) for level in ("company", "department", "individual")] == [2, 4, 8]
    assert [kpi.ref for kpi in file.kpis if not kpi.parent] == ["KC"]
    assert len(file.people) == 8
    assert len(file.units) == 6


def test_praise_of_the_demo_gives_minh_a_coffee_and_says_what_was_done():
    file, _ = checked(DEMO.read_bytes())
    assert file is not None
    assert len({praise.giver for praise in file.praises if praise.to == "minh"}) == 5
    assert not [praise for praise in file.praises if praise.unit and praise.unit == "sales"]
    assert [(gift.points, gift.name) for gift in file.gifts] == [
        (50, "Ly cà phê"),
        (100, "Voucher mua sắm"),
        (200, "Sách chuyên ngành"),
    ]
    assert not [
        praise for praise in file.praises if (praise.giver, praise.to, praise.value) == ("phuc", "minh", "trach-nhiem")
    ]
    for praise in file.praises:
        assert praise.deed_on
        assert date(2025, 1, 1) <= praise.deed_on <= date(2025, 3, 31)
        hints = rise.hints(
            praise.words, TenantSettings().on(praise.deed_on), serves_kpi=False, since_deed=timedelta(), since_last=None
        )
        assert all(hint.met for hint in hints), praise.ref


def test_weights_of_the_demo_add_up_to_100_per_owner():
    file, _ = checked(DEMO.read_bytes())
    assert file is not None
    for owner in ("nam", "minh", "tram", "thao", "tien"):
        assert sum(kpi.weight or 0 for kpi in file.kpis if owner in kpi.owners) == 100
    for unit in ("sales", "cskh"):
        assert sum(kpi.weight or 0 for kpi in file.kpis if kpi.department == unit) == 100


def test_nobody_is_named_where_words_are_not_sealed():
    file, _ = checked(DEMO.read_bytes())
    assert file is not None
    for kpi in file.kpis:
        said = f"{kpi.name} {kpi.statement} {kpi.why}".split()
        assert not [person.name for person in file.people if person.name in said], kpi.ref


def test_names_on_the_map_of_the_demo_are_short():
    file, _ = checked(DEMO.read_bytes())
    assert file is not None
    for kpi in file.kpis:
        words = [word for word in kpi.name.split() if word not in ("·", "→")]
        assert 2 <= len(words) <= 4, kpi.name
        assert kpi.statement
        assert kpi.why or not kpi.parent


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "owners: [bob]",
            "owners: [bop]",
            "13:111: there is no person 'bop'; did you mean 'bob'? (there are bob, ann)",
        ),
        ("manager: ann", "manager: lan", "5:49: there is no person 'lan'"),
        ("unit: sales,", "unit: sale,", "5:33: there is no unit 'sale'; did you mean 'sales'? (there are sales)"),
        ("head: ann", "head: eve", "3:37: there is no person 'eve' (there are bob, ann)"),
        ("supports: [G]", "supports: [H]", "11:39: there is no goal 'H' (there are G)"),
        ("parent: C}", "parent: X}", "there is no CSF, KPI or goal 'X' (there are C, R, V, D, G)"),
        ("volume: V", "volume: W", "there is no KPI 'W'"),
        ("department: sales", "department: sails", "there is no unit 'sails'; did you mean 'sales'?"),
        ("kpi: V,", "kpi: Z,", "17:11: there is no KPI 'Z'"),
        ("parent: C}", "parent: R}", "KPIs serve or hinder each other in a circle: "),
        ("{ref: ann, name: Ann,", "{ref: ann, name: Ann, manager: bob,", "who reports to whom runs in a circle: "),
        ("target: 80", "target: eighty", "14:93: KPI: target 'eighty' is no number: write digits, as 1200 or 12.5"),
        ("target: 80", "target: 1e3", "KPI: target '1e3' is no number"),
        ("target: 80", "target: .inf", "KPI: target '.inf' is no number"),
        ("value: 12", "value: [12]", "17:38: progress: value must be a text"),
        ("year: 2025", "year: soon", "goal: year 'soon' is no whole number"),
        ("year: 2025", "year: 1900", "9:32: goal: year must be"),
        (
            "2025-03-20",
            "2025-04-01",
            "17:19: progress: 2025-04-01 is no day of the cycle: give one from 2025-01-01 to 2025-03-31",
        ),
        (
            "2025-03-20",
            "2025-02-30",
            "17:19: progress: day '2025-02-30' is no day: write year-month-day, as 2025-03-31",
        ),
        ("2025-03-20", "20/03/2025", "progress: day '20/03/2025' is no day"),
        (
            "ends_on: 2025-03-31",
            "ends_on: 2024-03-31",
            "7:60: cycle: a cycle ends after it starts (2025-01-01), within 400 days",
        ),
        (
            "parent: C}",
            "parent: C, effective_on: 2025-05-01}",
            "2025-05-01 is outside the cycle: give a day from 2025-01-01 to 2025-03-31",
        ),
        ("{ref: V,", "{ref: R,", "14:11: there is a goal, CSF or KPI 'R' already, in line 13"),
        ("{ref: D,", "{ref: G,", "15:11: there is a goal, CSF or KPI 'G' already, in line 9"),
        ("{ref: ann,", "{ref: bob,", "6:11: there is a person 'bob' already, in line 5"),
        ("name: Ann", "nmae: Ann", "6:16: person: there is no field 'nmae'; did you mean 'name'?"),
        ("name: Ann", "nmae: Ann", "6:5: person: name is missing"),
        ("goals:", "gaols:", "8:1: file: there is no field 'gaols'; did you mean 'goals'?"),
        ("name: Ann", "name: Ann, name: Eve", "6:27: person: 'name' is given twice"),
        ("kind: level", "kind: rate", "KPI: kind 'rate' must be one of cumulative, level, milestone"),
        (
            "roles: [executive, admin]",
            "roles: [boss, admin]",
            "6:35: person: roles 'boss' must be one of employee, executive,",
        ),
        ("roles: [executive, admin]", "roles: admin", "6:34: person: roles must be a list"),
        ("roles: [executive, admin]", "roles: [executive]", "nobody has the role admin"),
        ("target: 80", "target:", "KPI: target is missing"),
        (
            "owners: [bob], parent: D}\n  - {ref: V",
            "parent: D}\n  - {ref: V",
            "13:5: KPI: owners is missing: somebody has to answer",
        ),
        ("owners: [bob]", "owners: [bob, bob]", "KPI: owners names 'bob' twice"),
        ("department: sales, ", "", "15:5: KPI: department is missing: a department's KPI names its unit"),
        ("Europe/Paris", "Europe/Pari", "1:48: company: time_zone must be a zone"),
        (
            "tenant: acme",
            "tenant: Acme",
            "1:19: company: tenant 'Acme' is no tenant's id: take up to 64 of a-z (small letters only)",
        ),
        ("tenant: acme", "tenant: ac me", "1:19: company: tenant 'ac me' is no tenant's id"),
        ("name: Demos", f"name: {'x' * 61}", "14:20: KPI: name must"),
        ("target: 80", "target: 80, weight: 101", "KPI: weight must"),
        ("target: 80", "target: 80, baseline: 80", "it stands at 80 already"),
        ("target: 80", "target: 80, floor: 90", "the scale must run floor ≤ target ≤ stretch"),
        ("kind: level", "kind: milestone", "a milestone is done or not: its target is 1"),
        ("value: 12", "value: 12, confidence: 11", "progress: confidence must"),
        (
            "  - {kpi: V",
            "  - {kpi: V, day: 2025-03-20, value: 1}\n  - {kpi: V",
            "there is a progress of this KPI and day 'V-2025-03-20' already",
        ),
        ("cycle: {ref: q1, name: Q1, starts_on: 2025-01-01, ends_on: 2025-03-31}\n", "", "1:1: file: cycle is missing"),
        ("goals:\n  - {ref: G", "goals: none\nunknown:\n  - {ref: G", "8:8: file: goals must be a list"),
        ("{ref: sales, name: Sales, head: ann}", "sales", "3:5: unit: must be a mapping (field: value)"),
        ("name: Sales", "name: ' '", "unit: name must not be blank"),
        ("from: ann, to", "from: eve, to", "23:21: there is no person 'eve' (there are bob, ann)"),
        ("to: bob", "to: bop", "23:30: there is no person 'bop'; did you mean 'bob'? (there are bob, ann)"),
        (
            "unit: sales, kpi",
            "unit: sails, kpi",
            "24:32: there is no unit 'sails'; did you mean 'sales'? (there are sales)",
        ),
        ("value: care", "value: cure", "23:42: there is no value 'cure'; did you mean 'care'? (there are care)"),
        ("kpi: V, words", "kpi: W, words", "24:44: there is no KPI 'W' (there are R, V, D)"),
        ("from: ann, to: bob", "from: bob, to: bob", "23:30: praise: nobody praises themselves: name somebody else"),
        ("to: bob, value", "to: bob, unit: sales, value", "23:41: praise: name a person or a unit, one of the two"),
        ("to: bob, value", "value", "23:5: praise: name the person or the unit that is praised"),
        ("kpi: V, words", "kpi: V, value: care, words", "24:44: praise: name a core value or a KPI, one of the two"),
        ("kpi: V, words", "words", "24:5: praise: name the core value that the deed shows, or the KPI that it served"),
        ("from: ann, unit", "from: bob, unit", "24:32: praise: you are all there is of this unit: name another one"),
        ("words: Well told", "words: ' '", "23:55: praise: words must not be blank"),
        (", words: Well sold", "", "24:5: praise: words is missing"),
        ("words: Well told", f"words: {'x' * 1001}", "23:55: praise: words must"),
        ("from: ann, to: bob, ", "to: bob, ", "23:5: praise: from is missing"),
        ("deed_on: 2025-03-20", "deed_on: 2025-06-02", "23:75: praise: give today (2025-06-01) or an earlier day"),
        ("visibility: private", "visibility: secret", "praise: visibility 'secret' must be one of public, private"),
        ("{ref: p2", "{ref: p1", "24:11: there is a praise 'p1' already, in line 23"),
        ("{ref: care", "{ref: care, name: Cure}\n  - {ref: care", "20:11: there is a value 'care' already, in line 19"),
        ("name: Care", "name:", "value: name is missing"),
        ("points: 50", "points: 0", "21:35: gift: a gift costs 1 point or more"),
        ("points: 50, stock: 3", "points: 50", "gift: stock is missing"),
        ("name: Bob", 'name: "B\\ud800b"', "person: name holds half of a surrogate pair"),
        ("owners: [bob], parent: D", 'owners: ["b\\udfff"], parent: D', "KPI: owners holds half of a surrogate pair"),
        ("{ref: tea, name: Tea", f"{{ref: tea, name: {'x' * 81}", "gift: name must"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, problem: str):
    assert any(problem in line for line in found(changed(old, new))), "\n".join(found(changed(old, new)))


def test_more_praise_than_a_months_allowance_is_told_where_it_is_too_much():
    more = "".join(f"  - {{ref: q{n}, from: bob, to: ann, value: care, words: Thanks}}\n" for n in range(7))
    assert found(RIGHT + more) == [
        "31:5: praise: 'bob' gives away more than the 60 points of a month with this one: leave one out"
    ]
    assert found(RIGHT + more.replace("from: bob, to: ann", "from: ann, to: bob")) == []


def test_a_praise_is_asked_for_as_it_stands():
    file = read(RIGHT)
    one, unit = (commands.give_praise(praise, lambda kind, ref: f"{kind}-{ref}") for praise in file.praises)
    assert (one.giver_id, one.receiver_id, one.unit_id, one.value_id, one.kpi_id) == (
        "person-ann",
        "person-bob",
        "",
        "value-care",
        "",
    )
    assert (unit.giver_id, unit.receiver_id, unit.unit_id, unit.value_id, unit.kpi_id) == (
        "person-ann",
        "",
        "unit-sales",
        "",
        "kpi-V",
    )
    assert (one.visibility, unit.visibility) == (VISIBILITY_PRIVATE, VISIBILITY_UNSPECIFIED)
    assert (one.words.plain, one.deed_on.day, unit.HasField("deed_on")) == ("Well told", 20, False)


def test_all_problems_are_told_at_once():
    text = (
        RIGHT.replace("owners: [bob]", "owners: [bop]")
        .replace("target: 100", "target: '1,500'")
        .replace("name: Ann", "nmae: Ann")
    )
    lines = found(text)
    assert [line.split(":")[0] for line in lines] == ["6", "6", "13", "14", "15"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"company:\n  name: C\xf4ng ty\n", "2:10: the file is not UTF-8: save it as UTF-8"),
        (b"company: {tenant: a\n  name: [\n", "this is not YAML: "),
        (b"company:\n\tname: a\n", "2:1: this is not YAML: "),
        (b"a: 1\n---\nb: 2\n", "this is not YAML: "),
        (b"company: a\x01b\n", "1:11: this is not YAML: a control character"),
        (b"", "1:1: file: the file must be a mapping (field: value)"),
        (b"- a\n- b\n", "1:1: file: the file must be a mapping (field: value)"),
        (b"[" * 5000, "1:1: this is not a company: it is nested too deep"),
        (b"a: &x [*x]\n", "there is no field 'a'"),
        (b"PK\x03\x04\x14\x00\x06\x00\xff\xfe", "the file is not UTF-8"),
        (b"company: !!python/object:os.system {}\n", "company: tenant is missing"),
        (b"x" * (10 << 20) + b"x", "1:1: the file is larger than 10 MB"),
    ],
)
def test_what_is_no_company_is_told(content: bytes, problem: str):
    assert any(problem in line for line in found(content)), found(content)


def test_a_byte_order_mark_is_no_problem():
    assert found(b"\xef\xbb\xbf" + RIGHT.encode()) == []


def test_a_day_in_the_future_is_told():
    assert "from 2025-01-01 to 2025-02-01" in str(checked(RIGHT.encode(), date(2025, 2, 1))[1])


def test_numbers_are_exact():
    file = read(changed("target: 25.50", "target: 123456789012345678.123456"))
    assert file.goals[0].target == Decimal("123456789012345678.123456")
    assert commands.set_goal(file.goals[0]).target.value == "123456789012345678.123456"


def test_a_number_that_is_too_long_is_told_before_anything_is_sent():
    [problem] = found(changed("target: 25.50", "target: 1234567890123456789"))
    assert "at most 18 digits before and 6 behind the point" in problem


@pytest.mark.parametrize("text", ["1.200", '"1,200"'])
def test_a_number_that_can_be_read_in_two_ways_is_refused_with_both(text: str):
    [problem] = found(changed("target: 25.50", f"target: {text}"))
    told = re.findall(r"as ([0-9.]+) \((vi|en)\)", problem)
    assert sorted(value for value, _ in told) == ["1.2", "1200"]
    for value, language in told:  # what is advised is taken, and means what was advised
        assert read(changed("target: 25.50", f"target: {value}")).goals[0].target == Decimal(value)
        assert read(f"numbers: {language}\n" + changed("target: 25.50", f"target: {text}")).goals[0].target == Decimal(
            value
        )


@pytest.mark.parametrize(("language", "value"), [("vi", "1200"), ("en", "1.2")])
def test_a_file_says_how_its_numbers_are_written(language: str, value: str):
    text = changed("target: 25.50", "target: 1.200")
    assert read(f"numbers: {language}\n{text}").goals[0].target == Decimal(value)


@pytest.mark.parametrize("text", ['"300 triệu"', '"5%"', "1e3"])
def test_what_is_no_number_is_not_made_one(text: str):
    [problem] = found(changed("target: 25.50", f"target: {text}"))
    assert "is no number: write digits, as 1200 or 12.5" in problem


def refs(found: Sequence[Sequence[Item]]) -> list[list[str]]:
    return [[item.ref for item in wave] for wave in found]


def test_managers_come_before_those_they_manage():
    assert refs(waves(read(RIGHT).people, managers)) == [["ann"], ["bob"]]


def test_parents_and_volumes_come_before_what_rests_on_them():
    assert refs(waves(read(RIGHT).kpis, rests_on)) == [["D"], ["V"], ["R"]]


def test_a_kpi_is_in_force_from_the_first_day_of_its_cycle():
    file = read(RIGHT)
    assert file.cycle is not None
    command = commands.define_kpi(
        file.kpis[0], file.cycle, kind_of(file, file.kpis[0].parent), lambda kind, ref: f"{kind}-{ref}"
    )
    assert (command.effective_on.year, command.effective_on.month, command.effective_on.day) == (2025, 1, 1)
    assert command.kpi.parent.kpi_id == "kpi-D"
    assert command.kpi.measure.volume_kpi_id == "kpi-V"


def test_an_order_is_kept_where_nothing_else_is_demanded():
    assert refs(waves(read(RIGHT).kpis, lambda _: [])) == [["R", "V", "D"]]


def test_equal_names_in_one_place_are_found_however_they_are_spelt():
    line = "  - {ref: sales, name: Sales, head: ann}\n"
    [twice] = found(changed(line, line + "  - {ref: two, name: ' sALES '}\n"))
    assert twice.endswith("unit: there is one named 'sALES' already, in line 3")
    line = "  - {ref: care, name: Care}\n"
    [twice] = found(changed(line, line + "  - {ref: two, name: CARE}\n"))
    assert twice.endswith("value: there is one named 'CARE' already, in line 19")


def test_a_firm_with_one_executive_is_told_what_comes_of_it():
    assert "only Ann has the role executive" in remarks(read(RIGHT))[0]
    two = changed("{ref: bob, name: Bob,", "{ref: bob, name: Bob, roles: [executive],")
    assert remarks(read(two)) == []
    assert "nobody has the role executive" in remarks(read(changed("[executive, admin]", "[admin]")))[0]


def test_whose_weights_do_not_make_100_is_told_before_anything_is_sent_g45():
    file = read(changed("target: 60,", "target: 60, weight: 70,"))
    assert [text for text in remarks(file) if "weights" in text] == [
        "the weights of Bob make 70 %, and are to make 100 %"
    ]
    whole = read(changed("target: 60,", "target: 60, weight: 100,"))
    assert [text for text in remarks(whole) if "weights" in text] == []


@pytest.mark.parametrize(
    ("weight", "whole", "exact"), [("40", 40, ""), ('"20%"', 20, ""), ("33.33", 0, "33.33"), ('"7,5"', 0, "7.5")]
)
def test_a_weight_may_have_decimals(weight: str, whole: int, exact: str):
    file = read(changed("target: 80,", f"target: 80, weight: {weight},"))
    assert file.cycle is not None
    kpi = next(kpi for kpi in file.kpis if kpi.ref == "V")
    draft = commands.define_kpi(kpi, file.cycle, "kpi", lambda kind, ref: ref).kpi
    assert (draft.weight, draft.exact_weight.value) == (whole, exact)


def test_a_kpi_may_support_and_hinder_others_g74():
    links = "further: [{to: C, effect: supports, why: both}, {to: G, effect: hinders}], target: 80,"
    file = read(changed("target: 80,", links))
    assert file.cycle is not None
    kpi = next(kpi for kpi in file.kpis if kpi.ref == "V")
    draft = commands.define_kpi(kpi, file.cycle, "kpi", lambda kind, ref: ref, partial(kind_of, file)).kpi
    assert [(link.to.WhichOneof("target"), link.effect, link.why) for link in draft.further] == [
        ("csf_id", t.EFFECT_SUPPORTS, "both"),
        ("goal_id", t.EFFECT_HINDERS, ""),
    ]
    [problem] = found(changed("target: 80,", links.replace("to: C", "to: nowhere")))
    assert "there is no CSF, KPI or goal 'nowhere'" in problem


@pytest.mark.parametrize("weight", ["100.5", "-1", "101"])
def test_a_weight_is_at_most_a_hundred(weight: str):
    [problem] = found(changed("target: 80,", f"target: 80, weight: {weight},"))
    assert "weight must be" in problem
