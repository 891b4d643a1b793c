"""Who stood where at a past moment: every version of places, heads and who was there, and the people as of then.

For services that answer for past days; they keep `past_views()` beside the directory. Names are those of today.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from eventkit.directory.facts import ORGANISATION, PERSON, OrgChart, Place
from eventkit.directory.views import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import AnyView, WrittenWhole
from eventkit.subscriptions.table import reading
from nhip.people.v1.events_pb2 import (
    EmailChanged,
    EmploymentChanged,
    NameChanged,
    PersonDeactivated,
    PersonErased,
    PersonReactivated,
    PersonRegistered,
    PlaceAssigned,
    RolesChanged,
    TitleChanged,
    UnitClosed,
    UnitCreated,
    UnitHeadAppointed,
    UnitMoved,
    UnitRenamed,
)

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
    passes_over = (EmploymentChanged, UnitClosed, UnitCreated, UnitHeadAppointed, UnitMoved, UnitRenamed)

    def written(self, event: Recorded, e: PlaceAssigned) -> PastPlaceRow:
        place = e.after
        return PastPlaceRow(
            event.tenant, e.person_id, event.version, event.recorded_at, place.unit_id, place.manager_id
        )


@dataclass(frozen=True, slots=True)
class PastHeadRow:
    tenant: str
    unit_id: str
    version: int
    at: datetime
    head_id: str


class PastHeadView(WrittenWhole[PastHeadRow, UnitHeadAppointed]):
    name, source, categories = "past_head", "people", (ORGANISATION.category,)
    key, indexes = ("tenant", "unit_id", "version"), ("tenant, at",)
    version, row = VERSION, PastHeadRow
    folds = (UnitHeadAppointed,)
    passes_over = (EmploymentChanged, PlaceAssigned, UnitClosed, UnitCreated, UnitMoved, UnitRenamed)

    def written(self, event: Recorded, e: UnitHeadAppointed) -> PastHeadRow:
        return PastHeadRow(event.tenant, e.unit_id, event.version, event.recorded_at, e.after)


@dataclass(frozen=True, slots=True)
class PresenceRow:
    tenant: str
    person_id: str
    version: int
    at: datetime
    active: bool
    successor_id: str


_Presence = PersonRegistered | PersonDeactivated | PersonReactivated | PersonErased


class PresenceView(WrittenWhole[PresenceRow, _Presence]):
    """From when on somebody was there or had left, and who was named in their place."""

    name, source, categories = "presence", "people", (PERSON.category,)
    key, indexes = ("tenant", "person_id", "version"), ("tenant, at",)
    version, row = VERSION, PresenceRow
    folds = (PersonDeactivated, PersonErased, PersonReactivated, PersonRegistered)
    passes_over = (EmailChanged, NameChanged, RolesChanged, TitleChanged)

    def written(self, event: Recorded, e: _Presence) -> PresenceRow:
        active = isinstance(e, PersonRegistered | PersonReactivated)
        successor = e.successor_id if isinstance(e, PersonDeactivated) else ""
        return PresenceRow(event.tenant, e.person_id, event.version, event.recorded_at, active, successor)


def past_views() -> list[AnyView]:
    return [PastPlaceView(), PastHeadView(), PresenceView()]


PLACES, HEADS, PRESENCES = PastPlaceView().table, PastHeadView().table, PresenceView().table
# The last version by a moment; of what came later its first: an import tells of days before it.
_THEN = """select distinct on ({key}) * from {table} where tenant = $1
order by {key}, (at <= $2) desc, case when at <= $2 then version end desc, version"""
_CHANGED = " or ".join(
    f"exists(select from {table} where tenant = $1 and at > $2)" for table in (PLACES, HEADS, PRESENCES)
)


class Past:
    """People as of past moments, read on demand."""

    def __init__(self, pool: asyncpg.Pool):
        self._pool = pool
        self._known: OrderedDict[tuple[str, datetime, int], OrgChart] = OrderedDict()

    async def chart(self, org: OrgChart, tenant: str, until: datetime) -> OrgChart:
        """`org`, with everybody's place, every unit's head and who was there as recorded at `until`."""
        key = tenant, until, org.position
        if (known := self._known.get(key)) is not None:
            self._known.move_to_end(key)
            return known
        async with reading(self._pool, tenant) as con:
            if not await con.fetchval(f"select {_CHANGED}", tenant, until):
                return self._remember(key, org)
            places = await con.fetch(_THEN.format(key="person_id", table=PLACES), tenant, until)
            heads = await con.fetch(_THEN.format(key="unit_id", table=HEADS), tenant, until)
            presences = await con.fetch(_THEN.format(key="person_id", table=PRESENCES), tenant, until)
        chart = _as_of(
            org,
            {row["person_id"]: Place(row["unit_id"], row["manager_id"]) for row in places},
            {row["unit_id"]: row["head_id"] for row in heads},
            {row["person_id"]: (row["active"], row["successor_id"]) for row in presences},
        )
        return self._remember(key, chart)

    def _remember(self, key: tuple[str, datetime, int], chart: OrgChart) -> OrgChart:
        self._known[key] = chart
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return chart


def _as_of(
    org: OrgChart, places: Mapping[str, Place], heads: Mapping[str, str], presences: Mapping[str, tuple[bool, str]]
) -> OrgChart:
    """Whatever is as it was is the same object as today's."""
    people = dict(org.people)
    for id, (active, successor) in presences.items():
        if id in people and (people[id].active, people[id].successor_id) != (active, successor):
            people[id] = replace(people[id], active=active, successor_id=successor)
    units = {
        id: unit if unit.head_id == heads.get(id, unit.head_id) else replace(unit, head_id=heads[id])
        for id, unit in org.units.items()
    }
    then = {id: org.places[id] if org.places.get(id) == place else place for id, place in places.items()}
    return replace(org, people=people, units=units, places=then)
