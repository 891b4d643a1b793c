"""Whether this service has heard of a KPI."""

import asyncpg

from services.rewards.views.known import KNOWN_KPIS


async def is_known(con: asyncpg.Connection, tenant: str, kpi_id: str) -> bool:
    """Whether this service has heard of a KPI."""
    return bool(await con.fetchval(f"select true from {KNOWN_KPIS} where tenant = $1 and kpi_id = $2", tenant, kpi_id))
