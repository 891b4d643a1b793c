"""The words of every KPI as they are searched in, whatever cycle it is of: of each as it is called now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.names import searchable
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.goals.v1.events_pb2 import KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised
from services.goals.domain.kpi import KPI
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class KpiWordsRow:
    """`named` and `stated` are searchable: what it is called, and what its statement says."""

    tenant: str
    kpi_id: str
    cycle_id: str
    level: int
    named: str
    stated: str
    starts_on: date
    """The first day that it is there."""
    ends_on: date | None
    """From this day on it is not there; None: no end of it is known."""


class KpiWordsView(View[KpiWordsRow]):
    name, source, categories, key = "kpi_words", "goals", (KPI.category,), ("tenant", "kpi_id")
    version = VERSION
    row = KpiWordsRow
    folds = (KpiDefined, KpiChanged, KpiRetired)
    passes_over = (KpiTargetRevised,)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KpiWordsRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case KpiDefined() as e:
                named, stated = searchable(e.name), searchable(e.statement)
                starts_on = required_date(e.effective_on)
                rows.put(KpiWordsRow(*key, e.cycle_id, e.level, named, stated, starts_on, ends_on=None))
            case KpiChanged(after=said):
                row = rows[key]
                named = searchable(said.name) if said.HasField("name") else row.named
                stated = searchable(said.statement) if said.HasField("statement") else row.stated
                rows.put(replace(row, named=named, stated=stated))
            case KpiRetired() as e:
                rows.put(replace(rows[key], ends_on=required_date(e.effective_on)))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[KpiWordsRow]:
        if kpi := KPI.fold(messages(events)):
            yield KpiWordsRow(
                events[0].tenant,
                kpi.id,
                kpi.cycle_id,
                kpi.level,
                searchable(kpi.name),
                searchable(kpi.statement),
                kpi.defined_on,
                kpi.ends_on,
            )


KPI_WORDS = KpiWordsView().table
