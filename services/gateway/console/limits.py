"""What the company has set for itself, where a page judges by it."""

from nhip.people.v1 import settings_pb2
from services.gateway.console.visit import Visit, or_none


async def kpis_at_most(visit: Visit) -> int | None:
    """How many KPIs one person carries well (G-41); None while that is not known."""
    page = await or_none(
        visit.caller.query("people", "GetSettings", settings_pb2.GetSettings(), settings_pb2.SettingsPage)
    )
    return page.in_force.kpis_at_most if page else None
