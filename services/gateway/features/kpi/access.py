"""Who may do what with a KPI, in sentences: by the services' own answer."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory, directory
from services.gateway.console.language import Language
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit

routes = Routes()


@dataclass(frozen=True, slots=True)
class May:
    person: Avatar
    sentence: str


@routes.page("/kpi/{kpi}/access")
async def page(visit: Visit) -> Response:
    """`GET /kpi/<id>/access`; with `?person=` for what that person proposes."""
    id, language, _ = visit.request.path_params["kpi"], visit.language, visit.language.gettext
    asked = goals_pb2.GetKpiAccess(kpi_id=id, proposer_id=visit.request.query_params.get("person", "") or visit.person)
    access = await visit.caller.query("goals", "GetKpiAccess", asked, goals_pb2.KpiAccess)
    who = await directory(visit, access)
    proposer, unit = who.person(access.proposer_id), who.unit(access.unit_id).name if access.unit_id else ""
    return visit.render(
        "kpi/access.html",
        here=f"/kpi/{quote(id, safe='')}/access",
        name=access.name,
        url=f"/kpi/{quote(id, safe='')}",
        proposer=proposer,
        record=[May(who.person(one.person_id), _record(one, who, unit, language)) for one in access.record],
        decide=[
            May(who.person(one.person_id), _decide(one, who, proposer.name, unit, language)) for one in access.decide
        ],
        by_url=f"/kpi/{quote(id, safe='')}/access",
        owners=[(one.person_id, who.person(one.person_id).name) for one in access.record],
    )


def _record(one: goals_pb2.AllowedPerson, who: Directory, unit: str, language: Language) -> str:
    _ = language.gettext
    texts = {
        "NAMED": _("%(name)s may record progress because the KPI names %(name)s."),
        "HEAD_OF_UNIT": _("%(name)s may record progress because it names nobody and %(name)s heads %(unit)s."),
        "STANDS_IN": _("%(name)s may record progress because %(leaver)s left and %(name)s stands in."),
    }
    leaver = who.person(one.instead_of_id).name if one.instead_of_id else ""
    return texts[one.relation] % {"name": who.person(one.person_id).name, "unit": unit, "leaver": leaver}


def _decide(one: goals_pb2.AllowedPerson, who: Directory, proposer: str, unit: str, language: Language) -> str:
    _ = language.gettext
    texts = {
        "DIRECT_MANAGER": _("%(name)s decides as the direct manager of who answers for it."),
        "LOWEST_COMMON_MANAGER": _("%(name)s decides as the lowest manager of all who answer for it."),
        "MANAGER_OF_HEAD": _("%(name)s decides as the manager of the head of %(unit)s."),
        "EXECUTIVE": _("%(name)s decides as an executive: it is a KPI of the company."),
        "NEXT_ABOVE": _("%(name)s decides as the next above: whoever is nearer is away or proposes it."),
        "OTHER_EXECUTIVE": _("%(name)s decides as an executive: there is no other manager who may."),
    }
    return texts[one.relation] % {"name": who.person(one.person_id).name, "unit": unit, "proposer": proposer}
