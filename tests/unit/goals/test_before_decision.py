"""What happens to a proposal before it is decided: invitations, words, another that wins, its days (G-63 … G-67)."""

import pytest

from eventkit.commands.aggregate import Decision
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
    ApprovalGiven,
    InvitationAccepted,
    KpiChanged,
    KpiTargetRevised,
    ProposalApproved,
    ProposalExpired,
    ProposalRebased,
)
from nhip.goals.v1.goals_pb2 import (
    AcceptInvitation,
    CommentProposal,
    DeclineInvitation,
    RebaseProposal,
)
from services.goals.domain import before_decision, proposal
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.kpi import KPI
from services.goals.domain.proposal import PROPOSAL
from tests.unit.decisions import Given, context, number, rejected, words
from tests.unit.goals.kpis import Q1, individual, sales_branch
from tests.unit.goals.test_changing import approved, around, change, proposed, said

WITH_THAO = said("I1", {"owners": ["minh"]}, {"owners": ["minh", "thao"]})


def accepted(state: Given, by: str) -> Decision:
    asked = state.state(PROPOSAL, "P")
    ids = [f"N{n}" for n in range(len(asked.additions))]
    return proposal.accept(asked, AcceptInvitation(proposal_id="P"), around(state), context(by), ids)


def commented(state: Given, by: str, *, asks: bool = False) -> Decision:
    command = CommentProposal(proposal_id="P", words=words("Vì sao?"), asks=asks)
    return before_decision.comment(state.state(PROPOSAL, "P"), command, circumstances=around(state), ctx=context(by))


def rebased(state: Given, by: str = "minh") -> Decision:
    command = RebaseProposal(proposal_id="P")
    return before_decision.rebase(state.state(PROPOSAL, "P"), command, circumstances=around(state), ctx=context(by))


def test_who_would_answer_for_a_kpi_anew_is_invited_g65():
    state = proposed(sales_branch(), WITH_THAO)
    assert list(state.state(PROPOSAL, "P").proposed.invitations) == [
        t.Invitation(person_id="thao", kind=t.INVITATION_KIND_CO_OWNERSHIP, kpi_id="I1")
    ]
    handed = proposed(sales_branch(), said("I1", {"owners": ["minh"]}, {"owners": ["tram"]}))
    assert handed.state(PROPOSAL, "P").proposed.invitations[0].kind == t.INVITATION_KIND_TAKING_OVER


def test_whom_one_asks_to_work_along_is_invited_but_nobody_of_one_s_own_line_g64():
    mine, of_thao = (individual(name, 5, "demo", "D1", owner) for name, owner in (("A", "minh"), ("B", "thao")))
    state = proposed(sales_branch(), mine, individual("C", 5, "demo", "D1", "phuc"), of_thao)
    assert list(state.state(PROPOSAL, "P").proposed.invitations) == [
        t.Invitation(person_id="thao", kind=t.INVITATION_KIND_COLLABORATION, addition=2)
    ]


@pytest.mark.parametrize("first", ["decider", "invited"])
def test_it_comes_into_force_with_the_last_yes_whatever_the_order(first: str):
    state = proposed(sales_branch(), WITH_THAO)
    if first == "decider":
        given = approved(state)
        assert [type(event) for _, event in given] == [ApprovalGiven]
        decision = accepted(state.and_then(given), "thao")
        assert [type(event) for _, event in decision] == [InvitationAccepted, ProposalApproved, KpiChanged]
        state = state.and_then(given)
    else:
        state = state.and_then(accepted(state, "thao"))
        decision = approved(state)
        assert [type(event) for _, event in decision] == [ProposalApproved, KpiChanged]
    after = state.and_then(decision)
    assert after.state(KPI, "I1").owners == ("minh", "thao")
    assert after.state(PROPOSAL, "P").state == t.PROPOSAL_STATE_APPROVED
    [by] = [event.approval.approver_id for _, event in decision if isinstance(event, ProposalApproved)]
    assert by == "nam"


def test_one_no_declines_the_whole():
    state = proposed(sales_branch(), WITH_THAO)
    command = DeclineInvitation(proposal_id="P", reason=words("hết sức"))
    state = state.and_then(proposal.decline_invitation(state.state(PROPOSAL, "P"), command, context("thao")))
    assert state.state(PROPOSAL, "P").state == t.PROPOSAL_STATE_DECLINED
    rejected("PROPOSAL_DECIDED", lambda: approved(state))


def test_only_who_is_invited_answers_and_once():
    state = proposed(sales_branch(), WITH_THAO)
    rejected("NOT_INVITED", lambda: accepted(state, "tram"))
    assert accepted(state.and_then(accepted(state, "thao")), "thao") == []
    rejected("APPROVAL_GIVEN", lambda: approved(state.and_then(approved(state)), by="nam"))


def test_those_whom_it_concerns_and_who_may_decide_speak_and_only_who_may_decide_asks_g63():
    state = proposed(sales_branch(), WITH_THAO)
    for person in ("minh", "thao", "nam"):
        assert commented(state, person)
    rejected("NOT_CONCERNED", lambda: commented(state, "tien"))
    assert commented(state, "nam", asks=True)
    rejected("NOT_THE_APPROVER", lambda: commented(state, "minh", asks=True))


def overtaken() -> Given:
    """P asks for 80 → 50 with a floor, and another weight; another proposal made it 70, and the weight what P asks
    for."""
    wanted = change("I1", before=number(80), after=number(50))
    wanted.MergeFrom(said("I1", {"weight": 0}, {"weight": 40}))
    state = proposed(sales_branch(), wanted)
    first = change("I1", before=number(80), after=number(70))
    first.MergeFrom(said("I1", {"weight": 0}, {"weight": 40}))
    winner = proposed(sales_branch(), first)
    won = approved(winner, by="phuc")[1:]
    return state.and_then(won)


def test_of_two_about_the_same_part_one_wins_and_the_other_is_put_on_what_stands_g67():
    state = overtaken()
    rejected("PROPOSAL_STALE", lambda: approved(state, by="phuc"), field="changes[0].before")
    rejected("NOT_THE_PROPOSER", lambda: rebased(state, by="phuc"))
    decision = rebased(state)
    [(_, event)] = decision
    assert isinstance(event, ProposalRebased)
    assert list(event.changes) == [change("I1", before=number(70), after=number(50))]
    after = state.and_then(decision)
    assert rebased(after) == []
    revised = [event for _, event in approved(after, by="phuc") if isinstance(event, KpiTargetRevised)]
    assert [(event.before.value, event.after.value) for event in revised] == [("70", "50")]


def test_what_is_so_already_is_not_asked_for_anew():
    state = proposed(sales_branch(), change("I1", before=number(80), after=number(50)))
    won = approved(state, by="phuc")[1:]
    rejected("NOTHING_LEFT", lambda: rebased(state.and_then(won)))


def test_an_approval_that_was_given_is_asked_for_again_after_it_was_put_anew():
    state = proposed(sales_branch(), change("I2", before=number(30), after=number(20)), WITH_THAO)
    moved = approved(proposed(sales_branch(), change("I2", before=number(30), after=number(25))), by="phuc")[1:]
    state = state.and_then(approved(state)).and_then(accepted(state, "thao")[:1]).and_then(moved)
    state = state.and_then(rebased(state))
    assert state.state(PROPOSAL, "P").given is None
    assert [type(event) for _, event in approved(state)][:1] == [ProposalApproved]


def test_what_nobody_decides_expires():
    state = proposed(sales_branch(), WITH_THAO)
    decision = proposal.expire(state.state(PROPOSAL, "P"), 14)
    assert [event for _, event in decision] == [ProposalExpired(proposal_id="P", after_days=14)]
    over = state.and_then(decision)
    rejected("PROPOSAL_DECIDED", lambda: approved(over))
    assert proposal.expire(over.state(PROPOSAL, "P"), 14) == []
    assert over.state(ALIGNMENT, Q1.id) == state.state(ALIGNMENT, Q1.id)
