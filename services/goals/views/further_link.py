"""What else each KPI supports or hinders beside what it serves first, every version of it (G-74)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed, required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiLinked, KpiTakenOff
from services.goals.domain.alignment import ALIGNMENT
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class FurtherLinkRow:
    """All further links of a KPI after one event. `links` is a FurtherLinks."""

    tenant: str
    cycle_id: str
    kpi_id: str
    version: int
    links: bytes
    effective_on: date
    recorded_at: datetime
    event_id: str
    actor: str
    proposal_id: str


class FurtherLinkView(WrittenWhole[FurtherLinkRow, KpiLinked]):
    name, source, categories = "further_link", "goals", (ALIGNMENT.category,)
    key = ("tenant", "cycle_id", "kpi_id", "version")
    version = VERSION
    indexes = ("tenant, kpi_id",)
    row = FurtherLinkRow
    folds = (KpiLinked,)
    passes_over = (KpiAligned, KpiTakenOff)

    def written(self, event: Recorded, e: KpiLinked) -> FurtherLinkRow:
        return _row(event, e, e.after.links, required_date(e.effective_on))

    def expected(self, events: Sequence[Recorded]) -> Iterable[FurtherLinkRow]:
        alignment = ALIGNMENT.initial
        for event in events:
            e = event.message
            assert isinstance(e, KpiAligned | KpiLinked | KpiTakenOff)
            alignment = ALIGNMENT.evolve(alignment, e)
            if isinstance(e, KpiLinked):
                made = alignment.further[e.kpi_id][-1]
                yield _row(event, e, made.links, made.effective_on)


FURTHER_LINKS = FurtherLinkView().table


def _row(event: Recorded, e: KpiLinked, links: Sequence[t.FurtherLink], effective_on: date) -> FurtherLinkRow:
    return FurtherLinkRow(
        tenant=event.tenant,
        cycle_id=e.cycle_id,
        kpi_id=e.kpi_id,
        version=event.version,
        links=packed(t.FurtherLinks(links=links)),
        effective_on=effective_on,
        recorded_at=event.recorded_at,
        event_id=str(event.id),
        actor=event.origin.actor,
        proposal_id=e.proposal_id,
    )
