"""Calendars of people, from what this service keeps of rhythms, cycles, places and presence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.past import PLACES, PRESENCES
from services.checkins.domain import calendar as calendars
from services.checkins.domain.cadence import COMPANY, Cadence, Days, whose
from services.checkins.domain.calendar import Calendar, Rhythm
from services.checkins.views.cadence import ABSENCE_DAYS, CADENCES, HOLIDAY_DAYS, cadence_of
from services.checkins.views.check_in import CHECK_INS, CheckInRow
from services.checkins.views.joined import JOINED
from services.checkins.views.known import KNOWN_CYCLES

FAR = timedelta(days=800)


async def cycle_around(con: asyncpg.Connection, tenant: str, day: date) -> Days | None:
    """The innermost cycle that a day lies in; else the next one; else the last one; None: none has begun."""
    cycles = await cycles_near(con, tenant, day)
    around = [cycle for cycle in cycles if day in cycle]
    ahead = [cycle for cycle in cycles if cycle.first_on > day]
    return next(iter([*around, *ahead, *reversed(cycles)]), None)


async def cycles_near(con: asyncpg.Connection, tenant: str, day: date) -> list[Days]:
    """The innermost cycles around a day, in order."""
    rows = await con.fetch(
        f"select starts_on, ends_on from {KNOWN_CYCLES} where tenant = $1 and begun and not withdrawn "
        "and ends_on > $2 and starts_on < $3",
        tenant,
        day - FAR,
        day + FAR,
    )
    return calendars.innermost([Days(row["starts_on"], row["ends_on"]) for row in rows])


async def calendar_of(
    con: asyncpg.Connection, tenant: str, person_id: str, org: OrgChart, day: date
) -> Calendar | None:
    """A person's calendar of the cycle around a day; None: there is no cycle."""
    cycle = await cycle_around(con, tenant, day)
    return (await calendars_of(con, tenant, person_id, org, [cycle]))[0] if cycle else None


async def calendars_of(
    con: asyncpg.Connection, tenant: str, person_id: str, org: OrgChart, cycles: Sequence[Days]
) -> list[Calendar]:
    """A person's calendars of some cycles, in that order."""
    if not cycles:
        return []
    span = Days(min(cycle.first_on for cycle in cycles), max(cycle.last_on for cycle in cycles))
    places = await con.fetch(
        f"select at, unit_id from {PLACES} where tenant = $1 and person_id = $2 order by version", tenant, person_id
    )
    moved = tuple((org.today(row["at"]), row["unit_id"]) for row in places)
    units = {unit for _, unit in moved}
    above = {unit for one in units for unit in _chain(one, org)}
    cadences = await _cadences(con, tenant, [COMPANY, whose("", person_id), *(whose(unit, "") for unit in above)])
    rhythm = Rhythm(
        company=cadences.get(COMPANY, Cadence()),
        units={unit: cadences[whose(unit, "")] for unit in above if whose(unit, "") in cadences},
        parents={unit: org.units[unit].parent_id for unit in above if unit in org.units},
        places=moved,
        person=cadences.get(whose("", person_id), Cadence()),
    )
    holidays, lapsed = await holidays_in(con, tenant, span)
    absences = (await absences_in(con, tenant, span, [person_id])).get(person_id, [])
    present = await _present(con, tenant, person_id, org)
    begun = (await begun_in(con, tenant, span, [person_id])).get(person_id, frozenset())
    return [calendars.calendar(cycle, rhythm, holidays, absences, present).keeping(begun, lapsed) for cycle in cycles]


def _chain(unit_id: str, org: OrgChart) -> list[str]:
    """A unit and those that it is a part of."""
    found: list[str] = []
    while unit_id and unit_id not in found:
        found.append(unit_id)
        unit_id = org.units[unit_id].parent_id if unit_id in org.units else ""
    return found


async def _cadences(con: asyncpg.Connection, tenant: str, ids: Sequence[str]) -> Mapping[str, Cadence]:
    rows = await con.fetch(
        f"select whose, versions from {CADENCES} where tenant = $1 and whose = any($2::text[])", tenant, ids
    )
    return {row["whose"]: cadence_of(row["versions"]) for row in rows}


async def holidays_in(con: asyncpg.Connection, tenant: str, cycle: Days) -> tuple[list[Days], list[Days]]:
    """Those that are kept, and those that were taken back."""
    rows = await con.fetch(
        f"select first_on, last_on, removed from {HOLIDAY_DAYS} where tenant = $1 and last_on >= $2 "
        "and first_on <= $3 order by first_on",
        tenant,
        cycle.first_on,
        cycle.last_on,
    )
    kept, lapsed = list[Days](), list[Days]()
    for row in rows:
        (lapsed if row["removed"] else kept).append(Days(row["first_on"], row["last_on"]))
    return kept, lapsed


async def begun_in(
    con: asyncpg.Connection, tenant: str, span: Days, people: Sequence[str] | None = None
) -> Mapping[str, frozenset[date]]:
    """By person the days for which something was written, as a draft or sent; `people`: None for everybody."""
    rows = await con.fetch(
        f"select person_id, array_agg(due_on) as days from {CHECK_INS} where tenant = $1 and due_on between $2 and $3 "
        "and ($4::text[] is null or person_id = any($4)) group by person_id",
        tenant,
        span.first_on,
        span.last_on,
        people,
    )
    return {row["person_id"]: frozenset(row["days"]) for row in rows}


async def absences_in(
    con: asyncpg.Connection, tenant: str, cycle: Days, people: Sequence[str]
) -> Mapping[str, list[Days]]:
    """By person."""
    rows = await con.fetch(
        f"select person_id, first_on, last_on from {ABSENCE_DAYS} where tenant = $1 and not withdrawn "
        "and last_on >= $2 and first_on <= $3 and person_id = any($4::text[]) order by first_on",
        tenant,
        cycle.first_on,
        cycle.last_on,
        people,
    )
    found: dict[str, list[Days]] = {}
    for row in rows:
        found.setdefault(row["person_id"], []).append(Days(row["first_on"], row["last_on"]))
    return found


async def _present(con: asyncpg.Connection, tenant: str, person_id: str, org: OrgChart) -> Days:
    """From joining, as far as a file says so, to the day before leaving: who has left cannot check in on that day."""
    joined = await con.fetchval(
        f"select joined_on from {JOINED} where tenant = $1 and person_id = $2", tenant, person_id
    )
    left = None
    if not org.is_active(person_id):
        left = await con.fetchval(
            f"select at from {PRESENCES} where tenant = $1 and person_id = $2 and not active order by version desc "
            "limit 1",
            tenant,
            person_id,
        )
    return Days(joined or date.min, org.today(left) - timedelta(days=1) if left else date.max)


@dataclass(frozen=True, slots=True)
class ManagersThen:
    """Whom some people reported to on any day: every place they had, in order."""

    places: Mapping[str, Sequence[tuple[datetime, str]]]
    org: OrgChart

    def on(self, person_id: str, day: date) -> str:
        """At the end of a day, as far as it was known then; of what was recorded only later the first: an import tells
        of days before it."""
        until = datetime.combine(day + timedelta(days=1), time(), self.org.time_zone)
        places = self.places.get(person_id, ())
        by_then = [manager for at, manager in places if at < until]
        return by_then[-1] if by_then else places[0][1] if places else ""


def sent_to(managers: ManagersThen, row: CheckInRow | None, person_id: str, due_on: date, today: date) -> str:
    """To whom a check-in was sent; while it was not, whom they reported to at the end of its day, or report to now."""
    return row.sent_to if row and row.sent_to else managers.on(person_id, min(due_on, today))


async def managers_then(con: asyncpg.Connection, tenant: str, people: Sequence[str], org: OrgChart) -> ManagersThen:
    rows = await con.fetch(
        f"select person_id, at, manager_id from {PLACES} where tenant = $1 and person_id = any($2::text[]) "
        "order by person_id, version",
        tenant,
        people,
    )
    found: dict[str, list[tuple[datetime, str]]] = {}
    for row in rows:
        found.setdefault(row["person_id"], []).append((row["at"], row["manager_id"]))
    return ManagersThen(found, org)


@dataclass(slots=True)
class Everybody:
    """The calendars of all people of a company in one cycle: who has the same rules shares one."""

    cycle: Days
    holidays: Sequence[Days]
    lapsed: Sequence[Days]
    """Holidays that were taken back."""
    cadences: Mapping[str, Cadence]
    org: OrgChart
    begun: Mapping[str, frozenset[date]]
    """By person the days for which something was written, where a holiday may have moved what it was written for."""
    _shared: dict[str, Calendar] = field(default_factory=dict[str, Calendar])
    _people: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The active people of each shared calendar."""

    def due(self, day: date) -> list[str]:
        """Of whom a check-in is due on a day, whether they are away or not."""
        if not self._people:
            for person in self.org.people:
                if self.org.is_active(person):
                    self._people.setdefault(self._key(person), []).append(person)
        due = {p for key, people in self._people.items() if self._of(key, people[0]).slot(day) for p in people}
        for person in self.begun:
            if self.org.is_active(person):
                own = self.calendar(person).slot(day) is not None
                (due.add if own else due.discard)(person)
        return sorted(due)

    def calendar(self, person_id: str, absences: Sequence[Days] = ()) -> Calendar:
        """As if they had been in their unit all along."""
        shared = self._of(self._key(person_id), person_id)
        return shared.keeping(self.begun.get(person_id, ()), self.lapsed).without(absences)

    def _key(self, person_id: str) -> str:
        own = whose("", person_id)
        return own if own in self.cadences else whose(self._unit(person_id), "")

    def _unit(self, person_id: str) -> str:
        return self.org.places[person_id].unit_id if person_id in self.org.places else ""

    def _of(self, key: str, person_id: str) -> Calendar:
        """The calendar under a key, which is one of this person's."""
        if key not in self._shared:
            unit = self._unit(person_id)
            chain = _chain(unit, self.org)
            rhythm = Rhythm(
                company=self.cadences.get(COMPANY, Cadence()),
                units={one: self.cadences[whose(one, "")] for one in chain if whose(one, "") in self.cadences},
                parents={one: self.org.units[one].parent_id for one in chain if one in self.org.units},
                places=((date.min, unit),),
                person=self.cadences.get(whose("", person_id), Cadence()),
            )
            self._shared[key] = calendars.calendar(self.cycle, rhythm, self.holidays)
        return self._shared[key]


async def everybody(
    con: asyncpg.Connection, tenant: str, cycle: Days, org: OrgChart, people: Sequence[str] | None = None
) -> Everybody:
    """`people`: whose calendars are asked for; None: anybody's."""
    rows = await con.fetch(f"select whose, versions from {CADENCES} where tenant = $1", tenant)
    cadences = {row["whose"]: cadence_of(row["versions"]) for row in rows}
    holidays, lapsed = await holidays_in(con, tenant, cycle)
    begun: Mapping[str, frozenset[date]] = {}
    if holidays or lapsed:
        begun = await begun_in(con, tenant, cycle, people)
    return Everybody(cycle, holidays, lapsed, cadences, org, begun)
