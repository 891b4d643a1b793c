"""The rhythm of check-ins: rules of the company, of units and of people, holidays, absences (C-02). What calendar
follows from them, `calendar` says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, required_date, to_date
from nhip.checkins.v1.cadence_pb2 import (
    EndCadence,
    NameHoliday,
    NoteAbsence,
    RemoveHoliday,
    SetCadence,
    WithdrawAbsence,
)
from nhip.checkins.v1.events_pb2 import (
    AbsenceNoted,
    AbsenceWithdrawn,
    CadenceEnded,
    CadenceSet,
    HolidayNamed,
    HolidayRemoved,
)

COMPANY = "company"
LONGEST_ABSENCE = 366
LONGEST_HOLIDAY = 31
"""Days."""
_SETTERS = ("admin", "okr_master", "executive")


@dataclass(frozen=True, slots=True)
class Rule:
    """Every so many weeks on a weekday, beginning on the first such day from `first_on` on."""

    every_weeks: int
    weekday: int
    """1 for Monday to 7 for Sunday."""
    first_on: date

    def falls_on(self, day: date) -> bool:
        if day < self.first_on or day.isoweekday() != self.weekday:
            return False
        first = self.first_on + timedelta(days=(self.weekday - self.first_on.isoweekday()) % 7)
        return (day - first).days % (7 * self.every_weeks) == 0


@dataclass(frozen=True, slots=True)
class Cadence:
    """A company's, a unit's or a person's rules, each from its day on; None: from then on the next wider one is in
    force."""

    versions: tuple[tuple[date, Rule | None], ...] = ()

    def on(self, day: date) -> Rule | None:
        return next((rule for since, rule in reversed(self.versions) if since <= day), None)

    def since(self, day: date, rule: Rule | None) -> "Cadence":
        return Cadence((*(version for version in self.versions if version[0] < day), (day, rule)))


def evolve(cadence: Cadence, event: CadenceSet | CadenceEnded) -> Cadence:
    match event:
        case CadenceSet():
            first_on = required_date(event.first_on)
            return cadence.since(first_on, Rule(event.every_weeks, event.weekday, first_on))
        case CadenceEnded():
            return cadence.since(required_date(event.from_on), None)
        case _:
            refuse_unknown(event)


CADENCE = Aggregate("cadence", Cadence(), evolve)


def whose(unit_id: str, person_id: str) -> str:
    """The id of the stream of a rhythm."""
    return f"person.{person_id}" if person_id else f"unit.{unit_id}" if unit_id else COMPANY


def may_set(unit_id: str, person_id: str, actor: str, org: OrgChart) -> bool:
    """The company's rhythm is set by who looks after it; a unit's by its head and who is above, a person's by who is
    above them."""
    if any(org.has_role(actor, role) for role in _SETTERS):
        return True
    if person_id:
        return actor in org.managers(person_id)
    seen = set[str]()
    while unit_id and unit_id not in seen and (unit := org.units.get(unit_id)):
        if unit.head_id and (actor == unit.head_id or actor in org.managers(unit.head_id)):
            return True
        seen.add(unit_id)
        unit_id = unit.parent_id
    return False


def may_set_company(actor: str, org: OrgChart) -> bool:
    return may_set("", "", actor, org)


def set_cadence(cadence: Cadence, command: SetCadence, actor: Actor, org: OrgChart, today: date) -> Decision:
    _check_setter(command.unit_id, command.person_id, actor, org)
    first_on = required_date(command.first_on)
    if first_on < today and not actor.is_importer:
        raise Rejected(
            "FIRST_DAY_PAST",
            "nothing is due of days that are over: give today or a later day",
            kind=Kind.INVALID,
            field="first_on",
            rule="C-02",
        )
    rule = Rule(command.every_weeks or 2, command.weekday, first_on)
    if cadence.since(first_on, rule) == cadence:
        return []
    same = cadence.on(first_on)
    if same and cadence.versions[-1][1] == same and _same_days(same, rule, first_on):
        return []
    event = CadenceSet(
        unit_id=command.unit_id,
        person_id=command.person_id,
        every_weeks=rule.every_weeks,
        weekday=command.weekday,
        first_on=command.first_on,
    )
    return [StreamEvent(CADENCE(whose(command.unit_id, command.person_id)), event)]


def _same_days(one: Rule, other: Rule, since: date) -> bool:
    days = [since + timedelta(days=number) for number in range(28)]
    return [one.falls_on(day) for day in days] == [other.falls_on(day) for day in days]


def end_cadence(cadence: Cadence, command: EndCadence, actor: Actor, org: OrgChart, today: date) -> Decision:
    _check_setter(command.unit_id, command.person_id, actor, org)
    from_on = required_date(command.from_on)
    if from_on < today:
        told = "what was due stays so: give today or a later day"
        raise Rejected("FIRST_DAY_PAST", told, kind=Kind.INVALID, field="from_on", rule="C-02")
    if cadence.on(from_on) is None and all(since < from_on for since, _ in cadence.versions):
        return []
    ended = CadenceEnded(unit_id=command.unit_id, person_id=command.person_id, from_on=command.from_on)
    return [StreamEvent(CADENCE(whose(command.unit_id, command.person_id)), ended)]


def _check_setter(unit_id: str, person_id: str, actor: Actor, org: OrgChart) -> None:
    if unit_id and person_id:
        told = "name a unit, or a person, or neither"
        raise Rejected("SCOPE_UNCLEAR", told, kind=Kind.INVALID, field="person_id", rule="C-02")
    if unit_id and (unit_id not in org.units or org.units[unit_id].closed):
        raise unknown("unit", unit_id, "unit_id")
    if person_id and not org.is_active(person_id):
        raise unknown("person", person_id, "person_id")
    if not actor.is_importer and not may_set(unit_id, person_id, actor.id, org):
        raise Rejected(
            "RHYTHM_NOT_YOURS",
            "a company's rhythm is set by who looks after it, a unit's by its head, a person's by their manager",
            kind=Kind.FORBIDDEN,
            rule="C-02",
        )


# --- holidays ---


@dataclass(frozen=True, slots=True)
class Days:
    """From a day to a day, both of them included."""

    first_on: date
    last_on: date

    def __contains__(self, day: date) -> bool:
        return self.first_on <= day <= self.last_on


@dataclass(frozen=True, slots=True)
class Holiday:
    days: Days
    name: str


Holidays = Mapping[date, Holiday]
"""By their first days."""


def evolve_holidays(holidays: Holidays, event: HolidayNamed | HolidayRemoved) -> Holidays:
    match event:
        case HolidayNamed():
            first_on = required_date(event.first_on)
            return {**holidays, first_on: Holiday(Days(first_on, required_date(event.last_on)), event.name)}
        case HolidayRemoved():
            return {day: one for day, one in holidays.items() if day != required_date(event.first_on)}
        case _:
            refuse_unknown(event)


HOLIDAYS = Aggregate[Holidays]("holidays", {}, evolve_holidays)
ALL = "all"
"""The id of a company's one stream of holidays."""


def name_holiday(holidays: Holidays, command: NameHoliday, actor: Actor, org: OrgChart) -> Decision:
    _check_company(actor, org)
    first_on = required_date(command.first_on)
    days = _days(first_on, to_date(command.last_on) or first_on, LONGEST_HOLIDAY)
    if holidays.get(first_on) == Holiday(days, command.name):
        return []
    named = HolidayNamed(first_on=from_date(days.first_on), last_on=from_date(days.last_on), name=command.name)
    return [StreamEvent(HOLIDAYS(ALL), named)]


def remove_holiday(holidays: Holidays, command: RemoveHoliday, actor: Actor, org: OrgChart) -> Decision:
    _check_company(actor, org)
    holiday = holidays.get(required_date(command.first_on))
    if holiday is None:
        return []
    return [StreamEvent(HOLIDAYS(ALL), HolidayRemoved(first_on=command.first_on, name=holiday.name))]


def _check_company(actor: Actor, org: OrgChart) -> None:
    if not actor.is_importer and not may_set_company(actor.id, org):
        told = "holidays are named by administrators, OKR masters and executives"
        raise Rejected("RHYTHM_NOT_YOURS", told, kind=Kind.FORBIDDEN, rule="C-02")


def _days(first_on: date, last_on: date, longest: int) -> Days:
    if last_on < first_on:
        raise Rejected(
            "DAYS_REVERSED", "the last day is not before the first", kind=Kind.INVALID, field="last_on", rule="C-02"
        )
    if (last_on - first_on).days >= longest:
        raise Rejected(
            "TOO_MANY_DAYS",
            f"at most {longest} days at once",
            kind=Kind.INVALID,
            field="last_on",
            rule="C-02",
            parameters={"most": str(longest)},
        )
    return Days(first_on, last_on)


# --- absences ---

Absences = Mapping[date, Days]
"""A person's, by their first days."""


def evolve_absences(absences: Absences, event: AbsenceNoted | AbsenceWithdrawn) -> Absences:
    match event:
        case AbsenceNoted():
            first_on = required_date(event.first_on)
            return {**absences, first_on: Days(first_on, required_date(event.last_on))}
        case AbsenceWithdrawn():
            return {day: one for day, one in absences.items() if day != required_date(event.first_on)}
        case _:
            refuse_unknown(event)


ABSENCE = Aggregate[Absences]("absence", {}, evolve_absences)


def may_note_absence(person_id: str, actor: str, org: OrgChart) -> bool:
    return actor == person_id or actor in org.managers(person_id)


def note_absence(absences: Absences, command: NoteAbsence, actor: Actor, org: OrgChart) -> Decision:
    _check_absence(command.person_id, actor, org)
    first_on = required_date(command.first_on)
    days = _days(first_on, to_date(command.last_on) or first_on, LONGEST_ABSENCE)
    if absences.get(first_on) == days:
        return []
    noted = AbsenceNoted(
        person_id=command.person_id,
        first_on=from_date(days.first_on),
        last_on=from_date(days.last_on),
        by_id=actor.id,
    )
    return [StreamEvent(ABSENCE(command.person_id), noted)]


def withdraw_absence(absences: Absences, command: WithdrawAbsence, actor: Actor, org: OrgChart) -> Decision:
    _check_absence(command.person_id, actor, org)
    if required_date(command.first_on) not in absences:
        return []
    withdrawn = AbsenceWithdrawn(person_id=command.person_id, first_on=command.first_on, by_id=actor.id)
    return [StreamEvent(ABSENCE(command.person_id), withdrawn)]


def _check_absence(person_id: str, actor: Actor, org: OrgChart) -> None:
    if not org.is_active(person_id):
        raise unknown("person", person_id, "person_id")
    if not may_note_absence(person_id, actor.id, org):
        told = "an absence is noted by the person, or by who is above them"
        raise Rejected("NOT_THEIR_MANAGER", told, kind=Kind.FORBIDDEN, rule="C-02")
