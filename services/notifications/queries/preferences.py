"""How people want to be told."""

from collections.abc import Iterable

import asyncpg

from nhip.notifications.v1.types_pb2 import Preferences
from services.notifications.views.preferences import TABLE


async def preferences_of_all(con: asyncpg.Connection, tenant: str, people: Iterable[str]) -> dict[str, Preferences]:
    """What people said, by their ids; who never said anything is not among them."""
    found = await TABLE.load(con, [(tenant, person) for person in people])
    return {row.person_id: Preferences.FromString(row.preferences) for row in found.values()}


async def preferences_of(con: asyncpg.Connection, tenant: str, person_id: str) -> Preferences | None:
    """None: the person never said anything."""
    row = (await TABLE.load(con, [(tenant, person_id)])).get((tenant, person_id))
    return Preferences.FromString(row.preferences) if row else None
