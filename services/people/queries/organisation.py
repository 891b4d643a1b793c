"""How an organisation stands: who lacks a manager or a unit, which unit a head."""

from collections import Counter
from collections.abc import Iterator

from eventkit.directory.facts import OrgChart
from nhip.people.v1 import people_pb2 as pb


def organisation_of(org: OrgChart) -> pb.Organisation:
    active = [id for id in org.people if org.is_active(id)]
    lacking = Counter(lack for id in active for lack in lacks(org, id))
    units = [unit for unit in org.units.values() if not unit.closed]
    return pb.Organisation(
        people=len(active),
        units=len(units),
        without_manager=lacking[pb.LACK_MANAGER],
        without_unit=lacking[pb.LACK_UNIT],
        units_without_head=sum(not org.is_active(unit.head_id) for unit in units),
        executives=len(org.executives()),
    )


def lacks(org: OrgChart, person: str) -> Iterator[pb.Lack.ValueType]:
    """What the place of somebody who is here lacks. An executive may report to nobody and be of no unit."""
    if not org.is_active(person) or org.has_role(person, "executive"):
        return
    if not any(org.is_active(above) for above in org.managers(person)):
        yield pb.LACK_MANAGER
    unit = org.units.get(org.places[person].unit_id) if person in org.places else None
    if unit is None or unit.closed:
        yield pb.LACK_UNIT
