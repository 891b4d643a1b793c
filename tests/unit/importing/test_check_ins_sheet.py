"""Past check-ins in a table: rows of one person and day are one check-in (C-10)."""

from collections.abc import Sequence
from datetime import date

from eventkit.values import required_date
from importing.sheets.check_ins import check_ins
from importing.sheets.checking import _row  # pyright: ignore[reportPrivateUsage] # a rule of its own
from importing.sheets.grid import Grid
from importing.sheets.mapping import guess
from importing.sheets.plan import Plan
from importing.sheets.rows import rows_of
from importing.sheets.standing import Standing
from importing.sheets.tables import TABLES
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p

HEADINGS = ["Nhân viên", "Ngày check-in", "Tâm trạng", "Việc đã làm", "Trở ngại", "KPI", "Giá trị", "Độ tự tin"]


def planned(*rows: tuple[str, ...], headings: Sequence[str] = HEADINGS) -> Plan:
    there = Standing(cycle=g.Cycle(cycle_id="q1", name="Quý 1"))
    names = {"minh": "Minh", "tram": "Trâm"}
    there.people = {id: p.Person(person_id=id, name=PersonalText(plain=n), active=True) for id, n in names.items()}
    there.kpis = {
        f"{name}-{owner}": g.Kpi(kpi_id=f"{name}-{owner}", name=name, owners=[g.Owner(person_id=owner)])
        for name in ("Demo", "Chốt")
        for owner in names
    }
    grid = Grid("x", [list(headings), *map(list, rows)])
    return check_ins(rows_of(grid, TABLES["check_ins"], guess(grid, TABLES["check_ins"]).mapping), there)


def test_the_day_on_which_it_was_made_comes_along_and_is_one_day_a07():
    rows = [("Minh", "20/03/2025", "4", *[""] * 5, "21/03/2025"), ("Minh", "20/03/2025", *[""] * 6, "21/03/2025")]
    plan = planned(*rows, ("Trâm", "20/03/2025", "4", *[""] * 6), headings=[*HEADINGS, "Ngày gửi"])
    assert (plan.faults, required_date(command(plan).made_on)) == ([], date(2025, 3, 21))
    assert not command(plan, 1).HasField("made_on"), "nobody says it of Trâm's"
    two = planned(*rows, ("Minh", "20/03/2025", *[""] * 6, "22/03/2025"), headings=[*HEADINGS, "Ngày gửi"])
    assert [(fault.row, fault.field, fault.reason) for fault in two.faults] == [(4, "made_on", "OTHER_ROW_SAYS")]


def command(plan: Plan, number: int = 0) -> ci.SubmitCheckIn:
    made = plan.deeds(frozenset())[number].build(lambda _, ref: ref)
    assert isinstance(made, ci.SubmitCheckIn)
    return made


def test_rows_of_one_person_and_day_are_one_check_in():
    plan = planned(
        ("Minh", "20/03/2025", "4", "Gọi Alpha; Gửi báo giá", "Duyệt giá chậm", "Demo", "46", "8"),
        ("Minh", "20/03/2025", "", "Gọi Alpha", "", "Chốt", "12", ""),
        ("Trâm", "20/03/2025", "3", "", "", "Demo", "9", ""),
    )
    assert plan.faults == []
    one = command(plan)
    assert (one.person_id, required_date(one.due_on), one.mood) == ("minh", date(2025, 3, 20), 4)
    assert [text.plain for text in one.done] == ["Gọi Alpha", "Gửi báo giá"]
    assert [(value.kpi_id, value.value.value, value.confidence) for value in one.values] == [
        ("Demo-minh", "46", 8),
        ("Chốt-minh", "12", 0),
    ]
    assert [value.kpi_id for value in command(plan, 1).values] == ["Demo-tram"]  # whose it is tells which is meant


def test_what_is_wrong_is_said_where_it_stands_and_leaves_the_whole_check_in_out():
    plan = planned(
        ("Minh", "20/03/2025", "4", "", "", "Demo", "46", ""),
        ("Minh", "20/03/2025", "5", "", "", "Demo", "47", ""),
        ("Trâm", "20/03/2025", "3", "", "", "Chốt", "", ""),
        ("Ai đó", "20/03/2025", "3", "", "", "", "", ""),
    )
    assert [(fault.row, fault.field, fault.reason) for fault in plan.faults] == [
        (3, "mood", "OTHER_ROW_SAYS"),
        (3, "kpi", "TWICE"),
        (4, "value", "MISSING"),
        (5, "person", "NO_SUCH_PERSON"),
    ]
    assert plan.deeds(frozenset()) == []


def test_what_a_service_says_of_a_value_is_said_of_its_row():
    rows = [("Minh", "20/03/2025", "4", "", "", "", "", ""), ("Minh", "20/03/2025", "", "", "", "Demo", "46", "")]
    [deed] = planned(*rows).deeds(frozenset())
    assert (_row(deed, "values[0].value"), _row(deed, "due_on")) == (3, 2)


def test_the_same_file_has_the_same_keys_and_another_mood_another():
    same = [planned(("Minh", "20/03/2025", mood, "", "", "", "", "")).deeds(frozenset())[0].key for mood in "445"]
    assert same[0] == same[1] != same[2]
