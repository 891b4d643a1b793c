"""KPIs as of any moment, their versions, and how the contract shows one."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import asyncpg
from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.values import from_decimal
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.kpi import Kpi
from services.goals.domain.kpi_change import said_of
from services.goals.views.kpi import KPIS, KpiRow


def measure(row: KpiRow) -> t.Measure:
    def optional(value: Decimal | None) -> PbDecimal | None:
        return None if value is None else from_decimal(value)

    return t.Measure(
        kind=row.kind,  # type: ignore[arg-type] # stored as the enum's number
        direction=row.direction,  # type: ignore[arg-type] # likewise
        unit=row.unit,
        baseline=optional(row.baseline),
        target=from_decimal(row.target),
        floor=optional(row.floor),
        stretch=optional(row.stretch),
        volume_kpi_id=row.volume_kpi_id,
    )


def said(row: KpiRow) -> t.KpiSaid:
    """All that it says beside its numbers."""
    return said_of(state(row))


def state(row: KpiRow) -> Kpi:
    """What decisions know of it, as of the row."""
    return Kpi(
        row.kpi_id,
        row.cycle_id,
        row.name,
        row.statement,
        row.level,  # type: ignore[arg-type] # stored as the enum's number
        measure(row),
        tuple(row.owner_ids),
        row.unit_id,
        row.weight,
        row.defined_on,
        row.effective_on,
        helpers=tuple(row.helper_ids),
        evaluator=row.evaluator_id,
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
    kpi = KPIS.of(row)
    return kpi if kpi.retired == row["ended"] else replace(kpi, retired=row["ended"])


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
