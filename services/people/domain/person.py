"""A person: name, title, roles, and whether they are still here."""

from dataclasses import replace
from email.errors import HeaderParseError
from email.headerregistry import Address

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor
from eventkit.directory.facts import PERSON, Organisation, Person, role_name
from eventkit.errors import Kind, Rejected, unknown
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import (
    EmailChanged,
    NameChanged,
    PersonDeactivated,
    PersonReactivated,
    PersonRegistered,
    PersonWithdrawn,
    RolesChanged,
    TitleChanged,
    UnitHeadAppointed,
)
from nhip.people.v1.people_pb2 import (
    ChangeEmail,
    ChangeName,
    ChangeRoles,
    ChangeTitle,
    DeactivatePerson,
    RegisterPerson,
    WithdrawPerson,
)
from services.people.domain import organisation as organisations
from services.people.domain.employment import employ, forget
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
    return [StreamEvent(PERSON(person_id), registered), *placed, *employ(organisation, person_id, command.employment)]


def change_roles(person: Person | None, command: ChangeRoles, actor: Actor, *, others: frozenset[str]) -> Decision:
    """`others`: the needed roles that others fill. Nobody gives a role to themself."""
    if types_pb2.ROLE_UNSPECIFIED in command.roles:
        raise Rejected("ROLE_UNKNOWN", "every role needs a name", field="roles")
    person = _here(person, command.person_id)
    after = tuple(role_name(r) for r in command.roles)
    if person.roles == after:
        return []
    if is_oneself(actor, person.id) and set(after) - {*person.roles, "employee"}:
        raise Rejected("OWN_ROLES", "nobody gives a role to themself: ask another administrator", kind=Kind.FORBIDDEN)
    refuse_last(fills(person) - fills(replace(person, roles=after)), others, "roles")
    before = [types_pb2.Role.Value(f"ROLE_{name.upper()}") for name in person.roles]
    return [
        StreamEvent(
            PERSON(person.id),
            RolesChanged(person_id=person.id, before=before, after=command.roles, reason=command.reason),
        )
    ]


def change_email(person: Person | None, command: ChangeEmail, actor: Actor, *, admin: bool) -> Decision:
    """Whether it is the address that was there already cannot be seen: that one is sealed."""
    person = _existing(person, command.person_id)
    if actor.id != person.id and not admin:
        raise Rejected("NOT_ALLOWED", "people change their own address, administrators anybody's", kind=Kind.FORBIDDEN)
    person = _here(person, command.person_id)
    if not command.email.plain.strip():
        return (
            [StreamEvent(PERSON(person.id), EmailChanged(person_id=person.id))]
            if person.email.WhichOneof("form")
            else []
        )
    _address(command.email.plain)
    return [StreamEvent(PERSON(person.id), EmailChanged(person_id=person.id, email=command.email))]


def change_name(person: Person | None, command: ChangeName) -> Decision:
    """Whether it is the name that was there already cannot be seen: that one is sealed."""
    person = _here(person, command.person_id)
    return [StreamEvent(PERSON(person.id), NameChanged(person_id=person.id, name=command.name))]


def change_title(person: Person | None, command: ChangeTitle) -> Decision:
    person = _here(person, command.person_id)
    if not command.title.plain.strip():
        has_one = person.title.WhichOneof("form")
        return [StreamEvent(PERSON(person.id), TitleChanged(person_id=person.id))] if has_one else []
    return [StreamEvent(PERSON(person.id), TitleChanged(person_id=person.id, title=command.title))]


def deactivate(
    person: Person | None,
    organisation: Organisation,
    successor: Person | None,
    command: DeactivatePerson,
    actor: Actor,
    *,
    others: frozenset[str],
) -> Decision:
    """Somebody left, or who left without a successor gets one (D-09). `others`: the needed roles that others fill.

    Nobody names themself: what somebody answers for, heads and decides would be theirs.
    """
    person = _existing(person, command.person_id)
    if not person.active and command.successor_id in ("", person.successor_id):
        return []
    if command.successor_id == person.id:
        raise Rejected(
            "SUCCESSOR_IS_LEAVER", "who leaves is no successor of themself", kind=Kind.INVALID, field="successor_id"
        )
    if command.successor_id:
        organisations.refuse_inactive(successor, command.successor_id, "successor_id")
        if is_oneself(actor, command.successor_id):
            raise Rejected(
                "OWN_PLACE",
                "nobody makes themself somebody's successor: ask another administrator",
                kind=Kind.FORBIDDEN,
            )
    if person.active:
        refuse_last(fills(person), others, "person_id")
    handed = organisations.hand_over(organisation, person.id, command.successor_id) if command.successor_id else []
    units = [event.unit_id for _, event in handed if isinstance(event, UnitHeadAppointed)]
    left = PersonDeactivated(person_id=person.id, successor_id=command.successor_id, unit_ids=units)
    return [StreamEvent(PERSON(person.id), left), *handed]


def reactivate(person: Person | None, person_id: str) -> Decision:
    """Who left is back, or who was withdrawn (D-10): that one without place and employee code, which are given anew."""
    person = _existing(person, person_id)
    if person.active:
        return []
    if person.erased:
        raise Rejected("PERSON_ERASED", "this person was erased: nobody knows who that was", field="person_id")
    return [StreamEvent(PERSON(person.id), PersonReactivated(person_id=person.id))]


def withdraw(
    person: Person | None,
    organisation: Organisation,
    command: WithdrawPerson,
    *,
    succeeds: bool,
    others: frozenset[str],
) -> Decision:
    """Take back who was registered by mistake (D-10); their employee code is free again. `succeeds`: they stand in for
    somebody who left. `others`: the needed roles that others fill."""
    person = _existing(person, command.person_id)
    if person.withdrawn:
        return []
    if person.erased:
        raise Rejected("PERSON_ERASED", "this person was erased: nobody knows who that was", field="person_id")
    if person.roles_changed:
        raise Rejected("PERSON_HAD_ROLES", "they were given roles later: say that they left", field="person_id")
    if succeeds:
        raise Rejected(
            "PERSON_SUCCEEDS", "they stand in for somebody who left: name another successor first", field="person_id"
        )
    refuse_last(fills(person), others, "person_id")
    return [
        StreamEvent(PERSON(person.id), PersonWithdrawn(person_id=person.id, reason=command.reason)),
        *organisations.clear(organisation, person.id),
        *forget(organisation, person.id),
    ]


def refuse_shared(holder: str, person_id: str, *, named: bool) -> None:
    """Nobody is given an address that somebody who is here has, as far as is known: whoever signs in by it would be
    neither. Whose it is only administrators are told, who see addresses: `named`."""
    if not holder or holder == person_id:
        return
    if not named:
        raise Rejected("EMAIL_TAKEN", "somebody has this e-mail address already", field="email")
    message = f"{holder} has this e-mail address already"
    raise Rejected("EMAIL_TAKEN_BY", message, field="email", parameters={"person": holder}, id=holder)


def is_address(text: str) -> bool:
    """What may stand in an e-mail's header as one address: whether somebody reads it, only a mail tells."""
    try:
        address = Address(addr_spec=text)
    except (HeaderParseError, ValueError, IndexError):
        return False
    return bool(address.username) and "." in address.domain.strip(".") and text.isprintable()


def _address(text: str) -> None:
    if not is_address(text):
        raise Rejected("EMAIL_INVALID", "give one address, as name@example.org", kind=Kind.INVALID, field="email")


def _existing(person: Person | None, person_id: str) -> Person:
    if person is None:
        raise unknown("person", person_id, "person_id")
    return person


def _here(person: Person | None, person_id: str) -> Person:
    person = _existing(person, person_id)
    organisations.refuse_inactive(person, person_id, "person_id")
    return person
