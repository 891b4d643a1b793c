"""New rows of a table for a cycle that runs become proposals, those that serve each other together."""

import pytest

from importing.sheets.grid import Grid
from importing.sheets.kpis import kpis
from importing.sheets.mapping import guess
from importing.sheets.plan import Plan
from importing.sheets.rows import rows_of
from importing.sheets.standing import Standing
from importing.sheets.tables import TABLES
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p


def planned(*rows: tuple[str, str], state: t.CycleState.ValueType = t.CYCLE_STATE_RUNNING) -> Plan:
    """Each row a name and what it serves."""
    there = Standing(cycle=g.Cycle(cycle_id="q1", name="Quý 1", state=state))
    there.people = {"minh": p.Person(person_id="minh", name=PersonalText(plain="Minh"), active=True)}
    there.kpis = {"k": g.Kpi(kpi_id="k", name="Cũ", owners=[g.Owner(person_id="minh")])}
    table = [["Tên KPI", "Người chịu trách nhiệm", "Mục tiêu", "Phục vụ"]]
    table += [[name, "Minh", "9", parent] for name, parent in rows]
    grid = Grid("x", table)
    return kpis(rows_of(grid, TABLES["kpis"], guess(grid, TABLES["kpis"]).mapping), there, {}, "Tệp", "Vì tệp")


def proposals(plan: Plan, *ticked: str) -> list[g.ProposeChange]:
    wanted = frozenset(ticked or [d.name for d in plan.differences() if not d.obstacle])
    built = [deed.build(lambda _, ref: ref) for deed in plan.deeds(wanted)]
    assert all(isinstance(one, g.ProposeChange) for one in built)
    return built  # type: ignore[return-value] # as is asserted


def added(proposal: g.ProposeChange) -> list[tuple[str, str, str]]:
    return [(one.key, one.name, one.parent.kpi_id) for one in proposal.additions]


def test_a_new_row_is_ticked_as_a_difference_and_proposed_with_what_it_serves():
    plan = planned(("Con", "Mẹ"), ("Mẹ", "Cũ"))
    assert plan.faults == []
    assert [(d.name, d.after) for d in plan.differences()] == [("2.new", "Con"), ("3.new", "Mẹ")]
    [both] = proposals(plan)
    assert added(both) == [("row-3", "Mẹ", "k"), ("row-2", "Con", "row-3")]
    assert (both.title.plain, both.reason.plain) == ("Tệp", "Vì tệp")
    assert [added(one) for one in proposals(plan, "3.new")] == [[("row-3", "Mẹ", "k")]]
    assert added(proposals(plan, "2.new")[0]) == added(both), "what it serves comes along"


def test_a_planned_cycle_takes_new_rows_as_ever():
    plan = planned(("Con", "Mẹ"), ("Mẹ", "Cũ"), state=t.CYCLE_STATE_PLANNED)
    assert [type(deed.build(lambda _, ref: ref)) for deed in plan.deeds(frozenset())] == [g.DefineKpi] * 2


@pytest.mark.parametrize("count", [16, 17, 40])
def test_a_proposal_has_so_many_and_those_that_serve_each_other_are_in_one(count: int):
    rows = [row for n in range(count // 2) for row in ((f"Mẹ {n}", ""), (f"Con {n}", f"Mẹ {n}"))]
    made = proposals(planned(*rows))
    assert sum(len(one.additions) for one in made) == len(rows)
    for one in made:
        keys = [addition.key for addition in one.additions]
        assert len(keys) <= 16
        assert {addition.parent.kpi_id for addition in one.additions} - {""} <= set(keys)


def test_more_that_hang_together_than_a_proposal_has_wait_for_the_first():
    plan = planned(("Mẹ", ""), *((f"Con {n}", "Mẹ") for n in range(20)))
    assert [d.obstacle for d in plan.differences()].count("ADDED_TOGETHER") == 5
    [one] = proposals(plan)
    assert len(one.additions) == 16


def test_a_circle_is_proposed_by_nobody():
    plan = planned(("A", "B"), ("B", "A"), ("C", "A"))
    assert {fault.reason for fault in plan.faults} == {"KPI_CIRCLE"}
    assert all("row-2" not in {addition.key for addition in one.additions} for one in proposals(plan))
