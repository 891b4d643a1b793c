"""gRPC of proposals: the part of `nhip.goals.v1.Goals` that asks for changes and decides about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.deciding import circumstances
from services.goals.domain import before_decision, proposal
from services.goals.domain.changing import Circumstances
from services.goals.domain.proposal import PROPOSAL, Proposal, additions_of
from services.goals.queries import proposal_list, proposal_page
from services.goals.queries.comments import comments
from services.goals.queries.outlines import Outlines
from services.goals.strategy_api import StrategyApi


class Decided(Protocol):
    def __call__(self, proposal: Proposal | None, *, circumstances: Circumstances, ctx: Context) -> Decision: ...


@dataclass(frozen=True, slots=True)
class ProposalsApi(StrategyApi):
    outlines: Outlines

    async def propose_change(self, command: pb.ProposeChange, ctx: Context) -> Accepted:
        proposal_id, org = ctx.new_id("proposal"), await self._org(ctx)

        async def decide(load: Load) -> Decision:
            await load(PROPOSAL, proposal_id)
            around = await circumstances(load, command.cycle_id, command.changes, additions_of(command), org, ctx)
            return proposal.propose(command, around, ctx, proposal_id)

        return await self.resources.commands.execute(ctx, PROPOSAL(proposal_id), decide)

    async def approve_proposal(self, command: pb.ApproveProposal, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, PROPOSAL(command.proposal_id))
        org = await self._org(ctx)

        async def decide(load: Load) -> Decision:
            current = await load(PROPOSAL, command.proposal_id)
            around = await _around(load, current, command.proposal_id, org, ctx)
            return proposal.approve(current, command, around, ctx, added_ids=_added_ids(current, ctx))

        return await self.resources.commands.execute(ctx, PROPOSAL(command.proposal_id), decide)

    async def decline_proposal(self, command: pb.DeclineProposal, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, PROPOSAL(command.proposal_id))
        org = await self._org(ctx)

        async def decide(load: Load) -> Decision:
            current = await load(PROPOSAL, command.proposal_id)
            return proposal.decline(current, command, await _around(load, current, command.proposal_id, org, ctx), ctx)

        return await self.resources.commands.execute(ctx, PROPOSAL(command.proposal_id), decide)

    async def withdraw_proposal(self, command: pb.WithdrawProposal, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, PROPOSAL(command.proposal_id))
        return await self.resources.commands.on(
            ctx, PROPOSAL, command.proposal_id, lambda state: proposal.withdraw(state, command, ctx)
        )

    # -- before a decision

    async def comment_proposal(self, command: pb.CommentProposal, ctx: Context) -> Accepted:
        return await self._of(command.proposal_id, ctx, partial(before_decision.comment, command=command))

    async def rebase_proposal(self, command: pb.RebaseProposal, ctx: Context) -> Accepted:
        return await self._of(command.proposal_id, ctx, partial(before_decision.rebase, command=command))

    async def accept_invitation(self, command: pb.AcceptInvitation, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, PROPOSAL(command.proposal_id))
        org = await self._org(ctx)

        async def decide(load: Load) -> Decision:
            current = await load(PROPOSAL, command.proposal_id)
            around = await _around(load, current, command.proposal_id, org, ctx)
            return proposal.accept(current, command, around, ctx, added_ids=_added_ids(current, ctx))

        return await self.resources.commands.execute(ctx, PROPOSAL(command.proposal_id), decide)

    async def decline_invitation(self, command: pb.DeclineInvitation, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, PROPOSAL(command.proposal_id))
        return await self.resources.commands.on(
            ctx, PROPOSAL, command.proposal_id, lambda state: proposal.decline_invitation(state, command, ctx)
        )

    async def _of(self, proposal_id: str, ctx: Context, decided: Decided) -> Accepted:
        """A command about a proposal with all that it touches around it."""
        ctx = await self.resources.commands.answering(ctx, PROPOSAL(proposal_id))
        org = await self._org(ctx)

        async def decide(load: Load) -> Decision:
            current = await load(PROPOSAL, proposal_id)
            return decided(current, circumstances=await _around(load, current, proposal_id, org, ctx), ctx=ctx)

        return await self.resources.commands.execute(ctx, PROPOSAL(proposal_id), decide)

    # -- queries

    async def list_proposal_comments(self, request: pb.ListProposalComments, ctx: Context) -> pb.ProposalComments:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await comments(con, ctx.tenant, request, org)

    async def list_proposals(self, request: pb.ListProposals, ctx: Context) -> pb.Proposals:
        return await proposal_list.listed(self.resources.pool, ctx.actor, request, await self._org(ctx), ctx.at)

    async def get_proposal(self, request: pb.GetProposal, ctx: Context) -> pb.Proposal:
        org = await self._org(ctx)
        return await proposal_page.one(self.resources.pool, self.outlines, ctx.actor, request.proposal_id, org, ctx.at)

    async def preview_proposal(self, request: pb.PreviewProposal, ctx: Context) -> pb.ProposalPreview:
        org = await self._org(ctx)
        return await proposal_page.preview(self.resources.pool, self.outlines, ctx.actor, request, org, ctx.at)

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)


def _added_ids(current: Proposal | None, ctx: Context) -> Sequence[str]:
    """What the KPIs that it adds are to be called: the same again when the command is."""
    added = len(current.additions) if current else 0
    return [ctx.new_id("kpi" if n == 0 else f"kpi {n}") for n in range(added)]


async def _around(load: Load, current: Proposal | None, proposal_id: str, org: OrgChart, ctx: Context) -> Circumstances:
    if current is None:
        raise unknown("proposal", proposal_id, "proposal_id")
    proposed = current.proposed
    return await circumstances(load, proposed.cycle_id, proposed.changes, current.additions, org, ctx)
