"""Positions: what individual KPIs are built from, and who holds them (G-79)."""

from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.people.v1 import positions_pb2
from services.gateway.console.cards import person_avatar
from services.gateway.console.choices import people_to_choose, units_to_choose
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.people.deeds import carry_out

routes = Routes()
FIELDS = {
    "position.name": "name",
    "position.unit_id": "unit",
    "position.job_description": "description",
    "person_id": "person",
}


def url_of(id: str) -> str:
    return f"/positions/{quote(id, safe='')}"


@routes.page("/positions")
async def listing(visit: Visit) -> Response:
    """`GET /positions`."""
    return await _listing(visit, Form())


async def _listing(visit: Visit, filled: Form, status: int = 200) -> Response:
    after = visit.request.query_params.get("after", "")
    asked = positions_pb2.ListPositions(page_token=after)
    found = await visit.caller.query("people", "ListPositions", asked, positions_pb2.Positions)
    who = await directory(visit)
    return visit.render(
        "people/positions.html",
        status,
        here="/positions",
        rows=[(one, url_of(one.position_id), _unit(who.units, one)) for one in found.positions],
        units=units_to_choose(who),
        form=filled,
        more="/positions?" + urlencode({"after": found.next_page_token}) if found.next_page_token else "",
    )


def _unit(units: Any, one: positions_pb2.Position) -> str:
    unit = units.get(one.position.unit_id)
    return unit.name if unit else ""


@routes.form("/positions")
async def open_position(visit: Visit) -> Response:
    """`POST /positions`."""
    filled = await sent(visit.request)
    if not filled.text("name"):
        return await _listing(visit, filled.wrong([Violation("name", "MISSING")], visit.language), 422)
    command = positions_pb2.OpenPosition(position=_facts(filled))
    said = visit.language.gettext("The position is there: %(name)s.") % {"name": filled.text("name")}
    return await carry_out(
        visit, filled, "OpenPosition", command, said, to=url_of, again=partial(_listing, visit), fields=FIELDS
    )


@routes.page("/positions/{position}")
async def one(visit: Visit) -> Response:
    """`GET /positions/<id>`."""
    return await _one(visit)


async def _one(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """A position; `sent_back` is the form that was refused, by what it was for."""
    id = visit.request.path_params["position"]
    asked = positions_pb2.GetPosition(position_id=id)
    found = await visit.caller.query("people", "GetPosition", asked, positions_pb2.Position)
    who, facts = await directory(visit), found.position
    shown = {
        "change": {"name": facts.name, "unit": facts.unit_id, "description": facts.job_description},
        "assign": {},
        "close": {},
    }
    forms = {name: sent_back[1] if name == sent_back[0] else Form(values) for name, values in shown.items()}
    sets_right = visit.may("people.ChangePosition")
    return visit.render(
        "people/position.html",
        status,
        here=url_of(id),
        position=found,
        url=url_of(id),
        unit=_unit(who.units, found),
        holders=[
            (person_avatar(one.person_id, one.name, visit.language), f"/people/{quote(one.person_id, safe='')}")
            for one in found.holder_list
        ],
        forms=forms,
        units=units_to_choose(who),
        sets_right=sets_right,
        people=await people_to_choose(visit, forms["assign"]["person"]) if sets_right else None,
    )


@routes.form("/positions/{position}/change", page="/positions/{position}")
async def change(visit: Visit) -> Response:
    """`POST /positions/<id>/change`."""
    filled = await sent(visit.request)
    command = positions_pb2.ChangePosition(position_id=_id(visit), position=_facts(filled))
    return await _send(visit, "change", filled, "ChangePosition", command, visit.language.gettext("It is saved."))


@routes.form("/positions/{position}/assign", page="/positions/{position}")
async def assign(visit: Visit) -> Response:
    """`POST /positions/<id>/assign`."""
    filled = await sent(visit.request)
    command = positions_pb2.AssignPosition(person_id=filled["person"], position_id=_id(visit))
    said = visit.language.gettext("They hold this position now.")
    return await _send(visit, "assign", filled, "AssignPosition", command, said)


@routes.form("/positions/{position}/close", page="/positions/{position}")
async def close(visit: Visit) -> Response:
    """`POST /positions/<id>/close`."""
    filled = await sent(visit.request)
    command = positions_pb2.ClosePosition(position_id=_id(visit))
    return await _send(visit, "close", filled, "ClosePosition", command, visit.language.gettext("It is closed."))


def _id(visit: Visit) -> str:
    return visit.request.path_params["position"]


def _facts(filled: Form) -> positions_pb2.PositionFacts:
    return positions_pb2.PositionFacts(
        name=filled.text("name"), unit_id=filled["unit"], job_description=filled.text("description")
    )


async def _send(visit: Visit, what: str, filled: Form, method: str, command: Message, said: str) -> Response:
    async def again(form: Form, status: int) -> Response:
        return await _one(visit, (what, form), status)

    here = url_of(_id(visit))
    return await carry_out(visit, filled, method, command, said, to=lambda _: here, again=again, fields=FIELDS)
