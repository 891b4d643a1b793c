"""Every version of every KPI, on both clocks: the KPI of any day, and its history, are one table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import packed, required_date, to_decimal
from nhip.goals.v1.events_pb2 import KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised
from services.goals.domain.kpi import EDGES, KPI, Kpi, weight_of
from services.goals.domain.kpi_change import SAID, part
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class KpiRow:
    """A KPI as one of its events left it, with who and why. `reason` is sealed; empty for none."""

    tenant: str
    kpi_id: str
    version: int
    cycle_id: str
    name: str
    statement: str
    level: int
    kind: int
    direction: int
    unit: str
    baseline: Decimal | None
    target: Decimal
    floor: Decimal | None
    stretch: Decimal | None
    volume_kpi_id: str
    owner_ids: list[str]
    helper_ids: list[str]
    evaluator_id: str
    measuring: bytes
    """A message; empty: nothing was said."""
    unit_id: str
    weight: Decimal
    computation: bytes
    """The message of the contract; empty: its values are entered."""
    retired: bool
    defined_on: date
    effective_on: date
    recorded_at: datetime
    position: int
    event_id: str
    event: str
    actor: str
    proposal_id: str
    reason_class: int
    reason: bytes


class KpiView(View[KpiRow]):
    name, source, categories, key = "kpi", "goals", (KPI.category,), ("tenant", "kpi_id", "version")
    version = VERSION
    indexes = ("tenant, cycle_id, kpi_id, version desc",)
    row = KpiRow
    folds = (KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id, event.version - 1),)

    def fold(self, rows: Rows[KpiRow], event: Recorded) -> None:
        def after(**changes: object) -> KpiRow:
            before = rows[event.tenant, event.stream.id, event.version - 1]
            stamp = {"proposal_id": "", "reason_class": 0, "reason": b"", **_stamp(event)}
            return replace(before, **{**stamp, **changes})  # type: ignore[arg-type] # columns of the row by name

        match event.message:
            case KpiDefined() as e:
                m = e.measure
                rows.put(
                    KpiRow(
                        tenant=event.tenant,
                        kpi_id=e.kpi_id,
                        cycle_id=e.cycle_id,
                        name=e.name,
                        statement=e.statement,
                        level=e.level,
                        kind=m.kind,
                        direction=m.direction,
                        unit=m.unit,
                        baseline=to_decimal(m.baseline),
                        target=Decimal(m.target.value),
                        floor=to_decimal(m.floor),
                        stretch=to_decimal(m.stretch),
                        volume_kpi_id=m.volume_kpi_id,
                        owner_ids=list(e.owner_ids),
                        helper_ids=list(e.helper_ids),
                        evaluator_id=e.evaluator_id,
                        measuring=packed(e.measuring),
                        unit_id=e.unit_id,
                        weight=weight_of(e),
                        computation=packed(e.computation),
                        retired=False,
                        defined_on=required_date(e.effective_on),
                        effective_on=required_date(e.effective_on),
                        proposal_id=e.proposal_id,
                        reason_class=0,
                        reason=b"",
                        **_stamp(event),  # type: ignore[arg-type] # columns of the row by name
                    )
                )
            case KpiTargetRevised() as e:
                edges = {edge: to_decimal(getattr(e, edge).after) for edge in EDGES if e.HasField(edge)}
                rows.put(
                    after(
                        target=Decimal(e.after.value),
                        **edges,
                        retired=False,  # an end that lies ahead is a version of its own
                        effective_on=required_date(e.effective_on),
                        proposal_id=e.proposal_id,
                        reason_class=e.reason_class,
                    )
                )
            case KpiChanged() as e:
                said = {_COLUMNS.get(name, name): part(e.after, name) for name in SAID}
                rows.put(
                    after(
                        **{name: list(v) if isinstance(v, tuple) else v for name, v in said.items() if v is not None},
                        retired=False,
                        effective_on=required_date(e.effective_on),
                        proposal_id=e.proposal_id,
                        reason_class=e.reason_class,
                        reason=packed(e.reason),
                    )
                )
            case KpiRetired() as e:
                reason = packed(e.reason)
                rows.put(
                    after(
                        retired=True,
                        effective_on=required_date(e.effective_on),
                        proposal_id=e.proposal_id,
                        reason_class=e.reason_class,
                        reason=reason,
                    )
                )
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[KpiRow]:
        kpi = KPI.initial
        for event in events:
            message = event.message
            assert message is not None
            kpi = KPI.evolve(kpi, message)
            assert kpi is not None
            yield _row(kpi, event)


KPIS = KpiView().table
_COLUMNS = {"owners": "owner_ids", "helpers": "helper_ids"}


def _row(kpi: Kpi, event: Recorded) -> KpiRow:
    """The row that a folded state should have left, after one of its events."""
    e, m = event.message, kpi.measure
    return KpiRow(
        tenant=event.tenant,
        kpi_id=kpi.id,
        cycle_id=kpi.cycle_id,
        name=kpi.name,
        statement=kpi.statement,
        level=kpi.level,
        kind=m.kind,
        direction=m.direction,
        unit=m.unit,
        baseline=to_decimal(m.baseline),
        target=kpi.target,
        floor=to_decimal(m.floor),
        stretch=to_decimal(m.stretch),
        volume_kpi_id=m.volume_kpi_id,
        owner_ids=list(kpi.owners),
        helper_ids=list(kpi.helpers),
        evaluator_id=kpi.evaluator,
        measuring=packed(kpi.measuring),
        unit_id=kpi.unit_id,
        weight=kpi.weight,
        computation=packed(kpi.computation) if kpi.computation else b"",
        retired=isinstance(e, KpiRetired),
        defined_on=kpi.defined_on,
        effective_on=kpi.ends_on if isinstance(e, KpiRetired) and kpi.ends_on else kpi.effective_on,
        proposal_id=e.proposal_id if isinstance(e, KpiDefined | KpiTargetRevised | KpiChanged | KpiRetired) else "",
        reason_class=e.reason_class if isinstance(e, KpiTargetRevised | KpiChanged | KpiRetired) else 0,
        reason=packed(e.reason) if isinstance(e, KpiChanged | KpiRetired) else b"",
        **_stamp(event),  # type: ignore[arg-type] # columns of the row by name
    )


def _stamp(event: Recorded) -> dict[str, object]:
    return {
        "version": event.version,
        "recorded_at": event.recorded_at,
        "position": event.position,
        "event_id": str(event.id),
        "event": event.type.rsplit(".", 1)[-1],
        "actor": event.origin.actor,
    }
