"""Groups of SCIM and those of *people*: the one as the other."""

from collections.abc import Sequence
from typing import Any, cast

from scim2_models import Meta, PatchOp, PatchOperation, ScimFilter

from nhip.people.v1 import sync_pb2 as pb
from services.gateway.failures import Failure, invalid
from services.gateway.scim.filters import members_in
from services.gateway.scim.resources import CORE, Group, GroupMember, user_at


def shown(one: pb.SyncedGroup, base: str) -> Group:
    members = [GroupMember(value=id, ref=user_at(base, id), type="User") for id in one.member_ids]
    return Group(
        id=one.group_id,
        display_name=one.name,
        members=members or None,
        meta=Meta(resource_type="Group", location=f"{base}/Groups/{one.group_id}"),
    )


def said(group: Group, id: str = "") -> pb.SyncGroup:
    """A group as it is to be, new or replaced: without members, those stay."""
    named = "members" in group.model_fields_set
    members = [_user(one.value or "", one.type or "") for one in group.members or ()]
    return pb.SyncGroup(group_id=id, name=group.display_name or "", add_ids=members, replaces=named and bool(id))


def patched(id: str, patch: PatchOp[Group]) -> pb.SyncGroup:
    """What operations say, in their order, without looking at who is in the group: it may be large."""
    command, add, remove = pb.SyncGroup(group_id=id), dict[str, None](), dict[str, None]()
    for operation in patch.operations or ():
        for path, value in _targets(operation):
            attribute, selection = _attribute(path)
            if attribute == "displayname":
                if operation.op is PatchOperation.Op.remove or not isinstance(value, str) or not value.strip():
                    raise invalid("INVALID_VALUE", "displayName: a group needs a name")
                command.name = value
            elif attribute == "members":
                ids = _ids(value) if selection is None else members_in(selection)
                if operation.op is PatchOperation.Op.remove and (ids or selection is not None):
                    for one in ids:
                        add.pop(one, None)
                        remove[one] = None
                elif operation.op is PatchOperation.Op.add:
                    for one in ids:
                        remove.pop(one, None)
                        add[one] = None
                else:  # replaced, or all taken out
                    command.replaces = True
                    remove.clear()
                    add = dict.fromkeys(ids)
    command.add_ids.extend(add)
    command.remove_ids.extend(() if command.replaces else remove)
    return command


def _targets(operation: PatchOperation[Group]) -> list[tuple[str, Any]]:
    """Paths and values: an operation without a path has an object of them."""
    if operation.path is not None and str(operation.path):
        return [(str(operation.path), operation.value)]
    value: object = operation.value
    if not isinstance(value, dict):
        raise invalid("INVALID_VALUE", "without a path, value must be an object of attributes")
    return list(cast(dict[str, Any], value).items())


def _attribute(path: str) -> tuple[str, Any]:
    """The attribute of a path in small letters, and the selection of its values, where it has one."""
    plain = path[len(f"{CORE}Group:") :] if path.casefold().startswith(f"{CORE}Group:".casefold()) else path
    name, bracket, rest = plain.partition("[")
    if not bracket:
        return name.strip().casefold(), None
    selection, end, behind = rest.rpartition("]")
    if not end or behind:
        raise invalid("INVALID_PATH", f"{path}: members are selected whole")
    return name.strip().casefold(), ScimFilter[Any](selection).ast


def _ids(value: Any) -> Sequence[str]:
    """The members of a value: objects with their ids, one or several, or the ids themselves."""
    if value is None or value == "":
        return ()
    entries = cast(list[Any], value) if isinstance(value, list) else [value]
    ids: list[str] = []
    for one in entries:
        entry = cast(dict[str, Any], one) if isinstance(one, dict) else {"value": one}
        id, kind = entry.get("value"), entry.get("type") or ""
        if not isinstance(id, str) or not isinstance(kind, str):
            raise _no_member()
        ids.append(_user(id, kind))
    return ids


def _user(id: str, kind: str) -> str:
    if not id:
        raise _no_member()
    if kind and kind.casefold() != "user":
        raise invalid("INVALID_VALUE", "members: only users, for groups have no groups here")
    return id


def _no_member() -> Failure:
    return invalid("INVALID_VALUE", 'members: name each by the id of a user, as {"value": "…"}')
