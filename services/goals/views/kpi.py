"""Every version of every KPI, on both clocks: the KPI of any day, and its history, are one table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import asyncpg
from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View
from eventkit.subscriptions.table import Key
from eventkit.values import from_decimal, packed, required_date, to_decimal
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiDefined, KpiRetired, KpiTargetRevised
from services.goals.domain.kpi import EDGES, KPI, Kpi, weight_of
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
    unit_id: str
    weight: Decimal
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
                        unit_id=e.unit_id,
                        weight=weight_of(e),
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
            case KpiRetired() as e:
                reason = packed(e.reason)
                rows.put(
                    after(
                        retired=True,
                        effective_on=required_date(e.effective_on),
                        reason_class=e.reason_class,
                        reason=reason,
                    )
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[KpiRow]:
        kpi: Kpi | None = None
        for event in events:
            message = event.message
            assert message is not None
            kpi = KPI.evolve(kpi, message)
            yield _row(kpi, event)


KPIS = KpiView().table


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
        unit_id=kpi.unit_id,
        weight=kpi.weight,
        retired=isinstance(e, KpiRetired),
        defined_on=kpi.defined_on,
        effective_on=kpi.ends_on if isinstance(e, KpiRetired) and kpi.ends_on else kpi.effective_on,
        proposal_id=e.proposal_id if isinstance(e, KpiDefined | KpiTargetRevised) else "",
        reason_class=e.reason_class if isinstance(e, KpiTargetRevised | KpiRetired) else 0,
        reason=packed(e.reason) if isinstance(e, KpiRetired) else b"",
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


def measure(row: KpiRow) -> t.Measure:
    def optional(value: Decimal | None) -> PbDecimal | None:
        return None if value is None else from_decimal(value)

    return t.Measure(
        kind=row.kind,  # type: ignore[arg-type] # stored as the enum's number
        direction=row.direction,  # type: ignore[arg-type]
        unit=row.unit,
        baseline=optional(row.baseline),
        target=from_decimal(row.target),
        floor=optional(row.floor),
        stretch=optional(row.stretch),
        volume_kpi_id=row.volume_kpi_id,
    )


# State(t, d) of a KPI: its last version recorded up to t and in force on d. An old day costs what today costs. It has
# ended if any version up to then says so: numbers may be changed after an end was set that lay ahead.
AS_OF = f"""
select distinct on (kpi_id) *, bool_or(retired) over (partition by kpi_id) as ended from {KPIS}
where tenant = $1 and recorded_at <= $2 and effective_on <= $3 and {{which}}
order by kpi_id, version desc
"""


async def some(con: asyncpg.Connection, tenant: str, kpi_ids: Iterable[str], known: datetime, on: date) -> list[KpiRow]:
    """KPIs as of a moment, those that were known and in force; ended ones too."""
    return [
        _in_force(row)
        for row in await con.fetch(AS_OF.format(which="kpi_id = any($4::text[])"), tenant, known, on, list(kpi_ids))
    ]


async def one(con: asyncpg.Connection, tenant: str, kpi_id: str, known: datetime, on: date) -> KpiRow | None:
    """A KPI as of a moment; None if it was not known or not in force yet."""
    row = await con.fetchrow(AS_OF.format(which="kpi_id = $4"), tenant, known, on, kpi_id)
    return _in_force(row) if row else None


def _in_force(row: asyncpg.Record) -> KpiRow:
    return replace(KPIS.of(row), retired=row["ended"])


async def versions(con: asyncpg.Connection, tenant: str, kpi_id: str, *, upto: datetime, most: int) -> list[KpiRow]:
    """The last versions recorded up to an instant, the newest first."""
    rows = await con.fetch(
        f"select * from {KPIS} where tenant = $1 and kpi_id = $2 and recorded_at <= $3 order by version desc limit $4",
        tenant,
        kpi_id,
        upto,
        most,
    )
    return [KPIS.of(row) for row in rows]


async def changed_on(con: asyncpg.Connection, tenant: str, cycle_id: str, known: datetime) -> list[date]:
    """The days on which something about a cycle's KPIs came into force."""
    rows = await con.fetch(
        f"select distinct effective_on from {KPIS} where tenant = $1 and cycle_id = $2 and recorded_at <= $3 order by "
        "1",
        tenant,
        cycle_id,
        known,
    )
    return [row["effective_on"] for row in rows]
