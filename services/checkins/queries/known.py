"""KPIs as far as checkins has heard of them."""

from collections.abc import Mapping, Sequence

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from services.checkins.domain.progress import KnownKpi
from services.checkins.views.known import KNOWN_CYCLES, KNOWN_KPIS


async def known_kpi(con: asyncpg.Connection, tenant: str, kpi_id: str, org: OrgChart) -> KnownKpi | None:
    """A KPI as far as this service has heard of it."""
    return (await known_kpis(con, tenant, [kpi_id], org)).get(kpi_id)


async def known_kpis(
    con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str], org: OrgChart
) -> Mapping[str, KnownKpi]:
    """KPIs by id, those of them that this service has heard of."""
    rows = await con.fetch(
        f"select k.*, c.starts_on, c.ends_on from {KNOWN_KPIS} k join {KNOWN_CYCLES} c using (tenant, cycle_id) "
        "where k.tenant = $1 and k.kpi_id = any($2::text[])",
        tenant,
        kpi_ids,
    )
    return {
        row["kpi_id"]: KnownKpi(
            row["kpi_id"],
            row["cycle_id"],
            answerable(row["owner_ids"], row["unit_id"], org),
            row["retired_on"],
            row["counts"],
            row["starts_on"],
            row["ends_on"],
        )
        for row in rows
    }
