"""KPIs as far as checkins has heard of them."""

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from services.checkins.domain.progress import KnownKpi
from services.checkins.views.known import KNOWN_CYCLES, KNOWN_KPIS


async def known_kpi(con: asyncpg.Connection, tenant: str, kpi_id: str, org: OrgChart) -> KnownKpi | None:
    """A KPI as far as this service has heard of it."""
    row = await con.fetchrow(
        f"select k.*, c.starts_on, c.ends_on from {KNOWN_KPIS} k join {KNOWN_CYCLES} c using (tenant, cycle_id) "
        "where k.tenant = $1 and k.kpi_id = $2",
        tenant,
        kpi_id,
    )
    if row is None:
        return None
    owners = answerable(row["owner_ids"], row["unit_id"], org)
    return KnownKpi(kpi_id, row["cycle_id"], owners, row["retired_on"], row["counts"], row["starts_on"], row["ends_on"])
