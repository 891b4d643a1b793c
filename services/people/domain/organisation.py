"""Units, their heads, and who reports to whom: one stream per tenant, so that reporting lines never run in a circle."""

from eventkit.aggregate import Decision, Happened
from eventkit.directory.facts import ORGANISATION, THE_ORGANISATION, Organisation, Person, Place
from eventkit.errors import Rejected, unknown
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import PlaceAssigned, UnitCreated, UnitHeadAppointed
from nhip.people.v1.people_pb2 import AppointUnitHead, AssignPlace, CreateUnit

HERE = ORGANISATION(THE_ORGANISATION)


def create_unit(organisation: Organisation | None, command: CreateUnit, unit_id: str) -> Decision:
    units = organisation.units.values() if organisation else ()
    if any(unit.name == command.name for unit in units):
        raise Rejected("UNIT_EXISTS", f"there is a unit named {command.name!r} already", field="name")
    return [Happened(HERE, UnitCreated(unit_id=unit_id, name=command.name))]


def appoint_head(organisation: Organisation | None, head: Person | None, command: AppointUnitHead) -> Decision:
    unit = (organisation or Organisation()).units.get(command.unit_id)
    if unit is None:
        raise unknown("unit", command.unit_id, "unit_id")
    _active(head, command.person_id, "person_id")
    if unit.head_id == command.person_id:
        return []
    return [Happened(HERE, UnitHeadAppointed(unit_id=unit.id, before=unit.head_id, after=command.person_id))]


def assign(organisation: Organisation | None, person: Person | None, manager: Person | None, command: AssignPlace) -> Decision:
    _active(person, command.person_id, "person_id")
    return place(organisation, manager, command.person_id, command.place)


def place(organisation: Organisation | None, manager: Person | None, person_id: str, wanted: types_pb2.Place) -> Decision:
    """Put a person into a unit and under a manager; also how a new person comes in."""
    now = organisation or Organisation()
    if wanted.unit_id and wanted.unit_id not in now.units:
        raise unknown("unit", wanted.unit_id, "place.unit_id")
    if wanted.manager_id:
        _active(manager, wanted.manager_id, "place.manager_id")
        if person_id in (wanted.manager_id, *_above(now, wanted.manager_id)):
            raise Rejected("REPORTING_CIRCLE", "a person cannot report to themselves, over others or not", field="place.manager_id")
    before = now.places.get(person_id)
    if before == Place(wanted.unit_id, wanted.manager_id):
        return []
    was = types_pb2.Place(unit_id=before.unit_id, manager_id=before.manager_id) if before else None
    return [Happened(HERE, PlaceAssigned(person_id=person_id, before=was, after=wanted))]


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
