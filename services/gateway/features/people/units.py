"""Units: the tree of them, their heads and names, and their end."""

from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import Response

from nhip.common.v1.time_pb2 import AsOf
from nhip.people.v1 import people_pb2
from services.gateway.console.cards import Avatar
from services.gateway.console.choices import by_name, people_to_choose, units_to_choose
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.past import looked_back_at, past_bar
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.people.deeds import FIELDS, carry_out, reason_of
from services.gateway.features.people.planned import planned_about

routes = Routes()
PEOPLE = 50
"""Of a unit, on its page; the list of people has the others."""
_FIELDS = {**FIELDS, "person_id": "head", "reason": "withdraw-reason"}


def url_of(unit: str) -> str:
    return f"/units/{quote(unit, safe='')}"


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit in the tree, as deep as it lies."""

    id: str
    avatar: Avatar
    head: Avatar | None
    head_left: bool
    """Who is above the head answers in their place."""
    depth: int
    closed: bool
    withdrawn: bool
    """It was made by mistake."""

    @property
    def url(self) -> str:
        return url_of(self.id)


def tree(who: Directory) -> list[UnitRow]:
    """Every unit behind what it is a part of, by name; those that are closed at the end, without a place."""
    closed = by_name([(id, unit.name) for id, unit in who.units.items() if unit.closed and not unit.withdrawn])
    return [*_rows(who, parts_of(who), "", 0), *(_row(who, id, 0) for id, _ in closed)]


def parts_of(who: Directory) -> Mapping[str, list[str]]:
    """The units that are not closed, by what they are a part of; "" for those that are a part of none."""
    parts: dict[str, list[str]] = {}
    for id, unit in who.units.items():
        if not unit.closed:
            parts.setdefault(unit.parent_id if unit.parent_id in who.units else "", []).append(id)
    return parts


def _rows(who: Directory, parts: Mapping[str, list[str]], parent: str, depth: int) -> Iterator[UnitRow]:
    for id, _ in by_name([(id, who.units[id].name) for id in parts.get(parent, ())]):
        yield _row(who, id, depth)
        yield from _rows(who, parts, id, depth + 1)


def _row(who: Directory, id: str, depth: int) -> UnitRow:
    unit = who.units[id]
    head = who.people.get(unit.head_id)
    return UnitRow(
        id=id,
        avatar=who.unit(id),
        head=who.person(unit.head_id) if unit.head_id else None,
        head_left=head is not None and not head.active,
        depth=depth,
        closed=unit.closed,
        withdrawn=unit.withdrawn,
    )


@routes.page("/units")
async def listing(visit: Visit) -> Response:
    """`GET /units`: the tree, and a form for a new one."""
    return await _listing(visit, Form())


async def _listing(visit: Visit, filled: Form, status: int = 200) -> Response:
    as_of = looked_back_at(visit)
    who = await _with_heads(visit, as_of)
    return visit.render(
        "people/units.html",
        status,
        here="/units",
        past=past_bar(visit, as_of is not None, "/units"),
        rows=tree(who),
        form=filled,
        units=units_to_choose(who),
        sets_right=visit.may("people.CreateUnit") and as_of is None,
    )


async def _with_heads(visit: Visit, as_of: AsOf | None, *shown: Message) -> Directory:
    """The units, and the people who head them."""
    who = await directory(visit, *shown, as_of=as_of)
    heads = [unit.head_id for unit in who.units.values() if unit.head_id]
    return await directory(visit, *shown, ids=heads, as_of=as_of)


@routes.form("/units")
async def create(visit: Visit) -> Response:
    """`POST /units`."""
    filled = await sent(visit.request)
    command = people_pb2.CreateUnit(name=filled.text("name"), parent_id=filled["parent"])
    said = visit.language.gettext("The unit %(name)s was made.") % {"name": filled.text("name")}
    again = partial(_listing, visit)
    return await carry_out(visit, filled, "CreateUnit", command, said, to=lambda _: "/units", again=again)


@routes.page("/units/{unit}")
async def one(visit: Visit) -> Response:
    """`GET /units/<id>`."""
    return await _one(visit)


async def _one(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """A unit; `sent_back` is the form that was refused, by what it was for."""
    id = visit.request.path_params["unit"]
    as_of = looked_back_at(visit)
    asked = people_pb2.ListPeople(unit_id=id, active=True, page_size=PEOPLE, as_of=as_of)
    people = await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)
    who = await _with_heads(visit, as_of, people)
    unit = who.units.get(id)
    if unit is None:
        raise Failure("NOT_FOUND", "UNIT_UNKNOWN", f"there is no unit {id!r}")
    parts = parts_of(who)
    inside = frozenset({id, *(row.id for row in _rows(who, parts, id, 0))})
    shown = {
        "name": {"name": unit.name},
        "move": {"parent": unit.parent_id},
        "head": {"head": unit.head_id},
        "end": {},
        "withdraw": {},
    }
    forms = {name: sent_back[1] if name == sent_back[0] else Form(values) for name, values in shown.items()}
    sets_right = visit.may("people.RenameUnit") and not unit.closed and as_of is None
    return visit.render(
        "people/unit.html",
        status,
        here=url_of(id),
        past=past_bar(visit, as_of is not None, url_of(id)),
        row=_row(who, id, 0),
        parent=_row(who, unit.parent_id, 0) if unit.parent_id in who.units else None,
        parts=[_row(who, part, 0) for part, _ in by_name([(one, who.units[one].name) for one in parts.get(id, ())])],
        members=[who.person(person.person_id) for person in people.people],
        member_urls=[f"/people/{quote(person.person_id, safe='')}" for person in people.people],
        more=visit.moment.url("/people", unit=id) if people.next_page_token else "",
        planned=await planned_about(visit, id),
        forms=forms,
        sets_right=sets_right,
        units=units_to_choose(who, without=inside),
        people=await people_to_choose(visit, forms["head"]["head"]) if sets_right else None,
    )


@routes.form("/units/{unit}/name", page="/units/{unit}")
async def rename(visit: Visit) -> Response:
    """`POST /units/<id>/name`."""
    filled = await sent(visit.request)
    command = people_pb2.RenameUnit(unit_id=_unit(visit), name=filled.text("name"))
    return await _send(visit, "name", filled, "RenameUnit", command, visit.language.gettext("The unit was renamed."))


@routes.form("/units/{unit}/move", page="/units/{unit}")
async def move(visit: Visit) -> Response:
    """`POST /units/<id>/move`."""
    filled = await sent(visit.request)
    command = people_pb2.MoveUnit(unit_id=_unit(visit), parent_id=filled["parent"])
    return await _send(visit, "move", filled, "MoveUnit", command, visit.language.gettext("The unit was moved."))


@routes.form("/units/{unit}/head", page="/units/{unit}")
async def appoint(visit: Visit) -> Response:
    """`POST /units/<id>/head`."""
    filled = await sent(visit.request)
    command = people_pb2.AppointUnitHead(unit_id=_unit(visit), person_id=filled["head"])
    said = visit.language.gettext("The unit has another head.")
    return await _send(visit, "head", filled, "AppointUnitHead", command, said)


@routes.form("/units/{unit}/end", page="/units/{unit}")
async def close(visit: Visit) -> Response:
    """`POST /units/<id>/end`."""
    filled = await sent(visit.request)
    command = people_pb2.CloseUnit(unit_id=_unit(visit))
    return await _send(visit, "end", filled, "CloseUnit", command, visit.language.gettext("The unit was closed."))


@routes.form("/units/{unit}/withdrawal", page="/units/{unit}")
async def withdraw(visit: Visit) -> Response:
    """`POST /units/<id>/withdrawal`."""
    filled = await sent(visit.request)
    command = people_pb2.WithdrawUnit(unit_id=_unit(visit), reason=reason_of(filled))
    said = visit.language.gettext("The unit is withdrawn. Past days still show it.")
    return await _send(visit, "withdraw", filled, "WithdrawUnit", command, said)


async def _send(visit: Visit, form: str, filled: Form, method: str, command: Message, said: str) -> Response:
    def again(filled: Form, status: int) -> Awaitable[Response]:
        return _one(visit, (form, filled), status)

    return await carry_out(
        visit, filled, method, command, said, to=url_of, again=again, here=url_of(_unit(visit)), fields=_FIELDS
    )


def _unit(visit: Visit) -> str:
    return visit.request.path_params["unit"]
