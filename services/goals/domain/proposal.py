"""A proposal: changes of several KPIs, and KPIs more; approved or declined whole (G-66, G-67, G-69)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Context
from eventkit.errors import Kind, Rejected, unknown
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
    ApprovalGiven,
    ChangeProposed,
    InvitationAccepted,
    InvitationDeclined,
    ProposalApproved,
    ProposalCommented,
    ProposalDeclined,
    ProposalExpired,
    ProposalRebased,
    ProposalWithdrawn,
)
from nhip.goals.v1.goals_pb2 import (
    AcceptInvitation,
    ApproveProposal,
    DeclineInvitation,
    DeclineProposal,
    PreviewProposal,
    ProposeChange,
    WithdrawProposal,
)
from services.goals.domain.approval import deciders, right_of
from services.goals.domain.changing import Circumstances, carry_out, touched
from services.goals.domain.cycle import check_open
from services.goals.domain.invitations import invited
from services.goals.domain.kpi_change import Cause, changes_nothing

LONE_WORD = {
    t.PROPOSAL_STATE_APPROVED: "approved",
    t.PROPOSAL_STATE_DECLINED: "declined",
    t.PROPOSAL_STATE_WITHDRAWN: "withdrawn",
    t.PROPOSAL_STATE_EXPIRED: "expired",
}


@dataclass(frozen=True, slots=True)
class Proposal:
    proposed: ChangeProposed
    """With its changes as they were put on what stood last."""
    state: t.ProposalState.ValueType = t.PROPOSAL_STATE_PROPOSED
    accepted: frozenset[str] = frozenset()
    """Who of those that are invited said yes."""
    given: ApprovalGiven | None = None
    """The yes of who may decide, while somebody who is invited has not answered."""

    @property
    def id(self) -> str:
        return self.proposed.proposal_id

    @property
    def additions(self) -> Sequence[t.KpiDraft]:
        return additions_of(self.proposed)

    @property
    def unanswered(self) -> list[str]:
        """Who is invited and has not said yes."""
        people = dict.fromkeys(one.person_id for one in self.proposed.invitations)
        return [person for person in people if person not in self.accepted]


ProposalEvent = (
    ChangeProposed
    | ProposalApproved
    | ProposalDeclined
    | ProposalWithdrawn
    | ProposalCommented
    | ProposalRebased
    | ProposalExpired
    | ApprovalGiven
    | InvitationAccepted
    | InvitationDeclined
)


def evolve(proposal: Proposal | None, event: ProposalEvent) -> Proposal:
    match event:
        case ChangeProposed():
            return Proposal(event)
        case ProposalApproved():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_APPROVED)
        case ProposalCommented():
            return begun(proposal, event)
        case ProposalRebased():
            proposal = begun(proposal, event)
            return replace(proposal, proposed=with_changes(proposal.proposed, event.changes), given=None)
        case ProposalExpired():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_EXPIRED)
        case ApprovalGiven():
            return replace(begun(proposal, event), given=event)
        case InvitationAccepted():
            proposal = begun(proposal, event)
            return replace(proposal, accepted=proposal.accepted | {event.person_id})
        case ProposalDeclined() | InvitationDeclined():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_DECLINED)
        case ProposalWithdrawn():
            return replace(begun(proposal, event), state=t.PROPOSAL_STATE_WITHDRAWN)
        case _:
            refuse_unknown(event)


PROPOSAL = Aggregate[Proposal | None]("proposal", None, evolve)


def with_changes(proposed: ChangeProposed, changes: Iterable[t.TargetChange]) -> ChangeProposed:
    """The same proposal with other changes."""
    found = ChangeProposed()
    found.CopyFrom(proposed)
    del found.changes[:]
    found.changes.extend(changes)
    return found


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
                invitations=invited(command.changes, additions, circumstances.kpis, ctx.actor.id, circumstances.org),
                meeting_id=command.meeting_id,
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
    """Say yes to all of it; in force at once, or when everybody who is invited said yes too.

    `added_ids`: what the KPIs that it adds are to be called.
    """
    proposal = waiting(proposal, command.proposal_id)
    approval = _approval(proposal, circumstances, ctx)
    if proposal.given is not None:
        raise Rejected("APPROVAL_GIVEN", "it is approved, and waits for who is invited", field="proposal_id")
    in_force = _in_force(proposal, approval, circumstances, added_ids)
    if proposal.unanswered:
        given = ApprovalGiven(proposal_id=proposal.id, approval=approval, comment=command.comment)
        return [StreamEvent(PROPOSAL(proposal.id), given)]
    in_force[0].event.comment.CopyFrom(command.comment)  # type: ignore[attr-defined] # ProposalApproved
    return in_force


def _in_force(
    proposal: Proposal, approval: t.Approval, circumstances: Circumstances, added_ids: Sequence[str]
) -> list[StreamEvent]:
    """The proposal as it comes into force. Raises `Rejected` where it cannot as it stands."""
    check_open(circumstances.cycle, circumstances.today, proposal.proposed.reason_class)
    approved = ProposalApproved(proposal_id=proposal.id, approval=approval, added_kpi_ids=added_ids)
    cause = Cause(proposal.proposed.reason_class, proposal.id)
    return [
        StreamEvent(PROPOSAL(proposal.id), approved),
        *carry_out(proposal.proposed.changes, proposal.additions, circumstances, cause, added_ids),
    ]


def accept(
    proposal: Proposal | None,
    command: AcceptInvitation,
    circumstances: Circumstances,
    ctx: Context,
    added_ids: Sequence[str],
) -> Decision:
    """The yes of somebody who is invited (G-64, G-65); the last of them, with the approval given, puts it in force."""
    proposal = waiting(proposal, command.proposal_id)
    person = _invited(proposal, ctx)
    if person in proposal.accepted:
        return []
    accepted = InvitationAccepted(proposal_id=proposal.id, person_id=person)
    events = [StreamEvent(PROPOSAL(proposal.id), accepted)]
    if proposal.given is not None and proposal.unanswered == [person]:
        # The words with which it was approved are with the approval that was given.
        events += _in_force(proposal, proposal.given.approval, circumstances, added_ids)
    return events


def decline_invitation(proposal: Proposal | None, command: DeclineInvitation, ctx: Context) -> Decision:
    """The no of somebody who is invited: of a proposal that is approved whole, it is the whole's."""
    proposal = waiting(proposal, command.proposal_id)
    declined = InvitationDeclined(proposal_id=proposal.id, person_id=_invited(proposal, ctx), reason=command.reason)
    return [StreamEvent(PROPOSAL(proposal.id), declined)]


def expire(proposal: Proposal | None, after_days: int) -> Decision:
    """Nobody decided for so many days (G-67)."""
    if proposal is None or proposal.state != t.PROPOSAL_STATE_PROPOSED:
        return []
    expired = ProposalExpired(proposal_id=proposal.id, after_days=after_days)
    return [StreamEvent(PROPOSAL(proposal.id), expired)]


def _invited(proposal: Proposal, ctx: Context) -> str:
    """The actor, who must be one of those that are invited."""
    invited_people = {one.person_id for one in proposal.proposed.invitations}
    if ctx.actor.kind != "person" or ctx.actor.id not in invited_people:
        raise Rejected("NOT_INVITED", "nobody invited this person to it", kind=Kind.FORBIDDEN, rule="G-65")
    return ctx.actor.id


def decline(
    proposal: Proposal | None, command: DeclineProposal, circumstances: Circumstances, ctx: Context
) -> Decision:
    proposal = waiting(proposal, command.proposal_id)
    approval = _approval(proposal, circumstances, ctx)
    return [
        StreamEvent(
            PROPOSAL(proposal.id), ProposalDeclined(proposal_id=proposal.id, approval=approval, reason=command.reason)
        )
    ]


def withdraw(proposal: Proposal | None, command: WithdrawProposal, ctx: Context) -> Decision:
    proposal = waiting(proposal, command.proposal_id)
    if proposal.proposed.proposer_id != ctx.actor.id:
        raise Rejected("NOT_THE_PROPOSER", "only who made a proposal may withdraw it", kind=Kind.FORBIDDEN)
    reason = command.reason if command.HasField("reason") else None
    return [StreamEvent(PROPOSAL(proposal.id), ProposalWithdrawn(proposal_id=proposal.id, reason=reason))]


def waiting(proposal: Proposal | None, proposal_id: str) -> Proposal:
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
