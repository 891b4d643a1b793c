"""An erasure as far as notifications has heard of it."""

import asyncpg

from services.notifications.views.erasure_facts import TABLE, HeardErasureRow


async def erasure_of(con: asyncpg.Connection, tenant: str, person_id: str) -> HeardErasureRow | None:
    return (await TABLE.load(con, [(tenant, person_id)])).get((tenant, person_id))
