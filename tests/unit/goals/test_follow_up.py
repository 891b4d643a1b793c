"""What becomes of a KPI in the next cycle: kept, adjusted, or it stops (G-73)."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from eventkit.commands.aggregate import Decision
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiDefined, KpiFollowedUp
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.cycle import Cycle
from services.goals.domain.follow_up import FOLLOW_UP, Circumstances, carry_on
from services.goals.domain.kpi import KPI
from tests.unit.decisions import Given, company_x, number, rejected, words
from tests.unit.goals.kpis import Q1, sales_branch

Q2 = Cycle("q2", "Quý 2", date(2025, 4, 1), date(2025, 6, 30), t.CYCLE_STATE_PLANNED)
AFTER = date(2025, 4, 2)
ALL = ("K1", "D1", "D2", "I1", "I2", "I3", "I4")


def around(state: Given, kpi_id: str, **changes: Any) -> Circumstances:
    kpi = state.state(KPI, kpi_id)
    serves = state.state(ALIGNMENT, Q1.id).link(kpi_id, Q1.ends_on).parent
    named = filter(None, (serves.kpi_id, kpi.measure.volume_kpi_id))
    decided = {id: state.state(FOLLOW_UP, id).get(Q2.id) for id in named}
    found = Circumstances(
        cycle=Q1,
        next=Q2,
        kpi=kpi,
        decided=state.state(FOLLOW_UP, kpi_id),
        serves=serves,
        goes_on_as={id: one.next_kpi_id for id, one in decided.items() if one},
        why="",
        undecided=(),
        waiting=(),
        beside=ALL,
        alignment=state.state(ALIGNMENT, Q2.id),
        parent_exists=True,
        last=None,
        org=company_x(),
        today=AFTER,
    )
    return replace(found, **changes)


def asked(kpi_id: str, choice: t.FollowUp.ValueType, target: int | None = None, reason: str = "") -> pb.CarriedKpi:
    item = pb.CarriedKpi(kpi_id=kpi_id, choice=choice)
    if target is not None:
        item.target.CopyFrom(number(target))
    if reason:
        item.reason.CopyFrom(words(reason))
    return item


def kept(state: Given, kpi_id: str, **changes: Any) -> Decision:
    return carry_on(asked(kpi_id, t.FOLLOW_UP_KEEP), around(state, kpi_id, **changes), f"{kpi_id}'")


def test_a_count_that_names_a_volume_from_before_only_rates_could_goes_on_without_it():
    state = sales_branch()
    state.state(KPI, "I1").measure.volume_kpi_id = "D1"
    for kpi_id in ("K1", "D1"):
        state = state.and_then(kept(state, kpi_id))
    defined = kept(state, "I1")[0].event
    assert isinstance(defined, KpiDefined)
    assert (defined.measure.target, defined.measure.volume_kpi_id) == (number(80), "")


def test_what_is_kept_is_the_same_in_the_next_cycle_and_serves_what_its_parent_became():
    state = sales_branch()
    for kpi_id in ("K1", "D1", "D2"):
        state = state.and_then(kept(state, kpi_id))
    defined, aligned, followed = (event for _, event in kept(state, "I3"))
    before = state.state(KPI, "I3")
    assert isinstance(defined, KpiDefined)
    assert (defined.continues_id, defined.cycle_id, defined.measure.target) == ("I3", "q2", before.measure.target)
    assert defined.measure.volume_kpi_id == ""  # what it is a rate of does not go on yet
    assert isinstance(aligned, KpiAligned)
    assert aligned.after.kpi_id == "D2'"
    assert isinstance(followed, KpiFollowedUp)
    assert (followed.choice, followed.next_kpi_id) == (t.FOLLOW_UP_KEEP, "I3'")


def test_what_went_on_before_what_it_serves_serves_it_again():
    state = sales_branch()
    for kpi_id in ("D1", "K1"):
        before = state.state(ALIGNMENT, Q2.id).links
        state = state.and_then(kept(state, kpi_id, waiting=[id for id in ("D1'",) if id in before]))
    assert state.state(ALIGNMENT, Q2.id).link("D1'", AFTER).parent.kpi_id == "K1'"


def test_what_it_supports_or_hinders_it_does_again_whichever_goes_on_first():
    link = t.FurtherLink(to=t.Parent(kpi_id="D1"), effect=t.EFFECT_HINDERS, why="cùng một quỹ giờ")
    state = sales_branch()
    for kpi_id in ("K1", "D1"):
        state = state.and_then(kept(state, kpi_id))
    there = state.and_then(kept(state, "D2", further=[link], goes_on_as={"K1": "K1'", "D1": "D1'"}))
    [again] = there.state(ALIGNMENT, Q2.id).beside("D2'", AFTER)
    assert (again.to.kpi_id, again.effect, again.why) == ("D1'", t.EFFECT_HINDERS, "cùng một quỹ giờ")
    before = sales_branch()
    for kpi_id in ("K1", "D2"):
        before = before.and_then(kept(before, kpi_id))
    back = {"linked_back": {"D2'": [link]}, "linked": {"D2'": before.state(KPI, "D2'")}}
    after = before.and_then(kept(before, "D1", **back))
    assert after.state(ALIGNMENT, Q2.id).beside("D2'", AFTER) == (again,)


def test_a_link_that_does_not_go_with_what_went_on_any_more_is_left_out():
    """K1 is what D2 serves first in the next cycle already."""
    twice = t.FurtherLink(to=t.Parent(kpi_id="K1"), effect=t.EFFECT_SUPPORTS)
    other = t.FurtherLink(to=t.Parent(kpi_id="D1"), effect=t.EFFECT_HINDERS)
    state = sales_branch()
    for kpi_id in ("K1", "D1"):
        state = state.and_then(kept(state, kpi_id))
    after = state.and_then(kept(state, "D2", further=[twice, other], goes_on_as={"K1": "K1'", "D1": "D1'"}))
    assert [link.to.kpi_id for link in after.state(ALIGNMENT, Q2.id).beside("D2'", AFTER)] == ["D1'"]


def test_a_rate_waits_for_what_it_is_a_rate_of():
    rejected("PARTS_FIRST", lambda: kept(sales_branch(), "D2", undecided={"D1"}), field="kpi_id")


def test_the_last_value_of_a_rate_becomes_its_baseline():
    level = t.Measure(kind=t.MEASURE_KIND_LEVEL, direction=t.DIRECTION_INCREASE, unit="%", target=number(70))
    state = sales_branch()
    kpi = replace(state.state(KPI, "D2"), measure=level)
    defined = kept(state, "D2", kpi=kpi, last=Decimal("66.2"))[0].event
    assert isinstance(defined, KpiDefined)
    assert defined.measure.baseline.value == "66.2"
    reached = kept(state, "D2", kpi=kpi, last=Decimal(70))[0].event
    assert isinstance(reached, KpiDefined)
    assert not reached.measure.HasField("baseline")


def test_what_is_computed_goes_on_from_what_its_parts_go_on_as():
    summed = t.Computation(kind=t.COMPUTATION_KIND_SUM, kpi_ids=["I1", "I2", "last-year"])
    state = sales_branch()
    kpi = replace(state.state(KPI, "D1"), computation=summed)
    rejected("PARTS_FIRST", lambda: kept(state, "D1", kpi=kpi, goes_on_as={"I1": "I1'"}), field="kpi_id")
    defined = kept(state, "D1", kpi=kpi, goes_on_as={"I1": "I1'", "I2": "I2'"})[0].event
    assert isinstance(defined, KpiDefined)
    assert list(defined.computation.kpi_ids) == ["I1'", "I2'", "last-year"]


def test_what_is_adjusted_has_another_target_and_a_reason():
    state = sales_branch()
    now = around(state, "K1")
    defined = carry_on(asked("K1", t.FOLLOW_UP_ADJUST, 90, "hơn"), now, "K1'")[0].event
    assert isinstance(defined, KpiDefined)
    assert defined.measure.target.value == "90"
    rejected("MISSING", lambda: carry_on(asked("K1", t.FOLLOW_UP_ADJUST, 90), now, "K1'"), field="reason")
    rejected("TARGET_OF_ADJUSTED", lambda: carry_on(asked("K1", t.FOLLOW_UP_ADJUST, None, "h"), now, "K1'"))
    rejected("TARGET_OF_ADJUSTED", lambda: carry_on(asked("K1", t.FOLLOW_UP_KEEP, 90), now, "K1'"), field="target")


def test_what_stops_may_go_on_after_all_and_what_goes_on_is_decided():
    state = sales_branch()
    stop = asked("K1", t.FOLLOW_UP_STOP, reason="xong")
    stopped = state.and_then(carry_on(stop, around(state, "K1"), "K1'"))
    assert carry_on(stop, around(stopped, "K1"), "K1'") == []
    going = stopped.and_then(kept(stopped, "K1"))
    rejected("FOLLOW_UP_DECIDED", lambda: carry_on(stop, around(going, "K1"), "x"), field="kpi_id")


def test_it_goes_on_in_a_planned_cycle_from_one_that_was_started():
    state = sales_branch()
    planned, running = replace(Q1, state=t.CYCLE_STATE_PLANNED), replace(Q2, state=t.CYCLE_STATE_RUNNING)
    rejected("CYCLE_PLANNED", lambda: kept(state, "K1", cycle=planned), field="cycle_id")
    rejected("CYCLE_RUNS", lambda: kept(state, "K1", next=running), field="next_cycle_id")
    rejected("KPI_OF_ANOTHER_CYCLE", lambda: kept(state, "K1", cycle=Q2), field="kpi_id")
