"""gRPC of goals about cycles: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.integrations import EVERYTHING, READ
from eventkit.directory.past import Past
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.deciding import cycle_of, parent_exists
from services.goals.domain import cycle, follow_up
from services.goals.domain import kpi as kpis
from services.goals.domain.alignment import ALIGNMENT, Alignment
from services.goals.domain.authority import check_may_set
from services.goals.domain.cycle import CYCLE
from services.goals.domain.follow_up import FOLLOW_UP
from services.goals.domain.kpi import KPI, Kpi
from services.goals.domain.standing import Value
from services.goals.proposals_api import ProposalsApi
from services.goals.queries import cycle_page, cycles, follow_ups, overview, progress, proposals
from services.goals.queries.goal_map import moment, read_cycle
from services.goals.queries.outlines import FOREVER
from services.goals.queries.overview import Overviews

CARRY_ON = "nhip.goals.v1.Goals/CarryOnKpis"
_STRATEGY = roles("executive", "okr_master")
ACCESS: Mapping[str, Allow] = {
    "OpenCycle": roles("executive", "okr_master", services=(IMPORTER,)),
    "CorrectCycle": _STRATEGY,
    "WithdrawCycle": _STRATEGY,
    "StartCycle": _STRATEGY,
    "CloseCycle": _STRATEGY,
    "ReopenCycle": roles("executive"),
    "ListCycles": anyone(services=(IMPORTER,)).and_integrations(READ),
    "GetCycle": anyone().and_integrations(READ, EVERYTHING),
    # Whose KPIs they are, the decision checks.
    "CarryOnKpis": anyone(),
    "ListFollowUps": anyone(),
}


@dataclass(frozen=True, slots=True)
class CycleApi(ProposalsApi):
    """The part of `nhip.goals.v1.Goals` that is about cycles, beside the one about proposals."""

    past: Past
    overviews: Overviews

    async def open_cycle(self, command: pb.OpenCycle, ctx: Context) -> Accepted:
        cycle_id, today = ctx.new_id("cycle"), (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        async def decide(load: Load) -> Decision:
            outer = await load(CYCLE, command.within_id) if command.within_id else None
            return cycle.open_cycle(command, cycle_id, today, await self._taken(ctx), outer)

        return await self.resources.commands.execute(ctx, CYCLE(cycle_id), decide)

    async def correct_cycle(self, command: pb.CorrectCycle, ctx: Context) -> Accepted:
        today = (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        async def decide(load: Load) -> Decision:
            current = await cycle_of(load, command.cycle_id)
            outer = await load(CYCLE, current.enclosing[0]) if current.enclosing else None
            inner = [await cycle_of(load, id) for id in current.inner]
            last = (await load(ALIGNMENT, current.alignment_id)).last_begins(current.id)
            return cycle.correct(current, command, today, await self._taken(ctx), outer, inner, last)

        return await self.resources.commands.execute(ctx, CYCLE(command.cycle_id), decide)

    async def withdraw_cycle(self, command: pb.WithdrawCycle, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            current = await cycle_of(load, command.cycle_id)
            for outer in current.enclosing[:1]:
                await load(CYCLE, outer)
            links = await load(ALIGNMENT, current.alignment_id)
            async with reading(self.resources.pool, ctx.tenant) as con:
                _, proposed = await proposals.in_cycle(con, ctx.tenant, current.id)
            return cycle.withdraw(current, command.reason, kpis=links.kpis_of(current.id), proposals=proposed)

        return await self.resources.commands.execute(ctx, CYCLE(command.cycle_id), decide)

    async def start_cycle(self, command: pb.StartCycle, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)

        async def decide(load: Load) -> Decision:
            current = await cycle_of(load, command.cycle_id)
            return cycle.start(
                current,
                kpis=(await load(ALIGNMENT, current.alignment_id)).kpis_of(current.id),
                uneven=await overview.uneven_weights(self.overviews, ctx.tenant, current.id, org, ctx.at),
                by_executive=org.has_role(ctx.actor.id, "executive"),
                with_uneven_weights=command.with_uneven_weights,
            )

        return await self.resources.commands.execute(ctx, CYCLE(command.cycle_id), decide)

    async def close_cycle(self, command: pb.CloseCycle, ctx: Context) -> Accepted:
        today = (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        async def decide(load: Load) -> Decision:
            current = await cycle_of(load, command.cycle_id)
            inner = [await cycle_of(load, id) for id in current.inner]
            async with reading(self.resources.pool, ctx.tenant) as con:
                waiting, _ = await proposals.in_cycle(con, ctx.tenant, current.id)
            return cycle.close(current, today, waiting=waiting, inner=inner)

        return await self.resources.commands.execute(ctx, CYCLE(command.cycle_id), decide)

    async def reopen_cycle(self, command: pb.ReopenCycle, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            current = await cycle_of(load, command.cycle_id)
            outer = await load(CYCLE, current.enclosing[0]) if current.enclosing else None
            return cycle.reopen(current, command.reason, outer)

        return await self.resources.commands.execute(ctx, CYCLE(command.cycle_id), decide)

    async def carry_on_kpis(self, command: pb.CarryOnKpis, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        today = org.today(ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            ids = [item.kpi_id for item in command.items]
            last = await progress.current(con, ctx.tenant, ids, FOREVER, today)

        async def item(number: int, one: pb.CarriedKpi) -> Item:
            own = await ctx.of_item(number, CARRY_ON, one, "")
            next_id = own.new_id("kpi")

            async def decide(load: Load) -> Decision:
                kpi = kpis.existing(await load(KPI, one.kpi_id), one.kpi_id)
                check_may_set([kpi.responsibility], ctx.actor, org, "kpi_id")
                around = await self._carrying(load, command, one, kpi, last.get(kpi.id), org, today)
                return follow_up.carry_on(one, around, next_id)

            reads = [(KPI, one.kpi_id), (FOLLOW_UP, one.kpi_id)]
            return Item(own, FOLLOW_UP(one.kpi_id), decide, one.kpi_id, reads, number)

        given = [await item(*one) for one in enumerate(command.items)]
        order = await self._parts_first(ctx, command, org)
        done = await self.resources.commands.batch([given[number] for number in order])
        verdicts = dict(zip(order, done.verdicts, strict=True))
        return Accepted(position=done.position, verdicts=[verdicts[number] for number in range(len(given))])

    async def _parts_first(self, ctx: Context, command: pb.CarryOnKpis, org: OrgChart) -> list[int]:
        """The numbers of the items in an order in which what others serve, or are counted from, comes before them."""
        when = moment(AsOf(), org, ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            state = await read_cycle(con, self.outlines, ctx.tenant, command.cycle_id, org, when)
        places = follow_ups.places(state.outline)
        return sorted(
            range(len(command.items)), key=lambda number: places.get(command.items[number].kpi_id, follow_ups.LAST)
        )

    async def _carrying(
        self,
        load: Load,
        command: pb.CarryOnKpis,
        item: pb.CarriedKpi,
        kpi: Kpi,
        last: Value | None,
        org: OrgChart,
        today: date,
    ) -> follow_up.Circumstances:
        before, following = (
            await cycle_of(load, command.cycle_id),
            await cycle_of(load, command.next_cycle_id, "next_cycle_id"),
        )
        served_by = await load(ALIGNMENT, before.alignment_id)
        link = served_by.link(kpi.id, today)
        serves = link.parent if link else t.Parent()
        parts = set(filter(None, {kpi.measure.volume_kpi_id, *(kpi.computation.kpi_ids if kpi.computation else ())}))
        further = served_by.beside(kpi.id, today)
        named = filter(None, {serves.kpi_id, *parts, *(link.to.kpi_id for link in further)})
        kpis_of = {id: await load(KPI, id) for id in parts}
        beside = {id for id, one in kpis_of.items() if one is not None and one.cycle_id == before.id}
        decided = {id: (await load(FOLLOW_UP, id)).get(following.id) for id in named}
        goes_on_as = {id: one.next_kpi_id for id, one in decided.items() if one is not None and one.next_kpi_id}
        links = await load(ALIGNMENT, following.alignment_id)
        parent = follow_up.served(serves, goes_on_as, following, links) or item.parent
        first = [id for id in served_by.children(kpi.id, today) if _serves_first(served_by, id, kpi.id, today)]
        below = [(await load(FOLLOW_UP, id)).get(following.id) for id in first]
        linked_back = await self._linked_back(load, served_by, kpi.id, following.id, today)
        ends = [*linked_back, *goes_on_as.values(), *(link.to.kpi_id for link in further)]
        gone_on = [one.next_kpi_id for one in below if one is not None and one.next_kpi_id in links.links]
        return follow_up.Circumstances(
            cycle=before,
            next=following,
            kpi=kpi,
            decided=await load(FOLLOW_UP, kpi.id),
            serves=serves,
            goes_on_as=goes_on_as,
            why=link.why if link else "",
            beside=beside,
            undecided={id for id in beside if decided[id] is None},
            waiting=[id for id in gone_on if (now := links.link(id, today)) and not now.parent.WhichOneof("target")],
            alignment=links,
            parent_exists=await parent_exists(load, parent),
            last=last.value if last else None,
            org=org,
            today=today,
            further=[link for link in further if link.to.kpi_id or await parent_exists(load, link.to)],
            linked_back=linked_back,
            linked={id: await load(KPI, id) for id in ends if id in links.links},
        )

    async def _linked_back(
        self, load: Load, served_by: Alignment, kpi_id: str, next_cycle_id: str, today: date
    ) -> dict[str, list[t.FurtherLink]]:
        """The KPIs of a next cycle that go on with what supported or hindered a KPI, and how that did."""
        found: dict[str, list[t.FurtherLink]] = {}
        for id in served_by.ever.get(kpi_id, ()):
            links = [link for link in served_by.beside(id, today) if link.to.kpi_id == kpi_id]
            on = (await load(FOLLOW_UP, id)).get(next_cycle_id) if links else None
            if on is not None and on.next_kpi_id:
                found[on.next_kpi_id] = links
        return found

    async def list_follow_ups(self, request: pb.ListFollowUps, ctx: Context) -> pb.FollowUps:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await follow_ups.listed(self.resources.pool, self.outlines, ctx.actor, request, org, ctx.at)

    async def list_cycles(self, request: pb.ListCycles, ctx: Context) -> pb.Cycles:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await cycles.cycles(con, ctx.tenant, request)

    async def get_cycle(self, request: pb.GetCycle, ctx: Context) -> pb.CyclePage:
        org = await self.resources.directory.org_chart(ctx.tenant)
        return await cycle_page.cycle_page(self.overviews, ctx, request.cycle_id, org)

    async def _taken(self, ctx: Context) -> frozenset[str]:
        """The names of cycles as they are compared. Two people who open one within the same moment are not seen here:
        then there are two, as one can see."""
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await cycles.cycle_names(con, ctx.tenant)


def _serves_first(links: Alignment, id: str, kpi_id: str, today: date) -> bool:
    """What serves a KPI before all else, not what only supports it, takes up what goes on of it."""
    link = links.link(id, today)
    return link is not None and link.parent.kpi_id == kpi_id
