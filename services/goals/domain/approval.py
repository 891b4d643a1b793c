"""Who decides about a change (D-05).

Resolved when the decision is made, from the people known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.directory.facts import OrgChart
from eventkit.errors import Rejected
from nhip.goals.v1 import types_pb2 as t


@dataclass(frozen=True, slots=True)
class Touched:
    """A KPI that a change touches, as far as deciding about it goes."""

    level: t.Level.ValueType
    owners: tuple[str, ...]
    unit_id: str


@dataclass(frozen=True, slots=True)
class Deciders:
    """Who may decide, the first of them being who is asked."""

    people: tuple[str, ...]
    relation: str
    level: t.Level.ValueType


def highest(touched: Iterable[Touched]) -> t.Level.ValueType:
    """The level of the highest KPI: company before department before individual."""
    return min(kpi.level for kpi in touched)


def deciders(touched: Sequence[Touched], proposer: str, org: OrgChart) -> Deciders:
    """Raises `Rejected` NO_APPROVER when nobody is left who may."""
    level = highest(touched)
    if level == t.LEVEL_COMPANY:
        people = tuple(p for p in org.executives() if p != proposer)
        if people:
            return Deciders(people, "EXECUTIVE", level)
        raise _nobody()
    owners = _owners([kpi for kpi in touched if kpi.level == level], org)
    relation = (
        "MANAGER_OF_HEAD"
        if level == t.LEVEL_DEPARTMENT
        else "DIRECT_MANAGER"
        if len(owners) == 1
        else "LOWEST_COMMON_MANAGER"
    )
    candidate = _lowest_common_manager(owners, org)
    if candidate and candidate != proposer and org.is_active(candidate):
        return Deciders((candidate,), relation, level)
    for above in org.managers(candidate) if candidate else ():
        if above != proposer and org.is_active(above):
            return Deciders((above,), "NEXT_ABOVE", level)
    others = tuple(p for p in org.executives() if p != proposer)
    if others:
        return Deciders(others, "OTHER_EXECUTIVE", level)
    raise _nobody()


def _owners(kpis: Iterable[Touched], org: OrgChart) -> list[str]:
    """Whose KPIs they are; a unit's is its head's."""
    owners: dict[str, None] = {}
    for kpi in kpis:
        unit = org.units.get(kpi.unit_id)
        if kpi.level == t.LEVEL_DEPARTMENT and unit and unit.head_id:
            owners[unit.head_id] = None
        else:
            owners.update(dict.fromkeys(kpi.owners))
    return list(owners)


def _lowest_common_manager(people: Sequence[str], org: OrgChart) -> str:
    """The nearest manager of all of them; empty for none."""
    if not people:
        return ""
    lines = [list(org.managers(person)) for person in people]
    return next((m for m in lines[0] if all(m in line for line in lines[1:])), "")


def _nobody() -> Rejected:
    return Rejected(
        "NO_APPROVER", "nobody else may approve this: an active executive who did not propose it is needed", rule="G-69"
    )
