"""What is known of tenants, people and units: states, how events fold into them, and the relations between people.

Pure.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, begun, refuse_unknown
from eventkit.directory.defaults import DEFAULT_LANGUAGE, DEFAULT_TIME_ZONE
from eventkit.directory.integrations import Integration
from eventkit.directory.quotas import NO_QUOTAS, Quotas, quotas_of
from eventkit.directory.tenant_settings import TenantSettings
from eventkit.names import name_key
from eventkit.values import to_date, to_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1 import people_pb2, types_pb2
from nhip.people.v1.events_pb2 import (
    CompanyRenamed,
    EmailChanged,
    EmploymentChanged,
    LanguageChanged,
    LogoChanged,
    NameChanged,
    PersonDeactivated,
    PersonErased,
    PersonReactivated,
    PersonRegistered,
    PersonWithdrawn,
    PlaceAssigned,
    RolesChanged,
    TenantCreated,
    TenantDeleted,
    TenantDeletionApproved,
    TenantDeletionBegun,
    TenantDeletionRequested,
    TenantKept,
    TenantQuotasSet,
    TenantResumed,
    TenantSuspended,
    TimeZoneChanged,
    TitleChanged,
    UnitClosed,
    UnitCreated,
    UnitHeadAppointed,
    UnitMoved,
    UnitRenamed,
    UnitWithdrawn,
)


@dataclass(frozen=True, slots=True)
class Tenant:
    name: str
    time_zone: str
    language: str = DEFAULT_LANGUAGE
    """Of who chose none."""
    logo: str = ""
    """The digest of its image; empty: it has none."""
    suspended: bool = False
    """Nobody of it is let in."""
    deletion: people_pb2.TenantDeletionState.ValueType = people_pb2.TENANT_DELETION_STATE_UNSPECIFIED
    deletion_asked_by: str = ""
    """Who of those who operate the installation."""
    deletion_begins_at: datetime | None = None
    """While it is approved and has not begun."""
    quotas: Quotas = NO_QUOTAS

    @property
    def deleted(self) -> bool:
        return self.deletion == people_pb2.TENANT_DELETION_STATE_DELETED

    def today(self, at: datetime) -> date:
        """Its day at an instant."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()


TenantEvent = (
    TenantCreated
    | TenantSuspended
    | TenantResumed
    | TenantDeletionRequested
    | TenantDeletionApproved
    | TenantKept
    | TenantDeletionBegun
    | TenantDeleted
    | TenantQuotasSet
    | CompanyRenamed
    | TimeZoneChanged
    | LanguageChanged
    | LogoChanged
)


def evolve_tenant(tenant: Tenant | None, event: TenantEvent) -> Tenant:
    match event:
        case TenantCreated():
            return Tenant(event.name, event.time_zone)
        case CompanyRenamed():
            return replace(begun(tenant, event), name=event.after)
        case TimeZoneChanged():
            return replace(begun(tenant, event), time_zone=event.after)
        case LanguageChanged():
            return replace(begun(tenant, event), language=event.after)
        case LogoChanged():
            return replace(begun(tenant, event), logo=event.after)
        case TenantSuspended():
            return replace(begun(tenant, event), suspended=True)
        case TenantResumed():
            return replace(begun(tenant, event), suspended=False)
        case TenantDeletionRequested():
            asked = _deletion(tenant, event, people_pb2.TENANT_DELETION_STATE_REQUESTED)
            return replace(asked, deletion_asked_by=event.requested_by)
        case TenantDeletionApproved():
            approved = _deletion(tenant, event, people_pb2.TENANT_DELETION_STATE_APPROVED)
            return replace(approved, deletion_begins_at=to_datetime(event.begins_at))
        case TenantKept():
            kept = _deletion(tenant, event, people_pb2.TENANT_DELETION_STATE_UNSPECIFIED)
            return replace(kept, deletion_asked_by="")
        case TenantDeletionBegun():
            return _deletion(tenant, event, people_pb2.TENANT_DELETION_STATE_BEGUN)
        case TenantDeleted():
            gone = _deletion(tenant, event, people_pb2.TENANT_DELETION_STATE_DELETED)
            return replace(gone, name="", logo="", suspended=True)
        case TenantQuotasSet():
            return replace(begun(tenant, event), quotas=quotas_of(event.after))
        case _:
            refuse_unknown(event)


def _deletion(tenant: Tenant | None, event: Message, state: people_pb2.TenantDeletionState.ValueType) -> Tenant:
    return replace(begun(tenant, event), deletion=state, deletion_begins_at=None)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as far as services need to know them; name, title and e-mail address are sealed."""

    id: str
    name: PersonalText
    title: PersonalText
    roles: tuple[str, ...]
    active: bool = True
    email: PersonalText = field(default_factory=PersonalText)
    erased: bool = False
    successor_id: str = ""
    """Of somebody who left: who answers for what they answered for; empty: nobody was named."""
    withdrawn: bool = False
    """They were registered by mistake: nobody, for who looks at today."""
    roles_changed: bool = False
    """Since they were registered; known to who decides about them alone."""


ERASED = PersonalText(erased=True)
"""What stands where words of a person were who is erased."""


def role_name(role: "types_pb2.Role.ValueType") -> str:
    """ROLE_OKR_MASTER → okr_master: what access tables call it."""
    return types_pb2.Role.Name(role).removeprefix("ROLE_").lower()


PersonEvent = (
    PersonRegistered
    | NameChanged
    | TitleChanged
    | EmailChanged
    | RolesChanged
    | PersonDeactivated
    | PersonReactivated
    | PersonErased
    | PersonWithdrawn
)


def evolve_person(person: Person | None, event: PersonEvent) -> Person:
    match event:
        case PersonRegistered():
            return Person(
                event.person_id, event.name, event.title, tuple(role_name(r) for r in event.roles), email=event.email
            )
        case NameChanged():
            return replace(begun(person, event), name=event.name)
        case TitleChanged():
            return replace(begun(person, event), title=event.title)
        case EmailChanged():
            return replace(begun(person, event), email=event.email)
        case RolesChanged():
            return replace(begun(person, event), roles=tuple(role_name(r) for r in event.after), roles_changed=True)
        case PersonDeactivated():
            return replace(begun(person, event), active=False, successor_id=event.successor_id)
        case PersonReactivated():
            return replace(begun(person, event), active=True, successor_id="", withdrawn=False)
        case PersonErased():
            return replace(begun(person, event), name=ERASED, title=ERASED, email=ERASED, active=False, erased=True)
        case PersonWithdrawn():
            return replace(begun(person, event), active=False, withdrawn=True)
        case _:
            refuse_unknown(event)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person stands; empty ids: in no unit, reports to nobody."""

    unit_id: str = ""
    manager_id: str = ""


@dataclass(frozen=True, slots=True)
class Employment:
    """What the company's own files say of a person; an empty code, no day: nothing."""

    code: str = ""
    joined_on: date | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    id: str
    name: str
    head_id: str = ""
    parent_id: str = ""
    """The unit that it is a part of; empty: of none."""
    closed: bool = False
    withdrawn: bool = False
    """It is closed because it was made by mistake."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant's units, reporting lines and employee codes: one stream, so that no two changes at once make a circle
    or give two people one code."""

    units: Mapping[str, Unit] = field(default_factory=dict[str, Unit])
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    employments: Mapping[str, Employment] = field(default_factory=dict[str, Employment])
    coded: Mapping[str, str] = field(default_factory=dict[str, str])
    """Who has an employee code, by how it is read."""
    peopled: frozenset[str] = frozenset()
    """The units that somebody is or was in."""


OrganisationEvent = (
    EmploymentChanged
    | UnitCreated
    | UnitRenamed
    | UnitMoved
    | UnitClosed
    | UnitHeadAppointed
    | UnitWithdrawn
    | PlaceAssigned
)


def evolve_organisation(organisation: Organisation, event: OrganisationEvent) -> Organisation:
    match event:
        case UnitCreated():
            unit = Unit(event.unit_id, event.name, parent_id=event.parent_id)
            return replace(organisation, units={**organisation.units, unit.id: unit})
        case UnitRenamed():
            return _with_unit(organisation, event.unit_id, name=event.after)
        case UnitMoved():
            return _with_unit(organisation, event.unit_id, parent_id=event.after)
        case UnitClosed():
            return _with_unit(organisation, event.unit_id, closed=True)
        case UnitWithdrawn():
            return _with_unit(organisation, event.unit_id, closed=True, withdrawn=True)
        case UnitHeadAppointed():
            return _with_unit(organisation, event.unit_id, head_id=event.after)
        case EmploymentChanged():
            return _employed(organisation, event)
        case PlaceAssigned():
            place = Place(event.after.unit_id, event.after.manager_id)
            peopled = organisation.peopled
            if place.unit_id not in peopled:
                peopled |= {place.unit_id}
            return replace(organisation, places={**organisation.places, event.person_id: place}, peopled=peopled)
        case _:
            refuse_unknown(event)


def _employed(organisation: Organisation, event: EmploymentChanged) -> Organisation:
    was = organisation.employments.get(event.person_id, Employment())
    now = Employment(event.after.employee_code, to_date(event.after.joined_on))
    coded = (
        {key: id for key, id in organisation.coded.items() if id != event.person_id} if was.code else organisation.coded
    )
    if now.code:
        coded = {**coded, name_key(now.code): event.person_id}
    return replace(organisation, employments={**organisation.employments, event.person_id: now}, coded=coded)


def _with_unit(organisation: Organisation, unit_id: str, **changed: Any) -> Organisation:
    units = {**organisation.units, unit_id: replace(organisation.units[unit_id], **changed)}
    return replace(organisation, units=units)


TENANT = Aggregate[Tenant | None]("tenant", None, evolve_tenant)
PERSON = Aggregate[Person | None]("person", None, evolve_person)
ORGANISATION = Aggregate("organisation", Organisation(), evolve_organisation)
THE_ORGANISATION = "all"
"""The id of a tenant's one organisation stream."""


@dataclass(frozen=True)
class OrgChart:
    """A tenant's people as one service knows them at a moment. What is asked at every call is found once."""

    people: Mapping[str, Person] = field(default_factory=dict[str, Person])
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    units: Mapping[str, Unit] = field(default_factory=dict[str, Unit])
    company: str = ""
    """The tenant's name."""
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo(DEFAULT_TIME_ZONE))
    language: str = DEFAULT_LANGUAGE
    """Of who chose none."""
    logo: str = ""
    """The digest of its image; empty: it has none."""
    suspended: bool = False
    """Nobody of the tenant is let in."""
    deleted: bool = False
    """Its keys were destroyed, and nobody ever is."""
    quotas: Quotas = NO_QUOTAS
    settings: TenantSettings = field(default_factory=TenantSettings)
    integrations: Mapping[str, Integration] = field(default_factory=dict[str, Integration])
    linked: Mapping[str, str] = field(default_factory=dict[str, str])
    """Whom identities at a provider mean: people by the id of the identity."""
    position: int = 0
    """How far the log of people had been applied."""

    def later(self, position: int) -> "OrgChart":
        """The same people, with what was found of them, at a later position."""
        same = copy(self)
        same.__dict__["position"] = position
        return same

    def today(self, at: datetime) -> date:
        """The tenant's day at an instant: days end in its time zone."""
        return at.astimezone(self.time_zone).date()

    def is_active(self, person: str) -> bool:
        return person in self.people and self.people[person].active

    def manager(self, person: str) -> str:
        """The direct manager's id; empty for none."""
        return self.places[person].manager_id if person in self.places else ""

    def managers(self, person: str) -> Iterator[str]:
        """The direct manager and those above, nearest first; ends where a line runs into itself."""
        seen = {person}
        while (person := self.manager(person)) and person not in seen:
            seen.add(person)
            yield person

    def standing_in(self, person: str) -> str:
        """Who answers in a person's place: themselves while they are here; else their successor, or who stands in for
        that one; without any, the nearest active manager above them; empty: nobody (D-09)."""
        seen = set[str]()
        while person not in seen:
            seen.add(person)
            if person not in self.people or self.people[person].active:  # who is not known yet has not left
                return person
            successor = self.people[person].successor_id
            if not successor:
                return next((manager for manager in self.managers(person) if self.is_active(manager)), "")
            person = successor
        return ""

    def units_above(self, unit: str) -> Iterator[str]:
        """A unit and those that it is a part of, nearest first; ends where they run into themselves."""
        seen = set[str]()
        while unit and unit not in seen:
            yield unit
            seen.add(unit)
            unit = self.units[unit].parent_id if unit in self.units else ""

    def key_holder(self, sha256: str, at: datetime) -> Integration | None:
        """The integration that has a key, by the key's digest."""
        holder = self._key_holders.get(sha256)
        good = holder and any(key.sha256 == sha256 for key in holder.good_keys(at, self.today(at)))
        return holder if good else None

    @cached_property
    def _key_holders(self) -> Mapping[str, Integration]:
        return {key.sha256: one for one in self.integrations.values() for key in one.keys}

    def has_role(self, person: str, role: str) -> bool:
        return self.is_active(person) and role in self.people[person].roles

    def executives(self) -> list[str]:
        """Active executives, those nearest the top first."""
        return list(self._executives)

    @cached_property
    def _executives(self) -> list[str]:
        executives = [p for p in self.people if self.has_role(p, "executive")]
        return sorted(executives, key=lambda p: (sum(1 for _ in self.managers(p)), p))

    @cached_property
    def _managing(self) -> frozenset[str]:
        return frozenset(place.manager_id for place in self.places.values())

    def members(self, unit: str) -> int:
        """How many active people are in a unit, without those of its parts."""
        return self._members[unit]

    @cached_property
    def _members(self) -> Counter[str]:
        return Counter(place.unit_id for person, place in self.places.items() if self.is_active(person))

    @cached_property
    def _heading(self) -> frozenset[str]:
        return frozenset(unit.head_id for unit in self.units.values())

    def roles(self, person: str) -> frozenset[str] | None:
        """What access tables ask for: a person's roles, and `manager` and `department_head` by relation.

        None: unknown or inactive here.
        """
        if not self.is_active(person):
            return None
        roles = {"employee", *self.people[person].roles}
        if person in self._managing:
            roles.add("manager")
        if person in self._heading:
            roles.add("department_head")
        return frozenset(roles)
