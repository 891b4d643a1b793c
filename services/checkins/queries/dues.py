"""Of whom nothing has to be asked for a day: who is away, and who checked in for it already."""

from datetime import date

import asyncpg

from services.checkins.views.cadence import ABSENCE_DAYS
from services.checkins.views.check_in import CHECK_INS


async def away_on(con: asyncpg.Connection, tenant: str, day: date) -> set[str]:
    rows = await con.fetch(
        f"select distinct person_id from {ABSENCE_DAYS} where tenant = $1 and not withdrawn and $2 between first_on "
        "and last_on",
        tenant,
        day,
    )
    return {row["person_id"] for row in rows}


async def submitted_for(con: asyncpg.Connection, tenant: str, due_on: date) -> set[str]:
    rows = await con.fetch(
        f"select person_id from {CHECK_INS} where tenant = $1 and due_on = $2 and submission > 0", tenant, due_on
    )
    return {row["person_id"] for row in rows}
