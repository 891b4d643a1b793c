"""People: finding them, taking them on, setting right who they are and where they stand, leaving and coming back."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2, positions_pb2, types_pb2
from services.gateway.console import kpis
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Avatar, kpi_card
from services.gateway.console.choices import people_to_choose, units_to_choose
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.directory import Directory, directory
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.language import Language, date_of, day_of, decimal_of
from services.gateway.console.limits import kpis_at_most
from services.gateway.console.past import looked_back_at, past_bar
from services.gateway.console.roles import ROLES, role_words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.people import chart, leaving, planned, positions, sign_ins, units
from services.gateway.features.people.deeds import FIELDS, carry_out, reason_of
from services.gateway.features.people.roles import held_roles, role_history

routes = Routes(units.routes, planned.routes, leaving.routes, chart.routes, positions.routes, sign_ins.routes)
PAGE = 50
MOST = 40
"""KPIs on somebody's page."""


def url_of(person: str) -> str:
    return f"/people/{quote(person, safe='')}"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in a list, and at the head of their page."""

    id: str
    avatar: Avatar
    title: str
    unit: str
    unit_url: str
    manager: Avatar | None
    active: bool
    code: str
    joined: str
    successor: Avatar | None
    """Of somebody who left: who was named to answer in their place."""
    kpis: str = ""
    """How many KPIs of the cycle of today they answer for; empty: not known."""
    many: bool = False
    """More than are good for one person."""

    @property
    def url(self) -> str:
        return url_of(self.id)


def person_row(person: people_pb2.Person, who: Directory, language: Language) -> PersonRow:
    place = person.place
    return PersonRow(
        id=person.person_id,
        avatar=who.person(person.person_id),
        title=language.words(person.title),
        unit=who.unit(place.unit_id).name if place.unit_id else "",
        unit_url=units.url_of(place.unit_id) if place.unit_id else "",
        manager=who.person(place.manager_id) if place.manager_id else None,
        active=person.active,
        code=person.employment.employee_code,
        joined=language.day(day_of(person.employment.joined_on)) if person.employment.HasField("joined_on") else "",
        successor=who.person(person.successor_id) if person.successor_id else None,
    )


# --- finding ---


LACKING = {"manager": people_pb2.LACK_MANAGER, "unit": people_pb2.LACK_UNIT}
"""What somebody's place may lack, by what it is called in addresses."""


@routes.page("/people")
async def listing(visit: Visit) -> Response:
    """`GET /people`: by name or title, unit, and whether those who left are among them."""
    query = visit.request.query_params
    text, unit, left = query.get("text", "")[:120], query.get("unit", ""), query.get("left", "")
    manager, lacking = query.get("manager", ""), query.get("lacking", "")
    as_of = looked_back_at(visit)
    asked = people_pb2.ListPeople(
        text=text,
        unit_id=unit,
        manager_id=manager,
        lacking=LACKING.get(lacking, people_pb2.LACK_UNSPECIFIED),
        active=not left,
        page_size=PAGE,
        page_token=query.get("after", ""),
        as_of=as_of,
    )
    found = await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)
    who, counts, there, most = await asyncio.gather(
        directory(visit, found, ids=[manager] if manager else [], as_of=as_of),
        _counts(visit, [person.person_id for person in found.people]) if as_of is None else _unknown(),
        or_none(visit.caller.query("people", "GetOrganisation", people_pb2.GetOrganisation(), people_pb2.Organisation)),
        kpis_at_most(visit),
    )
    narrowed = {"text": text, "unit": unit, "manager": manager, "lacking": lacking, "left": left}
    kept = {name: value for name, value in narrowed.items() if value}
    return visit.render(
        "people/people.html",
        rows=[_with_kpis(person_row(person, who, visit.language), counts, most) for person in found.people],
        most=most,
        counted=counts is not None,
        sums=_sums(visit, there) if there and as_of is None else "",
        lacks=there.without_manager + there.without_unit if there and visit.may("people.RegisterPerson") else 0,
        lacking=lacking,
        text=text,
        unit=unit,
        left=left,
        manager=(manager, who.person(manager)) if manager else None,
        units=units_to_choose(who),
        searched=bool(kept),
        past=past_bar(visit, as_of is not None, "/people"),
        more=visit.moment.url("/people", **kept, after=found.next_page_token) if found.next_page_token else "",
    )


async def _counts(visit: Visit, people: Sequence[str]) -> Mapping[str, int] | None:
    """How many KPIs of the cycle of today each answers for; None: not known, or there is no cycle."""
    cycle = await _cycle_of_today(visit)
    if cycle is None or not people:
        return None
    asked = goals_pb2.CountKpis(cycle_id=cycle.cycle_id, owner_ids=people)
    found = await or_none(visit.caller.query("goals", "CountKpis", asked, goals_pb2.KpiCounts))
    return {one.person_id: one.count for one in found.counts} if found else None


async def _unknown() -> None:
    """Of a past day nobody counts."""


async def _cycle_of_today(visit: Visit) -> goals_pb2.Cycle | None:
    cycles = await or_none(visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles))
    return choose_cycle(cycles.cycles, "", visit.today) if cycles else None


def _with_kpis(row: PersonRow, counts: Mapping[str, int] | None, most: int | None) -> PersonRow:
    if counts is None or not row.active:
        return row
    count = counts.get(row.id, 0)
    return replace(row, kpis=str(count), many=most is not None and count > most)


def _sums(visit: Visit, there: people_pb2.Organisation) -> str:
    ngettext = visit.language.ngettext
    people = ngettext("%(n)s person", "%(n)s people", there.people) % {
        "n": visit.language.number(Decimal(there.people))
    }
    return people + " · " + ngettext("%(n)s unit", "%(n)s units", there.units) % {"n": there.units}


# --- taking on ---


@routes.page("/people/new")
async def new(visit: Visit) -> Response:
    """`GET /people/new`."""
    visit.must("people.RegisterPerson")
    return await _new(visit, Form({"unit": visit.request.query_params.get("unit", "")}))


async def _new(visit: Visit, filled: Form, status: int = 200) -> Response:
    who = await directory(visit)
    return visit.render(
        "people/new.html",
        status,
        here="/people/new",
        form=filled,
        units=units_to_choose(who),
        people=await people_to_choose(visit, filled["manager"]),
        roles=[(types_pb2.Role.Name(role), word) for role, word in role_words(visit.language).items()],
    )


@routes.form("/people/new")
async def register(visit: Visit) -> Response:
    """`POST /people/new`."""
    filled = await sent(visit.request)
    wrong: list[Violation] = [] if filled.text("name") else [Violation("name", "MISSING")]
    employment = _employment(filled, wrong)
    if wrong:
        return await _new(visit, filled.wrong(wrong, visit.language), 422)
    command = people_pb2.RegisterPerson(
        name=_words(filled.text("name")),
        title=_words(filled.text("title")),
        email=_words(filled.text("email")),
        place=types_pb2.Place(unit_id=filled["unit"], manager_id=filled["manager"]),
        roles=[types_pb2.ROLE_EMPLOYEE, *_roles(filled)],
        employment=employment,
    )
    said = visit.language.gettext("%(name)s was taken on.") % {"name": filled.text("name")}
    again = partial(_new, visit)
    return await carry_out(visit, filled, "RegisterPerson", command, said, to=url_of, again=again)


# --- one of them ---


@routes.page("/people/{person}")
async def one(visit: Visit) -> Response:
    """`GET /people/<id>`."""
    return await _one(visit)


async def _one(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """A person; `sent_back` is the form that was refused, by what it was for."""
    id = visit.request.path_params["person"]
    as_of = looked_back_at(visit)
    asked = people_pb2.GetPerson(person_id=id, as_of=as_of)
    person = await visit.caller.query("people", "GetPerson", asked, people_pb2.Person)
    who, held_position, own, most = await asyncio.gather(
        directory(visit, person, as_of=as_of),
        _position(visit, id),
        _kpis_of(visit, id, now=as_of is None),
        kpis_at_most(visit),
    )
    language, place = visit.language, person.place
    shown = {
        "name": {"name": language.words(person.name)},
        "title": {"title": language.words(person.title)},
        "email": {"email": language.words(person.email)},
        "employment": _typed(person.employment),
        "place": {"unit": place.unit_id, "manager": place.manager_id},
        "roles": {types_pb2.Role.Name(role): "1" for role in person.roles},
        "leave": {"successor": person.successor_id},
        "return": {},
        "withdraw": {},
    }
    forms = {name: sent_back[1] if name == sent_back[0] else Form(values) for name, values in shown.items()}
    sets_right = visit.may("people.ChangeName") and as_of is None and not person.withdrawn
    erased = person.name.WhichOneof("form") == "erased"
    chosen = (forms["place"]["manager"], forms["leave"]["successor"])
    return visit.render(
        "people/person.html",
        status,
        here=url_of(id),
        past=past_bar(visit, as_of is not None, url_of(id)),
        withdrawn=person.withdrawn,
        may_return=person.withdrawn and not erased and as_of is None and visit.may("people.ReactivatePerson"),
        row=person_row(person, who, language),
        position=held_position,
        own=[kpi_card(kpi, language, Moment()) for kpi in own] if own is not None else None,
        weight=_weight(own, language) if own else "",
        most=most if own and most is not None and len(own) > most else None,
        forms=forms,
        held=held_roles(person, who, language, visit.zone),
        history=role_history(person, who, language, visit.zone),
        planned=await planned.planned_about(visit, id),
        sets_right=sets_right,
        erased=erased,
        units=units_to_choose(who),
        people=await people_to_choose(visit, *chosen, without=id) if sets_right else None,
        roles=[(types_pb2.Role.Name(role), word) for role, word in role_words(language).items()],
    )


async def _kpis_of(visit: Visit, person: str, *, now: bool) -> Sequence[goals_pb2.Kpi] | None:
    """What they answer for in the cycle of today; None: not known, or another day is looked at."""
    cycle = await _cycle_of_today(visit) if now else None
    return await or_none(kpis.listed(visit, cycle.cycle_id, owner_ids=[person], page_size=MOST)) if cycle else None


def _weight(own: Sequence[goals_pb2.Kpi], language: Language) -> str:
    """What the weights add up to; of more than are shown nothing is said."""
    total = sum((decimal_of(kpi, "exact_weight") or Decimal(kpi.weight) for kpi in own), Decimal())
    return language.amount(total, "%") if len(own) < MOST else ""


async def _position(visit: Visit, person: str) -> positions_pb2.Position | None:
    """What position they hold; None: none, or not known now."""
    asked = positions_pb2.GetPosition(person_id=person)
    found = await or_none(visit.caller.query("people", "GetPosition", asked, positions_pb2.Position))
    return found if found and found.position_id else None


@routes.form("/people/{person}/name", page="/people/{person}")
async def rename(visit: Visit) -> Response:
    """`POST /people/<id>/name`."""
    filled = await sent(visit.request)
    command = people_pb2.ChangeName(person_id=_person(visit), name=_words(filled.text("name")))
    return await _send(visit, "name", filled, "ChangeName", command, visit.language.gettext("The name was changed."))


@routes.form("/people/{person}/title", page="/people/{person}")
async def entitle(visit: Visit) -> Response:
    """`POST /people/<id>/title`."""
    filled = await sent(visit.request)
    command = people_pb2.ChangeTitle(person_id=_person(visit), title=_words(filled.text("title")))
    return await _send(visit, "title", filled, "ChangeTitle", command, visit.language.gettext("The title was changed."))


@routes.form("/people/{person}/email", page="/people/{person}")
async def readdress(visit: Visit) -> Response:
    """`POST /people/<id>/email`."""
    filled = await sent(visit.request)
    command = people_pb2.ChangeEmail(person_id=_person(visit), email=_words(filled.text("email")))
    said = visit.language.gettext("The e-mail address was changed.")
    return await _send(visit, "email", filled, "ChangeEmail", command, said)


@routes.form("/people/{person}/employment", page="/people/{person}")
async def employ(visit: Visit) -> Response:
    """`POST /people/<id>/employment`."""
    filled, wrong = await sent(visit.request), list[Violation]()
    command = people_pb2.ChangeEmployment(person_id=_person(visit), employment=_employment(filled, wrong))
    if wrong:
        return await _one(visit, ("employment", filled.wrong(wrong, visit.language)), 422)
    said = visit.language.gettext("Employee code and join date were saved.")
    return await _send(visit, "employment", filled, "ChangeEmployment", command, said)


@routes.form("/people/{person}/place", page="/people/{person}")
async def move(visit: Visit) -> Response:
    """`POST /people/<id>/place`."""
    filled = await sent(visit.request)
    place = types_pb2.Place(unit_id=filled["unit"], manager_id=filled["manager"])
    command = people_pb2.AssignPlace(person_id=_person(visit), place=place)
    said = visit.language.gettext("Unit and manager were changed.")
    return await _send(visit, "place", filled, "AssignPlace", command, said)


@routes.form("/people/{person}/roles", page="/people/{person}")
async def give_roles(visit: Visit) -> Response:
    """`POST /people/<id>/roles`."""
    filled = await sent(visit.request)
    roles = [types_pb2.ROLE_EMPLOYEE, *_roles(filled)]
    command = people_pb2.ChangeRoles(person_id=_person(visit), roles=roles, reason=_words(filled.text("reason")))
    return await _send(
        visit, "roles", filled, "ChangeRoles", command, visit.language.gettext("The roles were changed.")
    )


@routes.form("/people/{person}/leave", page="/people/{person}")
async def leave(visit: Visit) -> Response:
    """`POST /people/<id>/leave`: they left, or who left gets a successor."""
    filled = await sent(visit.request)
    command = people_pb2.DeactivatePerson(person_id=_person(visit), successor_id=filled["successor"])
    _ = visit.language.gettext
    said = (
        _("They left; what they answered for, headed and decided is their successor's.")
        if command.successor_id
        else _("They left; who is above them answers in their place until a successor is named.")
    )
    return await _send(visit, "leave", filled, "DeactivatePerson", command, said)


@routes.form("/people/{person}/return", page="/people/{person}")
async def come_back(visit: Visit) -> Response:
    """`POST /people/<id>/return`."""
    filled = await sent(visit.request)
    command = people_pb2.ReactivatePerson(person_id=_person(visit))
    said = visit.language.gettext(
        "They are back, with the roles of before. What a successor took over stays with them."
    )
    return await _send(visit, "return", filled, "ReactivatePerson", command, said)


@routes.form("/people/{person}/withdrawal", page="/people/{person}")
async def withdraw(visit: Visit) -> Response:
    """`POST /people/<id>/withdrawal`."""
    filled = await sent(visit.request)
    command = people_pb2.WithdrawPerson(person_id=_person(visit), reason=reason_of(filled))
    said = visit.language.gettext("The registration is withdrawn. Past days still show it.")
    return await _send(visit, "withdraw", filled, "WithdrawPerson", command, said)


async def _send(visit: Visit, form: str, filled: Form, method: str, command: Message, said: str) -> Response:
    def again(filled: Form, status: int) -> Awaitable[Response]:
        return _one(visit, (form, filled), status)

    here, fields = url_of(_person(visit)), {**FIELDS, "reason": "withdraw-reason"} if form == "withdraw" else FIELDS
    return await carry_out(visit, filled, method, command, said, to=url_of, again=again, here=here, fields=fields)


def _person(visit: Visit) -> str:
    return visit.request.path_params["person"]


def _words(text: str) -> words_pb2.PersonalText | None:
    return words_pb2.PersonalText(plain=text) if text else None


def _roles(filled: Form) -> list["types_pb2.Role.ValueType"]:
    return [role for role in ROLES if filled[types_pb2.Role.Name(role)]]


def _employment(filled: Form, wrong: list[Violation]) -> types_pb2.Employment:
    """Code and day as typed; notes in `wrong` what is no day."""
    joined = filled.day("joined", wrong)
    return types_pb2.Employment(employee_code=filled.text("code"), joined_on=date_message(joined) if joined else None)


def _typed(employment: types_pb2.Employment) -> Mapping[str, str]:
    joined = date_of(employment, "joined_on")
    return {"code": employment.employee_code, "joined": joined.isoformat() if joined else ""}
