"""A proposal: changes of several KPIs, and KPIs more; approved or declined whole (G-66, G-67, G-69)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Context
from eventkit.errors import Kind, Rejected, unknown
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed, ProposalApproved, ProposalDeclined, ProposalWithdrawn
from nhip.goals.v1.goals_pb2 import (
    ApproveProposal,
    DeclineProposal,
    PreviewProposal,
    ProposeChange,
    WithdrawProposal,
)
from services.goals.domain.approval import deciders, right_of
from services.goals.domain.changing import Circumstances, carry_out, touched
from services.goals.domain.cycle import check_open
from services.goals.domain.kpi_change import Cause, changes_nothing

LONE_WORD = {
    t.PROPOSAL_STATE_APPROVED: "approved",
    t.PROPOSAL_STATE_DECLINED: "declined",
    t.PROPOSAL_STATE_WITHDRAWN: "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    proposed: ChangeProposed
    state: t.ProposalState.ValueType = t.PROPOSAL_STATE_PROPOSED

    @property
    def id(self) -> str:
        return self.proposed.proposal_id

    @property
    def additions(self) -> Sequence[t.KpiDraft]:
        return additions_of(self.proposed)


def evolve(
    proposal: Proposal | None, event: ChangeProposed | ProposalApproved | ProposalDeclined | ProposalWithdrawn
) -> Proposal:
    match event:
        case ChangeProposed():
            return Proposal(event)
        case ProposalApproved():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_APPROVED)
        case ProposalDeclined():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_DECLINED)
        case ProposalWithdrawn():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_WITHDRAWN)
        case _:
            refuse_unknown(event)


PROPOSAL = Aggregate[Proposal | None]("proposal", None, evolve)


def additions_of(asked: ChangeProposed | ProposeChange | PreviewProposal) -> list[t.KpiDraft]:
    """The KPIs that are added; once there could be but one, which is the first."""
    return [*([asked.addition] if asked.HasField("addition") else []), *asked.additions]


def added_ids_of(approved: ProposalApproved) -> list[str]:
    """The ids that they got, in the same order."""
    return list(approved.added_kpi_ids) or [id for id in (approved.added_kpi_id,) if id]


def propose(command: ProposeChange, circumstances: Circumstances, ctx: Context, proposal_id: str) -> Decision:
    additions = additions_of(command)
    if not command.changes and not additions:
        raise Rejected("NOTHING_PROPOSED", "change something of a KPI, or add one", kind=Kind.INVALID, field="changes")
    if len({change.kpi_id for change in command.changes}) < len(command.changes):
        raise Rejected("KPI_TWICE", "name each KPI once", kind=Kind.INVALID, field="changes")
    check_open(circumstances.cycle, circumstances.today, command.reason_class)
    # Carried out on paper: what could not be approved as it stands is not proposed.
    carry_out(
        command.changes,
        additions,
        circumstances,
        Cause(command.reason_class, proposal_id),
        [f"{proposal_id}-added-{n}" for n in range(len(additions))],
    )
    for index, change in enumerate(command.changes):
        if changes_nothing(change):
            told = "what it is to be is what it is"
            raise Rejected("NOTHING_CHANGED", told, kind=Kind.INVALID, field=f"changes[{index}].after")
    may = deciders(touched(command.changes, additions, circumstances.kpis), ctx.actor.id, circumstances.org)
    return [
        StreamEvent(
            PROPOSAL(proposal_id),
            ChangeProposed(
                proposal_id=proposal_id,
                cycle_id=command.cycle_id,
                reason_class=command.reason_class,
                title=command.title,
                reason=command.reason,
                changes=command.changes,
                additions=additions,
                level=t.Level.ValueType(may.level),
                proposer_id=ctx.actor.id,
                approver_ids=may.people,
            ),
        )
    ]


def approve(
    proposal: Proposal | None,
    command: ApproveProposal,
    circumstances: Circumstances,
    ctx: Context,
    added_ids: Sequence[str],
) -> Decision:
    """`added_ids`: what the KPIs that it adds are to be called."""
    proposal = _waiting(proposal, command.proposal_id)
    approval = _approval(proposal, circumstances, ctx)
    check_open(circumstances.cycle, circumstances.today, proposal.proposed.reason_class)
    events = carry_out(
        proposal.proposed.changes,
        proposal.additions,
        circumstances,
        Cause(proposal.proposed.reason_class, proposal.id),
        added_ids,
    )
    approved = ProposalApproved(
        proposal_id=proposal.id, approval=approval, comment=command.comment, added_kpi_ids=added_ids
    )
    return [StreamEvent(PROPOSAL(proposal.id), approved), *events]


def decline(
    proposal: Proposal | None, command: DeclineProposal, circumstances: Circumstances, ctx: Context
) -> Decision:
    proposal = _waiting(proposal, command.proposal_id)
    approval = _approval(proposal, circumstances, ctx)
    return [
        StreamEvent(
            PROPOSAL(proposal.id), ProposalDeclined(proposal_id=proposal.id, approval=approval, reason=command.reason)
        )
    ]


def withdraw(proposal: Proposal | None, command: WithdrawProposal, ctx: Context) -> Decision:
    proposal = _waiting(proposal, command.proposal_id)
    if proposal.proposed.proposer_id != ctx.actor.id:
        raise Rejected("NOT_THE_PROPOSER", "only who made a proposal may withdraw it", kind=Kind.FORBIDDEN)
    reason = command.reason if command.HasField("reason") else None
    return [StreamEvent(PROPOSAL(proposal.id), ProposalWithdrawn(proposal_id=proposal.id, reason=reason))]


def _waiting(proposal: Proposal | None, proposal_id: str) -> Proposal:
    if proposal is None:
        raise unknown("proposal", proposal_id, "proposal_id")
    if proposal.state != t.PROPOSAL_STATE_PROPOSED:
        raise Rejected(
            "PROPOSAL_DECIDED", f"this proposal was {LONE_WORD[proposal.state]} already", field="proposal_id"
        )
    return proposal


def _approval(proposal: Proposal, circumstances: Circumstances, ctx: Context) -> t.Approval:
    """The actor's right to decide, as it is recorded with the decision."""
    if ctx.actor.id == proposal.proposed.proposer_id:
        raise Rejected("SELF_APPROVAL", "nobody decides about their own proposal", kind=Kind.FORBIDDEN)
    concerned = touched(proposal.proposed.changes, proposal.additions, circumstances.kpis)
    may = deciders(concerned, proposal.proposed.proposer_id, circumstances.org)
    if ctx.actor.kind != "person" or ctx.actor.id not in may.people:
        raise Rejected(
            "NOT_THE_APPROVER", "this proposal is for somebody else to decide", kind=Kind.FORBIDDEN, rule="G-69"
        )
    return right_of(may, ctx.actor.id, f"people={circumstances.org.position}")
