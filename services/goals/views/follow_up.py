"""What becomes of KPIs in a next cycle, as it was decided last."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed
from nhip.goals.v1.events_pb2 import KpiFollowedUp
from services.goals.domain.follow_up import FOLLOW_UP
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    tenant: str
    kpi_id: str
    next_cycle_id: str
    choice: int
    next_kpi_id: str
    reason: bytes
    """Sealed; empty for none."""
    actor: str
    recorded_at: datetime


class FollowUpView(WrittenWhole[FollowUpRow, KpiFollowedUp]):
    name, source, categories, key = (
        "follow_up", "goals", (FOLLOW_UP.category,), ("tenant", "kpi_id", "next_cycle_id"),
    )  # fmt: skip
    version = VERSION
    indexes = ("tenant, next_cycle_id", "tenant, next_kpi_id")
    row = FollowUpRow
    folds = (KpiFollowedUp,)

    def written(self, event: Recorded, e: KpiFollowedUp) -> FollowUpRow:
        return _row(event, e)

    def expected(self, events: Sequence[Recorded]) -> Iterable[FollowUpRow]:
        decided, by = FOLLOW_UP.initial, dict[str, Recorded]()
        for event in events:
            e = event.message
            assert isinstance(e, KpiFollowedUp)
            decided = FOLLOW_UP.evolve(decided, e)
            by[e.next_cycle_id] = event
        for cycle_id, e in decided.items():
            yield _row(by[cycle_id], e)


FOLLOW_UPS = FollowUpView().table


def _row(event: Recorded, e: KpiFollowedUp) -> FollowUpRow:
    return FollowUpRow(
        event.tenant,
        e.kpi_id,
        e.next_cycle_id,
        e.choice,
        e.next_kpi_id,
        packed(e.reason),
        event.origin.actor,
        event.recorded_at,
    )
