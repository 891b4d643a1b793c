"""The directory's read models of the company, its people and its units: small tables in every service's own
database."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from eventkit.commands.aggregate import UnknownEvent
from eventkit.directory.credential_views import IdentityView, IntegrationView
from eventkit.directory.defaults import DEFAULT_LANGUAGE
from eventkit.directory.facts import ERASED, ORGANISATION, PERSON, TENANT, role_name
from eventkit.directory.tenant_settings import SETTINGS, changes_of, values_of
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import AnyView, Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from eventkit.values import packed
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
    SettingsChanged,
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
class TenantRow:
    tenant: str
    name: str
    time_zone: str
    language: str
    logo: str
    suspended: bool = False
    deleted: bool = False
    most_people: int = 0
    most_kpis: int = 0
    most_calls: int = 0


class TenantView(View[TenantRow]):
    """Of a tenant that was deleted it keeps that it was, or in an older version that it is suspended."""

    name, source, categories, key = "directory_tenant", "people", (TENANT.category,), ("tenant",)
    version = VERSION
    outlives, blanks = True, ("name", "logo")
    row = TenantRow
    folds = (
        CompanyRenamed,
        LanguageChanged,
        LogoChanged,
        TenantCreated,
        TenantDeleted,
        TenantQuotasSet,
        TenantResumed,
        TenantSuspended,
        TimeZoneChanged,
    )
    passes_over = (TenantDeletionApproved, TenantDeletionBegun, TenantDeletionRequested, TenantKept)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant,),)

    def fold(self, rows: Rows[TenantRow], event: Recorded) -> None:
        match event.message:
            case TenantCreated() as e:
                rows.put(TenantRow(event.tenant, e.name, e.time_zone, DEFAULT_LANGUAGE, ""))
            case CompanyRenamed() as e:
                rows.put(replace(rows[event.tenant,], name=e.after))
            case TimeZoneChanged() as e:
                rows.put(replace(rows[event.tenant,], time_zone=e.after))
            case LanguageChanged() as e:
                rows.put(replace(rows[event.tenant,], language=e.after))
            case LogoChanged() as e:
                rows.put(replace(rows[event.tenant,], logo=e.after))
            case TenantSuspended():
                rows.put(replace(rows[event.tenant,], suspended=True))
            case TenantResumed():
                rows.put(replace(rows[event.tenant,], suspended=False))
            case TenantQuotasSet() as e:
                most = {"most_people": e.after.people, "most_kpis": e.after.kpis, "most_calls": e.after.calls}
                rows.put(replace(rows[event.tenant,], **most))
            case TenantDeleted():
                rows.put(replace(rows[event.tenant,], name="", logo="", suspended=True, deleted=True))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[TenantRow]:
        if state := TENANT.fold(messages(events)):
            words = (state.name, state.time_zone, state.language, state.logo)
            most = (state.quotas.people, state.quotas.kpis, state.quotas.calls)
            yield TenantRow(events[0].tenant, *words, state.suspended, state.deleted, *most)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting of one decision; they are few, and all are kept."""

    tenant: str
    name: str
    version: int
    """Of the stream: the later of two decisions has the greater one."""
    before: Decimal
    after: Decimal
    value: Decimal | None
    """What it is since; None: its default, whatever that will be."""
    effective_on: date
    recorded_at: datetime
    actor: str
    reason: bytes
    """Sealed."""


class SettingView(View[SettingRow]):
    name, source, categories = "directory_setting", "people", (SETTINGS.category,)
    key = ("tenant", "name", "version")
    version = VERSION
    row = SettingRow
    folds = (SettingsChanged,)

    def fold(self, rows: Rows[SettingRow], event: Recorded) -> None:
        for row in self._rows(event):
            rows.put(row)

    def expected(self, events: Sequence[Recorded]) -> Iterable[SettingRow]:
        changes = iter(SETTINGS.fold(messages(events)).changes)
        for event in filter(self.concerned, events):
            for row in self._rows(event):
                change = next(changes)
                yield replace(row, name=change.name, value=change.value, effective_on=change.effective_on)

    def _rows(self, event: Recorded) -> Iterator[SettingRow]:
        e = event.message
        assert isinstance(e, SettingsChanged)
        before, after, reason = values_of(e.before), values_of(e.after), packed(e.reason)
        for change in changes_of(e):
            yield SettingRow(
                event.tenant,
                change.name,
                event.version,
                before[change.name],
                after[change.name],
                change.value,
                change.effective_on,
                event.recorded_at,
                event.origin.actor,
                reason,
            )


@dataclass(frozen=True, slots=True)
class PersonRow:
    tenant: str
    person_id: str
    name: bytes
    title: bytes
    email: bytes
    roles: list[str]
    active: bool
    erased: bool
    successor_id: str
    withdrawn: bool


class PersonView(View[PersonRow]):
    """Name, title and e-mail address stay sealed; of who is erased not even that is left."""

    name, source, categories, key = "directory_person", "people", (PERSON.category,), ("tenant", "person_id")
    version = VERSION
    row = PersonRow
    folds = (
        EmailChanged,
        NameChanged,
        PersonDeactivated,
        PersonErased,
        PersonReactivated,
        PersonRegistered,
        PersonWithdrawn,
        RolesChanged,
        TitleChanged,
    )

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[PersonRow], event: Recorded) -> None:
        key = (event.tenant, event.stream.id)
        match event.message:
            case PersonRegistered() as e:
                sealed = (packed(e.name), packed(e.title), packed(e.email))
                roles = [role_name(r) for r in e.roles]
                rows.put(PersonRow(*key, *sealed, roles, active=True, erased=False, successor_id="", withdrawn=False))
            case NameChanged() as e:
                rows.put(replace(rows[key], name=packed(e.name)))
            case TitleChanged() as e:
                rows.put(replace(rows[key], title=packed(e.title)))
            case EmailChanged() as e:
                rows.put(replace(rows[key], email=packed(e.email)))
            case RolesChanged() as e:
                rows.put(replace(rows[key], roles=[role_name(r) for r in e.after]))
            case PersonDeactivated() as e:
                rows.put(replace(rows[key], active=False, successor_id=e.successor_id))
            case PersonReactivated():
                rows.put(replace(rows[key], active=True, successor_id="", withdrawn=False))
            case PersonErased():
                erased = packed(ERASED)
                rows.put(replace(rows[key], name=erased, title=erased, email=erased, active=False, erased=True))
            case PersonWithdrawn():
                rows.put(replace(rows[key], active=False, withdrawn=True))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PersonRow]:
        if p := PERSON.fold(messages(events)):
            sealed = (packed(p.name), packed(p.title), packed(p.email))
            facts = (list(p.roles), p.active, p.erased, p.successor_id, p.withdrawn)
            yield PersonRow(events[0].tenant, p.id, *sealed, *facts)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    tenant: str
    person_id: str
    unit_id: str
    manager_id: str


class PlaceView(WrittenWhole[PlaceRow, PlaceAssigned]):
    name, source, categories, key = "directory_place", "people", (ORGANISATION.category,), ("tenant", "person_id")
    version = VERSION
    row = PlaceRow
    folds = (PlaceAssigned,)
    passes_over = (EmploymentChanged, UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed, UnitWithdrawn)

    def written(self, event: Recorded, e: PlaceAssigned) -> PlaceRow:
        return PlaceRow(event.tenant, e.person_id, e.after.unit_id, e.after.manager_id)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PlaceRow]:
        for person, place in ORGANISATION.fold(messages(events)).places.items():
            yield PlaceRow(events[0].tenant, person, place.unit_id, place.manager_id)


@dataclass(frozen=True, slots=True)
class UnitRow:
    tenant: str
    unit_id: str
    name: str
    head_id: str
    parent_id: str
    closed: bool
    withdrawn: bool


class UnitView(View[UnitRow]):
    name, source, categories, key = "directory_unit", "people", (ORGANISATION.category,), ("tenant", "unit_id")
    version = VERSION
    row = UnitRow
    folds = (UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed, UnitWithdrawn)
    passes_over = (EmploymentChanged, PlaceAssigned)

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case UnitClosed() | UnitHeadAppointed() | UnitMoved() | UnitRenamed() | UnitWithdrawn() as e:
                return ((event.tenant, e.unit_id),)
            case _:
                return ()

    def fold(self, rows: Rows[UnitRow], event: Recorded) -> None:
        match event.message:
            case UnitCreated() as e:
                rows.put(UnitRow(event.tenant, e.unit_id, e.name, "", e.parent_id, closed=False, withdrawn=False))
            case UnitRenamed() as e:
                rows.put(replace(rows[event.tenant, e.unit_id], name=e.after))
            case UnitMoved() as e:
                rows.put(replace(rows[event.tenant, e.unit_id], parent_id=e.after))
            case UnitClosed() as e:
                rows.put(replace(rows[event.tenant, e.unit_id], closed=True))
            case UnitWithdrawn() as e:
                rows.put(replace(rows[event.tenant, e.unit_id], closed=True, withdrawn=True))
            case UnitHeadAppointed() as e:
                rows.put(replace(rows[event.tenant, e.unit_id], head_id=e.after))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[UnitRow]:
        for unit in ORGANISATION.fold(messages(events)).units.values():
            facts = (unit.name, unit.head_id, unit.parent_id, unit.closed, unit.withdrawn)
            yield UnitRow(events[0].tenant, unit.id, *facts)


def views() -> list[AnyView]:
    """The directory, for a service to keep."""
    return [TenantView(), SettingView(), PersonView(), PlaceView(), UnitView(), IntegrationView(), IdentityView()]
