"""The tenant's logo, as it is now."""

import asyncpg

from nhip.people.v1.settings_pb2 import Logo
from services.people.views.logo import LOGOS


async def logo(con: asyncpg.Connection, tenant: str) -> Logo | None:
    row = await con.fetchrow(f"select digest, media_type, image from {LOGOS} where tenant = $1", tenant)
    return Logo(**row) if row and row["digest"] else None
