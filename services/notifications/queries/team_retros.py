"""The boards of teams, as far as notifications has heard of them."""

import asyncpg

from nhip.retros.v1.events_pb2 import TeamRetroOpened
from services.notifications.domain.recipients import NotKnownYet
from services.notifications.views.retros_facts import HEARD_TEAM_RETROS


async def opened_retro(con: asyncpg.Connection, tenant: str, team_retro_id: str) -> TeamRetroOpened:
    """Raises `NotKnownYet` while the view has not heard of it."""
    opened = await con.fetchval(
        f"select opened from {HEARD_TEAM_RETROS} where tenant = $1 and team_retro_id = $2", tenant, team_retro_id
    )
    if opened is None:
        raise NotKnownYet(f"team retro {team_retro_id}")
    return TeamRetroOpened.FromString(opened)
