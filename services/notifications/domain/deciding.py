"""Whose decision a proposal waits for, as far as the facts that this service holds say: the rule is that of goals,
which has the last word.

Pure. A test holds the two rules against each other.
"""

from collections.abc import Iterable, Sequence

from eventkit.directory.facts import OrgChart
from nhip.goals.v1.types_pb2 import LEVEL_COMPANY, LEVEL_DEPARTMENT
from services.notifications.domain.hearing import HeardKpi


def deciders(touched: Sequence[HeardKpi], proposer: str, org: OrgChart) -> tuple[str, ...]:
    """Who may decide, the first of them being who is asked; empty: nobody.

    A change of several levels is the highest one's. A company's KPIs are the executives' to decide, a department's its
    head's manager's, a person's the nearest manager's of all who answer for it; where that is nobody, or the proposer,
    the next above, then any executive.
    """
    if not touched:
        return ()
    level = min(kpi.level for kpi in touched)
    executives = tuple(p for p in org.executives() if p != proposer)
    if level == LEVEL_COMPANY:
        return executives
    nearest = _nearest_manager(_answering([kpi for kpi in touched if kpi.level == level], org), org)
    for manager in (nearest, *org.managers(nearest)) if nearest else ():
        if manager != proposer and org.is_active(manager):
            return (manager,)
    return executives


def _answering(kpis: Iterable[HeardKpi], org: OrgChart) -> list[str]:
    people: dict[str, None] = {}
    for kpi in kpis:
        unit = org.units.get(kpi.unit_id)
        if kpi.level == LEVEL_DEPARTMENT and unit and unit.head_id:
            people[unit.head_id] = None
        else:
            people.update(dict.fromkeys(kpi.owners))
    return list(people)


def _nearest_manager(people: Sequence[str], org: OrgChart) -> str:
    lines = [list(org.managers(person)) for person in people]
    return next((m for m in lines[0] if all(m in line for line in lines[1:])), "") if lines else ""
