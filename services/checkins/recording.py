"""Values recorded together: what a batch, a delivery and a look at a table have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import in_scope
from eventkit.errors import unknown
from eventkit.process.service import Resources
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import checkins_pb2 as pb
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import progress
from services.checkins.domain.cycle_facts import CYCLE_FACTS, check_taken
from services.checkins.domain.progress import PROGRESS, KnownKpi
from services.checkins.queries.known import known_kpis

RECORD_PROGRESS = "nhip.checkins.v1.Checkins/RecordProgress"


@dataclass(frozen=True, slots=True)
class Recording:
    resources: Resources

    async def all(self, wanted: Sequence[tuple[Context, pb.RecordProgress]]) -> Accepted:
        """Each carried out as if it had come alone, with a verdict of its own. One actor's, and at least one."""
        actor, tenant = wanted[0][0].actor, wanted[0][0].tenant
        org = await self.resources.directory.org_chart(tenant)
        today = org.today(wanted[0][0].at)
        usual = org.settings.on(today).usual_confidence
        async with reading(self.resources.pool, tenant) as con:
            kpis = await known_kpis(con, tenant, [command.kpi_id for _, command in wanted], org)

        def item(ctx: Context, command: pb.RecordProgress) -> Item:
            kpi = kpis.get(command.kpi_id)

            async def decide(load: Load) -> Decision:
                if kpi is None:
                    raise unknown("kpi", command.kpi_id, "kpi_id")
                check_taken(await load(CYCLE_FACTS, kpi.cycle_id))
                state = await load(PROGRESS, kpi.id)
                covered = covers(ctx, kpi, org)
                return progress.record(state, command, kpi, actor, today, usual_confidence=usual, covered=covered)

            if kpi is None:  # what names no KPI may be no id at all
                return Item(ctx, PROGRESS("unknown"), decide, "")
            return Item(ctx, PROGRESS(kpi.id), decide, kpi.id, [(PROGRESS, kpi.id)])

        return await self.resources.commands.batch([item(*one) for one in wanted])


def covers(ctx: Context, kpi: KnownKpi, org: OrgChart) -> bool:
    """Whether it is an integration that acts, and a KPI is in its scope."""
    known = org.integrations.get(ctx.actor.id) if ctx.actor.kind == "integration" else None
    return known is not None and in_scope(known.facts.scope, kpi.id, kpi.cycle_id, kpi.unit_id, kpi.owners, org)
