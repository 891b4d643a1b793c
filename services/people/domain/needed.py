"""Roles that somebody has to fill at any time: without an administrator nobody sets anything right any more, without an
executive nobody decides about the company's KPIs. So the last one stays until there is another.
"""

from eventkit.directory.facts import Person
from eventkit.errors import Rejected
from nhip.people.v1 import people_pb2 as pb
from services.people.domain.erasure import ERASURE, Erasure

NEEDED = {"admin": "LAST_ADMINISTRATOR", "executive": "LAST_EXECUTIVE"}
"""The roles, and why their last holder is not taken away."""
AUDITOR = "auditor"
"""Who audits changes nothing, whatever else they are: they fill no other role."""


def fills(person: Person | None, erasure: Erasure = ERASURE.initial) -> frozenset[str]:
    """The needed roles that a person fills: who is here, changes things, and is not about to be erased."""
    if person is None or not person.active or AUDITOR in person.roles:
        return frozenset()
    if erasure.state in (pb.ERASURE_STATE_APPROVED, pb.ERASURE_STATE_ERASED):
        return frozenset()
    return frozenset(NEEDED) & frozenset(person.roles)


def refuse_last(lost: frozenset[str], others: frozenset[str], field: str) -> None:
    """`lost`: what a person would not fill any more; `others`: what others fill.

    Raises `Rejected` LAST_ADMINISTRATOR or LAST_EXECUTIVE.
    """
    for role, reason in NEEDED.items():
        if role in lost and role not in others:
            raise Rejected(
                reason, f"this is the last {role} who is here and no auditor: name another one first", field=field
            )
