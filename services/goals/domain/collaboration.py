"""KPIs by which people of another department help to reach one (G-64)."""

from collections.abc import Iterator

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Level, Responsibility, answerable


def collaborates(kpi: Responsibility, served: Responsibility, org: OrgChart) -> bool:
    """Whether a KPI serves one of another department: neither of their units is a part of the other. What is the
    company's is everybody's."""
    if served.level == Level.COMPANY:
        return False
    pairs = [(one, other) for one in _units(kpi, org) for other in _units(served, org)]
    return bool(pairs) and not any(one in _around(other, org) or other in _around(one, org) for one, other in pairs)


def _units(kpi: Responsibility, org: OrgChart) -> set[str]:
    """Whose it is: its unit, else those of the people who answer for it."""
    people = answerable(kpi.owners, kpi.unit_id, org)
    of_people = {place.unit_id for person in people if (place := org.places.get(person))}
    return {kpi.unit_id} if kpi.unit_id else of_people - {""}


def _around(unit_id: str, org: OrgChart) -> Iterator[str]:
    """A unit and those that it is a part of."""
    seen = set[str]()
    while unit_id and unit_id not in seen:
        seen.add(unit_id)
        yield unit_id
        unit = org.units.get(unit_id)
        unit_id = unit.parent_id if unit else ""
