"""Which KPIs somebody is named for, so that nobody has to look through a company's for one person's: from the topic of
goals."""

from collections.abc import Iterable
from dataclasses import dataclass

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from nhip.goals.v1.events_pb2 import KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised
from services.checkins.views.known import VERSION


@dataclass(frozen=True, slots=True)
class OwnedKpiRow:
    tenant: str
    owner_id: str
    """Who is named; `unit:<id>` of the unit of one for whom nobody is, whose head answers for it then."""
    kpi_id: str
    named: bool
    """They are still."""


class OwnedKpiView(View[OwnedKpiRow]):
    name, source, categories, key = "owned_kpi", "goals", ("kpi",), ("tenant", "owner_id", "kpi_id")
    version = VERSION
    row = OwnedKpiRow
    folds = (KpiChanged, KpiDefined)
    passes_over = (KpiRetired, KpiTargetRevised)

    def fold(self, rows: Rows[OwnedKpiRow], event: Recorded) -> None:
        match event.message:
            case KpiDefined() as e:
                self._name(rows, event, e.owner_ids, e.unit_id)
            case KpiChanged() as e:
                for owner in e.before.owners.ids:
                    rows.put(OwnedKpiRow(event.tenant, owner, event.stream.id, named=False))
                self._name(rows, event, e.after.owners.ids, e.after.unit_id)
            case _:
                raise UnknownEvent(event.message)

    def _name(self, rows: Rows[OwnedKpiRow], event: Recorded, owners: Iterable[str], unit_id: str) -> None:
        for owner in (*owners, of_unit(unit_id)):
            if owner:
                rows.put(OwnedKpiRow(event.tenant, owner, event.stream.id, named=True))


OWNED_KPIS = OwnedKpiView().table


def of_unit(unit_id: str) -> str:
    return f"unit:{unit_id}" if unit_id else ""
