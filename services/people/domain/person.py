"""A person: name, title, roles, and whether they are still here."""

from dataclasses import replace
from email.errors import HeaderParseError
from email.headerregistry import Address

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor
from eventkit.directory.facts import PERSON, Organisation, Person, role_name
from eventkit.errors import Kind, Rejected, unknown
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import EmailChanged, PersonDeactivated, PersonRegistered, RolesChanged
from nhip.people.v1.people_pb2 import ChangeEmail, ChangeRoles, RegisterPerson
from services.people.domain import organisation as organisations
from services.people.domain.needed import fills, refuse_last
from services.people.domain.organisation import is_oneself


def register(organisation: Organisation, manager: Person | None, command: RegisterPerson, person_id: str) -> Decision:
    roles = list(command.roles) or [types_pb2.ROLE_EMPLOYEE]
    if types_pb2.ROLE_UNSPECIFIED in roles:
        raise Rejected(
            "ROLE_UNKNOWN",
            "name a role: " + ", ".join(r for r in types_pb2.Role.keys() if r != "ROLE_UNSPECIFIED"),
            field="roles",
        )
    if command.HasField("email"):
        _address(command.email.plain)
    registered = PersonRegistered(
        person_id=person_id,
        name=command.name,
        title=command.title,
        roles=roles,
        email=command.email if command.HasField("email") else None,
    )
    # Without a place the organisation still has to know them, as somebody others may report to.
    placed = organisations.place(organisation, manager, person_id, command.place)
    return [StreamEvent(PERSON(person_id), registered), *placed]


def change_roles(person: Person | None, command: ChangeRoles, actor: Actor, *, others: frozenset[str]) -> Decision:
    """`others`: the needed roles that others fill. Nobody gives a role to themself."""
    person = _existing(person, command.person_id)
    if types_pb2.ROLE_UNSPECIFIED in command.roles:
        raise Rejected("ROLE_UNKNOWN", "every role needs a name", field="roles")
    if not person.active:
        raise Rejected("PERSON_INACTIVE", f"{person.id} is no longer active", field="person_id")
    after = tuple(role_name(r) for r in command.roles)
    if person.roles == after:
        return []
    if is_oneself(actor, person.id) and set(after) - {*person.roles, "employee"}:
        raise Rejected("OWN_ROLES", "nobody gives a role to themself: ask another administrator", kind=Kind.FORBIDDEN)
    refuse_last(fills(person) - fills(replace(person, roles=after)), others, "roles")
    before = [types_pb2.Role.Value(f"ROLE_{name.upper()}") for name in person.roles]
    return [StreamEvent(PERSON(person.id), RolesChanged(person_id=person.id, before=before, after=command.roles))]


def change_email(person: Person | None, command: ChangeEmail, actor: Actor, *, admin: bool) -> Decision:
    """Whether it is the address that was there already cannot be seen: that one is sealed."""
    person = _existing(person, command.person_id)
    if actor.id != person.id and not admin:
        raise Rejected("NOT_ALLOWED", "people change their own address, administrators anybody's", kind=Kind.FORBIDDEN)
    if not person.active:
        raise Rejected("PERSON_INACTIVE", f"{person.id} is no longer active", field="person_id")
    if not command.email.plain.strip():
        return (
            [StreamEvent(PERSON(person.id), EmailChanged(person_id=person.id))]
            if person.email.WhichOneof("form")
            else []
        )
    _address(command.email.plain)
    return [StreamEvent(PERSON(person.id), EmailChanged(person_id=person.id, email=command.email))]


def deactivate(person: Person | None, person_id: str, *, others: frozenset[str]) -> Decision:
    """`others`: the needed roles that others fill."""
    person = _existing(person, person_id)
    if not person.active:
        return []
    refuse_last(fills(person), others, "person_id")
    return [StreamEvent(PERSON(person.id), PersonDeactivated(person_id=person.id))]


def _address(text: str) -> None:
    """What may stand in an e-mail's header as one address: whether somebody reads it, only a mail tells."""
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        address = None
    if address is None or not address.username or "." not in address.domain.strip(".") or not text.isprintable():
        raise Rejected("EMAIL_INVALID", "give one address, as name@example.org", kind=Kind.INVALID, field="email")


def _existing(person: Person | None, person_id: str) -> Person:
    if person is None:
        raise unknown("person", person_id, "person_id")
    return person
