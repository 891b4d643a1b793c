"""A proposal: other targets for several KPIs, and perhaps one KPI more; approved or declined whole (G-66, G-67,
G-69)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, begun, refuse_unknown
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility
from eventkit.errors import Kind, Rejected, unknown
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed, ProposalApproved, ProposalDeclined, ProposalWithdrawn
from nhip.goals.v1.goals_pb2 import ApproveProposal, DeclineProposal, ProposeChange, WithdrawProposal
from services.goals.domain import alignment as alignments
from services.goals.domain import kpi as kpis
from services.goals.domain.alignment import Alignment
from services.goals.domain.approval import deciders, right_of
from services.goals.domain.kpi import Kpi
from services.goals.domain.strategy import Cycle, check_open

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
    def addition(self) -> t.KpiDraft | None:
        return self.proposed.addition if self.proposed.HasField("addition") else None


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
KpisById = Mapping[str, Kpi | None]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision about a proposal is given beside its own state: everything that it touches."""

    cycle: Cycle
    alignment: Alignment
    kpis: KpisById
    parent_exists: bool
    org: OrgChart
    today: date


def propose(command: ProposeChange, circumstances: Circumstances, ctx: Context, proposal_id: str) -> Decision:
    if not command.changes and not command.HasField("addition"):
        raise Rejected("NOTHING_PROPOSED", "change the target of a KPI, or add one", kind=Kind.INVALID, field="changes")
    if len({change.kpi_id for change in command.changes}) < len(command.changes):
        raise Rejected("KPI_TWICE", "name each KPI once", kind=Kind.INVALID, field="changes")
    for index, change in enumerate(command.changes):
        if kpis.changes_nothing(change):
            raise Rejected(
                "NOTHING_CHANGED", "the new target is the old one", kind=Kind.INVALID, field=f"changes[{index}].after"
            )
    addition = command.addition if command.HasField("addition") else None
    check_open(circumstances.cycle, circumstances.today, command.reason_class)
    # Carried out on paper: what could not be approved as it stands is not proposed.
    _carry_out(
        command.changes,
        addition,
        circumstances,
        reason_class=command.reason_class,
        proposal_id=proposal_id,
        added_id=f"{proposal_id}-added",
    )
    kpis_touched = touched(addition, circumstances.kpis)
    may = deciders(kpis_touched, ctx.actor.id, circumstances.org)
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
                addition=addition,
                level=t.Level.ValueType(may.level),
                proposer_id=ctx.actor.id,
                approver_ids=may.people,
            ),
        )
    ]


def approve(
    proposal: Proposal | None, command: ApproveProposal, circumstances: Circumstances, ctx: Context, added_id: str
) -> Decision:
    proposal = _waiting(proposal, command.proposal_id)
    approval = _approval(proposal, circumstances, ctx)
    check_open(circumstances.cycle, circumstances.today, proposal.proposed.reason_class)
    events = _carry_out(
        proposal.proposed.changes,
        proposal.addition,
        circumstances,
        reason_class=proposal.proposed.reason_class,
        proposal_id=proposal.id,
        added_id=added_id,
    )
    approved = ProposalApproved(
        proposal_id=proposal.id,
        approval=approval,
        comment=command.comment,
        added_kpi_id=added_id if proposal.addition is not None else "",
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


def touched(addition: t.KpiDraft | None, kpis_by_id: KpisById) -> list[Responsibility]:
    """The KPIs that a proposal concerns, for finding who decides."""
    existing = [kpi for kpi in kpis_by_id.values() if kpi is not None]
    result = [Responsibility(kpi.id, kpi.level, kpi.owners, kpi.unit_id) for kpi in existing]
    if addition is not None:
        result.append(Responsibility("", addition.level, tuple(addition.owner_ids), addition.unit_id))
    return result


def _carry_out(
    changes: Iterable[t.TargetChange],
    addition: t.KpiDraft | None,
    circumstances: Circumstances,
    *,
    reason_class: t.ReasonClass.ValueType,
    proposal_id: str,
    added_id: str,
) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    for index, change in enumerate(changes):
        at = f"changes[{index}]"
        kpi = kpis.existing(circumstances.kpis[change.kpi_id], change.kpi_id, f"{at}.kpi_id")
        if kpi.cycle_id != circumstances.cycle.id:
            raise unknown("kpi", change.kpi_id, f"{at}.kpi_id")
        events.append(
            kpis.revise(
                kpi, change, today=circumstances.today, proposal_id=proposal_id, reason_class=reason_class, at=at
            )
        )
    if addition is not None:
        events.append(
            kpis.define(
                addition,
                circumstances.org,
                kpi_id=added_id,
                cycle=circumstances.cycle,
                effective_on=circumstances.today,
                proposal_id=proposal_id,
                at="addition",
            )
        )
        events += alignments.align(
            circumstances.alignment,
            cycle_id=circumstances.cycle.id,
            kpi_id=added_id,
            parent=addition.parent,
            parent_exists=circumstances.parent_exists,
            why=addition.why,
            effective_on=circumstances.today,
            at="addition.parent",
        )
    return events


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
    may = deciders(touched(proposal.addition, circumstances.kpis), proposal.proposed.proposer_id, circumstances.org)
    if ctx.actor.kind != "person" or ctx.actor.id not in may.people:
        raise Rejected(
            "NOT_THE_APPROVER", "this proposal is for somebody else to decide", kind=Kind.FORBIDDEN, rule="G-69"
        )
    return right_of(may, ctx.actor.id, f"people={circumstances.org.position}")
