"""gRPC of checkins: request → command or query, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import checkins_pb2 as pb
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import delegation, progress
from services.checkins.domain.cycle_facts import CYCLE_FACTS, check_taken
from services.checkins.domain.progress import PROGRESS, KnownKpi, Progress
from services.checkins.queries.known import KnownKpis, known_kpi, known_kpis
from services.checkins.queries.progress import entries

RECORD_PROGRESS = "nhip.checkins.v1.Checkins/RecordProgress"

ACCESS: Mapping[str, Allow] = {
    # Whose KPI it is, the decision checks.
    "RecordProgress": anyone(services=(IMPORTER,)),
    "BatchRecordProgress": anyone(services=(IMPORTER,)),
    "CorrectProgress": anyone(),
    "RetractProgress": anyone(),
    "NameDelegate": anyone(),
    "RevokeDelegate": anyone(),
    "ListProgress": anyone(services=(IMPORTER,)),
}


@dataclass(frozen=True, slots=True)
class CheckinsApi:
    """Implements `nhip.checkins.v1.Checkins`."""

    resources: Resources
    known: KnownKpis

    async def record_progress(self, command: pb.RecordProgress, ctx: Context) -> Accepted:
        org, kpi = await self._kpi(command.kpi_id, ctx)
        today = org.today(ctx.at)
        usual = org.settings.on(today).usual_confidence
        return await self._taken(
            ctx, kpi, lambda state: progress.record(state, command, kpi, ctx.actor, today, usual_confidence=usual)
        )

    async def batch_record_progress(self, command: pb.BatchRecordProgress, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        today = org.today(ctx.at)
        usual = org.settings.on(today).usual_confidence
        async with reading(self.resources.pool, ctx.tenant) as con:
            kpis = await known_kpis(con, ctx.tenant, [item.progress.kpi_id for item in command.items], org)

        async def item(number: int, one: pb.ProgressItem) -> Item:
            command = one.progress

            async def decide(load: Load) -> Decision:
                if command.kpi_id not in kpis:
                    raise unknown("kpi", command.kpi_id, "kpi_id")
                check_taken(await load(CYCLE_FACTS, kpis[command.kpi_id].cycle_id))
                state = await load(PROGRESS, command.kpi_id)
                return progress.record(state, command, kpis[command.kpi_id], ctx.actor, today, usual_confidence=usual)

            own = await ctx.of_item(number, RECORD_PROGRESS, command, one.key)
            return Item(own, PROGRESS(command.kpi_id), decide, command.kpi_id, [(PROGRESS, command.kpi_id)])

        items = [await item(number, one) for number, one in enumerate(command.items)]
        return await self.resources.commands.batch(items)

    async def correct_progress(self, command: pb.CorrectProgress, ctx: Context) -> Accepted:
        org, kpi = await self._kpi(command.kpi_id, ctx)
        return await self._taken(
            ctx, kpi, lambda state: progress.correct(state, command, kpi, ctx.actor, org.today(ctx.at))
        )

    async def retract_progress(self, command: pb.RetractProgress, ctx: Context) -> Accepted:
        org, kpi = await self._kpi(command.kpi_id, ctx)
        return await self._taken(
            ctx, kpi, lambda state: progress.retract(state, command, kpi, ctx.actor, org.today(ctx.at))
        )

    async def name_delegate(self, command: pb.NameDelegate, ctx: Context) -> Accepted:
        org, kpi = await self._kpi(command.kpi_id, ctx)
        today = org.today(ctx.at)
        return await self.resources.commands.on(
            ctx, PROGRESS, kpi.id, lambda state: delegation.name_delegate(state, command, kpi, ctx.actor, org, today)
        )

    async def revoke_delegate(self, command: pb.RevokeDelegate, ctx: Context) -> Accepted:
        _, kpi = await self._kpi(command.kpi_id, ctx)
        return await self.resources.commands.on(
            ctx, PROGRESS, kpi.id, lambda state: delegation.revoke_delegate(state, command, kpi, ctx.actor)
        )

    async def _taken(self, ctx: Context, kpi: KnownKpi, decide: Callable[[Progress], Decision]) -> Accepted:
        """What is decided about a KPI's values, as long as its cycle takes any."""

        async def load_and_decide(load: Load) -> Decision:
            check_taken(await load(CYCLE_FACTS, kpi.cycle_id))
            return decide(await load(PROGRESS, kpi.id))

        return await self.resources.commands.execute(ctx, PROGRESS(kpi.id), load_and_decide)

    async def _kpi(self, kpi_id: str, ctx: Context) -> tuple[OrgChart, KnownKpi]:
        org = await self.resources.directory.org_chart(ctx.tenant)
        kpi = await self.known.kpi(ctx.tenant, kpi_id, org)
        if kpi is None:
            raise unknown("kpi", kpi_id, "kpi_id")
        return org, kpi

    async def list_progress(self, request: pb.ListProgress, ctx: Context) -> pb.Progress:
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            kpi = await known_kpi(con, ctx.tenant, request.kpi_id, org)
            if kpi is None:
                raise unknown("kpi", request.kpi_id, "kpi_id")
            return await entries(con, ctx.tenant, request)
