"""Filters of RFC 7644, 3.4.2.2, as conditions that *people* knows: `eq` with `and` and `or`."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from scim2_models import ScimFilter
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    FilterVisitor,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from nhip.people.v1 import sync_pb2 as pb
from services.gateway.failures import Failure, invalid
from services.gateway.scim.resources import CORE

MOST = 20
"""Alternatives, and conditions of each: what the contract takes."""
Conditions = tuple[pb.SyncCondition, ...]
Fields = Mapping[str, "pb.SyncField.ValueType"]
OF_USERS: Fields = {
    "id": pb.SYNC_FIELD_ID,
    "username": pb.SYNC_FIELD_USER_NAME,
    "externalid": pb.SYNC_FIELD_EXTERNAL_ID,
    "displayname": pb.SYNC_FIELD_NAME,
    "name.formatted": pb.SYNC_FIELD_NAME,
    "active": pb.SYNC_FIELD_ACTIVE,
    "emails": pb.SYNC_FIELD_EMAIL,
    "emails.value": pb.SYNC_FIELD_EMAIL,
}
OF_GROUPS: Fields = {
    "id": pb.SYNC_FIELD_ID,
    "displayname": pb.SYNC_FIELD_NAME,
    "members": pb.SYNC_FIELD_MEMBER,
    "members.value": pb.SYNC_FIELD_MEMBER,
}
ALL: Sequence[Conditions] = ((),)
NONE: Sequence[Conditions] = ()


def conditions_of(asked: ScimFilter[Any], fields: Fields) -> list[pb.SyncConditions]:
    """Alternatives of which one at least must hold; none: everything does. Raises Failure for what is not compared."""
    found = _Reading(fields).visit(asked.ast)
    if any(not one for one in found):
        return []
    if len(found) > MOST or any(len(one) > MOST for one in found):
        raise _refused(f"at most {MOST} alternatives of {MOST} conditions")
    if not found:  # as of an address that is not for work: nobody has one
        return [pb.SyncConditions(all=[pb.SyncCondition(field=pb.SYNC_FIELD_ID, value="")])]
    return [pb.SyncConditions(all=one) for one in found]


class _Reading(FilterVisitor[Sequence[Conditions]]):
    """A filter as alternatives of conditions that must all hold; `within`: the attribute whose values are selected."""

    def __init__(self, fields: Fields, within: str = ""):
        self._fields, self._within = fields, within

    def visit_comparison(self, node: Comparison) -> Sequence[Conditions]:
        name = self._name(node.attr_path)
        if node.op is not CompareOperator.eq:
            raise _refused(f"{name} {node.op.value}: only eq is known")
        value = node.value if isinstance(node.value, str) else str(node.value).lower()
        if name == "emails.type":
            return ALL if value.casefold() == "work" else NONE
        if name == "emails.primary":
            return ALL if value.casefold() == "true" else NONE
        if name == "members.type":
            return ALL if value.casefold() == "user" else NONE
        if name not in self._fields:
            raise _refused(f"{name} is not compared: only {', '.join(sorted(self._fields))}")
        return ((pb.SyncCondition(field=self._fields[name], value=value),),)

    def visit_logical_expr(self, node: LogicalExpr) -> Sequence[Conditions]:
        terms = [self.visit(term) for term in node.terms]
        if node.op is LogicalOperator.or_:
            return tuple(one for term in terms for one in term)
        joined: Sequence[Conditions] = ALL
        for term in terms:
            joined = tuple((*a, *b) for a, b in product(joined, term))
            if len(joined) > MOST:
                raise _refused(f"at most {MOST} alternatives")
        return joined

    def visit_value_path(self, node: ValuePath) -> Sequence[Conditions]:
        return _Reading(self._fields, self._name(node.attr_path)).visit(node.val_filter)

    def visit_not(self, node: Not) -> Sequence[Conditions]:
        raise _refused("not is not known: only eq, with and and or")

    def visit_present(self, node: Present) -> Sequence[Conditions]:
        raise _refused("pr is not known: only eq, with and and or")

    def _name(self, path: AttrPath) -> str:
        if path.uri is not None and not str(path.uri).casefold().startswith(CORE.casefold()):
            raise _refused(f"{path.uri}:{path.attr} is not compared")
        name = f"{path.attr}.{path.sub_attr}" if path.sub_attr else str(path.attr)
        return (f"{self._within}.{name}" if self._within else name).casefold()


def members_in(selection: FilterNode) -> list[str]:
    """The ids that `members[…]` selects: `value eq "…"`, several with or. Raises Failure for anything else."""
    found = _Reading(OF_GROUPS, "members").visit(selection)
    if any(len(one) != 1 for one in found):
        raise invalid("INVALID_PATH", 'select members by value eq "…", several with or')
    return [condition.value for (condition,) in found]


def _refused(message: str) -> Failure:
    return invalid("INVALID_FILTER", message)
