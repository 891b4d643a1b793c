"""Employee codes and join dates of people who are shown, and who has a code."""

from collections.abc import Mapping, Sequence

import asyncpg

from eventkit.names import name_key
from eventkit.values import from_date
from nhip.people.v1 import types_pb2
from services.people.views.employment import EMPLOYMENTS


async def employments(
    con: asyncpg.Connection, tenant: str, people: Sequence[str]
) -> Mapping[str, types_pb2.Employment]:
    """By person's id; nobody of whom nothing is known."""
    rows = await con.fetch(
        f"""select person_id, code, joined_on from {EMPLOYMENTS}
        where tenant = $1 and person_id = any($2) and (code <> '' or joined_on is not null)""",
        tenant,
        people,
    )
    return {
        row["person_id"]: types_pb2.Employment(
            employee_code=row["code"], joined_on=from_date(row["joined_on"]) if row["joined_on"] else None
        )
        for row in rows
    }


async def coded_so(con: asyncpg.Connection, tenant: str, text: str) -> frozenset[str]:
    """The ids of people whose code begins so, whatever its case."""
    rows = await con.fetch(
        f"select person_id from {EMPLOYMENTS} where tenant = $1 and code <> '' and starts_with(code_key, $2)",
        tenant,
        name_key(text),
    )
    return frozenset(row["person_id"] for row in rows)
