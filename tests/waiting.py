"""How long tests wait for what must come about."""

import asyncio
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

PATIENCE = 90.0
"""Seconds. It ends a test that would wait for ever, and says nothing of how fast anything is: a machine may be slow."""


async def a_day_with_time_left(zone: ZoneInfo, minutes: int = 10) -> None:
    """Returns on a day of which so many minutes are left: who says today until then always means the same day."""
    now = datetime.now(zone)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), zone)
    if midnight - now < timedelta(minutes=minutes):
        await asyncio.sleep((midnight - now).total_seconds() + 1)
