"""Positions with their job descriptions, and who holds them: one stream per tenant (G-79)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.directory.facts import Organisation, Person
from eventkit.errors import Rejected, unknown
from eventkit.names import name_key, tidy
from nhip.people.v1.events_pb2 import PositionAssigned, PositionChanged, PositionClosed, PositionOpened
from nhip.people.v1.positions_pb2 import AssignPosition, ChangePosition, PositionFacts
from services.people.domain.organisation import refuse_inactive


@dataclass(frozen=True, slots=True)
class Position:
    id: str
    name: str
    unit_id: str
    job_description: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Positions:
    positions: Mapping[str, Position] = field(default_factory=dict[str, Position])
    held: Mapping[str, str] = field(default_factory=dict[str, str])
    """By person, the position that they hold."""


PositionEvent = PositionOpened | PositionChanged | PositionClosed | PositionAssigned


def evolve(state: Positions, event: PositionEvent) -> Positions:
    match event:
        case PositionOpened():
            return _with(state, of_facts(event.position_id, event.position))
        case PositionChanged():
            closed = state.positions[event.position_id].closed
            return _with(state, replace(of_facts(event.position_id, event.after), closed=closed))
        case PositionClosed():
            return _with(state, replace(state.positions[event.position_id], closed=True))
        case PositionAssigned():
            others = {person: held for person, held in state.held.items() if person != event.person_id}
            return replace(state, held={**others, **({event.person_id: event.after} if event.after else {})})
        case _:
            refuse_unknown(event)


def of_facts(id: str, facts: PositionFacts) -> Position:
    return Position(id, facts.name, facts.unit_id, facts.job_description)


def _with(state: Positions, position: Position) -> Positions:
    return replace(state, positions={**state.positions, position.id: position})


POSITIONS = Aggregate("position", Positions(), evolve)
ALL = "all"
"""The id of a tenant's one stream of positions."""
HERE = POSITIONS(ALL)


def open_position(state: Positions, organisation: Organisation, wanted: PositionFacts, id: str) -> Decision:
    facts = _checked(state, organisation, wanted)
    return [StreamEvent(HERE, PositionOpened(position_id=id, position=facts))]


def change(state: Positions, organisation: Organisation, command: ChangePosition) -> Decision:
    known = _open(state, command.position_id)
    after = _checked(state, organisation, command.position, but=known.id)
    before = PositionFacts(name=known.name, unit_id=known.unit_id, job_description=known.job_description)
    if before == after:
        return []
    return [StreamEvent(HERE, PositionChanged(position_id=known.id, before=before, after=after))]


def close(state: Positions, position_id: str, holders: Iterable[Person | None]) -> Decision:
    """`holders`: who was assigned it last."""
    if position_id not in state.positions:
        raise unknown("position", position_id, "position_id")
    if state.positions[position_id].closed:
        return []
    if any(person is not None and person.active for person in holders):
        raise Rejected("POSITION_HELD", "somebody holds it: assign them another one first", field="position_id")
    return [StreamEvent(HERE, PositionClosed(position_id=position_id))]


def assign(state: Positions, person: Person | None, command: AssignPosition) -> Decision:
    refuse_inactive(person, command.person_id, "person_id")
    before = state.held.get(command.person_id, "")
    if before == command.position_id:
        return []
    if command.position_id:
        _open(state, command.position_id)
    assigned = PositionAssigned(person_id=command.person_id, before=before, after=command.position_id)
    return [StreamEvent(HERE, assigned)]


def holders(state: Positions, position_id: str) -> list[str]:
    return [person for person, held in state.held.items() if held == position_id]


def of_unit(state: Positions, unit_id: str) -> bool:
    """Whether an open one is of a unit."""
    return any(one.unit_id == unit_id and not one.closed for one in state.positions.values())


def _open(state: Positions, position_id: str) -> Position:
    known = state.positions.get(position_id)
    if known is None:
        raise unknown("position", position_id, "position_id")
    if known.closed:
        raise Rejected("POSITION_CLOSED", f"the position {known.name!r} is closed", field="position_id")
    return known


def _checked(state: Positions, organisation: Organisation, wanted: PositionFacts, *, but: str = "") -> PositionFacts:
    """Two open positions of one name in one unit could not be told apart."""
    if wanted.unit_id:
        unit = organisation.units.get(wanted.unit_id)
        if unit is None:
            raise unknown("unit", wanted.unit_id, "position.unit_id")
        if unit.closed:
            raise Rejected("UNIT_CLOSED", f"the unit {unit.name!r} is closed", field="position.unit_id")
    name, key = tidy(wanted.name), name_key(wanted.name)
    for one in state.positions.values():
        same = name_key(one.name) == key and one.unit_id == wanted.unit_id
        if same and one.id != but and not one.closed:
            told = f"there is a position named {name!r} there already"
            raise Rejected("POSITION_EXISTS", told, field="position.name")
    return PositionFacts(name=name, unit_id=wanted.unit_id, job_description=wanted.job_description.strip())
