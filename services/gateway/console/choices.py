"""What a form about people and units offers to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventkit.names import plain_letters
from nhip.people.v1 import people_pb2
from services.gateway.console.directory import Directory
from services.gateway.console.visit import Visit

Choice = tuple[str, str]
"""An id, and what it is called."""
OFFERED = 200
"""People in one list; of a larger company those whom a search finds."""


@dataclass(frozen=True, slots=True)
class People:
    """Active people to choose from."""

    choices: Sequence[Choice]
    find: str
    """What was searched for, where there are more than fit; it is asked for at `?find=`."""
    more: bool
    """There are others, to be found by their names."""


async def people_to_choose(visit: Visit, *chosen: str, without: str = "") -> People:
    """Those of a small company, or whom the address searches for; `chosen` are among them, `without` is not."""
    find = visit.request.query_params.get("find", "")[:120]
    asked = people_pb2.ListPeople(active=True, text=find, page_size=OFFERED)
    found = await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)
    people = {person.person_id: person for person in found.people}
    if missing := [id for id in chosen if id and id not in people]:
        named = people_pb2.ListPeople(person_ids=missing)
        others = await visit.caller.query("people", "ListPeople", named, people_pb2.PeopleList)
        people |= {person.person_id: person for person in others.people if person.active}
    choices = [(id, _called(person, visit)) for id, person in people.items() if id != without]
    return People(by_name(choices), find, bool(found.next_page_token or find))


async def these_people(visit: Visit, ids: Sequence[str]) -> People:
    """Only these of them who are active."""
    if not ids:
        return People((), "", more=False)
    asked = people_pb2.ListPeople(active=True, person_ids=ids, page_size=OFFERED)
    found = await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)
    return People(by_name([(person.person_id, _called(person, visit)) for person in found.people]), "", more=False)


async def people_led(visit: Visit) -> Sequence[Choice]:
    """Those whom the viewer leads directly."""
    asked = people_pb2.ListPeople(active=True, manager_id=visit.person, page_size=OFFERED)
    found = await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)
    return by_name([(person.person_id, _called(person, visit)) for person in found.people])


def _called(person: people_pb2.Person, visit: Visit) -> str:
    name, title = visit.language.words(person.name) or person.person_id, visit.language.words(person.title)
    return f"{name} · {title}" if title else name


def units_to_choose(who: Directory, *, without: frozenset[str] = frozenset()) -> Sequence[Choice]:
    """The units that are not closed."""
    return by_name([(id, unit.name) for id, unit in who.units.items() if not unit.closed and id not in without])


def by_name(choices: Sequence[Choice]) -> Sequence[Choice]:
    return sorted(choices, key=lambda choice: (plain_letters(choice[1]), choice[0]))
