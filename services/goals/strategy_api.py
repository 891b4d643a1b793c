"""gRPC of strategic goals and success factors: a part of `nhip.goals.v1.Goals`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.process.service import Resources
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.deciding import sources_of, strategy_with
from services.goals.domain import goal_value, strategy
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.goal_value import GOAL_VALUE
from services.goals.domain.strategy import Strategy
from services.goals.queries.cycles import every_id
from services.goals.queries.goal_map import moment
from services.goals.queries.goal_values import with_values
from services.goals.queries.strategy import listed_csfs, listed_goals, strategy_ids


@dataclass(frozen=True, slots=True)
class StrategyApi:
    resources: Resources

    async def set_strategic_goal(self, command: pb.SetStrategicGoal, ctx: Context) -> Accepted:
        goal_id, today = ctx.new_id("goal"), await self._today(ctx)
        return await self._decide(ctx, goal_id, lambda known: strategy.set_goal(known, command, goal_id, today))

    async def choose_csf(self, command: pb.ChooseCsf, ctx: Context) -> Accepted:
        csf_id = ctx.new_id("csf")
        return await self._decide(ctx, csf_id, lambda known: strategy.choose_csf(known, command, csf_id))

    async def correct_strategic_goal(self, command: pb.CorrectStrategicGoal, ctx: Context) -> Accepted:
        today = await self._today(ctx)
        return await self._decide(ctx, command.goal_id, lambda known: strategy.correct_goal(known, command, today))

    async def correct_csf(self, command: pb.CorrectCsf, ctx: Context) -> Accepted:
        return await self._decide(ctx, command.csf_id, lambda known: strategy.correct_csf(known, command))

    async def withdraw_strategic_goal(self, command: pb.WithdrawStrategicGoal, ctx: Context) -> Accepted:
        today = await self._today(ctx)

        async def decide(load: Load) -> Decision:
            known, links = await self._known(load, ctx.tenant), await self._links(load, ctx.tenant)
            valued = await load(GOAL_VALUE, command.goal_id) != GOAL_VALUE.initial
            return strategy.withdraw_goal(known, command, links, today, valued=valued)

        return await self.resources.commands.execute(ctx, strategy.HERE, decide, answers=command.goal_id)

    async def withdraw_csf(self, command: pb.WithdrawCsf, ctx: Context) -> Accepted:
        today = await self._today(ctx)

        async def decide(load: Load) -> Decision:
            known, links = await self._known(load, ctx.tenant), await self._links(load, ctx.tenant)
            return strategy.withdraw_csf(known, command, links, today)

        return await self.resources.commands.execute(ctx, strategy.HERE, decide, answers=command.csf_id)

    async def record_goal_value(self, command: pb.RecordGoalValue, ctx: Context) -> Accepted:
        today = await self._today(ctx)

        async def decide(load: Load) -> Decision:
            goal = (await strategy_with(load, goal_ids=[command.goal_id])).goal(command.goal_id)
            value = await load(GOAL_VALUE, command.goal_id)
            return goal_value.record(value, command, goal, ctx.actor, today)

        return await self.resources.commands.execute(ctx, GOAL_VALUE(command.goal_id), decide)

    async def choose_goal_computation(self, command: pb.ChooseGoalComputation, ctx: Context) -> Accepted:
        today, draft = await self._today(ctx), t.KpiDraft(computation=command.computation)

        async def decide(load: Load) -> Decision:
            goal = (await strategy_with(load, goal_ids=[command.goal_id])).goal(command.goal_id)
            value, sources = await load(GOAL_VALUE, command.goal_id), await sources_of(load, [draft])
            return goal_value.choose_computation(value, command, goal, sources, today)

        return await self.resources.commands.execute(ctx, GOAL_VALUE(command.goal_id), decide)

    async def list_strategic_goals(self, request: pb.ListStrategicGoals, ctx: Context) -> pb.StrategicGoals:
        when = moment(request.as_of, await self.resources.directory.org_chart(ctx.tenant), ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            page = await listed_goals(con, ctx.tenant, request, when.known, when.on)
            await with_values(con, ctx.tenant, page.goals, when.known, when.on)
        return page

    async def list_csfs(self, request: pb.ListCsfs, ctx: Context) -> pb.Csfs:
        when = moment(request.as_of, await self.resources.directory.org_chart(ctx.tenant), ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await listed_csfs(con, ctx.tenant, request, when.known, when.on)

    async def _decide(self, ctx: Context, answers: str, decide: Callable[[Strategy], Decision]) -> Accepted:
        async def load_and_decide(load: Load) -> Decision:
            return decide(await self._known(load, ctx.tenant))

        return await self.resources.commands.execute(ctx, strategy.HERE, load_and_decide, answers=answers)

    async def _links(self, load: Load, tenant: str) -> Sequence[Alignment]:
        """Of every cycle, each guarded, so that nothing is put under what goes. A link in a cycle that is opened at the
        very moment is not seen here; its KPI then serves nothing, as one can see."""
        async with reading(self.resources.pool, tenant) as con:
            cycles = await every_id(con, tenant)
        return [await load(ALIGNMENT, cycle_id) for cycle_id in cycles]

    async def _known(self, load: Load, tenant: str) -> Strategy:
        """All goals and success factors. What streams of before hold is never added to: a view knows it whole."""
        async with reading(self.resources.pool, tenant) as con:
            goal_ids, csf_ids = await strategy_ids(con, tenant)
        return await strategy_with(load, goal_ids=goal_ids, csf_ids=csf_ids)

    async def _today(self, ctx: Context) -> date:
        return (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)
