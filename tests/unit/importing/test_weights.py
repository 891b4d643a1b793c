"""Whose weights would make more than 100 per cent is told before anything is written."""

from decimal import Decimal

from importing.sheets.grid import Grid
from importing.sheets.kpis import kpis
from importing.sheets.mapping import guess
from importing.sheets.rows import rows_of
from importing.sheets.standing import Standing
from importing.sheets.tables import TABLES
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.people.v1 import people_pb2 as p


def planned(*weights: str, stands: int = 0) -> dict[str, Decimal]:
    there = Standing(cycle=g.Cycle(cycle_id="q1", name="Quý 1"))
    there.people = {"minh": p.Person(person_id="minh", name=PersonalText(plain="Minh"), active=True)}
    there.kpis = (
        {"k": g.Kpi(kpi_id="k", name="Cũ", weight=stands, owners=[g.Owner(person_id="minh")])} if stands else {}
    )
    rows = [["Tên KPI", "Người chịu trách nhiệm", "Mục tiêu", "Trọng số"]]
    rows += [[f"KPI {n}", "Minh", "9", weight] for n, weight in enumerate(weights)]
    grid = Grid("x", rows)
    plan = kpis(rows_of(grid, TABLES["kpis"], guess(grid, TABLES["kpis"]).mapping), there, {}, "", "")
    assert plan.faults == []
    return dict(plan.over_full)


def test_what_comes_is_added_to_what_stands():
    assert planned("60", "40") == {}
    assert planned("60", "50") == {"Minh": Decimal(110)}
    assert planned("60", "30", stands=20) == {"Minh": Decimal(110)}
    assert planned("", stands=120) == {}
