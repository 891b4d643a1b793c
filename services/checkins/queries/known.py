"""KPIs as far as checkins has heard of them."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.process.service import Resources
from eventkit.subscriptions.reached import Remembered
from eventkit.subscriptions.table import reading
from nhip.goals.v1.types_pb2 import MEASURE_KIND_CUMULATIVE, MEASURE_KIND_MILESTONE
from services.checkins.domain.doubt import Measured
from services.checkins.domain.progress import KnownKpi
from services.checkins.views.known import KNOWN_CYCLES, KNOWN_KPIS, KnownCycleView, KnownKpiView


class KnownKpis:
    """KPIs as far as this service has heard of them, remembered until it hears more."""

    def __init__(self, resources: Resources):
        self._pool, self._partition = resources.pool, resources.partition(KnownKpiView.source)
        views = (KnownKpiView(), KnownCycleView())
        self._rows = Remembered[asyncpg.Record | None](resources.reached, [view.subscription for view in views])

    async def kpi(self, tenant: str, kpi_id: str, org: OrgChart) -> KnownKpi | None:
        async def read() -> asyncpg.Record | None:
            async with reading(self._pool, tenant) as con:
                return next(iter(await _rows(con, tenant, [kpi_id])), None)

        row = await self._rows.get((tenant, kpi_id), self._partition(tenant), read)
        return _known(row, org) if row else None


async def known_kpi(con: asyncpg.Connection, tenant: str, kpi_id: str, org: OrgChart) -> KnownKpi | None:
    """A KPI as far as this service has heard of it."""
    return (await known_kpis(con, tenant, [kpi_id], org)).get(kpi_id)


async def known_kpis(
    con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str], org: OrgChart
) -> Mapping[str, KnownKpi]:
    """KPIs by id, those of them that this service has heard of."""
    return {row["kpi_id"]: _known(row, org) for row in await _rows(con, tenant, kpi_ids)}


async def _rows(con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str]) -> list[asyncpg.Record]:
    return await con.fetch(
        f"select k.*, c.starts_on, c.ends_on from {KNOWN_KPIS} k join {KNOWN_CYCLES} c using (tenant, cycle_id) "
        "where k.tenant = $1 and k.kpi_id = any($2::text[])",
        tenant,
        kpi_ids,
    )


def _known(row: asyncpg.Record, org: OrgChart) -> KnownKpi:
    return KnownKpi(
        row["kpi_id"],
        row["cycle_id"],
        answerable(row["owner_ids"], row["unit_id"], org),
        row["retired_on"],
        row["kind"] in (MEASURE_KIND_CUMULATIVE, MEASURE_KIND_MILESTONE),
        row["starts_on"],
        row["ends_on"],
        Measured(row["kind"], row["direction"], row["unit"], row["target"]),
        tuple(row["computed_from"]),
        row["unit_id"],
    )


async def cycle_end(con: asyncpg.Connection, tenant: str, cycle_id: str) -> date | None:
    """The last day of a cycle; None: this service has heard of none such."""
    return await con.fetchval(
        f"select ends_on from {KNOWN_CYCLES} where tenant = $1 and cycle_id = $2", tenant, cycle_id
    )
