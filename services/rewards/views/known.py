"""Which KPIs there are, by name: what rewards keeps of goals, fed by its topic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from nhip.goals.v1.events_pb2 import KpiDefined


@dataclass(frozen=True, slots=True)
class KnownKpiRow:
    tenant: str
    kpi_id: str
    name: str


class KnownKpiView(View[KnownKpiRow]):
    """A KPI that has ended stays: deeds for it may still be praised."""

    name, source, categories, key = "known_kpi", "goals", ("kpi",), ("tenant", "kpi_id")
    version = 2
    row = KnownKpiRow

    def fold(self, rows: Rows[KnownKpiRow], event: Recorded) -> None:
        match event.message:
            case KpiDefined() as e:
                rows.put(KnownKpiRow(event.tenant, e.kpi_id, e.name))
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[KnownKpiRow]:
        for e in messages(events):
            if isinstance(e, KpiDefined):
                yield KnownKpiRow(events[0].tenant, e.kpi_id, e.name)


KNOWN_KPIS = KnownKpiView().table
