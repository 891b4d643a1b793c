"""Defining, revising, retiring a KPI (G-28, G-31, G-46)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from eventkit.commands.aggregate import UnknownEvent
from eventkit.values import from_date, required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import CycleOpened, KpiAligned, KpiDefined, KpiRetired, KpiTargetRevised
from nhip.goals.v1.goals_pb2 import RetireKpi
from services.goals.domain import alignment, kpi, kpi_change
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.kpi import KPI
from tests.unit.decisions import Given, company_x, number, rejected, words
from tests.unit.goals.kpis import (
    Q1,
    START,
    company,
    defined,
    department,
    draft,
    individual,
    measure,
    sales_branch,
    tree,
)


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
    rejected(
        "PERSON_UNKNOWN",
        lambda: defined(sales_branch(), individual("I9", 5, "demo", "D1", "minh"), company_x(inactive=("minh",))),
    )


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


LEVEL: dict[str, Any] = {"kind": t.MEASURE_KIND_LEVEL}
FALLS: dict[str, Any] = {"direction": t.DIRECTION_DECREASE}


@pytest.mark.parametrize(
    ("target", "baseline", "changes", "reason"),
    [
        (5, 12, LEVEL, "TARGET_BELOW_BASELINE"),
        (-3, 0, LEVEL, "TARGET_BELOW_BASELINE"),
        (30, 15, LEVEL | FALLS, "TARGET_ABOVE_BASELINE"),
    ],
)
def test_a_level_ends_on_the_side_of_its_start_that_it_is_to_go_to_g24(
    target: int, baseline: int, changes: dict[str, Any], reason: str
):
    against = measure(target, baseline=number(baseline), **changes)
    rejected(reason, lambda: kpi.check_measure(against, "m"), field="m.target")
    kpi.check_measure(measure(target, **changes), "m")
    kpi.check_measure(measure(target, baseline=number(baseline), **LEVEL, direction=t.DIRECTION_KEEP), "m")


def test_what_adds_up_towards_a_cap_starts_below_it():
    kpi.check_measure(measure(20, baseline=number(0), **FALLS), "m")


@pytest.mark.parametrize("target", [0, -5])
def test_what_adds_up_has_a_target_above_nothing(target: int):
    rejected("TARGET_NOT_ABOVE_START", lambda: kpi.check_measure(measure(target), "m"), field="m.target")


def test_a_falling_measure_has_its_floor_above_its_target():
    kpi.check_measure(measure(5, direction=t.DIRECTION_DECREASE, floor=number(10), stretch=number(2)), "m")


def test_a_kpi_with_kpis_under_it_is_not_retired():
    state = sales_branch()
    rejected(
        "KPI_HAS_CHILDREN",
        lambda: alignment.take_off(state.state(ALIGNMENT, Q1.id), cycle=Q1, kpi_id="D1", effective_on=START),
        field="kpi_id",
    )


def test_a_retired_kpi_leaves_the_alignment_and_takes_no_children():
    state = sales_branch()
    command = RetireKpi(kpi_id="I1", reason_class=t.REASON_CLASS_CONTEXT_CHANGED, reason=words("không còn cần"))
    ended = kpi.retire(state.state(KPI, "I1"), command, effective_on=date(2025, 3, 12))
    assert isinstance(ended[0].event, KpiRetired)
    off = alignment.take_off(state.state(ALIGNMENT, Q1.id), cycle=Q1, kpi_id="I1", effective_on=date(2025, 3, 12))
    after = state.and_then([*ended, *off])
    rejected("KPI_RETIRED", lambda: defined(after, individual("I9", 5, "demo", "I1", "minh")), field="parent.kpi_id")
    assert kpi.retire(after.state(KPI, "I1"), command, effective_on=date(2025, 3, 12)) == []


MARCH_12, MARCH_20 = date(2025, 3, 12), date(2025, 3, 20)


def retired(state: Given, id: str, on: date) -> Given:
    command = RetireKpi(kpi_id=id, reason_class=t.REASON_CLASS_CONTEXT_CHANGED, reason=words("không còn cần"))
    ended = kpi.retire(state.state(KPI, id), command, effective_on=on)
    return state.and_then(
        [*ended, *alignment.take_off(state.state(ALIGNMENT, Q1.id), cycle=Q1, kpi_id=id, effective_on=on)]
    )


def aligned(state: Given, id: str, parent: str, on: date) -> Given:
    links = state.state(ALIGNMENT, Q1.id)
    serves = t.Parent(kpi_id=parent)
    return state.and_then(
        alignment.align(
            links,
            cycle=Q1,
            kpi_id=id,
            level=t.LEVEL_INDIVIDUAL,
            parent=serves,
            parent_exists=False,
            why="",
            effective_on=on,
        )
    )


def test_an_end_that_lies_ahead_acts_from_that_day_on():
    state = retired(sales_branch(), "I1", MARCH_20)
    ending, links = state.state(KPI, "I1"), state.state(ALIGNMENT, Q1.id)
    assert (ending.ended(MARCH_12), ending.ended(MARCH_20)) == (False, True)
    assert "I1" in links.children("D1", MARCH_12)
    assert "I1" not in links.children("D1", MARCH_20)
    change = t.TargetChange(kpi_id="I1", before=number(80), after=number(60))
    cause = kpi_change.Cause(t.REASON_CLASS_CORRECTION)
    revised = kpi_change.numbers(ending, change, today=MARCH_12, cause=cause, at="c")[0].event
    assert isinstance(revised, KpiTargetRevised)
    assert required_date(revised.effective_on) == MARCH_12
    rejected("KPI_RETIRED", lambda: kpi.active(ending, MARCH_20))
    rejected("KPI_HAS_CHILDREN", lambda: retired(state, "D1", MARCH_12))


def test_what_is_to_end_later_can_be_ended_earlier():
    state = retired(retired(sales_branch(), "I1", MARCH_20), "I1", MARCH_12)
    assert state.state(KPI, "I1").ended(MARCH_12)
    assert "I1" not in state.state(ALIGNMENT, Q1.id).children("D1", MARCH_12)


def test_nothing_is_put_under_a_kpi_that_will_end_before_it():
    state = retired(sales_branch(), "I1", MARCH_20)
    rejected("KPI_RETIRED", lambda: aligned(state, "I2", "I1", MARCH_12), field="parent.kpi_id")


def test_a_link_that_lies_ahead_acts_from_that_day_on():
    state = aligned(sales_branch(), "I1", "D2", MARCH_20)
    links = state.state(ALIGNMENT, Q1.id)
    assert [links.link("I1", day).parent.kpi_id for day in (START, MARCH_12, MARCH_20)] == ["D1", "D1", "D2"]
    # D1 is served by it until then, so D1 may not serve it; nor may D2, from then on.
    rejected("ALIGNMENT_CIRCLE", lambda: aligned(state, "D1", "I1", MARCH_12))
    rejected("ALIGNMENT_CIRCLE", lambda: aligned(state, "D2", "I1", MARCH_12))
    assert aligned(state, "D1", "I1", MARCH_20).state(ALIGNMENT, Q1.id).link("D1", MARCH_20).parent.kpi_id == "I1"


def test_a_later_decision_counts_from_its_own_day_on():
    links = aligned(aligned(sales_branch(), "I1", "D2", MARCH_20), "I1", "K1", MARCH_12).state(ALIGNMENT, Q1.id)
    assert [links.link("I1", day).parent.kpi_id for day in (START, MARCH_12, MARCH_20)] == ["D1", "K1", "K1"]


def test_links_of_old_that_ran_in_a_circle_for_some_days_end_nothing():
    """Decisions once looked at the last link alone, whatever day it was for."""

    def link(kpi_id: str, parent: str, on: date) -> KpiAligned:
        return KpiAligned(cycle_id="q1", kpi_id=kpi_id, after=t.Parent(kpi_id=parent), effective_on=from_date(on))

    links = ALIGNMENT.fold([link("A", "B", START), link("A", "C", MARCH_20), link("B", "A", START)])
    assert links is not None
    assert list(links.above("A", START)) == ["B"]


def test_an_unknown_event_fails_the_fold_instead_of_being_ignored():
    with pytest.raises(UnknownEvent):
        KPI.evolve(sales_branch().state(KPI, "I1"), CycleOpened())


def test_a_kpi_cannot_serve_itself_over_others():
    state = sales_branch()
    rejected(
        "ALIGNMENT_CIRCLE",
        lambda: alignment.align(
            state.state(ALIGNMENT, Q1.id),
            cycle=Q1,
            kpi_id="K1",
            level=t.LEVEL_COMPANY,
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
    assert not state.state(ALIGNMENT, Q1.id).link("KC", START).parent.WhichOneof("target")


def test_aligning_it_as_it_is_changes_nothing():
    state = sales_branch()
    again = alignment.align(
        state.state(ALIGNMENT, Q1.id),
        cycle=Q1,
        kpi_id="I1",
        level=t.LEVEL_INDIVIDUAL,
        parent=t.Parent(kpi_id="D1"),
        parent_exists=False,
        why="",
        effective_on=START,
    )
    assert again == []


def test_a_weight_with_decimals_is_kept_and_rounded_for_who_knows_whole_ones():
    made = defined(tree(), company("K1", 70, "đăng ký", exact_weight=number("33.33")))[0].event
    assert isinstance(made, KpiDefined)
    assert (made.weight, made.exact_weight.value) == (33, "33.33")
    whole = defined(tree(), company("K1", 70, "đăng ký", weight=40))[0].event
    assert isinstance(whole, KpiDefined)
    assert (whole.weight, whole.HasField("exact_weight")) == (40, False)
    assert kpi.evolve(None, made).weight == Decimal("33.33")
