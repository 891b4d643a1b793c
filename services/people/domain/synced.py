"""People and groups as the company's own directory keeps them: whom an integration keeps, and what it may say (X-07).

What a directory says is decided by the rules that hold for administrators, one after the other, on what those before
leave.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, PERSON, Employment, Organisation, Person, Place, role_name
from eventkit.errors import Rejected, unknown
from eventkit.values import from_date
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import PersonSynced, PersonSyncEnded
from nhip.people.v1.sync_pb2 import SyncPerson
from services.people.domain import organisation as organisations
from services.people.domain import person as people
from services.people.domain.employment import employ
from services.people.domain.needed import NEEDED, fills


@dataclass(frozen=True, slots=True)
class Synced:
    """Whether, and for whom, somebody is kept."""

    integration_id: str = ""
    """Empty: nobody keeps them."""
    user_name: PersonalText = field(default_factory=PersonalText)
    external_id: PersonalText = field(default_factory=PersonalText)


def evolve(synced: Synced, event: PersonSynced | PersonSyncEnded) -> Synced:
    match event:
        case PersonSynced():
            return Synced(event.integration_id, event.user_name, event.external_id)
        case PersonSyncEnded():
            return Synced()
        case _:
            refuse_unknown(event)


SYNCED = Aggregate("synced", Synced(), evolve)


@dataclass(frozen=True, slots=True)
class Before:
    """What a decision about one person is made on."""

    person: Person | None
    synced: Synced
    organisation: Organisation
    manager: Person | None
    """Who is to be their manager, where one is named."""
    others: frozenset[str] = frozenset()
    """The needed roles that others fill."""


@dataclass(slots=True)
class _Course:
    """A person and the organisation as what was decided so far leaves them."""

    person: Person | None
    organisation: Organisation
    events: Decision = field(default_factory=list[StreamEvent])

    def take(self, decision: Decision) -> None:
        for one in decision:
            if one.ref == organisations.HERE:
                self.organisation = ORGANISATION.evolve(self.organisation, one.event)
            elif one.ref.category == PERSON.category:
                self.person = PERSON.evolve(self.person, one.event)
            self.events.append(one)

    def unit(self, name: str, new_id: str) -> str:
        """The id of the unit that is called so; one that is not there is made. Without a name: none."""
        if not name.strip():
            return ""
        if known := organisations.named(self.organisation, name):
            return known
        made = pb.CreateUnit(name=name, parent_id=organisations.top(self.organisation))
        self.take(organisations.create_unit(self.organisation, made, new_id))
        return new_id


def sync(command: SyncPerson, person_id: str, before: Before, actor: Actor, *, unit_id: str) -> Decision:
    """What a directory says of somebody, where that is not so yet; `unit_id`: of a unit that may have to be made."""
    course = _Course(before.person, before.organisation)
    if before.person is None:
        _take_on(course, command, person_id, before.manager, unit_id)
    else:
        _change(course, command, person_id, before, actor, unit_id)
    if command.HasField("active") and not command.active:
        course.person = before.person or course.person
        leaving = pb.DeactivatePerson(person_id=person_id)
        course.take(people.deactivate(course.person, course.organisation, None, leaving, actor, others=before.others))
    course.events += _kept(command, person_id, before.synced, actor)
    return course.events


def _take_on(course: _Course, command: SyncPerson, person_id: str, manager: Person | None, unit_id: str) -> None:
    new = pb.RegisterPerson(
        name=command.name,
        title=command.title if command.title.plain.strip() else None,
        email=command.email if command.email.plain.strip() else None,
        place=types_pb2.Place(unit_id=course.unit(command.unit, unit_id), manager_id=command.manager_id),
        employment=types_pb2.Employment(employee_code=command.employee_code),
    )
    course.take(people.register(course.organisation, manager, new, person_id))


def _change(course: _Course, command: SyncPerson, person_id: str, before: Before, actor: Actor, unit_id: str) -> None:
    if command.active:
        course.take(people.reactivate(course.person, person_id))
    elif course.person is not None:  # a directory goes on keeping who left
        course.person = replace(course.person, active=True)
    if before.person is not None and not before.person.active and before.synced.integration_id != actor.id:
        course.take(_without_roles(course.person, person_id, actor))
    if command.HasField("name"):
        course.take(people.change_name(course.person, pb.ChangeName(person_id=person_id, name=command.name)))
    if command.HasField("title"):
        course.take(people.change_title(course.person, pb.ChangeTitle(person_id=person_id, title=command.title)))
    if command.HasField("email"):
        email = pb.ChangeEmail(person_id=person_id, email=command.email)
        course.take(people.change_email(course.person, email, actor, admin=True))
    if command.HasField("employee_code"):
        known = course.organisation.employments.get(person_id, Employment())
        joined_on = from_date(known.joined_on) if known.joined_on else None
        wanted = types_pb2.Employment(employee_code=command.employee_code, joined_on=joined_on)
        course.take(employ(course.organisation, person_id, wanted))
    if command.HasField("unit"):
        to = course.unit(command.unit, unit_id)
        course.take(organisations.move(course.organisation, person_id, to))
    if command.HasField("manager_id"):
        place = course.organisation.places.get(person_id, Place())
        wanted_place = types_pb2.Place(unit_id=place.unit_id, manager_id=command.manager_id)
        course.take(organisations.place(course.organisation, before.manager, person_id, wanted_place))


def _without_roles(person: Person | None, person_id: str, actor: Actor) -> Decision:
    """Who left and is taken over is an employee: their address may be somebody else's by now. Others fill what they
    filled, for they are gone."""
    reason = PersonalText(plain="SCIM: taken over after they had left")
    command = pb.ChangeRoles(person_id=person_id, roles=[types_pb2.ROLE_EMPLOYEE], reason=reason)
    return people.change_roles(person, command, actor, others=frozenset(NEEDED))


def _kept(command: SyncPerson, person_id: str, synced: Synced, actor: Actor) -> Decision:
    if synced.integration_id == actor.id and not (command.HasField("user_name") or command.HasField("external_id")):
        return []
    # Both whenever one of them is new: words that were sealed for another event do not open in this one.
    event = PersonSynced(
        person_id=person_id,
        integration_id=actor.id,
        user_name=command.user_name if command.user_name.plain.strip() else None,
        external_id=command.external_id if command.external_id.plain.strip() else None,
    )
    return [StreamEvent(SYNCED(person_id), event)]


def end(person_id: str, before: Before, actor: Actor) -> Decision:
    """They leave, and are kept no more."""
    if before.person is None:
        raise unknown("person", person_id, "person_id")
    leaving = pb.DeactivatePerson(person_id=person_id)
    decision = people.deactivate(before.person, before.organisation, None, leaving, actor, others=before.others)
    if before.synced.integration_id:
        ended = PersonSyncEnded(person_id=person_id, integration_id=actor.id)
        decision.append(StreamEvent(SYNCED(person_id), ended))
    return decision


# --- groups ---


def unit_group(
    organisation: Organisation, unit_id: str, name: str, *, add: Iterable[str], remove: Iterable[str]
) -> Decision:
    """A group that is a unit: named so, with these in it. One that is not there is made."""
    course = _Course(None, organisation)
    if unit_id not in organisation.units:
        made = pb.CreateUnit(name=name, parent_id=organisations.top(organisation))
        course.take(organisations.create_unit(organisation, made, unit_id))
    elif name:
        course.take(organisations.rename_unit(organisation, pb.RenameUnit(unit_id=unit_id, name=name)))
    for person_id in remove:
        if course.organisation.places.get(person_id, Place()).unit_id == unit_id:
            course.take(organisations.move(course.organisation, person_id, ""))
    for person_id in add:
        course.take(organisations.move(course.organisation, person_id, unit_id))
    return course.events


def end_unit_group(organisation: Organisation, unit_id: str, members: Iterable[str]) -> Decision:
    """A unit that its directory has no more: nobody is in it, and it is closed."""
    course = _Course(None, organisation)
    for person_id in members:
        course.take(organisations.move(course.organisation, person_id, ""))
    course.take(organisations.close_unit(course.organisation, unit_id, ()))
    return course.events


def role_group(
    members: Mapping[str, Person],
    role: "types_pb2.Role.ValueType",
    group: str,
    *,
    add: frozenset[str],
    actor: Actor,
    others: frozenset[str],
) -> Decision:
    """A group that gives a role: of those whose membership changes, who is in `add` gets it, everybody else has it no
    more. `others`: the needed roles that people fill who are not `members`."""
    name = role_name(role)
    after = {
        id: tuple(dict.fromkeys((*one.roles, name)))
        if id in add
        else tuple(held for held in one.roles if held != name) or ("employee",)
        for id, one in members.items()
    }
    filled = {id: fills(replace(one, roles=after[id])) for id, one in members.items()}
    decision: Decision = []
    for id, one in members.items():
        command = pb.ChangeRoles(
            person_id=id,
            roles=[types_pb2.Role.Value(f"ROLE_{held.upper()}") for held in after[id]],
            reason=PersonalText(plain=f"SCIM: {group}"),
        )
        beside = others.union(*(filled[other] for other in members if other != id))
        decision += people.change_roles(one, command, actor, others=beside)
    return decision


def refuse_absent(id: str, here: bool) -> None:
    """Members of a group are people who are here."""
    if not here:
        raise Rejected("PERSON_INACTIVE", f"{id} is nobody who is here", field="members")
