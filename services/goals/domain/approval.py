"""Who decides about a change of KPIs: the directory's rule, and the refusal where it leaves nobody."""

from collections.abc import Sequence

from eventkit.directory import responsibility
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Deciders, Responsibility
from eventkit.errors import Rejected
from nhip.goals.v1 import types_pb2 as t


def deciders(touched: Sequence[Responsibility], proposer: str, org: OrgChart) -> Deciders:
    """Resolved when the decision is made, from the people known then. Raises `Rejected` NO_APPROVER when nobody is left
    who may."""
    may = responsibility.deciders(touched, proposer, org)
    if not may.people:
        raise Rejected(
            "NO_APPROVER",
            "nobody else may approve this: an active executive who did not propose it is needed",
            rule="G-69",
        )
    return may


def right_of(may: Deciders, person: str, people_position: str = "") -> t.Approval:
    """The right by which one of them decides, as it is shown beforehand and recorded with the decision."""
    return t.Approval(
        approver_id=person,
        relation=may.relation,
        level=t.Level.ValueType(may.level),
        people_position=people_position,
    )
