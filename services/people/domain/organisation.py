"""Units, their heads, and who reports to whom: one stream per tenant, so that reporting lines never run in a circle."""

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, THE_ORGANISATION, Organisation, Person, Place
from eventkit.errors import Kind, Rejected, unknown
from eventkit.names import name_key, tidy
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import PlaceAssigned, UnitCreated, UnitHeadAppointed
from nhip.people.v1.people_pb2 import AppointUnitHead, AssignPlace, CreateUnit

HERE = ORGANISATION(THE_ORGANISATION)


def create_unit(organisation: Organisation, command: CreateUnit, unit_id: str) -> Decision:
    units, name = organisation.units.values(), tidy(command.name)
    if any(name_key(unit.name) == name_key(name) for unit in units):
        raise Rejected("UNIT_EXISTS", f"there is a unit named {name!r} already", field="name")
    return [StreamEvent(HERE, UnitCreated(unit_id=unit_id, name=name))]


def is_oneself(actor: Actor, person_id: str) -> bool:
    return actor.kind == "person" and actor.id == person_id


def appoint_head(organisation: Organisation, head: Person | None, command: AppointUnitHead, actor: Actor) -> Decision:
    """Nobody makes themself the head of a unit: its KPIs would be theirs."""
    unit = organisation.units.get(command.unit_id)
    if unit is None:
        raise unknown("unit", command.unit_id, "unit_id")
    _active(head, command.person_id, "person_id")
    if unit.head_id == command.person_id:
        return []
    if is_oneself(actor, command.person_id):
        raise Rejected(
            "OWN_PLACE", "nobody makes themself the head of a unit: ask another administrator", kind=Kind.FORBIDDEN
        )
    return [StreamEvent(HERE, UnitHeadAppointed(unit_id=unit.id, before=unit.head_id, after=command.person_id))]


def assign(
    organisation: Organisation, person: Person | None, manager: Person | None, command: AssignPlace, actor: Actor
) -> Decision:
    """Nobody chooses their own manager: that is who decides about them."""
    _active(person, command.person_id, "person_id")
    placed = place(organisation, manager, command.person_id, command.place)
    if placed and is_oneself(actor, command.person_id):
        raise Rejected(
            "OWN_PLACE", "nobody chooses their own unit and manager: ask another administrator", kind=Kind.FORBIDDEN
        )
    return placed


def place(organisation: Organisation, manager: Person | None, person_id: str, wanted: types_pb2.Place) -> Decision:
    """Put a person into a unit and under a manager; also how a new person comes in."""
    if wanted.unit_id and wanted.unit_id not in organisation.units:
        raise unknown("unit", wanted.unit_id, "place.unit_id")
    if wanted.manager_id:
        _active(manager, wanted.manager_id, "place.manager_id")
        if person_id in (wanted.manager_id, *_above(organisation, wanted.manager_id)):
            raise Rejected(
                "REPORTING_CIRCLE", "a person cannot report to themselves, over others or not", field="place.manager_id"
            )
    before = organisation.places.get(person_id)
    if before == Place(wanted.unit_id, wanted.manager_id):
        return []
    was = types_pb2.Place(unit_id=before.unit_id, manager_id=before.manager_id) if before else None
    return [StreamEvent(HERE, PlaceAssigned(person_id=person_id, before=was, after=wanted))]


def _above(organisation: Organisation, person_id: str) -> list[str]:
    line: list[str] = []
    while (at := organisation.places.get(person_id)) and at.manager_id and at.manager_id not in line:
        person_id = at.manager_id
        line.append(person_id)
    return line


def _active(person: Person | None, id: str, field: str) -> None:
    if person is None:
        raise unknown("person", id, field)
    if not person.active:
        raise Rejected("PERSON_INACTIVE", f"{id} is no longer active", field=field)
