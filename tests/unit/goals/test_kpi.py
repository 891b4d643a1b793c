"""Defining, revising, retiring a KPI."""

from datetime import date
from typing import Any

import pytest

from eventkit.aggregate import UnknownEvent
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import CycleOpened, KpiRetired
from nhip.goals.v1.goals_pb2 import RetireKpi
from services.goals.domain import alignment, kpi
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.kpi import KPI
from tests.unit.decisions import company_x, number, rejected, words
from tests.unit.goals.kpis import Q1, START, company, defined, department, draft, individual, measure, sales_branch, tree


def test_a_defined_kpi_is_what_was_written_down():
    state = sales_branch().state(KPI, "I1")
    assert (state.name, state.target, state.owners, state.level) == ("I1", 80, ("minh",), t.LEVEL_INDIVIDUAL)
    assert state.defined_on == state.effective_on == START


def test_an_individual_kpi_needs_somebody_who_answers_for_it_g32():
    rejected("OWNER_MISSING", lambda: defined(tree(), draft("I9", t.LEVEL_INDIVIDUAL)), field="kpi.owner_ids")


def test_a_departments_kpi_names_its_unit():
    rejected("UNIT_MISSING", lambda: defined(tree(), draft("D9", t.LEVEL_DEPARTMENT)), field="kpi.unit_id")


def test_an_owner_must_be_somebody_active():
    lone = individual("I9", 5, "demo", "D1", "minh", "ghost")
    rejected("PERSON_UNKNOWN", lambda: defined(sales_branch(), lone), field="kpi.owner_ids[1]")
    rejected("PERSON_UNKNOWN", lambda: defined(sales_branch(), individual("I9", 5, "demo", "D1", "minh"), company_x(inactive=("minh",))))


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"floor": number(90)}, "SCALE_ORDER", "m.target"),
        ({"stretch": number(70)}, "SCALE_ORDER", "m.stretch"),
        ({"direction": t.DIRECTION_DECREASE, "floor": number(70)}, "SCALE_ORDER", "m.floor"),
        ({"baseline": number(80)}, "TARGET_IS_BASELINE", "m.target"),
        ({"baseline": number(90)}, "TARGET_NOT_ABOVE_START", "m.target"),
        ({"kind": t.MEASURE_KIND_MILESTONE}, "MILESTONE_TARGET", "m.target"),
    ],
)
def test_a_scale_runs_in_the_direction_of_its_measure_g46(changes: dict[str, Any], reason: str, field: str):
    rejected(reason, lambda: kpi.check_measure(measure(80, **changes), "m"), field=field)


@pytest.mark.parametrize("target", [0, -5])
def test_what_adds_up_has_a_target_above_nothing(target: int):
    rejected("TARGET_NOT_ABOVE_START", lambda: kpi.check_measure(measure(target), "m"), field="m.target")


def test_a_falling_measure_has_its_floor_above_its_target():
    kpi.check_measure(measure(5, direction=t.DIRECTION_DECREASE, floor=number(10), stretch=number(2)), "m")


def test_a_kpi_with_kpis_under_it_is_not_retired():
    state = sales_branch()
    rejected(
        "KPI_HAS_CHILDREN",
        lambda: alignment.take_off(state.state(ALIGNMENT, Q1.id), cycle_id=Q1.id, kpi_id="D1", effective_on=START),
        field="kpi_id",
    )


def test_a_retired_kpi_leaves_the_alignment_and_takes_no_children():
    state = sales_branch()
    command = RetireKpi(kpi_id="I1", reason_class=t.REASON_CLASS_CONTEXT_CHANGED, reason=words("không còn cần"))
    ended = kpi.retire(state.state(KPI, "I1"), command, effective_on=date(2025, 3, 12))
    assert isinstance(ended[0].event, KpiRetired)
    off = alignment.take_off(state.state(ALIGNMENT, Q1.id), cycle_id=Q1.id, kpi_id="I1", effective_on=date(2025, 3, 12))
    after = state.and_then([*ended, *off])
    rejected("KPI_UNKNOWN", lambda: defined(after, individual("I9", 5, "demo", "I1", "minh")), field="parent.kpi_id")
    assert kpi.retire(after.state(KPI, "I1"), command, effective_on=START) == []


def test_an_unknown_event_fails_the_fold_instead_of_being_ignored():
    with pytest.raises(UnknownEvent):
        KPI.evolve(sales_branch().state(KPI, "I1"), CycleOpened())


def test_a_kpi_cannot_serve_itself_over_others():
    state = sales_branch()
    rejected(
        "ALIGNMENT_CIRCLE",
        lambda: alignment.align(
            state.state(ALIGNMENT, Q1.id),
            cycle_id=Q1.id,
            kpi_id="K1",
            parent=t.Parent(kpi_id="I1"),
            parent_exists=False,
            why="",
            effective_on=START,
        ),
        field="parent.kpi_id",
    )


def test_a_named_parent_that_does_not_exist_is_an_error():
    rejected("KPI_UNKNOWN", lambda: defined(tree(), department("D1", 10, "demo", "nowhere")), field="parent.kpi_id")


def test_an_unaligned_kpi_is_allowed():
    state = tree(company("KC", 10, "hợp đồng"))
    assert not state.state(ALIGNMENT, Q1.id).links["KC"].parent.WhichOneof("target")


def test_aligning_it_as_it_is_changes_nothing():
    state = sales_branch()
    again = alignment.align(
        state.state(ALIGNMENT, Q1.id),
        cycle_id=Q1.id,
        kpi_id="I1",
        parent=t.Parent(kpi_id="D1"),
        parent_exists=False,
        why="",
        effective_on=START,
    )
    assert again == []
