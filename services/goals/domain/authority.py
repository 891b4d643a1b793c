"""Who may set a KPI directly, while its cycle is planned (product decisions: "Who may set a KPI"). What somebody may
not set they may propose; a draft for themself is a proposal that their manager approves (G-77)."""

from collections.abc import Iterable

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Level, Responsibility
from eventkit.errors import Kind, Rejected

STRATEGISTS = ("executive", "okr_master")
"""Who may set a KPI of any level."""


def right_to_set(kpi: Responsibility, person: str, org: OrgChart) -> str:
    """The relation by which somebody may set a KPI; empty: they may not. For EXECUTIVE and OKR_MASTER a role of theirs,
    HEAD_OF_UNIT for a department's of their own and MANAGER_OF_HEAD above that head, if all who are named are they,
    below them or in the unit; MANAGER above all who are named."""
    for role in STRATEGISTS:
        if org.has_role(person, role):
            return role.upper()
    if not org.is_active(person):
        return ""
    if kpi.level == Level.DEPARTMENT:
        return _right_of_unit(kpi, person, org)
    if kpi.level == Level.INDIVIDUAL and kpi.owners:
        above = all(person != owner and person in org.managers(owner) for owner in kpi.owners)
        return "MANAGER" if above else ""
    return ""


def _right_of_unit(kpi: Responsibility, person: str, org: OrgChart) -> str:
    """A unit's KPI binds whoever is named for it: people of other units are asked, by a proposal."""
    unit = org.units.get(kpi.unit_id)
    if unit is None or not unit.head_id or not all(_theirs(owner, unit.id, person, org) for owner in kpi.owners):
        return ""
    if org.standing_in(unit.head_id) == person:
        return "HEAD_OF_UNIT"
    return "MANAGER_OF_HEAD" if person in org.managers(unit.head_id) else ""


def _theirs(owner: str, unit_id: str, person: str, org: OrgChart) -> bool:
    """They are the person, below them, or in the unit."""
    in_unit = owner in org.places and org.places[owner].unit_id == unit_id
    return owner == person or in_unit or person in org.managers(owner)


def check_may_set(kpis: Iterable[Responsibility], actor: Actor, org: OrgChart, field: str = "") -> None:
    """All of these, as they are and as they shall be. Raises `Rejected` NOT_YOURS_TO_SET."""
    if actor.is_importer:
        return
    for kpi in kpis:
        if actor.kind != "person" or not right_to_set(kpi, actor.id, org):
            raise Rejected(
                "NOT_YOURS_TO_SET",
                f"{WHO_MAY[Level(kpi.level)]} may set this KPI; anybody else may propose it",
                kind=Kind.FORBIDDEN,
                field=field,
                parameters={"who": f"MAY_SET_{Level(kpi.level).name}"},
            )


WHO_MAY = {
    Level.COMPANY: "an executive or OKR master",
    Level.DEPARTMENT: "the head of its unit, those above, an executive or OKR master",
    Level.INDIVIDUAL: "a manager of those who answer for it, an executive or OKR master",
}
