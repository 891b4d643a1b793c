"""A person: name, title, roles, and whether they are still here."""

from eventkit.aggregate import Decision, Happened
from eventkit.directory.facts import PERSON, Organisation, Person, role_name
from eventkit.errors import Rejected, unknown
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import PersonDeactivated, PersonRegistered, RolesChanged
from nhip.people.v1.people_pb2 import ChangeRoles, RegisterPerson
from services.people.domain import organisation as organisations


def register(organisation: Organisation | None, manager: Person | None, command: RegisterPerson, person_id: str) -> Decision:
    roles = list(command.roles) or [types_pb2.ROLE_EMPLOYEE]
    if types_pb2.ROLE_UNSPECIFIED in roles:
        raise Rejected(
            "ROLE_UNKNOWN", "name a role: " + ", ".join(r for r in types_pb2.Role.keys() if r != "ROLE_UNSPECIFIED"), field="roles"
        )
    registered = PersonRegistered(person_id=person_id, name=command.name, title=command.title, roles=roles)
    # Without a place the organisation still has to know them, as somebody others may report to.
    placed = organisations.place(organisation, manager, person_id, command.place)
    return [Happened(PERSON(person_id), registered), *placed]


def change_roles(person: Person | None, command: ChangeRoles) -> Decision:
    known = _known(person, command.person_id)
    if types_pb2.ROLE_UNSPECIFIED in command.roles:
        raise Rejected("ROLE_UNKNOWN", "every role needs a name", field="roles")
    if known.roles == tuple(role_name(r) for r in command.roles):
        return []
    before = [types_pb2.Role.Value(f"ROLE_{name.upper()}") for name in known.roles]
    return [Happened(PERSON(known.id), RolesChanged(person_id=known.id, before=before, after=command.roles))]


def deactivate(person: Person | None, person_id: str) -> Decision:
    known = _known(person, person_id)
    return [Happened(PERSON(known.id), PersonDeactivated(person_id=known.id))] if known.active else []


def _known(person: Person | None, person_id: str) -> Person:
    if person is None:
        raise unknown("person", person_id, "person_id")
    return person
