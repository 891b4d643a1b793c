"""Which KPIs and cycles there are, and whose: what checkins keeps of goals, fed by its topic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.goals.v1.events_pb2 import (
    CycleClosed,
    CycleClosingBegun,
    CycleCorrected,
    CycleOpened,
    CycleReopened,
    CycleStarted,
    CycleWithdrawn,
    InnerCycleOpened,
    InnerCycleWithdrawn,
    KpiChanged,
    KpiDefined,
    KpiRetired,
    KpiTargetRevised,
)

VERSION = 4
"""Of what is kept of goals."""


@dataclass(frozen=True, slots=True)
class KnownKpiRow:
    tenant: str
    kpi_id: str
    cycle_id: str
    owner_ids: list[str]
    unit_id: str
    kind: int
    direction: int
    unit: str
    """What it is measured in."""
    target: Decimal
    computed_from: list[str]
    """The KPIs that it is computed from; empty: its values are entered."""
    retired_on: date | None


class KnownKpiView(View[KnownKpiRow]):
    name, source, categories, key = "known_kpi", "goals", ("kpi",), ("tenant", "kpi_id")
    version = VERSION
    row = KnownKpiRow
    folds = (KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownKpiRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case KpiDefined() as e:
                rows.put(_defined(key, e))
            case KpiTargetRevised() as e:
                rows.put(replace(rows[key], target=Decimal(e.after.value)))
            case KpiChanged() as e:
                rows.put(_changed(rows[key], e))
            case KpiRetired() as e:
                rows.put(replace(rows[key], retired_on=required_date(e.effective_on)))
            case _:
                raise UnknownEvent(event.message)


KNOWN_KPIS = KnownKpiView().table


def _defined(key: tuple[str, str], e: KpiDefined) -> KnownKpiRow:
    return KnownKpiRow(
        *key,
        e.cycle_id,
        list(e.owner_ids),
        e.unit_id,
        e.measure.kind,
        e.measure.direction,
        e.measure.unit,
        Decimal(e.measure.target.value),
        list(e.computation.kpi_ids),
        retired_on=None,
    )


def _changed(row: KnownKpiRow, e: KpiChanged) -> KnownKpiRow:
    owners = list(e.after.owners.ids) if e.after.HasField("owners") else row.owner_ids
    unit = e.after.unit_id if e.after.HasField("unit_id") else row.unit_id
    measured_in = e.after.unit if e.after.HasField("unit") else row.unit
    return replace(row, owner_ids=owners, unit_id=unit, unit=measured_in)


@dataclass(frozen=True, slots=True)
class KnownCycleRow:
    tenant: str
    cycle_id: str
    starts_on: date
    ends_on: date
    begun: bool
    """Its planning is over, so check-ins are made in it."""
    withdrawn: bool


class KnownCycleView(View[KnownCycleRow]):
    """Its days; that it is closed is a fact of checkins itself."""

    name, source, categories, key = "known_cycle", "goals", ("cycle",), ("tenant", "cycle_id")
    version = VERSION
    row = KnownCycleRow
    folds = (CycleOpened, CycleCorrected, CycleStarted, CycleWithdrawn)
    passes_over = (CycleClosingBegun, CycleClosed, CycleReopened, InnerCycleOpened, InnerCycleWithdrawn)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[KnownCycleRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case CycleOpened() as e:
                days = required_date(e.starts_on), required_date(e.ends_on)
                rows.put(KnownCycleRow(*key, *days, begun=not e.planned, withdrawn=False))
            case CycleCorrected() as e:
                days = required_date(e.after.starts_on), required_date(e.after.ends_on)
                rows.put(replace(rows[key], starts_on=days[0], ends_on=days[1]))
            case CycleStarted():
                rows.put(replace(rows[key], begun=True))
            case CycleWithdrawn():
                rows.put(replace(rows[key], withdrawn=True))
            case _:
                raise UnknownEvent(event.message)


KNOWN_CYCLES = KnownCycleView().table
