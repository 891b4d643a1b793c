"""Somebody leaves: first everything that they answer for, head and manage, each with its new holder; then it is done,
or planned."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console.choices import people_to_choose
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form
from services.gateway.console.kpis import listed
from services.gateway.console.language import day_of, decimal_of
from services.gateway.console.limits import kpis_at_most
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none

routes = Routes()
CYCLES = 4
"""That are not over yet, of which KPIs are listed."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One thing, and whose it will be."""

    name: str
    url: str
    facts: str
    to: str


@routes.page("/people/{person}/leaving")
async def preview(visit: Visit) -> Response:
    """`GET /people/<id>/leaving?successor=…&on=…`: changes nothing."""
    id, query = visit.request.path_params["person"], visit.request.query_params
    successor = query.get("successor", "")
    asked = people_pb2.PreviewLeaving(person_id=id, successor_id=successor)
    leaving, kpis, most = await asyncio.gather(
        visit.caller.query("people", "PreviewLeaving", asked, people_pb2.Leaving), _kpis(visit, id), kpis_at_most(visit)
    )
    holder = leaving.answers_id
    theirs = await _kpis(visit, holder) if holder and holder != id else ()
    who = await directory(visit, leaving, ids=[id, successor])
    language, _ = visit.language, visit.language.gettext
    nobody, above = _("nobody: name a successor"), _("who is next above, until a successor is named")
    name = who.person(id).name
    count, held = (
        len({kpi.kpi_id for some in (kpis, theirs) for kpi in some}),
        who.person(holder).name if holder else nobody,
    )
    notes = [words(leaving.refusal, {}, language) or leaving.refusal] if leaving.refusal else []
    if kpis and holder and most is not None and count > most:
        said = _("%(name)s would answer for %(count)s KPIs; more than %(most)s are much for one person.")
        notes.append(said % {"name": held, "count": count, "most": most})
    return visit.render(
        "people/leaving.html",
        here=f"/people/{quote(id, safe='')}/leaving",
        person=who.person(id),
        url=f"/people/{quote(id, safe='')}",
        form=Form({"successor": successor, "on": query.get("on", "")}),
        day=language.day(on) if (on := Form({"on": query.get("on", "")}).day("on", [])) else "",
        people=await people_to_choose(visit, successor, without=id),
        notes=notes,
        refused=bool(leaving.refusal),
        groups=[
            (_("KPIs that %(name)s answers for") % {"name": name}, [_kpi(visit, kpi, held) for kpi in kpis], 0),
            (
                _("Units that %(name)s heads") % {"name": name},
                [
                    Handed(
                        who.unit(one.unit_id).name,
                        f"/units/{quote(one.unit_id, safe='')}",
                        "",
                        who.person(one.head_id).name if one.head_id else above,
                    )
                    for one in leaving.units
                ],
                leaving.unit_count - len(leaving.units),
            ),
            (
                _("People who report to %(name)s") % {"name": name},
                [
                    Handed(
                        who.person(one.person_id).name,
                        f"/people/{quote(one.person_id, safe='')}",
                        "",
                        who.person(one.manager_id).name if one.manager_id else above,
                    )
                    for one in leaving.people
                ],
                leaving.people_count - len(leaving.people),
            ),
        ],
    )


async def _kpis(visit: Visit, person: str) -> Sequence[goals_pb2.Kpi]:
    """What somebody answers for in the cycles that are not over."""
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    open = [cycle for cycle in cycles.cycles if day_of(cycle.ends_on) >= visit.today][:CYCLES] if cycles else []
    found = await asyncio.gather(*(or_none(listed(visit, cycle.cycle_id, owner_ids=[person])) for cycle in open))
    return [kpi for some in found for kpi in some or ()]


def _kpi(visit: Visit, kpi: goals_pb2.Kpi, holder: str) -> Handed:
    target = visit.language.amount(decimal_of(kpi.measure, "target"), kpi.measure.unit)
    return Handed(kpi.name, f"/kpi/{quote(kpi.kpi_id, safe='')}", target, holder)
