"""Changes that are planned for a day to come: what they say, where they are listed, and how they are taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.responses import Response

from nhip.common.v1 import command_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import day_of
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.people.roles import role_words
from services.gateway.session import local_path

routes = Routes()
SHOWN = 20
"""Of one person or unit, on its page; the list has the others."""
PAGE = 50


@dataclass(frozen=True, slots=True)
class PlannedRow:
    id: str
    on: str
    what: str
    by: Avatar
    waiting: bool
    state: str
    """What became of it; empty while it waits."""
    key: str


async def planned_about(visit: Visit, id: str) -> Sequence[PlannedRow]:
    """What waits for a person or unit; nothing for whom it is not told."""
    if not visit.may("people.ListPlannedChanges"):
        return []
    asked = people_pb2.ListPlannedChanges(about_id=id, waiting=True, page_size=SHOWN)
    found = await visit.caller.query("people", "ListPlannedChanges", asked, people_pb2.PlannedChanges)
    return rows_of(visit, found, await directory(visit, found)) if found.changes else []


def rows_of(visit: Visit, found: people_pb2.PlannedChanges, who: Directory) -> Sequence[PlannedRow]:
    return [
        PlannedRow(
            id=one.plan_id,
            on=visit.language.day(day_of(one.on)),
            what=_said(visit, one.change, who),
            by=who.actor(one.planned_by if ":" in one.planned_by else f"person:{one.planned_by}"),
            waiting=one.state == people_pb2.PLAN_STATE_WAITING,
            state=_state(visit, one),
            key=Form().key,
        )
        for one in found.changes
    ]


def _state(visit: Visit, one: people_pb2.PlannedChange) -> str:
    _ = visit.language.gettext
    match one.state:
        case people_pb2.PLAN_STATE_MADE:
            return _("carried out")
        case people_pb2.PLAN_STATE_WITHDRAWN:
            return _("withdrawn")
        case people_pb2.PLAN_STATE_REFUSED:
            why = words(one.refusal, {}, visit.language) or one.refusal
            return _("not carried out: %(why)s") % {"why": why}
        case _:
            return ""


def _said(visit: Visit, change: people_pb2.Change, who: Directory) -> str:
    """A planned change as a sentence."""
    language, _ = visit.language, visit.language.gettext
    named = change.WhichOneof("command") or ""
    command = getattr(change, named) if named else change
    parts = {
        "name": _person(getattr(command, "person_id", ""), who),
        "unit": _unit(getattr(command, "unit_id", ""), who),
    }
    match command:
        case people_pb2.AssignPlace(place=place):
            parts["unit"] = _unit(place.unit_id, who) or _("no unit")
            parts["manager"] = _person(place.manager_id, who) or _("nobody")
            text = _("%(name)s moves to %(unit)s and reports to %(manager)s")
        case people_pb2.ChangeName(name=name):
            parts["new"], text = language.words(name), _("%(name)s is called %(new)s")
        case people_pb2.ChangeTitle(title=title):
            parts["new"], text = language.words(title) or "–", _("%(name)s has the title %(new)s")
        case people_pb2.ChangeRoles(roles=roles):
            given = [word.partition(":")[0] for role, word in role_words(language).items() if role in roles]
            parts["roles"], text = ", ".join(given) or _("none"), _("%(name)s has these roles: %(roles)s")
        case people_pb2.DeactivatePerson(successor_id=successor):
            parts["successor"] = _person(successor, who)
            text = _("%(name)s leaves; successor: %(successor)s") if successor else _("%(name)s leaves")
        case people_pb2.ReactivatePerson():
            text = _("%(name)s comes back")
        case people_pb2.RenameUnit(name=name):
            parts["new"], text = name, _("%(unit)s is called %(new)s")
        case people_pb2.MoveUnit(parent_id=parent):
            parts["parent"], text = _unit(parent, who) or _("none"), _("%(unit)s becomes a part of %(parent)s")
        case people_pb2.AppointUnitHead():
            text = _("%(name)s heads %(unit)s")
        case people_pb2.CloseUnit():
            text = _("%(unit)s is closed")
        case _:
            text = "–"
    return text % parts


def _person(id: str, who: Directory) -> str:
    return who.person(id).name if id else ""


def _unit(id: str, who: Directory) -> str:
    return who.unit(id).name if id else ""


@routes.page("/people/planned")
async def listing(visit: Visit) -> Response:
    """`GET /people/planned`: what waits, or with `?all=1` also what became of earlier ones."""
    query = visit.request.query_params
    everything = bool(query.get("all"))
    asked = people_pb2.ListPlannedChanges(waiting=not everything, page_size=PAGE, page_token=query.get("after", ""))
    found = await visit.caller.query("people", "ListPlannedChanges", asked, people_pb2.PlannedChanges)
    after = {**({"all": "1"} if everything else {}), "after": found.next_page_token}
    return visit.render(
        "people/planned.html",
        here="/people/planned",
        rows=rows_of(visit, found, await directory(visit, found)),
        everything=everything,
        more="/people/planned?" + urlencode(after) if found.next_page_token else "",
    )


@routes.form("/people/planned/{plan}/withdrawal", page="/people/planned")
async def withdraw(visit: Visit) -> Response:
    """`POST /people/planned/<id>/withdrawal`: then back to where it was shown."""
    filled = await sent(visit.request)
    command = people_pb2.WithdrawPlannedChange(plan_id=visit.request.path_params["plan"])
    accepted, position = await visit.caller.ask(
        "people", "WithdrawPlannedChange", command, command_pb2.Accepted, key=filled.key
    )
    said = visit.language.gettext("The planned change was withdrawn.")
    return visit.done(local_path(filled["to"] or "/people/planned"), accepted, position, said)
