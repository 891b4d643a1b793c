"""Who answers for something, and who decides about a change of it: relations between people, from what is known of them
at a moment. One rule for every service (product decisions: "Who answers for a KPI", "Who approves a change"). Pure.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from eventkit.directory.facts import OrgChart
from nhip.people.v1.integrations_pb2 import IntegrationScope


class Level(IntEnum):
    """Whose business it is, by the numbers of the contracts' levels."""

    COMPANY = 1
    DEPARTMENT = 2
    INDIVIDUAL = 3


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Something that people answer for (a KPI, or a draft of one, which has no id), as far as they are concerned."""

    id: str
    level: int
    """One of `Level`."""
    owners: tuple[str, ...]
    """Who is named."""
    unit_id: str
    """Empty: no unit's."""


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may decide, the first of them being who is asked; empty: nobody is left who may."""

    people: tuple[str, ...]
    relation: str
    """What gives them the right; recorded with their decision."""
    level: int
    """The highest that is touched: one of `Level`."""


def answerable(owners: Iterable[str], unit_id: str, org: OrgChart) -> tuple[str, ...]:
    """Who answers for something: who is named; without anybody, the head of its unit; else nobody (G-32). For somebody
    who left it is who stands in for them (D-09)."""
    return tuple(answering(owners, unit_id, org))


def answering(owners: Iterable[str], unit_id: str, org: OrgChart) -> dict[str, str]:
    """Who answers for something, each with whom they stand in for; empty: they are named themselves."""
    unit = org.units.get(unit_id)
    named = dict.fromkeys(filter(None, list(owners) or [unit.head_id if unit else ""]))
    found = dict[str, str]()
    for person in named:
        if by := org.standing_in(person):
            found.setdefault(by, "" if by in named else person)
    return found


def deciders(touched: Sequence[Responsibility], proposer: str, org: OrgChart) -> Deciders:
    """Who decides about a change of all of these that `proposer` asks for; the highest level counts (D-05).

    A company's are the executives' to decide, a department's the manager's of its head, a person's the nearest
    manager's of all who answer for it; where that is nobody, or the proposer, the next above, then any executive.
    Raises ValueError when nothing is touched.
    """
    level = highest(touched)
    executives = tuple(p for p in org.executives() if p != proposer)
    if level == Level.COMPANY:
        return Deciders(executives, "EXECUTIVE", level)
    people = _judged_by([each for each in touched if each.level == level], org)
    nearest = _lowest_common_manager(people, org)
    for manager in (nearest, *org.managers(nearest)) if nearest else ():
        if manager != proposer and org.is_active(manager):
            return Deciders((manager,), _relation(level, people) if manager == nearest else "NEXT_ABOVE", level)
    return Deciders(executives, "OTHER_EXECUTIVE", level)


def highest(touched: Iterable[Responsibility]) -> int:
    """The highest level: company before department before individual. Raises ValueError for nothing."""
    return min(each.level for each in touched)


def _judged_by(touched: Iterable[Responsibility], org: OrgChart) -> list[str]:
    """Whose managers decide: a department's is its head's, whoever is named beside."""
    people: dict[str, None] = {}
    for each in touched:
        unit = org.units.get(each.unit_id)
        of_unit = each.level == Level.DEPARTMENT and unit is not None and unit.head_id != ""
        people.update(dict.fromkeys(answerable(() if of_unit else each.owners, each.unit_id, org)))
    return list(people)


def _relation(level: int, people: Sequence[str]) -> str:
    if level == Level.DEPARTMENT:
        return "MANAGER_OF_HEAD"
    return "DIRECT_MANAGER" if len(people) == 1 else "LOWEST_COMMON_MANAGER"


def _lowest_common_manager(people: Sequence[str], org: OrgChart) -> str:
    """The nearest manager of all of them; empty for none."""
    lines = [list(org.managers(person)) for person in people]
    return next((m for m in lines[0] if all(m in line for line in lines[1:])), "") if lines else ""


def in_scope(
    scope: IntegrationScope, kpi_id: str, cycle_id: str, unit_id: str, owners: Collection[str], org: OrgChart
) -> bool:
    """Whether an integration may have to do with a KPI. `unit_id` is whose it is; without one, it is its owners'
    units'."""
    if scope.cycle_ids and cycle_id not in scope.cycle_ids:
        return False
    if kpi_id in scope.kpi_ids or not (scope.unit_ids or scope.kpi_ids):
        return True
    units = [unit_id] if unit_id else [org.places[one].unit_id for one in owners if one in org.places]
    return any(above in scope.unit_ids for unit in units for above in org.units_above(unit))
