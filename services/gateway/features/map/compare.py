"""Two days of the map side by side: which KPIs differ, and in what."""

from datetime import date

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.comparing import compared_kpi, days_asked
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.language import day_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit

routes = Routes()


@routes.page("/map/compare")
async def compare(visit: Visit) -> Response:
    """`/map/compare?a=…&b=…`: what differs between two days of a cycle; without a day, its first or today."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    parameters = visit.request.query_params
    cycle = choose_cycle(cycles.cycles, parameters.get("cycle", ""), visit.today)
    if cycle is None:
        return visit.render("empty.html")
    moments = days_asked(visit, first=day_of(cycle.starts_on))
    request = goals_pb2.CompareMaps(
        cycle_id=cycle.cycle_id,
        before=moments[0].message(visit.zone),
        after=moments[1].message(visit.zone),
        page_token=parameters.get("after", ""),
    )
    reply = await visit.caller.query("goals", "CompareMaps", request, goals_pb2.MapComparison)
    rows = [
        compared_kpi(
            one.before if one.HasField("before") else None,
            one.after if one.HasField("after") else None,
            (one.served_before, one.served_after),
            moments,
            visit.language,
            further=(one.further_before, one.further_after),
            whole=False,
        )
        for one in reply.kpis
    ]

    def days(moment: Moment) -> date:
        return moment.on or visit.today

    more = {
        "cycle": cycle.cycle_id,
        "a": days(moments[0]).isoformat(),
        "b": days(moments[1]).isoformat(),
        "clock": moments[0].clock,
        "after": reply.next_page_token,
    }
    return visit.render(
        "map/compare.html",
        cycle=reply.cycle,
        rows=rows,
        reply=reply,
        days=[days(moment) for moment in moments],
        clock=moments[0].clock,
        more=Moment().url("/map/compare", **more) if reply.next_page_token else "",
    )
