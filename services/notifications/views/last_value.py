"""The last day that each KPI has a value for, from the topic of checkins; and which KPIs were forgotten (C-02,
N-04)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.checkins.v1.events_pb2 import ProgressRecorded


@dataclass(frozen=True, slots=True)
class LastValueRow:
    tenant: str
    kpi_id: str
    on_day: date
    value: Decimal


class LastValueView(View[LastValueRow]):
    name, source, categories, key = "last_value", "checkins", ("progress",), ("tenant", "kpi_id")
    version = 2
    row = LastValueRow
    folds = (ProgressRecorded,)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[LastValueRow], event: Recorded) -> None:
        match event.message:
            case ProgressRecorded() as e:
                known, day = rows.get(event.tenant, event.stream.id), required_date(e.occurred_on)
                if known is None or known.on_day <= day:
                    rows.put(LastValueRow(event.tenant, e.kpi_id, day, Decimal(e.after.value)))
            case _:
                raise UnknownEvent(event.message)
