"""Who is named for a KPI: who answers for it, who helps, who judges it, and whose it is (G-31, G-32)."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from nhip.goals.v1 import types_pb2 as t


@dataclass(frozen=True, slots=True)
class Named:
    level: t.Level.ValueType
    owners: tuple[str, ...]
    unit_id: str
    helpers: tuple[str, ...] = ()
    evaluator: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a command names them, for errors."""

    owners: str
    unit_id: str
    helpers: str
    evaluator: str


def check(named: Named, org: OrgChart, at: Fields, before: Named | None = None) -> None:
    """Somebody answers for it, everybody is named once, and nobody judges what they answer for.

    Whoever was named before may have left or become an auditor since: only who is new must be there, and no auditor,
    who changes nothing, is to answer for it or judge it. Raises `Rejected`.
    """
    if named.level == t.LEVEL_INDIVIDUAL and not named.owners:
        told = "somebody has to answer for an individual KPI"
        raise Rejected("OWNER_MISSING", told, kind=Kind.INVALID, field=at.owners, rule="G-32")
    if named.level == t.LEVEL_DEPARTMENT and not named.unit_id:
        raise Rejected(
            "UNIT_MISSING", "a department's KPI names its unit", kind=Kind.INVALID, field=at.unit_id, rule="G-31"
        )
    if len(set(named.owners)) < len(named.owners):
        raise Rejected("OWNER_TWICE", "name each owner once", kind=Kind.INVALID, field=at.owners)
    if len({*named.owners, *named.helpers}) < len(named.owners) + len(named.helpers):
        told = "name each helper once, and nobody who answers for it"
        raise Rejected("HELPER_TWICE", told, kind=Kind.INVALID, field=at.helpers, rule="G-32")
    if named.evaluator in named.owners:
        told = "nobody judges what they answer for: name somebody else"
        raise Rejected("EVALUATOR_IS_OWNER", told, kind=Kind.INVALID, field=at.evaluator, rule="G-32")
    _there(named.owners, before.owners if before else (), org, at.owners)
    _there(named.helpers, before.helpers if before else (), org, at.helpers)
    for index, owner in enumerate(named.owners):
        if before is None or owner not in before.owners:
            _refuse_auditor(owner, org, f"{at.owners}[{index}]")
    judged_anew = before is None or named.evaluator != before.evaluator
    if named.evaluator and judged_anew and not org.is_active(named.evaluator):
        raise unknown("person", named.evaluator, at.evaluator)
    if named.evaluator and judged_anew:
        _refuse_auditor(named.evaluator, org, at.evaluator)
    if named.unit_id and (before is None or named.unit_id != before.unit_id):
        unit = org.units.get(named.unit_id)
        if unit is None:
            raise unknown("unit", named.unit_id, at.unit_id)
        if unit.closed:
            raise Rejected("UNIT_CLOSED", f"the unit {unit.name!r} is closed", field=at.unit_id)


def _there(people: Sequence[str], before: Sequence[str], org: OrgChart, at: str) -> None:
    for index, person in enumerate(people):
        if person not in before and not org.is_active(person):
            raise unknown("person", person, f"{at}[{index}]")


def _refuse_auditor(person: str, org: OrgChart, at: str) -> None:
    if org.has_role(person, "auditor"):
        told = "auditors change nothing, so nothing is theirs to do: name somebody else"
        raise Rejected("AUDITOR_NAMED", told, kind=Kind.INVALID, field=at)
