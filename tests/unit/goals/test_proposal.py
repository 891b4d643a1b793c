"""Proposals: CH3 of Company X, and who decides (G-66, G-67)."""

from dataclasses import replace

import pytest

from eventkit.commands.aggregate import Decision
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Deciders, Responsibility
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
    ChangeProposed,
    KpiAligned,
    KpiDefined,
    KpiTargetRevised,
    ProposalApproved,
    ProposalDeclined,
)
from nhip.goals.v1.goals_pb2 import ApproveProposal, DeclineProposal, ProposeChange, WithdrawProposal
from services.goals.domain import kpi_change, proposal
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.approval import deciders
from services.goals.domain.changing import Circumstances
from services.goals.domain.kpi import KPI
from services.goals.domain.kpi_change import Cause
from services.goals.domain.proposal import PROPOSAL
from tests.unit.decisions import TODAY, Given, company_x, context, number, rejected, words
from tests.unit.goals.kpis import Q1, company, department, draft, individual, measure, sales_branch, tree

CH3 = {"K1": (70, 55), "D1": (100, 80), "I1": (80, 50)}


def around(state: Given, org: OrgChart | None = None) -> Circumstances:
    return Circumstances(
        cycle=Q1,
        alignment=state.state(ALIGNMENT, Q1.id),
        kpis={id: state.state(KPI, id) for id in ("K1", "D1", "D2", "I1", "I2", "I3", "I4", "ghost")},
        parents=(),
        org=org or company_x(),
        today=TODAY,
    )


def only(state: Given, ids: list[str], org: OrgChart | None = None) -> Circumstances:
    whole = around(state, org)
    return replace(whole, kpis={id: whole.kpis[id] for id in ids})


def report() -> t.KpiDraft:
    draft = individual("Báo cáo tiềm năng", 1, "", "D1", "minh")
    draft.measure.kind = t.MEASURE_KIND_MILESTONE
    return draft


def asked(changes: dict[str, tuple[int, int]], addition: t.KpiDraft | None = None) -> ProposeChange:
    return ProposeChange(
        cycle_id=Q1.id,
        reason_class=t.REASON_CLASS_BOTTOM_UP,
        title=words("Bớt demo"),
        reason=words("hiểu khách kỹ hơn"),
        changes=[t.TargetChange(kpi_id=id, before=number(b), after=number(a)) for id, (b, a) in changes.items()],
        addition=addition,
    )


def proposed(
    state: Given, changes: dict[str, tuple[int, int]], addition: t.KpiDraft | None = None, by: str = "minh"
) -> Decision:
    return proposal.propose(asked(changes, addition), only(state, list(changes)), context(by), "P")


def added(state: Given) -> list[str]:
    return ["K-ADD"] * len(state.state(PROPOSAL, "P").additions)


def approve(state: Given, by: str, changes: dict[str, tuple[int, int]] = CH3, org: OrgChart | None = None) -> Decision:
    command = ApproveProposal(proposal_id="P", comment=words("đồng ý"))
    return proposal.approve(
        state.state(PROPOSAL, "P"), command, only(state, list(changes), org), context(by), added(state)
    )


def test_a_proposal_says_who_is_asked():
    changed = proposed(sales_branch(), CH3)[0].event
    assert isinstance(changed, ChangeProposed)
    assert list(changed.approver_ids) == ["nam", "quang"]


def test_a_reduction_lowers_every_level_together_and_adds_what_makes_up_for_it():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3, report()))
    decision = approve(state, by="nam")
    events = [happened.event for happened in decision]
    assert [type(e) for e in events] == [
        ProposalApproved,
        KpiTargetRevised,
        KpiTargetRevised,
        KpiTargetRevised,
        KpiDefined,
        KpiAligned,
    ]
    assert [(e.kpi_id, e.before.value, e.after.value) for e in events if isinstance(e, KpiTargetRevised)] == [
        ("K1", "70", "55"),
        ("D1", "100", "80"),
        ("I1", "80", "50"),
    ]
    after = state.and_then(decision)
    assert [after.state(KPI, id).target for id in ("K1", "D1", "I1", "I2")] == [55, 80, 50, 30]
    assert after.state(ALIGNMENT, Q1.id).link("K-ADD", TODAY).parent.kpi_id == "D1"


def test_what_decided_an_approval_is_in_its_event():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    approved = approve(state, by="nam")[0].event
    assert isinstance(approved, ProposalApproved)
    assert (approved.approval.approver_id, approved.approval.relation, approved.approval.level) == (
        "nam",
        "EXECUTIVE",
        t.LEVEL_COMPANY,
    )
    assert approved.approval.people_position == "people=20"


def test_the_proposer_does_not_decide():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    rejected("SELF_APPROVAL", lambda: approve(state, by="minh"))


def test_the_department_head_does_not_decide_about_a_company_kpi():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    rejected("NOT_THE_APPROVER", lambda: approve(state, by="phuc"))


def test_a_proposal_is_decided_once():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    after = state.and_then(approve(state, by="nam"))
    rejected("PROPOSAL_DECIDED", lambda: approve(after, by="quang"))
    rejected(
        "PROPOSAL_DECIDED",
        lambda: proposal.withdraw(after.state(PROPOSAL, "P"), WithdrawProposal(proposal_id="P"), context("minh")),
    )


def test_a_target_that_moved_meanwhile_makes_the_proposal_stale():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    known = state.state(KPI, "D1")
    change = t.TargetChange(kpi_id="D1", before=number(100), after=number(90))
    moved = kpi_change.numbers(known, change, today=TODAY, cause=Cause(t.REASON_CLASS_CORRECTION), at="c")
    rejected("PROPOSAL_STALE", lambda: approve(state.and_then(moved), by="nam"), field="changes[1].before")


def scaled() -> Given:
    """I1 from 40 on acceptable, from 90 on more than wanted, 20 before."""
    return tree(
        company("K1", 70, "đăng ký", parent=t.Parent(csf_id="CSF1")),
        department("D1", 100, "demo", "K1"),
        draft(
            "I1",
            t.LEVEL_INDIVIDUAL,
            owner_ids=["minh"],
            parent=t.Parent(kpi_id="D1"),
            measure=measure(80, baseline=number(20), floor=number(60), stretch=number(90)),
        ),
    )


def edge(before: int | None, after: int | None) -> t.EdgeChange:
    return t.EdgeChange(
        before=number(before) if before is not None else None, after=number(after) if after is not None else None
    )


def rescaled(state: Given, after: int, **edges: t.EdgeChange) -> Decision:
    command = asked({"I1": (80, after)})
    command.changes[0].MergeFrom(t.TargetChange(**edges))  # type: ignore[arg-type] # fields by name
    return proposal.propose(command, only(state, ["I1"]), context("minh"), "P")


def test_a_target_is_not_locked_in_by_its_floor():
    state = scaled()
    rejected("SCALE_ORDER", lambda: rescaled(state, 50), field="changes[0].after")
    state = state.and_then(rescaled(state, 50, floor=edge(60, 40), stretch=edge(90, None), baseline=edge(20, 10)))
    decided = approve(state, by="phuc", changes={"I1": (80, 50)})
    revised = next(h.event for h in decided if isinstance(h.event, KpiTargetRevised))
    assert (revised.floor, revised.stretch, revised.baseline) == (edge(60, 40), edge(90, None), edge(20, 10))
    after = state.and_then(decided).state(KPI, "I1").measure
    assert (after.target.value, after.floor.value, after.baseline.value, after.HasField("stretch")) == (
        "50",
        "40",
        "10",
        False,
    )


def test_the_floor_alone_may_change():
    state = scaled()
    state = state.and_then(rescaled(state, 80, floor=edge(60, 70)))
    after = state.and_then(approve(state, by="phuc", changes={"I1": (80, 80)})).state(KPI, "I1").measure
    assert (after.target.value, after.floor.value, after.stretch.value) == ("80", "70", "90")
    rejected("NOTHING_CHANGED", lambda: rescaled(scaled(), 80, floor=edge(60, 60)))


def test_a_floor_that_moved_meanwhile_makes_the_proposal_stale():
    state = scaled()
    other = state.and_then(rescaled(state, 80, floor=edge(60, 70)))
    moved = other.and_then(approve(other, by="phuc", changes={"I1": (80, 80)}))
    rejected("PROPOSAL_STALE", lambda: rescaled(moved, 50, floor=edge(60, 40)), field="changes[0].floor.before")
    rejected(
        "PROPOSAL_STALE", lambda: rescaled(scaled(), 50, stretch=edge(None, 70)), field="changes[0].stretch.before"
    )


def test_a_before_that_is_not_the_target_is_refused_when_it_is_proposed():
    rejected("PROPOSAL_STALE", lambda: proposed(sales_branch(), {"I1": (70, 50)}), field="changes[0].before")


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({}, "NOTHING_PROPOSED", "changes"),
        ({"I1": (80, 80)}, "NOTHING_CHANGED", "changes[0].after"),
        ({"ghost": (80, 50)}, "KPI_UNKNOWN", "changes[0].kpi_id"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(changes: dict[str, tuple[int, int]], reason: str, field: str):
    rejected(reason, lambda: proposed(sales_branch(), changes), field=field)


def test_a_declined_proposal_changes_no_kpi():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    command = DeclineProposal(proposal_id="P", reason=words("chưa phải lúc"))
    decision = proposal.decline(state.state(PROPOSAL, "P"), command, only(state, list(CH3)), context("nam"))
    assert [type(happened.event) for happened in decision] == [ProposalDeclined]


def test_only_the_proposer_withdraws():
    state = sales_branch()
    state = state.and_then(proposed(state, CH3))
    rejected(
        "NOT_THE_PROPOSER",
        lambda: proposal.withdraw(state.state(PROPOSAL, "P"), WithdrawProposal(proposal_id="P"), context("nam")),
    )


def test_the_highest_level_is_recorded_with_the_proposal():
    event = proposed(sales_branch(), CH3)[0].event
    assert isinstance(event, ChangeProposed)
    assert (event.level, event.proposer_id) == (t.LEVEL_COMPANY, "minh")


def individual_of(*owners: str) -> Responsibility:
    return Responsibility("", t.LEVEL_INDIVIDUAL, owners, "")


SALES, COMPANY = Responsibility("", t.LEVEL_DEPARTMENT, (), "sales"), Responsibility("", t.LEVEL_COMPANY, ("nam",), "")


@pytest.mark.parametrize(
    ("touched", "proposer", "inactive", "expected"),
    [
        ([individual_of("minh")], "minh", (), Deciders(("phuc",), "DIRECT_MANAGER", t.LEVEL_INDIVIDUAL)),
        ([individual_of("minh")], "phuc", (), Deciders(("nam",), "NEXT_ABOVE", t.LEVEL_INDIVIDUAL)),
        ([individual_of("minh")], "minh", ("phuc",), Deciders(("nam",), "NEXT_ABOVE", t.LEVEL_INDIVIDUAL)),
        ([individual_of("minh", "tram")], "minh", (), Deciders(("phuc",), "LOWEST_COMMON_MANAGER", t.LEVEL_INDIVIDUAL)),
        ([individual_of("minh", "thao")], "minh", (), Deciders(("nam",), "LOWEST_COMMON_MANAGER", t.LEVEL_INDIVIDUAL)),
        ([individual_of("minh"), SALES], "minh", (), Deciders(("nam",), "MANAGER_OF_HEAD", t.LEVEL_DEPARTMENT)),
        ([SALES], "nam", (), Deciders(("quang",), "OTHER_EXECUTIVE", t.LEVEL_DEPARTMENT)),
        ([SALES, COMPANY], "minh", (), Deciders(("nam", "quang"), "EXECUTIVE", t.LEVEL_COMPANY)),
        ([COMPANY], "nam", (), Deciders(("quang",), "EXECUTIVE", t.LEVEL_COMPANY)),
    ],
)
def test_who_decides(touched: list[Responsibility], proposer: str, inactive: tuple[str, ...], expected: Deciders):
    assert deciders(touched, proposer, company_x(inactive=inactive)) == expected


def test_with_nobody_left_there_is_no_approver():
    rejected("NO_APPROVER", lambda: deciders([COMPANY], "nam", company_x(inactive=("quang",))))
    rejected("NO_APPROVER", lambda: deciders([SALES], "nam", company_x(inactive=("quang",))))
