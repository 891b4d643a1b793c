"""Units, their heads, and who reports to whom: one stream per tenant, so that reporting lines never run in a circle."""

from collections.abc import Iterable

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor
from eventkit.directory.facts import ORGANISATION, THE_ORGANISATION, Organisation, Person, Place, Unit
from eventkit.errors import Kind, Rejected, unknown
from eventkit.names import name_key, tidy
from nhip.people.v1 import types_pb2
from nhip.people.v1.events_pb2 import (
    PlaceAssigned,
    UnitClosed,
    UnitCreated,
    UnitHeadAppointed,
    UnitMoved,
    UnitRenamed,
    UnitWithdrawn,
)
from nhip.people.v1.people_pb2 import AppointUnitHead, AssignPlace, CreateUnit, MoveUnit, RenameUnit, WithdrawUnit

HERE = ORGANISATION(THE_ORGANISATION)


def create_unit(organisation: Organisation, command: CreateUnit, unit_id: str) -> Decision:
    name = tidy(command.name)
    _refuse_taken(organisation, name)
    if command.parent_id:
        _open_unit(organisation, command.parent_id, "parent_id")
    return [StreamEvent(HERE, UnitCreated(unit_id=unit_id, name=name, parent_id=command.parent_id))]


def rename_unit(organisation: Organisation, command: RenameUnit) -> Decision:
    unit, name = _open_unit(organisation, command.unit_id, "unit_id"), tidy(command.name)
    if unit.name == name:
        return []
    _refuse_taken(organisation, name, but=unit.id)
    return [StreamEvent(HERE, UnitRenamed(unit_id=unit.id, before=unit.name, after=name))]


def move_unit(organisation: Organisation, command: MoveUnit) -> Decision:
    unit = _open_unit(organisation, command.unit_id, "unit_id")
    if unit.parent_id == command.parent_id:
        return []
    if command.parent_id:
        parent = _open_unit(organisation, command.parent_id, "parent_id")
        if unit.id in (parent.id, *_units_above(organisation, parent.id)):
            raise Rejected("UNIT_CIRCLE", "a unit cannot be a part of itself, over others or not", field="parent_id")
    return [StreamEvent(HERE, UnitMoved(unit_id=unit.id, before=unit.parent_id, after=command.parent_id))]


def close_unit(organisation: Organisation, unit_id: str, people: Iterable[Person | None]) -> Decision:
    """`people`: who was ever placed in it last."""
    unit = organisation.units.get(unit_id)
    if unit is None:
        raise unknown("unit", unit_id, "unit_id")
    if unit.closed:
        return []
    if any(person is not None and person.active for person in people):
        raise Rejected("UNIT_HAS_PEOPLE", "somebody is in it: move them to another unit first", field="unit_id")
    if any(part.parent_id == unit_id and not part.closed for part in organisation.units.values()):
        raise Rejected("UNIT_HAS_PARTS", "other units are a part of it: move or close them first", field="unit_id")
    return [StreamEvent(HERE, UnitClosed(unit_id=unit_id))]


def withdraw_unit(organisation: Organisation, command: WithdrawUnit, *, positions: bool) -> Decision:
    """Take back a unit that was made by mistake (D-10). One that people were in has a history: it is closed.

    `positions`: there are open ones of it.
    """
    unit = organisation.units.get(command.unit_id)
    if unit is None:
        raise unknown("unit", command.unit_id, "unit_id")
    if unit.withdrawn:
        return []
    if unit.id in organisation.peopled:
        raise Rejected("UNIT_HAD_PEOPLE", "people are or were in it: close it instead", field="unit_id")
    if any(part.parent_id == unit.id and not part.closed for part in organisation.units.values()):
        raise Rejected("UNIT_HAS_PARTS", "other units are a part of it: move or close them first", field="unit_id")
    if positions:
        raise Rejected("UNIT_HAS_POSITIONS", "positions are of it: move or close them first", field="unit_id")
    return [StreamEvent(HERE, UnitWithdrawn(unit_id=unit.id, name=unit.name, reason=command.reason))]


def of_unit(organisation: Organisation, unit_id: str) -> list[str]:
    """The ids of the people who are placed in a unit, those who left among them."""
    return [person_id for person_id, place in organisation.places.items() if place.unit_id == unit_id]


def hand_over(organisation: Organisation, leaver: str, successor: str) -> Decision:
    """The units that a leaver heads and the people who report to them are their successor's; those whom the successor
    reports to themselves, over others or not, get the leaver's manager."""
    decision: Decision = [
        StreamEvent(HERE, UnitHeadAppointed(unit_id=unit.id, before=leaver, after=successor))
        for unit in organisation.units.values()
        if unit.head_id == leaver and not unit.closed
    ]
    above = organisation.places[leaver].manager_id if leaver in organisation.places else ""
    line = {successor, *_above(organisation, successor)}
    for person_id, place in organisation.places.items():
        if place.manager_id == leaver:
            before = types_pb2.Place(unit_id=place.unit_id, manager_id=leaver)
            after = types_pb2.Place(unit_id=place.unit_id, manager_id=above if person_id in line else successor)
            decision.append(StreamEvent(HERE, PlaceAssigned(person_id=person_id, before=before, after=after)))
    return decision


def clear(organisation: Organisation, person_id: str) -> Decision:
    """Of who was registered by mistake: they stand nowhere any more. Raises `Rejected` for whom others hang on."""
    if any(place.manager_id == person_id for place in organisation.places.values()):
        raise Rejected("PERSON_MANAGES", "somebody reports to them: name another manager first", field="person_id")
    if any(unit.head_id == person_id and not unit.closed for unit in organisation.units.values()):
        raise Rejected("PERSON_HEADS", "they head a unit: appoint another head first", field="person_id")
    before = organisation.places.get(person_id, Place())
    if before == Place():
        return []
    was = types_pb2.Place(unit_id=before.unit_id, manager_id=before.manager_id)
    return [StreamEvent(HERE, PlaceAssigned(person_id=person_id, before=was, after=types_pb2.Place()))]


def is_oneself(actor: Actor, person_id: str) -> bool:
    return actor.kind == "person" and actor.id == person_id


def appoint_head(organisation: Organisation, head: Person | None, command: AppointUnitHead, actor: Actor) -> Decision:
    """Nobody makes themself the head of a unit: its KPIs would be theirs."""
    unit = _open_unit(organisation, command.unit_id, "unit_id")
    refuse_inactive(head, command.person_id, "person_id")
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
    refuse_inactive(person, command.person_id, "person_id")
    placed = place(organisation, manager, command.person_id, command.place)
    if placed and is_oneself(actor, command.person_id):
        raise Rejected(
            "OWN_PLACE", "nobody chooses their own unit and manager: ask another administrator", kind=Kind.FORBIDDEN
        )
    return placed


def place(organisation: Organisation, manager: Person | None, person_id: str, wanted: types_pb2.Place) -> Decision:
    """Put a person into a unit and under a manager; also how a new person comes in."""
    if wanted.unit_id:
        _open_unit(organisation, wanted.unit_id, "place.unit_id")
    if wanted.manager_id:
        refuse_inactive(manager, wanted.manager_id, "place.manager_id")
        if person_id in (wanted.manager_id, *_above(organisation, wanted.manager_id)):
            raise Rejected(
                "REPORTING_CIRCLE", "a person cannot report to themselves, over others or not", field="place.manager_id"
            )
    before = organisation.places.get(person_id)
    if before == Place(wanted.unit_id, wanted.manager_id):
        return []
    was = types_pb2.Place(unit_id=before.unit_id, manager_id=before.manager_id) if before else None
    return [StreamEvent(HERE, PlaceAssigned(person_id=person_id, before=was, after=wanted))]


def move(organisation: Organisation, person_id: str, unit_id: str) -> Decision:
    """Put a person into another unit, or into none, under the manager that they have, whoever left."""
    if unit_id:
        _open_unit(organisation, unit_id, "place.unit_id")
    before = organisation.places.get(person_id, Place())
    if before.unit_id == unit_id:
        return []
    was = types_pb2.Place(unit_id=before.unit_id, manager_id=before.manager_id)
    now = types_pb2.Place(unit_id=unit_id, manager_id=before.manager_id)
    return [StreamEvent(HERE, PlaceAssigned(person_id=person_id, before=was, after=now))]


def named(organisation: Organisation, name: str) -> str:
    """The id of the open unit that is called so; empty: there is none."""
    key = name_key(name)
    return next((unit.id for unit in organisation.units.values() if not unit.closed and name_key(unit.name) == key), "")


def top(organisation: Organisation) -> str:
    """The one open unit that all others are a part of; empty: there is none, or several are of none."""
    tops = [unit.id for unit in organisation.units.values() if not unit.closed and not unit.parent_id]
    return tops[0] if len(tops) == 1 else ""


def _above(organisation: Organisation, person_id: str) -> list[str]:
    line: list[str] = []
    while (at := organisation.places.get(person_id)) and at.manager_id and at.manager_id not in line:
        person_id = at.manager_id
        line.append(person_id)
    return line


def _units_above(organisation: Organisation, unit_id: str) -> list[str]:
    line: list[str] = []
    while (above := organisation.units[unit_id].parent_id) and above not in line:
        unit_id = above
        line.append(unit_id)
    return line


def _open_unit(organisation: Organisation, unit_id: str, field: str) -> Unit:
    unit = organisation.units.get(unit_id)
    if unit is None:
        raise unknown("unit", unit_id, field)
    if unit.closed:
        raise Rejected("UNIT_CLOSED", f"the unit {unit.name!r} is closed", field=field)
    return unit


def _refuse_taken(organisation: Organisation, name: str, *, but: str = "") -> None:
    """Two units of one name could not be told apart; that of a closed one is free."""
    key = name_key(name)
    if any(name_key(unit.name) == key and unit.id != but and not unit.closed for unit in organisation.units.values()):
        raise Rejected("UNIT_EXISTS", f"there is a unit named {name!r} already", field="name")


def refuse_inactive(person: Person | None, id: str, field: str) -> None:
    """Raises `Rejected` for somebody who is not there, or not any more."""
    if person is None:
        raise unknown("person", id, field)
    if not person.active:
        raise Rejected("PERSON_INACTIVE", f"{id} is no longer active", field=field)
