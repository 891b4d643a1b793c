"""gRPC of checkins: request → command or query, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.integrations import READ, RECORD
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import AUDITOR, Allow, anyone, roles, signed
from eventkit.rpc.rules import violations
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import checkins_pb2 as pb
from nhip.checkins.v1 import polls_pb2
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.delivery_pb2 import Delivery
from services.checkins.domain import delegation, delivery, progress
from services.checkins.domain.cycle_facts import CYCLE_FACTS, check_taken
from services.checkins.domain.progress import PROGRESS, KnownKpi, Progress
from services.checkins.queries.known import KnownKpis, known_kpi
from services.checkins.queries.polls import polls
from services.checkins.queries.progress import entries
from services.checkins.recording import RECORD_PROGRESS, Recording, covers

ACCESS: Mapping[str, Allow] = {
    # Whose KPI it is, the decision checks.
    "RecordProgress": anyone(services=(IMPORTER,)).and_integrations(RECORD),
    "BatchRecordProgress": anyone(services=(IMPORTER,)).and_integrations(RECORD),
    "TakeDelivery": signed(RECORD),
    "CorrectProgress": anyone(),
    "RetractProgress": anyone(),
    "NameDelegate": anyone(),
    "RevokeDelegate": anyone(),
    "ListProgress": anyone(services=(IMPORTER,)).and_integrations(READ),
    "ListPolls": roles("admin", AUDITOR, services=("operator",)),
}


@dataclass(frozen=True, slots=True)
class CheckinsApi:
    """Implements `nhip.checkins.v1.Checkins`."""

    resources: Resources
    known: KnownKpis
    recording: Recording

    async def record_progress(self, command: pb.RecordProgress, ctx: Context) -> Accepted:
        org, kpi = await self._kpi(command.kpi_id, ctx)
        today = org.today(ctx.at)
        usual = org.settings.on(today).usual_confidence
        covered = covers(ctx, kpi, org)
        return await self._taken(
            ctx,
            kpi,
            lambda state: progress.record(
                state, command, kpi, ctx.actor, today, usual_confidence=usual, covered=covered
            ),
        )

    async def batch_record_progress(self, command: pb.BatchRecordProgress, ctx: Context) -> Accepted:
        return await self.recording.all(
            [
                (await ctx.of_item(number, RECORD_PROGRESS, one.progress, one.key), one.progress)
                for number, one in enumerate(command.items)
            ]
        )

    async def take_delivery(self, request: Delivery, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        batch = delivery.values(request.content, request.delivery_id, org.integrations[ctx.actor.id])
        # What a source calls a KPI need be no id: of one that nobody knows the verdict says so, and hinders no other.
        wrong = tuple(one for one in violations(batch) if not one.field.endswith(".progress.kpi_id"))
        if wrong:
            told = "; ".join(f"{one.field} {one.message}" for one in wrong[:3])
            raise Rejected("FIELDS_INVALID", told, kind=Kind.INVALID, violations=wrong)
        return await self.batch_record_progress(batch, ctx)

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
            if kpi is None or (ctx.actor.kind == "integration" and not covers(ctx, kpi, org)):
                raise unknown("kpi", request.kpi_id, "kpi_id")
            return await entries(con, ctx.tenant, request, org)

    async def list_polls(self, request: polls_pb2.ListPolls, ctx: Context) -> polls_pb2.Polls:
        return await polls(self.resources.pool, ctx.tenant, request)
