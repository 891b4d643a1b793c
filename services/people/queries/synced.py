"""What of people and groups fits the conditions that a directory asks by, and how they are answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from eventkit.directory.facts import OrgChart, Person, Place, role_name
from eventkit.directory.integrations import Integration
from eventkit.errors import Kind, Rejected
from eventkit.names import name_key
from eventkit.rpc.paging import asked
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import sync_pb2 as pb
from nhip.people.v1 import types_pb2
from services.people.queries.employments import employments
from services.people.views.synced import SYNCED_PEOPLE, SyncedRow

PAGE = 100
ROLE = "role-"
"""How the id of a group begins that gives a role."""
OF_PEOPLE = (
    pb.SYNC_FIELD_ID,
    pb.SYNC_FIELD_USER_NAME,
    pb.SYNC_FIELD_EXTERNAL_ID,
    pb.SYNC_FIELD_NAME,
    pb.SYNC_FIELD_EMAIL,
    pb.SYNC_FIELD_ACTIVE,
)
OF_GROUPS = (pb.SYNC_FIELD_ID, pb.SYNC_FIELD_NAME, pb.SYNC_FIELD_MEMBER)
"""By what people and groups are found."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Somebody, and how the company's own directory calls them."""

    person: Person
    row: SyncedRow | None
    """None: nobody ever kept them."""
    user_name: str
    """Of who is not kept: their e-mail address."""
    external_id: str
    name: str
    title: str
    email: str

    @property
    def id(self) -> str:
        return self.person.id

    def kept_by(self, integration_id: str) -> bool:
        return self.row is not None and self.row.integration_id == integration_id

    def shown_to(self, integration_id: str) -> bool:
        """Who is here, and whom it keeps though they left."""
        person = self.person
        if person.withdrawn or person.erased:
            return False
        return person.active or self.kept_by(integration_id)


async def newer(con: asyncpg.Connection, tenant: str, position: int) -> list[SyncedRow]:
    """What was said of who is kept behind a position of the log."""
    rows = await con.fetch(
        f"select * from {SYNCED_PEOPLE} where tenant = $1 and position > $2 order by position", tenant, position
    )
    return [SYNCED_PEOPLE.of(row) for row in rows]


async def people(
    con: asyncpg.Connection, tenant: str, request: pb.ListSyncedPeople, shown: Sequence[Kept], org: OrgChart, me: str
) -> pb.SyncedPeople:
    """Those of `shown`, in the order of ids, who fit."""
    refuse_strange(request.any, *OF_PEOPLE)
    page = asked(request, tenant, str, size=PAGE)
    fitting = [one for one in shown if _fits(request.any, _person_fields(one))]
    behind = [one for one in fitting if one.id > page.after[0]] if page.after else fitting[request.skip :]
    cut, token = page.cut(behind[: page.limit], lambda one: (one.id,))
    employed = await employments(con, tenant, [one.id for one in cut])
    return pb.SyncedPeople(
        people=[person(one, org, me, employed[one.id].employee_code if one.id in employed else "") for one in cut],
        next_page_token=token,
        total=len(fitting),
    )


def person(one: Kept, org: OrgChart, me: str, code: str) -> pb.SyncedPerson:
    place, kept = org.places.get(one.id, Place()), one.kept_by(me)
    unit = org.units.get(place.unit_id)
    return pb.SyncedPerson(
        person_id=one.id,
        user_name=_text(one.user_name),
        external_id=_text(one.external_id if kept else ""),
        name=_text(one.name),
        title=_text(one.title),
        email=_text(one.email),
        employee_code=code,
        unit=unit.name if unit and not unit.closed else "",
        manager_id=place.manager_id,
        active=one.person.active,
        kept=kept,
    )


def _text(words: str) -> PersonalText | None:
    return PersonalText(plain=words) if words else None


def _person_fields(one: Kept) -> Callable[["pb.SyncField.ValueType", str], bool]:
    def fits(field: "pb.SyncField.ValueType", value: str) -> bool:
        match field:
            case pb.SYNC_FIELD_ID:
                return one.id == value
            case pb.SYNC_FIELD_USER_NAME:
                return _same(one.user_name, value)
            case pb.SYNC_FIELD_EXTERNAL_ID:
                return one.external_id == value
            case pb.SYNC_FIELD_NAME:
                return _same(one.name, value)
            case pb.SYNC_FIELD_EMAIL:
                return _same(one.email, value)
            case pb.SYNC_FIELD_ACTIVE:
                return str(one.person.active).lower() == value.lower()
            case _:
                raise _no_such(field)

    return fits


def _same(a: str, b: str) -> bool:
    return a.strip().casefold() == b.strip().casefold()


def _fits(wanted: Sequence[pb.SyncConditions], fits: Callable[["pb.SyncField.ValueType", str], bool]) -> bool:
    return not wanted or any(all(fits(one.field, one.value) for one in conditions.all) for conditions in wanted)


def refuse_strange(wanted: Iterable[pb.SyncConditions], *known: "pb.SyncField.ValueType") -> None:
    """Raises `Rejected` for a condition on what things of this kind have not."""
    for field in (one.field for conditions in wanted for one in conditions.all):
        if field not in known:
            raise _no_such(field)


def _no_such(field: "pb.SyncField.ValueType") -> Rejected:
    name = pb.SyncField.Name(field).removeprefix("SYNC_FIELD_").lower()
    return Rejected("FIELD_NOT_COMPARED", f"{name} is nothing that these are found by", kind=Kind.INVALID, field="any")


# --- groups ---


def mapped(integration: Integration | None) -> Mapping[str, tuple["types_pb2.Role.ValueType", str]]:
    """The groups that give a role, by their id: role, name."""
    if integration is None:
        return {}
    return {f"{ROLE}{role_name(one.role)}": (one.role, one.group) for one in integration.facts.group_roles}


def all_groups(org: OrgChart, integration: Integration | None) -> list[pb.SyncedGroup]:
    """Open units and groups that give a role, by name, without their members. A unit that is called like such a group
    is none, for its name is taken."""
    roles = mapped(integration)
    found = [pb.SyncedGroup(group_id=id, name=name, role=role) for id, (role, name) in roles.items()]
    taken = {name_key(name) for _, name in roles.values()}
    found += [
        pb.SyncedGroup(group_id=unit.id, name=unit.name)
        for unit in org.units.values()
        if not unit.closed and name_key(unit.name) not in taken
    ]
    return sorted(found, key=lambda one: (one.name, one.group_id))


def members(group: pb.SyncedGroup, org: OrgChart) -> list[str]:
    """The ids of who is in a group and here."""
    if group.role:
        name = role_name(group.role)
        return sorted(one.id for one in org.people.values() if one.active and name in one.roles)
    return sorted(id for id, place in org.places.items() if place.unit_id == group.group_id and org.is_active(id))


def groups(
    request: pb.ListSyncedGroups, tenant: str, found: Iterable[pb.SyncedGroup], org: OrgChart
) -> pb.SyncedGroups:
    refuse_strange(request.any, *OF_GROUPS)
    page = asked(request, tenant, str, str, size=PAGE)
    fitting = [one for one in found if _fits(request.any, _group_fields(one, org))]
    after = page.after or ("", "")
    behind = [one for one in fitting if (one.name, one.group_id) > after] if page.after else fitting[request.skip :]
    cut, token = page.cut(behind[: page.limit], lambda one: (one.name, one.group_id))
    if not request.bare:
        for one in cut:
            one.member_ids.extend(members(one, org))
    return pb.SyncedGroups(groups=cut, next_page_token=token, total=len(fitting))


def _group_fields(one: pb.SyncedGroup, org: OrgChart) -> Callable[["pb.SyncField.ValueType", str], bool]:
    def fits(field: "pb.SyncField.ValueType", value: str) -> bool:
        match field:
            case pb.SYNC_FIELD_ID:
                return one.group_id == value
            case pb.SYNC_FIELD_NAME:
                return name_key(one.name) == name_key(value)
            case pb.SYNC_FIELD_MEMBER:
                return value in members(one, org)
            case _:
                raise _no_such(field)

    return fits
