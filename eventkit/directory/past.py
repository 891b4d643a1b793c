"""Who stood where at a past moment: every version of places, units, roles, titles and who was there, and the people as
of then.

For services that answer for past days; they keep `past_views()` beside the directory. Names of people are of today.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TypeVar

import asyncpg

from eventkit.commands.aggregate import Aggregate, UnknownEvent
from eventkit.directory.facts import ORGANISATION, PERSON, OrgChart, Person, Place, Unit, role_name
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import AnyView, Rows, View, WrittenWhole
from eventkit.subscriptions.table import reading
from eventkit.values import packed, to_date, to_datetime
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1.events_pb2 import (
    EmailChanged,
    EmploymentChanged,
    NameChanged,
    PersonDeactivated,
    PersonErased,
    PersonReactivated,
    PersonRegistered,
    PersonWithdrawn,
    PlaceAssigned,
    RolesChanged,
    TitleChanged,
    UnitClosed,
    UnitCreated,
    UnitHeadAppointed,
    UnitMoved,
    UnitRenamed,
    UnitWithdrawn,
)

State = TypeVar("State")
REMEMBERED = 8
"""Moments whose people are kept in memory; all that did not change since is shared with today's."""


@dataclass(frozen=True, slots=True)
class PastPlaceRow:
    tenant: str
    person_id: str
    version: int
    at: datetime
    unit_id: str
    manager_id: str


class PastPlaceView(WrittenWhole[PastPlaceRow, PlaceAssigned]):
    name, source, categories = "past_place", "people", (ORGANISATION.category,)
    key, indexes = ("tenant", "person_id", "version"), ("tenant, at",)
    version, row = VERSION, PastPlaceRow
    folds = (PlaceAssigned,)
    passes_over = (EmploymentChanged, UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed, UnitWithdrawn)

    def written(self, event: Recorded, e: PlaceAssigned) -> PastPlaceRow:
        place = e.after
        return PastPlaceRow(
            event.tenant, e.person_id, event.version, event.recorded_at, place.unit_id, place.manager_id
        )

    def expected(self, events: Sequence[Recorded]) -> Iterable[PastPlaceRow]:
        for event, state in _after(ORGANISATION, events):
            if isinstance(event.message, PlaceAssigned):
                place = state.places[event.message.person_id]
                yield replace(self.written(event, event.message), unit_id=place.unit_id, manager_id=place.manager_id)


@dataclass(frozen=True, slots=True)
class PastUnitRow:
    """One fact about a unit since one event: its `name`, `parent` or `head`, or that it is `closed`."""

    tenant: str
    unit_id: str
    fact: str
    version: int
    at: datetime
    value: str
    """Of `closed`: `yes`, or empty."""


class PastUnitView(View[PastUnitRow]):
    name, source, categories = "past_unit", "people", (ORGANISATION.category,)
    key, indexes = ("tenant", "unit_id", "fact", "version"), ("tenant, at",)
    version, row = VERSION, PastUnitRow
    folds = (UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed, UnitWithdrawn)
    passes_over = (EmploymentChanged, PlaceAssigned)

    def fold(self, rows: Rows[PastUnitRow], event: Recorded) -> None:
        for row in self._rows(event):
            rows.put(row)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PastUnitRow]:
        for event, state in _after(ORGANISATION, events):
            for row in self._rows(event) if self.concerned(event) else ():
                unit = state.units[row.unit_id]
                closed = "yes" if unit.closed else ""
                facts = {"name": unit.name, "parent": unit.parent_id, "head": unit.head_id, "closed": closed}
                yield replace(row, value=facts[row.fact])

    def _rows(self, event: Recorded) -> Iterator[PastUnitRow]:
        match event.message:
            case UnitCreated() as e:
                facts = {"name": e.name, "parent": e.parent_id, "head": "", "closed": ""}
            case UnitRenamed() as e:
                facts = {"name": e.after}
            case UnitMoved() as e:
                facts = {"parent": e.after}
            case UnitHeadAppointed() as e:
                facts = {"head": e.after}
            case UnitClosed() | UnitWithdrawn() as e:
                facts = {"closed": "yes"}
            case _:
                raise UnknownEvent(event.message)
        for fact, value in facts.items():
            yield PastUnitRow(event.tenant, e.unit_id, fact, event.version, event.recorded_at, value)


@dataclass(frozen=True, slots=True)
class PresenceRow:
    tenant: str
    person_id: str
    version: int
    at: datetime
    active: bool
    successor_id: str


_Presence = PersonRegistered | PersonDeactivated | PersonReactivated | PersonErased | PersonWithdrawn


class PresenceView(WrittenWhole[PresenceRow, _Presence]):
    """From when on somebody was there or had left, and who was named in their place."""

    name, source, categories = "presence", "people", (PERSON.category,)
    key, indexes = ("tenant", "person_id", "version"), ("tenant, at",)
    version, row = VERSION, PresenceRow
    folds = (PersonDeactivated, PersonErased, PersonReactivated, PersonRegistered, PersonWithdrawn)
    passes_over = (EmailChanged, NameChanged, RolesChanged, TitleChanged)

    def written(self, event: Recorded, e: _Presence) -> PresenceRow:
        active = isinstance(e, PersonRegistered | PersonReactivated)
        successor = e.successor_id if isinstance(e, PersonDeactivated) else ""
        return PresenceRow(event.tenant, e.person_id, event.version, event.recorded_at, active, successor)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PresenceRow]:
        for event, person in _after(PERSON, events):
            if person and isinstance(event.message, _Presence):
                successor = person.successor_id if isinstance(event.message, PersonDeactivated) else ""
                yield replace(self.written(event, event.message), active=person.active, successor_id=successor)


@dataclass(frozen=True, slots=True)
class PastRolesRow:
    tenant: str
    person_id: str
    version: int
    at: datetime
    roles: list[str]


class PastRolesView(WrittenWhole[PastRolesRow, PersonRegistered | RolesChanged]):
    name, source, categories = "past_roles", "people", (PERSON.category,)
    key, indexes = ("tenant", "person_id", "version"), ("tenant, at",)
    version, row = VERSION, PastRolesRow
    folds = (PersonRegistered, RolesChanged)
    passes_over = (
        EmailChanged,
        NameChanged,
        PersonDeactivated,
        PersonErased,
        PersonReactivated,
        PersonWithdrawn,
        TitleChanged,
    )

    def written(self, event: Recorded, e: PersonRegistered | RolesChanged) -> PastRolesRow:
        roles = e.roles if isinstance(e, PersonRegistered) else e.after
        return PastRolesRow(event.tenant, e.person_id, event.version, event.recorded_at, [role_name(r) for r in roles])

    def expected(self, events: Sequence[Recorded]) -> Iterable[PastRolesRow]:
        for event, person in _after(PERSON, events):
            if person and isinstance(event.message, PersonRegistered | RolesChanged):
                yield replace(self.written(event, event.message), roles=list(person.roles))


@dataclass(frozen=True, slots=True)
class PastTitleRow:
    tenant: str
    person_id: str
    version: int
    at: datetime
    title: bytes
    """Sealed."""


class PastTitleView(WrittenWhole[PastTitleRow, PersonRegistered | TitleChanged]):
    name, source, categories = "past_title", "people", (PERSON.category,)
    key, indexes = ("tenant", "person_id", "version"), ("tenant, at",)
    version, row = VERSION, PastTitleRow
    folds = (PersonRegistered, TitleChanged)
    passes_over = (
        EmailChanged,
        NameChanged,
        PersonDeactivated,
        PersonErased,
        PersonReactivated,
        PersonWithdrawn,
        RolesChanged,
    )

    def written(self, event: Recorded, e: PersonRegistered | TitleChanged) -> PastTitleRow:
        return PastTitleRow(event.tenant, e.person_id, event.version, event.recorded_at, packed(e.title))

    def expected(self, events: Sequence[Recorded]) -> Iterable[PastTitleRow]:
        for event, person in _after(PERSON, events):
            if person and isinstance(event.message, PersonRegistered | TitleChanged):
                yield replace(self.written(event, event.message), title=packed(person.title))


def _after(aggregate: Aggregate[State], events: Iterable[Recorded]) -> Iterator[tuple[Recorded, State]]:
    """Each event of a stream, with the state that it leaves."""
    state = aggregate.initial
    for event in events:
        if event.message is not None:
            state = aggregate.evolve(state, event.message)
            yield event, state


def past_views() -> list[AnyView]:
    return [PastPlaceView(), PastUnitView(), PresenceView(), PastRolesView(), PastTitleView()]


PLACES, UNITS, PRESENCES, ROLES, TITLES = (
    PastPlaceView().table,
    PastUnitView().table,
    PresenceView().table,
    PastRolesView().table,
    PastTitleView().table,
)
# The last version by a moment; of what came later its first: an import tells of days before it.
_THEN = """select distinct on ({key}) * from {table} where tenant = $1
order by {key}, (at <= $2) desc, case when at <= $2 then version end desc, {first}"""
# A unit is made before anybody can head it: its first head is who was named first.
_FIRST_HEAD = "fact = 'head' and value = '', version"
_CHANGED = " or ".join(
    f"exists(select from {table} where tenant = $1 and at > $2)" for table in (PLACES, UNITS, PRESENCES, ROLES, TITLES)
)


class Past:
    """People as of past moments, read on demand."""

    def __init__(self, pool: asyncpg.Pool):
        self._pool = pool
        self._known: OrderedDict[tuple[str, datetime, int], OrgChart] = OrderedDict()

    async def then(self, org: OrgChart, tenant: str, as_of: AsOf, at: datetime) -> OrgChart:
        """`org` as it was at the end of the day that is asked for, as far as it was known at its instant; what is still
        to come is now, at `at`."""
        today = org.today(at)
        on = min(to_date(as_of.effective_on) or today, today)
        known = to_datetime(as_of.recorded_at) if as_of.HasField("recorded_at") else None
        if on >= today and (known is None or known >= at):
            return org
        ends = datetime.combine(on + timedelta(days=1), time(), org.time_zone) - timedelta(microseconds=1)
        return await self.chart(org, tenant, ends if known is None else min(known, ends))

    async def chart(self, org: OrgChart, tenant: str, until: datetime) -> OrgChart:
        """`org`, with everybody's place, title and roles, every unit and who was there as recorded at `until`."""
        key = tenant, until, org.position
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        async with reading(self._pool, tenant) as con:
            if not await con.fetchval(f"select {_CHANGED}", tenant, until):
                return self._remember(key, org)
            places = await con.fetch(_THEN.format(key="person_id", table=PLACES, first="version"), tenant, until)
            units = await con.fetch(_THEN.format(key="unit_id, fact", table=UNITS, first=_FIRST_HEAD), tenant, until)
            presences = await con.fetch(_THEN.format(key="person_id", table=PRESENCES, first="version"), tenant, until)
            roles = await con.fetch(_THEN.format(key="person_id", table=ROLES, first="version"), tenant, until)
            titles = await con.fetch(_THEN.format(key="person_id", table=TITLES, first="version"), tenant, until)
        facts = dict[str, dict[str, str]]()
        mistakes = {one.id for one in (*org.people.values(), *org.units.values()) if one.withdrawn}
        for row in units:
            facts.setdefault(row["unit_id"], {})[row["fact"]] = row["value"]
            if row["fact"] == "closed":
                # What was made by mistake was not there before it was made; all else is told of those days, too.
                never = row["at"] > until and row["unit_id"] in mistakes
                facts[row["unit_id"]]["closed"] = "yes" if never else row["value"]
        chart = _as_of(
            org,
            {row["person_id"]: Place(row["unit_id"], row["manager_id"]) for row in places},
            facts,
            {
                row["person_id"]: (
                    row["active"] and not (row["at"] > until and row["person_id"] in mistakes),
                    row["successor_id"],
                )
                for row in presences
            },
            {row["person_id"]: tuple(row["roles"]) for row in roles},
            {row["person_id"]: row["title"] for row in titles},
        )
        return self._remember(key, chart)

    def _remember(self, key: tuple[str, datetime, int], chart: OrgChart) -> OrgChart:
        self._known[key] = chart
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return chart


def _as_of(
    org: OrgChart,
    places: Mapping[str, Place],
    units: Mapping[str, Mapping[str, str]],
    presences: Mapping[str, tuple[bool, str]],
    roles: Mapping[str, tuple[str, ...]],
    titles: Mapping[str, bytes],
) -> OrgChart:
    """Whatever is as it was is the same object as today's."""
    then = {
        id: person if id not in presences else _person(person, *presences[id], roles[id], titles[id])
        for id, person in org.people.items()
    }
    return replace(
        org,
        people=then,
        units={id: _unit(unit, units[id]) if id in units else unit for id, unit in org.units.items()},
        places={id: org.places[id] if org.places.get(id) == place else place for id, place in places.items()},
    )


def _person(person: Person, active: bool, successor: str, roles: tuple[str, ...], title: bytes) -> Person:
    """Of who is erased no title is left, on no day."""
    sealed = person.title if person.erased or packed(person.title) == title else PersonalText.FromString(title)
    withdrawn = person.withdrawn and not active
    if (person.active, person.successor_id, person.roles, person.title) == (active, successor, roles, sealed):
        return person
    return replace(person, active=active, successor_id=successor, roles=roles, title=sealed, withdrawn=withdrawn)


def _unit(unit: Unit, then: Mapping[str, str]) -> Unit:
    closed = then["closed"] == "yes"
    was = Unit(unit.id, then["name"], then["head"], then["parent"], closed, unit.withdrawn and closed)
    return unit if unit == was else was
