"""Which KPIs there are, by name: what rewards keeps of goals, fed by its topic."""

from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from nhip.goals.v1.events_pb2 import KpiDefined, KpiRetired, KpiTargetRevised


@dataclass(frozen=True, slots=True)
class KnownKpiRow:
    tenant: str
    kpi_id: str
    name: str


class KnownKpiView(WrittenWhole[KnownKpiRow, KpiDefined]):
    """A KPI that has ended stays: deeds for it may still be praised."""

    name, source, categories, key = "known_kpi", "goals", ("kpi",), ("tenant", "kpi_id")
    version = 2
    row = KnownKpiRow
    folds = (KpiDefined,)
    passes_over = (KpiRetired, KpiTargetRevised)

    def written(self, event: Recorded, e: KpiDefined) -> KnownKpiRow:
        return KnownKpiRow(event.tenant, e.kpi_id, e.name)


KNOWN_KPIS = KnownKpiView().table
