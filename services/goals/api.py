"""gRPC of goals: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from google.type.date_pb2 import Date

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Decide, Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.past import Past
from eventkit.errors import Kind, Rejected, unknown
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.subscriptions.table import reading
from eventkit.values import to_date
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.deciding import cycle_of, parent_exists
from services.goals.domain import alignment, kpi, strategy
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.kpi import KPI
from services.goals.domain.strategy import CSF, CYCLE, GOAL, Cycle
from services.goals.proposals_api import ProposalsApi
from services.goals.queries import goal_map, kpi_list, kpi_page, overview
from services.goals.queries.goal_map import moment
from services.goals.queries.kpi_access import kpi_access
from services.goals.queries.overview import Overviews
from services.goals.queries.strategy import cycle_names, cycles

DEFINE_KPI = "nhip.goals.v1.Goals/DefineKpi"
_STRATEGY = roles("executive", "okr_master", services=(IMPORTER,))
_KPIS = roles("executive", "okr_master", "department_head", "manager", services=(IMPORTER,))
ACCESS: Mapping[str, Allow] = {
    "OpenCycle": _STRATEGY,
    "SetStrategicGoal": _STRATEGY,
    "ChooseCsf": _STRATEGY,
    "CorrectStrategicGoal": roles("executive", "okr_master"),
    "CorrectCsf": roles("executive", "okr_master"),
    "DefineKpi": _KPIS,
    "BatchDefineKpis": _KPIS,
    "AlignKpi": _KPIS,
    "RetireKpi": roles("executive", "okr_master", "department_head", "manager"),
    # Anybody may ask for a change; who may decide it is a relation, and the decision's to check.
    "ProposeChange": anyone(),
    "ApproveProposal": anyone(),
    "DeclineProposal": anyone(),
    "WithdrawProposal": anyone(),
    # Goals are open to all (X-04, G-71).
    "ListCycles": anyone(services=(IMPORTER,)),
    "GetMap": anyone(services=(IMPORTER,)),
    "ListKpis": anyone(services=(IMPORTER,)),
    "PreviewStatuses": anyone(),
    "GetOverview": anyone(),
    "ListGaps": anyone(),
    "GetKpi": anyone(services=(IMPORTER,)),
    "GetKpiAccess": anyone(),
    "GetKpiHistory": anyone(services=(IMPORTER,)),
    "ListProposals": anyone(),
    "GetProposal": anyone(),
    "PreviewProposal": anyone(),
}


@dataclass(frozen=True, slots=True)
class GoalsApi(ProposalsApi):
    """Implements `nhip.goals.v1.Goals`."""

    past: Past
    overviews: Overviews

    # -- strategy

    async def open_cycle(self, command: pb.OpenCycle, ctx: Context) -> Accepted:
        cycle_id, today = ctx.new_id("cycle"), (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        async def decide(load: Load) -> Decision:
            # Two people who open it within the same moment are not seen here: then there are two, as one can see.
            async with reading(self.resources.pool, ctx.tenant) as con:
                taken = await cycle_names(con, ctx.tenant)
            return strategy.open_cycle(command, cycle_id, today, taken)

        return await self.resources.commands.execute(ctx, CYCLE(cycle_id), decide)

    async def set_strategic_goal(self, command: pb.SetStrategicGoal, ctx: Context) -> Accepted:
        goal_id, today = ctx.new_id("goal"), (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)
        return await self.resources.commands.on(
            ctx, GOAL, goal_id, lambda _: strategy.set_goal(command, goal_id, today)
        )

    async def choose_csf(self, command: pb.ChooseCsf, ctx: Context) -> Accepted:
        csf_id = ctx.new_id("csf")

        async def decide(load: Load) -> Decision:
            goals = {goal_id: await load(GOAL, goal_id) for goal_id in dict.fromkeys(command.goal_ids)}
            return strategy.choose_csf(goals, command, csf_id)

        return await self.resources.commands.execute(ctx, CSF(csf_id), decide)

    async def correct_strategic_goal(self, command: pb.CorrectStrategicGoal, ctx: Context) -> Accepted:
        today = (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)
        return await self.resources.commands.on(
            ctx, GOAL, command.goal_id, lambda goal: strategy.correct_goal(goal, command, today)
        )

    async def correct_csf(self, command: pb.CorrectCsf, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            goals = {goal_id: await load(GOAL, goal_id) for goal_id in dict.fromkeys(command.goal_ids)}
            return strategy.correct_csf(goals, await load(CSF, command.csf_id), command)

        return await self.resources.commands.execute(ctx, CSF(command.csf_id), decide)

    # -- KPIs

    async def define_kpi(self, command: pb.DefineKpi, ctx: Context) -> Accepted:
        org, kpi_id = await self.resources.directory.org_chart(ctx.tenant), ctx.new_id("kpi")
        decide = _defining(command, kpi_id, org, ctx)
        return await self.resources.commands.execute(ctx, ALIGNMENT(command.cycle_id), decide, answers=kpi_id)

    async def batch_define_kpis(self, command: pb.BatchDefineKpis, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)

        async def item(number: int, one: pb.KpiItem) -> Item:
            own = await ctx.of_item(number, DEFINE_KPI, one.kpi, one.key)
            kpi_id = own.new_id("kpi")
            return Item(own, ALIGNMENT(one.kpi.cycle_id), _defining(one.kpi, kpi_id, org, own), kpi_id)

        return await self.resources.commands.batch([await item(*one) for one in enumerate(command.items)])

    async def align_kpi(self, command: pb.AlignKpi, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)

        async def decide(load: Load) -> Decision:
            current = kpi.existing(await load(KPI, command.kpi_id), command.kpi_id)
            cycle = await cycle_of(load, current.cycle_id)
            on = _effective_on(command.effective_on, cycle, org, ctx)
            kpi.active(current, on)
            return alignment.align(
                await load(ALIGNMENT, cycle.id),
                cycle_id=cycle.id,
                kpi_id=current.id,
                parent=command.parent,
                parent_exists=await parent_exists(load, command.parent),
                why=command.why,
                effective_on=on,
            )

        return await self.resources.commands.execute(ctx, KPI(command.kpi_id), decide)

    async def retire_kpi(self, command: pb.RetireKpi, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)

        async def decide(load: Load) -> Decision:
            current = kpi.existing(await load(KPI, command.kpi_id), command.kpi_id)
            cycle = await cycle_of(load, current.cycle_id)
            on = _effective_on(command.effective_on, cycle, org, ctx)
            strategy.check_open(cycle, org.today(ctx.at), command.reason_class)
            ended = kpi.retire(current, command, effective_on=on)
            if not ended:
                return []
            return [
                *ended,
                *alignment.take_off(
                    await load(ALIGNMENT, cycle.id), cycle_id=cycle.id, kpi_id=current.id, effective_on=on
                ),
            ]

        return await self.resources.commands.execute(ctx, KPI(command.kpi_id), decide)

    # -- queries

    async def list_cycles(self, request: pb.ListCycles, ctx: Context) -> pb.Cycles:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await cycles(con, ctx.tenant, request)

    async def get_map(self, request: pb.GetMap, ctx: Context) -> pb.GoalMap:
        org = await self._people_then(ctx, request.as_of)
        return await goal_map.goal_map(
            self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at, self._checkins(ctx)
        )

    async def list_kpis(self, request: pb.ListKpis, ctx: Context) -> pb.Kpis:
        org = await self._people_then(ctx, request.as_of)
        return await kpi_list.listed(self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at)

    async def preview_statuses(self, request: pb.PreviewStatuses, ctx: Context) -> pb.StatusPreview:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await overview.preview(self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at)

    async def get_overview(self, request: pb.GetOverview, ctx: Context) -> pb.Overview:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await overview.overview(self.overviews, ctx.tenant, request, org, ctx.at)

    async def list_gaps(self, request: pb.ListGaps, ctx: Context) -> pb.Gaps:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await overview.gaps(self.overviews, ctx.tenant, request, org, ctx.at)

    async def get_kpi(self, request: pb.GetKpi, ctx: Context) -> pb.KpiPage:
        org = await self._people_then(ctx, request.as_of)
        return await kpi_page.kpi_page(
            self.resources.pool, self.outlines, ctx.actor, request, org, ctx.at, self._checkins(ctx)
        )

    async def get_kpi_access(self, request: pb.GetKpiAccess, ctx: Context) -> pb.KpiAccess:
        org = await self.resources.directory.org_chart(ctx.tenant)
        now = moment(AsOf(), org, ctx.at)
        return await kpi_access(self.resources.pool, ctx.tenant, request, org, now, ctx.actor.id)

    async def get_kpi_history(self, request: pb.GetKpiHistory, ctx: Context) -> pb.KpiHistory:
        return await kpi_page.history(
            self.resources.pool, ctx.tenant, request, await self.resources.directory.org_chart(ctx.tenant)
        )

    async def _people_then(self, ctx: Context, as_of: AsOf) -> OrgChart:
        """Who is shown as answering: as it was at the end of the day, as far as it was known."""
        org = await self.resources.directory.org_chart(ctx.tenant)
        when = moment(as_of, org, ctx.at)
        if not when.past:
            return org
        ends = datetime.combine(when.on + timedelta(days=1), time(), org.time_zone) - timedelta(microseconds=1)
        return await self.past.chart(org, ctx.tenant, min(when.known, ends))

    def _checkins(self, ctx: Context) -> int:
        return self.resources.partition("checkins")(ctx.tenant)


def _defining(command: pb.DefineKpi, kpi_id: str, org: OrgChart, ctx: Context) -> Decide:
    draft = command.kpi

    async def decide(load: Load) -> Decision:
        cycle = await cycle_of(load, command.cycle_id)
        if not ctx.actor.is_importer:
            strategy.check_open(cycle, org.today(ctx.at))
        on = _effective_on(command.effective_on, cycle, org, ctx)
        links = await load(ALIGNMENT, cycle.id)
        if draft.measure.volume_kpi_id and draft.measure.volume_kpi_id not in links.links:
            raise unknown("kpi", draft.measure.volume_kpi_id, "kpi.measure.volume_kpi_id")
        return [
            kpi.define(draft, org, kpi_id=kpi_id, cycle=cycle, effective_on=on),
            *alignment.align(
                links,
                cycle_id=cycle.id,
                kpi_id=kpi_id,
                parent=draft.parent,
                parent_exists=await parent_exists(load, draft.parent),
                why=draft.why,
                effective_on=on,
                at="kpi.parent",
            ),
        ]

    return decide


def _effective_on(given: Date, cycle: Cycle, org: OrgChart, ctx: Context) -> date:
    """From which day a change is in force: today, or what was given, a day of its cycle; before today only in an
    import."""
    today = org.today(ctx.at)
    on = to_date(given)
    if on is None:
        return today
    strategy.within(cycle, on, "effective_on")
    if on < today and not ctx.actor.is_importer:
        raise Rejected(
            "EFFECTIVE_IN_THE_PAST", f"give today ({today}) or a later day", kind=Kind.INVALID, field="effective_on"
        )
    return on
