"""What happens to a proposal before it is decided: words about it, and putting it on what stands now (G-63, G-67)."""

from collections.abc import Sequence

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Context
from eventkit.directory import responsibility
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.errors import Kind, Rejected
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ProposalCommented, ProposalRebased
from nhip.goals.v1.goals_pb2 import CommentProposal, RebaseProposal
from services.goals.domain.changing import Circumstances, KpisById, carry_out, touched
from services.goals.domain.kpi import active, existing, saying
from services.goals.domain.kpi_change import Cause, as_it_is
from services.goals.domain.proposal import PROPOSAL, Proposal, waiting
from services.goals.domain.rebasing import check_rebased, rebased


def comment(
    proposal: Proposal | None, command: CommentProposal, circumstances: Circumstances, ctx: Context
) -> Decision:
    """Say something about it: whom it concerns and who may decide (G-63); who may decide may ask back."""
    proposal = waiting(proposal, command.proposal_id)
    proposed, org = proposal.proposed, circumstances.org
    concerned = touched(proposed.changes, proposal.additions, circumstances.kpis)
    may = responsibility.deciders(concerned, proposed.proposer_id, org).people
    if command.asks and ctx.actor.id not in may:
        raise Rejected("NOT_THE_APPROVER", "who may decide asks back", kind=Kind.FORBIDDEN, rule="G-67")
    if ctx.actor.kind != "person" or ctx.actor.id not in {
        proposed.proposer_id,
        *may,
        *whom_it_concerns(proposed.changes, proposal.additions, circumstances.kpis, org),
    }:
        told = "those whom it concerns, and who may decide, say something about it"
        raise Rejected("NOT_CONCERNED", told, kind=Kind.FORBIDDEN, rule="G-63")
    said = ProposalCommented(proposal_id=proposal.id, words=command.words, asks=command.asks)
    return [StreamEvent(PROPOSAL(proposal.id), said)]


def rebase(proposal: Proposal | None, command: RebaseProposal, circumstances: Circumstances, ctx: Context) -> Decision:
    """Ask for the same, replacing what stands now. What is so already is left out; whoever said yes to what it replaced
    then is asked again."""
    proposal = waiting(proposal, command.proposal_id)
    if proposal.proposed.proposer_id != ctx.actor.id:
        raise Rejected("NOT_THE_PROPOSER", "only who made a proposal puts it anew", kind=Kind.FORBIDDEN)
    changes: list[t.TargetChange] = []
    for index, change in enumerate(proposal.proposed.changes):
        at = f"changes[{index}].kpi_id"
        kpi = active(existing(circumstances.kpis[change.kpi_id], change.kpi_id, at), circumstances.today, at)
        if now := rebased(change, as_it_is(kpi, circumstances.alignment, circumstances.today)):
            changes.append(now)
    if not check_rebased(proposal.proposed.changes, changes, len(proposal.additions)):
        return []
    paper = [f"{proposal.id}-added-{n}" for n in range(len(proposal.additions))]
    carry_out(changes, proposal.additions, circumstances, Cause(proposal.proposed.reason_class, proposal.id), paper)
    return [StreamEvent(PROPOSAL(proposal.id), ProposalRebased(proposal_id=proposal.id, changes=changes))]


def whom_it_concerns(
    changes: Sequence[t.TargetChange], additions: Sequence[t.KpiDraft], known: KpisById, org: OrgChart
) -> set[str]:
    """Who answers for, helps with or judges a KPI that it changes or adds, as it is and as it would be."""
    found: set[str] = set()
    for change in changes:
        if kpi := known.get(change.kpi_id):
            for state in (kpi, saying(kpi, change.said.after)):
                found |= {*answerable(state.owners, state.unit_id, org), *state.helpers, state.evaluator}
    for draft in additions:
        found |= {*answerable(draft.owner_ids, draft.unit_id, org), *draft.helper_ids, draft.evaluator_id}
    return found - {""}
