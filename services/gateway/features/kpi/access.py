"""Who may do what with a KPI, in sentences: by the services' own answer."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import checkins_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.choices import people_to_choose
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import Language
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit

routes = Routes()


@dataclass(frozen=True, slots=True)
class May:
    person: Avatar
    sentence: str
    end: str = ""
    """Where this is ended; empty: not by who looks."""


@routes.page("/kpi/{kpi}/access")
async def page(visit: Visit) -> Response:
    """`GET /kpi/<id>/access`; with `?person=` for what that person proposes."""
    return await _show(visit, Form())


@routes.form("/kpi/{kpi}/delegates", page="/kpi/{kpi}/access")
async def name_delegate(visit: Visit) -> Response:
    """`POST /kpi/<id>/delegates`: somebody is to record for who answers for it."""
    filled = await sent(visit.request)
    if not filled["person"]:
        return await _show(visit, filled.wrong([Violation("person", "MISSING")], visit.language), 422)
    command = checkins_pb2.NameDelegate(kpi_id=visit.request.path_params["kpi"], person_id=filled["person"])
    said = visit.language.gettext("%(name)s may record from now on.") % {"name": await _name(visit, filled["person"])}
    return await _carry_out(visit, filled, "NameDelegate", command, said)


@routes.form("/kpi/{kpi}/delegates/{person}/end", page="/kpi/{kpi}/access")
async def revoke_delegate(visit: Visit) -> Response:
    """`POST /kpi/<id>/delegates/<person>/end`."""
    filled, person = await sent(visit.request), visit.request.path_params["person"]
    command = checkins_pb2.RevokeDelegate(kpi_id=visit.request.path_params["kpi"], person_id=person)
    said = visit.language.gettext("%(name)s does not record any more.") % {"name": await _name(visit, person)}
    return await _carry_out(visit, filled, "RevokeDelegate", command, said)


async def _carry_out(visit: Visit, filled: Form, method: str, command: Message, said: str) -> Response:
    return await carry_out(
        visit,
        filled,
        "checkins",
        method,
        command,
        said,
        to=lambda _: f"{_url(visit)}/access",
        again=partial(_show, visit),
        fields={"person_id": "person"},
    )


async def _name(visit: Visit, person: str) -> str:
    return (await directory(visit, ids=[person])).person(person).name


def _url(visit: Visit) -> str:
    return f"/kpi/{quote(visit.request.path_params['kpi'], safe='')}"


async def _show(visit: Visit, filled: Form, status: int = 200) -> Response:
    id, language, _ = visit.request.path_params["kpi"], visit.language, visit.language.gettext
    asked = goals_pb2.GetKpiAccess(kpi_id=id, proposer_id=visit.request.query_params.get("person", "") or visit.person)
    access = await visit.caller.query("goals", "GetKpiAccess", asked, goals_pb2.KpiAccess)
    who = await directory(visit, access)
    proposer, unit = who.person(access.proposer_id), who.unit(access.unit_id).name if access.unit_id else ""
    url = _url(visit)
    answers = any(one.person_id == visit.person and one.relation != "DELEGATE" for one in access.record)
    names = answers and visit.may("checkins.NameDelegate")
    return visit.render(
        "kpi/access.html",
        status,
        here=f"{url}/access",
        name=access.name,
        url=url,
        form=filled,
        people=await people_to_choose(visit, filled["person"]) if names else None,
        proposer=proposer,
        record=[
            May(
                who.person(one.person_id),
                _record(one, who, unit, language),
                f"{url}/delegates/{quote(one.person_id, safe='')}/end"
                if one.relation == "DELEGATE" and (names or one.person_id == visit.person)
                else "",
            )
            for one in access.record
        ],
        decide=[
            May(who.person(one.person_id), _decide(one, who, proposer.name, unit, language)) for one in access.decide
        ],
        by_url=f"{url}/access",
        owners=[(one.person_id, who.person(one.person_id).name) for one in access.record if one.relation != "DELEGATE"],
    )


def _record(one: goals_pb2.AllowedPerson, who: Directory, unit: str, language: Language) -> str:
    _ = language.gettext
    texts = {
        "NAMED": _("%(name)s may record progress because the KPI names %(name)s."),
        "HEAD_OF_UNIT": _("%(name)s may record progress because it names nobody and %(name)s heads %(unit)s."),
        "STANDS_IN": _("%(name)s may record progress because %(leaver)s left and %(name)s stands in."),
        "DELEGATE": _("%(name)s may record progress because %(leaver)s asked for it."),
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
