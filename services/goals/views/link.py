"""What each KPI of a cycle serves first, every version of it: the links of any day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiAligned, KpiLinked, KpiTakenOff
from services.goals.domain.alignment import ALIGNMENT
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A KPI's link after one event of the alignment that its cycle belongs to.

    `parent_kind` is csf, kpi, goal, or empty: it serves nothing.
    """

    tenant: str
    cycle_id: str
    kpi_id: str
    version: int
    parent_kind: str
    parent_id: str
    why: str
    effective_on: date
    recorded_at: datetime
    event_id: str
    event: str
    actor: str
    proposal_id: str


class LinkView(WrittenWhole[LinkRow, KpiAligned | KpiTakenOff]):
    name, source, categories, key = "link", "goals", (ALIGNMENT.category,), ("tenant", "cycle_id", "kpi_id", "version")
    version = VERSION
    indexes = ("tenant, kpi_id",)
    row = LinkRow
    folds = (KpiAligned, KpiTakenOff)
    passes_over = (KpiLinked,)

    def written(self, event: Recorded, e: KpiAligned | KpiTakenOff) -> LinkRow:
        if isinstance(e, KpiTakenOff):
            return _row(event, e.cycle_id, e.kpi_id, t.Parent(), "", required_date(e.effective_on))
        return _row(event, e.cycle_id, e.kpi_id, e.after, e.why, required_date(e.effective_on), e.proposal_id)

    def expected(self, events: Sequence[Recorded]) -> Iterable[LinkRow]:
        alignment = ALIGNMENT.initial
        for event in events:
            e = event.message
            assert isinstance(e, KpiAligned | KpiLinked | KpiTakenOff)
            alignment = ALIGNMENT.evolve(alignment, e)
            if isinstance(e, KpiLinked):
                continue
            if isinstance(e, KpiAligned):
                link = alignment.links[e.kpi_id][-1]
                yield _row(event, link.cycle_id, e.kpi_id, link.parent, link.why, link.effective_on, e.proposal_id)
            else:
                yield _row(event, e.cycle_id, e.kpi_id, t.Parent(), "", alignment.ends[e.kpi_id])


LINKS = LinkView().table


def _row(
    event: Recorded,
    cycle_id: str,
    kpi_id: str,
    parent: t.Parent,
    why: str,
    effective_on: date,
    proposal_id: str = "",
) -> LinkRow:
    field = parent.WhichOneof("target") or ""
    return LinkRow(
        tenant=event.tenant,
        cycle_id=cycle_id,
        kpi_id=kpi_id,
        version=event.version,
        parent_kind=field.removesuffix("_id"),
        parent_id=getattr(parent, field) if field else "",
        why=why,
        effective_on=effective_on,
        recorded_at=event.recorded_at,
        event_id=str(event.id),
        event=event.type.rsplit(".", 1)[-1],
        actor=event.origin.actor,
        proposal_id=proposal_id,
    )
