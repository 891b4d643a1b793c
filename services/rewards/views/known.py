"""Which KPIs there are, by name: what rewards keeps of goals, fed by its topic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from nhip.goals.v1.events_pb2 import KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised


@dataclass(frozen=True, slots=True)
class KnownKpiRow:
    tenant: str
    kpi_id: str
    name: str


class KnownKpiView(View[KnownKpiRow]):
    """A KPI that has ended stays: deeds for it may still be praised."""

    name, source, categories, key = "known_kpi", "goals", ("kpi",), ("tenant", "kpi_id")
    version = 3
    row = KnownKpiRow
    folds = (KpiChanged, KpiDefined)
    passes_over = (KpiRetired, KpiTargetRevised)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownKpiRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case KpiDefined() as e:
                rows.put(KnownKpiRow(*key, e.name))
            case KpiChanged() as e:
                if e.after.HasField("name"):
                    rows.put(replace(rows[key], name=e.after.name))
            case _:
                raise UnknownEvent(event.message)


KNOWN_KPIS = KnownKpiView().table
