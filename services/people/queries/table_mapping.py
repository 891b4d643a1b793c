"""How a table with certain headings was read last."""

import asyncpg

from eventkit.context import acting_id
from eventkit.values import from_datetime
from nhip.people.v1.events_pb2 import TableMappingKept
from nhip.people.v1.settings_pb2 import TableMapping
from services.people.views.table_mapping import MAPPINGS


async def table_mapping(con: asyncpg.Connection, tenant: str, mapping_id: str) -> TableMapping:
    row = await con.fetchrow(
        f"select mapping, kept_by, kept_at from {MAPPINGS} where tenant = $1 and mapping_id = $2", tenant, mapping_id
    )
    if row is None:
        return TableMapping()
    kept = TableMappingKept.FromString(row["mapping"])
    return TableMapping(
        columns=kept.columns,
        fixed=kept.fixed,
        numbers=kept.numbers,
        days=kept.days,
        kept_by=acting_id(row["kept_by"]),
        kept_at=from_datetime(row["kept_at"]),
    )
