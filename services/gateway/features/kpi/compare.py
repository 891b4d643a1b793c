"""One KPI on two days, side by side."""

import asyncio
from urllib.parse import quote

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.comparing import compared_kpi, days_asked
from services.gateway.console.language import day_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure

routes = Routes()


@routes.page("/kpi/{kpi}/compare")
async def compare(visit: Visit) -> Response:
    """`/kpi/<id>/compare?a=…&b=…`: all that is said of a KPI on two days; without a day, its cycle's first or today."""
    id = visit.request.path_params["kpi"]
    now = await _page(visit, id, Moment())
    assert now is not None
    moments = days_asked(visit, first=day_of(now.cycle.starts_on))
    sides = await asyncio.gather(*(_page(visit, id, moment) for moment in moments))
    before, after = (side.kpi if side and not side.kpi.retired else None for side in sides)
    days = [moment.on or visit.today for moment in moments]
    row = None
    if before is not None or after is not None:
        served = _served(sides[0]), _served(sides[1])
        further = (sides[0].further if sides[0] else ()), (sides[1].further if sides[1] else ())
        row = compared_kpi(before, after, served, moments, visit.language, further=further, whole=True)
    return visit.render(
        "kpi/compare.html", kpi=now.kpi, row=row, days=days, clock=moments[0].clock, url=f"/kpi/{quote(id, safe='')}"
    )


async def _page(visit: Visit, id: str, moment: Moment) -> goals_pb2.KpiPage | None:
    """None: it was not there on that day."""
    as_of = None if moment.is_now else moment.message(visit.zone)
    try:
        return await visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id, as_of=as_of), goals_pb2.KpiPage)
    except Failure as failure:
        if failure.status != "NOT_FOUND" or moment.is_now:
            raise
        return None


def _served(page: goals_pb2.KpiPage | None) -> str:
    """What it serves is called."""
    if page is None or not page.path:
        return ""
    step = page.path[-1]
    match step.WhichOneof("step"):
        case "kpi":
            return step.kpi.name
        case "csf":
            return step.csf.name
        case "goal":
            return step.goal.name
        case _:
            return ""
