"""The values that stand for each day of a KPI, from the topic of checkins: by the last of them one sees which KPIs were
forgotten (C-02, N-04)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.values import required_date, to_date
from nhip.checkins.v1.events_pb2 import (
    DelegateNamed,
    DelegateRevoked,
    ProgressCorrected,
    ProgressRecorded,
    ProgressRetracted,
)

VERSION = 3
"""Of what is kept of checkins."""


@dataclass(frozen=True, slots=True)
class StandingValueRow:
    tenant: str
    kpi_id: str
    on_day: date
    value: Decimal | None
    """None: it was taken back, or moved to another day."""


class StandingValueView(View[StandingValueRow]):
    name, source, categories, key = "standing_value", "checkins", ("progress",), ("tenant", "kpi_id", "on_day")
    version = VERSION
    row = StandingValueRow
    folds = (ProgressRecorded, ProgressCorrected, ProgressRetracted)
    passes_over = (DelegateNamed, DelegateRevoked)

    def fold(self, rows: Rows[StandingValueRow], event: Recorded) -> None:
        match event.message:
            case ProgressRecorded() | ProgressCorrected() | ProgressRetracted() as e:
                for day, value in _said(e):
                    rows.put(StandingValueRow(event.tenant, event.stream.id, day, value))
            case _:
                raise UnknownEvent(event.message)


def _said(e: ProgressRecorded | ProgressCorrected | ProgressRetracted) -> Iterable[tuple[date, Decimal | None]]:
    day = required_date(e.occurred_on)
    if isinstance(e, ProgressRetracted):
        return [(day, None)]
    moved = (to_date(e.moved_to) if isinstance(e, ProgressCorrected) else None) or day
    return [(day, None), (moved, Decimal(e.after.value))]
