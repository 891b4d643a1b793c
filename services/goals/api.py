"""gRPC of goals: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from google.type.date_pb2 import Date

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Decide, Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.integrations import EVERYTHING, READ
from eventkit.errors import Kind, Rejected
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.values import to_date
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.cycle_api import ACCESS as CYCLE_ACCESS
from services.goals.cycle_api import CycleApi
from services.goals.deciding import circumstances_of, closed_of, cycle_of, parent_exists, sources_of
from services.goals.domain import alignment, computation, cycle, direct_change, kpi, linking, quota, wording
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.authority import check_may_set
from services.goals.domain.cycle import Cycle
from services.goals.domain.kpi import KPI
from services.goals.queries import comparison, goal_map, kpi_list, kpi_page, names, overview, search
from services.goals.queries.goal_map import moment
from services.goals.queries.kpi_access import kpi_access

DEFINE_KPI = "nhip.goals.v1.Goals/DefineKpi"
_STRATEGY = roles("executive", "okr_master", services=(IMPORTER,))
ACCESS: Mapping[str, Allow] = {
    **CYCLE_ACCESS,
    "SetStrategicGoal": _STRATEGY,
    "ChooseCsf": _STRATEGY,
    "CorrectStrategicGoal": roles("executive", "okr_master"),
    "CorrectCsf": roles("executive", "okr_master"),
    "WithdrawStrategicGoal": roles("executive", "okr_master"),
    "WithdrawCsf": roles("executive", "okr_master"),
    "RecordGoalValue": roles("executive", "okr_master"),
    "ChooseGoalComputation": roles("executive", "okr_master"),
    # Whose KPI it is, and that its cycle is still planned, the decision checks (G-69).
    "DefineKpi": anyone(services=(IMPORTER,)),
    "BatchDefineKpis": anyone(services=(IMPORTER,)),
    "AlignKpi": anyone(services=(IMPORTER,)),
    "ChangeKpi": anyone(services=(IMPORTER,)),
    "CorrectKpiWords": anyone(),
    "RetireKpi": anyone(),
    "CheckKpi": anyone(),
    # Anybody may ask for a change; who may decide it is a relation, and the decision's to check.
    "ProposeChange": anyone(),
    "ApproveProposal": anyone(),
    "DeclineProposal": anyone(),
    "WithdrawProposal": anyone(),
    "CommentProposal": anyone(),
    "RebaseProposal": anyone(),
    "AcceptInvitation": anyone(),
    "DeclineInvitation": anyone(),
    # Goals are open to all (X-04, G-71).
    # A program that may read some KPIs alone reads them one by one.
    "GetMap": anyone(services=(IMPORTER,)).and_integrations(READ, EVERYTHING),
    "CompareMaps": anyone(),
    "ListStrategicGoals": anyone(services=(IMPORTER,)).and_integrations(READ, EVERYTHING),
    "ListCsfs": anyone(services=(IMPORTER,)).and_integrations(READ, EVERYTHING),
    "SearchGoals": anyone(),
    "ListNames": anyone(),
    "ListKpis": anyone(services=(IMPORTER,)).and_integrations(READ, EVERYTHING),
    "PreviewStatuses": anyone(),
    "GetOverview": anyone(),
    "ListGaps": anyone(),
    "CountKpis": anyone(),
    "GetKpi": anyone(services=(IMPORTER,)).and_integrations(READ),
    "GetKpiAccess": anyone(),
    "GetKpiHistory": anyone(services=(IMPORTER,)),
    "ListProposals": anyone(),
    "GetProposal": anyone(),
    "ListProposalComments": anyone(),
    "PreviewProposal": anyone(),
}


@dataclass(frozen=True, slots=True)
class GoalsApi(CycleApi):
    """Implements `nhip.goals.v1.Goals`."""

    # -- strategy

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

    async def check_kpi(self, request: pb.CheckKpi, ctx: Context) -> pb.KpiHints:
        return wording.hints(request)

    async def align_kpi(self, command: pb.AlignKpi, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)

        async def decide(load: Load) -> Decision:
            current = kpi.existing(await load(KPI, command.kpi_id), command.kpi_id)
            of = await cycle_of(load, current.cycle_id)
            cycle.check_planned(of, "kpi_id")
            check_may_set([current.responsibility], ctx.actor, org, "kpi_id")
            on = _effective_on(command.effective_on, of, org, ctx)
            kpi.active(current, on)
            return alignment.align(
                await load(ALIGNMENT, of.alignment_id),
                cycle=of,
                kpi_id=current.id,
                level=current.level,
                parent=command.parent,
                parent_exists=await parent_exists(load, command.parent),
                why=command.why,
                effective_on=on,
            )

        return await self.resources.commands.execute(ctx, KPI(command.kpi_id), decide)

    async def change_kpi(self, command: pb.ChangeKpi, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            around = await circumstances_of(load, command.kpi_id, command.change, org, ctx)
            return direct_change.change(command, around, ctx)

        org = await self.resources.directory.org_chart(ctx.tenant)
        return await self.resources.commands.execute(ctx, KPI(command.kpi_id), decide)

    async def correct_kpi_words(self, command: pb.CorrectKpiWords, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            around = await circumstances_of(load, command.kpi_id, direct_change.words_change(command), org, ctx)
            return direct_change.correct_words(command, around, ctx)

        org = await self.resources.directory.org_chart(ctx.tenant)
        return await self.resources.commands.execute(ctx, KPI(command.kpi_id), decide)

    async def retire_kpi(self, command: pb.RetireKpi, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)

        async def decide(load: Load) -> Decision:
            current = kpi.existing(await load(KPI, command.kpi_id), command.kpi_id)
            of = await cycle_of(load, current.cycle_id)
            cycle.check_planned(of, "kpi_id")
            check_may_set([current.responsibility], ctx.actor, org, "kpi_id")
            on = _effective_on(command.effective_on, of, org, ctx)
            cycle.check_open(of, org.today(ctx.at), command.reason_class)
            ended = kpi.retire(current, command, effective_on=on)
            if not ended:
                return []
            links = await load(ALIGNMENT, of.alignment_id)
            closed = await closed_of(load, links.cycles_below(current.id, on))
            return [
                *ended,
                *alignment.take_off(links, cycle=of, kpi_id=current.id, effective_on=on, closed=closed),
            ]

        return await self.resources.commands.execute(ctx, KPI(command.kpi_id), decide)

    # -- queries

    async def get_map(self, request: pb.GetMap, ctx: Context) -> pb.GoalMap:
        org = await self._people_then(ctx, request.as_of)
        return await goal_map.goal_map(
            self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at, self._checkins(ctx)
        )

    async def compare_maps(self, request: pb.CompareMaps, ctx: Context) -> pb.MapComparison:
        people = await self._people_then(ctx, request.before), await self._people_then(ctx, request.after)
        return await comparison.compared(self.resources.pool, self.outlines, ctx.tenant, request, people, ctx.at)

    async def list_kpis(self, request: pb.ListKpis, ctx: Context) -> pb.Kpis:
        org = await self._people_then(ctx, request.as_of)
        return await kpi_list.listed(self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at)

    async def search_goals(self, request: pb.SearchGoals, ctx: Context) -> pb.GoalsFound:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await search.search(self.resources.pool, ctx.tenant, request, org, ctx.at)

    async def list_names(self, request: pb.ListNames, ctx: Context) -> pb.Names:
        return await names.names(self.resources.pool, ctx.tenant, request)

    async def preview_statuses(self, request: pb.PreviewStatuses, ctx: Context) -> pb.StatusPreview:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await overview.preview(self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at)

    async def get_overview(self, request: pb.GetOverview, ctx: Context) -> pb.Overview:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await overview.overview(self.overviews, ctx.tenant, request, org, ctx.at)

    async def list_gaps(self, request: pb.ListGaps, ctx: Context) -> pb.Gaps:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await overview.gaps(self.overviews, ctx.tenant, request, org, ctx.at)

    async def count_kpis(self, request: pb.CountKpis, ctx: Context) -> pb.KpiCounts:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await kpi_list.counted(self.resources.pool, self.outlines, ctx.tenant, request, org, ctx.at)

    async def get_kpi(self, request: pb.GetKpi, ctx: Context) -> pb.KpiPage:
        org = await self._people_then(ctx, request.as_of)
        page = await kpi_page.kpi_page(
            self.resources.pool, self.outlines, ctx.actor, request, org, ctx.at, self._checkins(ctx)
        )
        if ctx.actor.kind == "integration":
            return kpi_page.within_scope(page, await self.resources.directory.org_chart(ctx.tenant), ctx.actor)
        return page

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
        return await self.past.then(org, ctx.tenant, as_of, ctx.at)

    def _checkins(self, ctx: Context) -> int:
        return self.resources.partition("checkins")(ctx.tenant)


def _defining(command: pb.DefineKpi, kpi_id: str, org: OrgChart, ctx: Context) -> Decide:
    draft = command.kpi

    async def decide(load: Load) -> Decision:
        of = await cycle_of(load, command.cycle_id)
        cycle.check_planned(of)
        check_may_set([kpi.responsibility(draft)], ctx.actor, org)
        if not ctx.actor.is_importer:
            cycle.check_open(of, org.today(ctx.at))
        on = _effective_on(command.effective_on, of, org, ctx)
        links = await load(ALIGNMENT, of.alignment_id)
        if volume_id := draft.measure.volume_kpi_id:
            alignment.check_volume(links, of, volume_id, on, "kpi.measure.volume_kpi_id")
        computation.check(draft, of, await sources_of(load, [draft]), on, "kpi")
        quota.refuse_one_more(links, of, org, on)
        defined = kpi.define(draft, org, kpi_id=kpi_id, cycle=of, effective_on=on)
        done = [
            defined,
            *alignment.align(
                links,
                cycle=of,
                kpi_id=kpi_id,
                level=draft.level,
                parent=draft.parent,
                parent_exists=await parent_exists(load, draft.parent),
                why=draft.why,
                effective_on=on,
                at="kpi.parent",
            ),
        ]
        return [*done, *await _further(done, draft, kpi_id, of, links, on, load)]

    return decide


async def _further(
    done: Decision, draft: t.KpiDraft, kpi_id: str, of: Cycle, links: Alignment, on: date, load: Load
) -> Decision:
    """What else a KPI that was just written down supports or hinders."""
    if not draft.further:
        return []
    new = None
    for ref, event in done:
        if ref.category == KPI.category:
            new = KPI.evolve(new, event)
        else:
            links = ALIGNMENT.evolve(links, event)
    shared = [one.to.kpi_id for one in draft.further if one.HasField("share")]
    return linking.link(
        links,
        cycle=of,
        kpi=kpi.existing(new, kpi_id),
        links=draft.further,
        parents={alignment.target_of(one.to) for one in draft.further if await parent_exists(load, one.to)},
        ends={id: await load(KPI, id) for id in shared if id},
        effective_on=on,
        at="kpi.further",
    )


def _effective_on(given: Date, of: Cycle, org: OrgChart, ctx: Context) -> date:
    """From which day a change is in force: today, or what was given, a day of its cycle; before today only in an
    import."""
    today = org.today(ctx.at)
    on = to_date(given)
    if on is None or (of.state == t.CYCLE_STATE_PLANNED and today < on == of.starts_on):
        return today  # what is planned for all of a cycle is seen at once
    cycle.within(of, on, "effective_on")
    if on < today and not ctx.actor.is_importer:
        raise Rejected(
            "EFFECTIVE_IN_THE_PAST", f"give today ({today}) or a later day", kind=Kind.INVALID, field="effective_on"
        )
    return on
