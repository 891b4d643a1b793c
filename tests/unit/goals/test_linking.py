"""What a KPI supports or hinders beside what it serves first (G-74)."""

from decimal import Decimal

import pytest

from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import linking
from services.goals.domain.alignment import ALIGNMENT, take_off
from services.goals.domain.computing import Counts, Known, compute
from services.goals.domain.kpi import KPI
from services.goals.domain.reconciliation import Node, checks
from services.goals.domain.standing import Value
from tests.unit.decisions import TODAY, Command, Given, number, rejected
from tests.unit.goals.kpis import Q1, company, department, individual, tree
from tests.unit.goals.test_changing import approved, change, proposed

SUPPORTS, HINDERS = t.EFFECT_SUPPORTS, t.EFFECT_HINDERS


def to(kpi_id: str, effect: t.Effect.ValueType = SUPPORTS, share: str = "") -> t.FurtherLink:
    return t.FurtherLink(to=t.Parent(kpi_id=kpi_id), effect=effect, share=number(share) if share else None)


def linking_(kpi_id: str, *links: t.FurtherLink) -> Command:
    def decide(state: Given) -> list[object]:
        known = {id: state.state(KPI, id) for id in ("K1", "D1", "D2", "D3", "I1", "I2")}
        return linking.link(  # type: ignore[return-value] # a decision
            state.state(ALIGNMENT, Q1.id),
            cycle=Q1,
            kpi=state.state(KPI, kpi_id),
            links=links,
            parents={"CSF2"},
            ends=known,
            effective_on=TODAY,
        )

    return decide  # type: ignore[return-value]


def two_departments() -> Given:
    """Sales and CSKH hold demos; Minh's count for both."""
    return tree(
        company("K1", 100, "demo"),
        department("D1", 60, "demo", "K1"),
        department("D2", 40, "demo", "K1", "cskh"),
        department("D3", 70, "%", "K1", "cskh"),
        individual("I1", 50, "demo", "D1", "minh"),
        individual("I2", 30, "demo", "D1", "tram"),
    )


def test_a_conflict_is_written_down_both_ways_and_counts_in_no_sum():
    linked = two_departments().and_then(linking_("D2", to("D1", HINDERS))).and_then(linking_("D1", to("D2", HINDERS)))
    beside = linked.state(ALIGNMENT, Q1.id).beside("D1", TODAY)
    assert [(one.to.kpi_id, one.effect) for one in beside] == [("D2", HINDERS)]


def test_an_individual_s_may_hinder_a_department_s_and_the_other_way_round():
    assert two_departments().and_then(linking_("K1", to("I1", HINDERS)))


def test_what_supports_looks_upwards_and_makes_no_circle():
    state = two_departments()
    state.when(linking_("D1", to("I1"))).then_rejected("ALIGNMENT_CIRCLE", field="further[0].to.kpi_id")
    state.when(linking_("D2", to("I1"))).then_rejected("LEVEL_ORDER", field="further[0].to.kpi_id")
    linked = state.and_then(linking_("D1", to("D2")))
    linked.when(linking_("D2", to("D1"))).then_rejected("ALIGNMENT_CIRCLE", field="further[0].to.kpi_id")
    state.when(linking_("I1", to("I1", HINDERS))).then_rejected("ALIGNMENT_CIRCLE", field="further[0].to.kpi_id")


def test_each_thing_is_linked_once_and_must_be_there():
    state = two_departments()
    state.when(linking_("I1", to("D1"))).then_rejected("LINKED_TWICE", field="further[0].to")
    state.when(linking_("I1", to("D2"), to("D2", HINDERS))).then_rejected("LINKED_TWICE", field="further[1].to")
    state.when(linking_("I1", to("D9"))).then_rejected("KPI_UNKNOWN", field="further[0].to.kpi_id")
    nowhere = t.FurtherLink(to=t.Parent(csf_id="CSF9"), effect=SUPPORTS)
    state.when(linking_("I1", nowhere)).then_rejected("CSF_UNKNOWN", field="further[0].to.csf_id")
    state.when(linking_("I1", t.FurtherLink(effect=SUPPORTS))).then_rejected("MISSING", field="further[0].to")


def test_only_what_adds_up_there_is_shared_and_no_more_than_all_of_it():
    state = two_departments()
    state.when(linking_("I1", to("D3", share="40"))).then_rejected("NOTHING_TO_SHARE", field="further[0].share")
    state.when(linking_("I1", to("D2", HINDERS, "40"))).then_rejected("NOTHING_TO_SHARE", field="further[0].share")
    both = to("D2", share="60.5"), to("K1", share="39.51")
    state.when(linking_("I1", *both)).then_rejected("SHARES_OVER_100", field="further")


def test_the_same_again_is_no_event_and_what_is_taken_away_is_gone():
    linked = two_departments().and_then(linking_("I1", to("D2", share="40")))
    linked.when(linking_("I1", to("D2", share="40"))).then_nothing()
    without = linked.and_then(linking_("I1"))
    assert without.state(ALIGNMENT, Q1.id).beside("I1", TODAY) == ()


def test_what_is_served_first_and_what_else_is_supported_may_change_places():
    def swap(parent: str, further: t.FurtherLink) -> t.TargetChange:
        return change(
            "I1",
            parent=t.ParentChange(before=t.Parent(kpi_id="D1"), after=t.Parent(kpi_id=parent)),
            further=t.FurtherLinksChange(
                before=t.FurtherLinks(links=[to("D2", share="40")]), after=t.FurtherLinks(links=[further])
            ),
        )

    linked = two_departments().and_then(linking_("I1", to("D2", share="40")))
    asked = proposed(linked, swap("D2", to("D1", share="60")), by="phuc")
    swapped = asked.and_then(approved(asked)).state(ALIGNMENT, Q1.id)
    assert [one.kpi_id for one in swapped.served("I1", TODAY)] == ["D2", "D1"]
    rejected("LINKED_TWICE", lambda: proposed(linked, swap("D2", to("D2"))))


def test_what_is_supported_does_not_end_and_a_hindrance_ends_with_what_it_hindered():
    linked = two_departments().and_then(linking_("I1", to("D2", share="40")))
    links = linked.state(ALIGNMENT, Q1.id)
    rejected("KPI_HAS_CHILDREN", lambda: take_off(links, cycle=Q1, kpi_id="D2", effective_on=TODAY))
    hindered = two_departments().and_then(linking_("I1", to("D2", HINDERS)))
    ended = hindered.and_then(take_off(hindered.state(ALIGNMENT, Q1.id), cycle=Q1, kpi_id="D2", effective_on=TODAY))
    assert ended.state(ALIGNMENT, Q1.id).beside("I1", TODAY) == ()


def test_what_is_shared_counts_once_part_here_and_part_there():
    count = t.MEASURE_KIND_CUMULATIVE
    nodes = [
        Node("D1", count, "demo", Decimal(60)),
        Node("D2", count, "demo", Decimal(20)),
        Node("I1", count, "demo", Decimal(50), "D1", shares=(("D2", Decimal(40)),)),
        Node("I2", count, "demo", Decimal(30), "D1"),
    ]
    found = {check.kpi_id: (check.reached, check.arithmetic) for check in checks(nodes)}
    assert found == {"D1": (Decimal(60), "60 % × 50 + 30"), "D2": (Decimal(20), "40 % × 50")}


def test_a_rate_of_what_is_shared_yields_what_counts_here():
    count, rate = t.MEASURE_KIND_CUMULATIVE, t.MEASURE_KIND_LEVEL
    nodes = [
        Node("K1", count, "đăng ký", Decimal(30)),
        Node("D1", count, "demo", Decimal(50), "K1", shares=(("X", Decimal(20)),)),
        Node("D2", rate, "%", Decimal(70), "K1", volume_kpi="D1"),
        Node("X", count, "demo", Decimal(10)),
    ]
    assert {check.kpi_id: check.arithmetic for check in checks(nodes)} == {"K1": "40 × 70 %", "X": "20 % × 50"}


class Facts:
    """Minh's demos count 60 % for D1 and 40 % for D2, which are their sums; K1 is the sum of both."""

    def __init__(self) -> None:
        of = {"K1": ["D1", "D2"], "D1": ["I1", "I2"], "D2": ["I1"]}
        how = {id: t.Computation(kind=t.COMPUTATION_KIND_SUM, kpi_ids=ids) for id, ids in of.items()}
        counts = {"I1": Counts("D1", (("D2", Decimal(40)),))}
        self.known = {
            id: Known(id, how.get(id), "", False, Q1.starts_on, Q1.ends_on, counts.get(id, Counts()))
            for id in ("K1", "D1", "D2", "I1", "I2")
        }

    def kpi(self, kpi_id: str, on: object) -> Known | None:
        return self.known.get(kpi_id)

    def entered(self, kpi_id: str, on: object) -> Value | None:
        from datetime import UTC, datetime

        return Value({"I1": Decimal(50), "I2": Decimal(30)}[kpi_id], 5, TODAY, datetime(2025, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize(("kpi", "value"), [("D1", "60"), ("D2", "20"), ("K1", "80")])
def test_a_computed_sum_counts_of_what_is_shared_its_part(kpi: str, value: str):
    found = compute(kpi, TODAY, Facts()).value
    assert found is not None
    assert found.value == Decimal(value)


def test_links_are_part_of_a_proposal_and_stale_when_others_stand_by_then():
    further = t.FurtherLinksChange(before=t.FurtherLinks(), after=t.FurtherLinks(links=[to("D2", share="40")]))
    state = two_departments()
    assert proposed(state, change("I1", further=further))
    moved = state.and_then(linking_("I1", to("K1")))
    rejected(
        "PROPOSAL_STALE", lambda: proposed(moved, change("I1", further=further)), field="changes[0].further.before"
    )
