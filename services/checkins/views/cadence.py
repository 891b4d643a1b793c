"""What calendars are made of: rhythms, holidays, absences; and of whom a check-in fell due."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from eventkit.commands.aggregate import UnknownEvent
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import required_date
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import (
    AbsenceNoted,
    AbsenceWithdrawn,
    CadenceEnded,
    CadenceSet,
    CheckInsFellDue,
    HolidayNamed,
    HolidayRemoved,
)
from services.checkins.domain import cadence
from services.checkins.domain.cadence import ABSENCE, CADENCE, HOLIDAYS, Cadence, Rule
from services.checkins.domain.slot import SLOT
from services.checkins.views import VERSION


@dataclass(frozen=True, slots=True)
class CadenceRow:
    tenant: str
    whose: str
    """The id of its stream: company, unit.<id>, person.<id>."""
    versions: list[str]
    """Each "<from the day> <weeks> <weekday> <first day>", or only the day from which on there is none."""


class CadenceView(View[CadenceRow]):
    name, source, categories, key = "cadence", "checkins", (CADENCE.category,), ("tenant", "whose")
    version = VERSION
    row = CadenceRow
    folds = (CadenceEnded, CadenceSet)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant, event.stream.id),)

    def fold(self, rows: Rows[CadenceRow], event: Recorded) -> None:
        match event.message:
            case CadenceSet() as e:
                since = required_date(e.first_on).isoformat()
                version = f"{since} {e.every_weeks} {e.weekday} {since}"
            case CadenceEnded() as e:
                since = version = required_date(e.from_on).isoformat()
            case _:
                raise UnknownEvent(event.message)
        row = rows.get(event.tenant, event.stream.id)
        kept = [one for one in row.versions if one[:10] < since] if row else []
        rows.put(CadenceRow(event.tenant, event.stream.id, [*kept, version]))

    def expected(self, events: Sequence[Recorded]) -> Iterable[CadenceRow]:
        state = CADENCE.fold(messages(events))
        versions = [
            f"{since} {rule.every_weeks} {rule.weekday} {rule.first_on}" if rule else f"{since}"
            for since, rule in state.versions
        ]
        yield CadenceRow(events[0].tenant, events[0].stream.id, versions)


def cadence_of(versions: Iterable[str]) -> Cadence:
    """What a row says."""
    found: list[tuple[date, Rule | None]] = []
    for version in versions:
        since, *said = version.split(" ")
        rule = Rule(int(said[0]), int(said[1]), date.fromisoformat(said[2])) if said else None
        found.append((date.fromisoformat(since), rule))
    return Cadence(tuple(found))


CADENCES = CadenceView().table


@dataclass(frozen=True, slots=True)
class HolidayRow:
    tenant: str
    first_on: date
    last_on: date
    name: str
    removed: bool


class HolidayView(View[HolidayRow]):
    name, source, categories, key = "holiday", "checkins", (HOLIDAYS.category,), ("tenant", "first_on")
    version = VERSION
    row = HolidayRow
    folds = (HolidayNamed, HolidayRemoved)

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case HolidayNamed() | HolidayRemoved() as e:
                return ((event.tenant, required_date(e.first_on)),)
            case _:
                return ()

    def fold(self, rows: Rows[HolidayRow], event: Recorded) -> None:
        match event.message:
            case HolidayNamed() as e:
                days = required_date(e.first_on), required_date(e.last_on)
                rows.put(HolidayRow(event.tenant, *days, e.name, removed=False))
            case HolidayRemoved() as e:
                rows.put(replace(rows[event.tenant, required_date(e.first_on)], removed=True))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[HolidayRow]:
        ever = dict[date, cadence.Holiday]()
        state = HOLIDAYS.initial
        for message in messages(events):
            state = HOLIDAYS.evolve(state, message)
            ever |= state
        for first_on, one in ever.items():
            yield HolidayRow(events[0].tenant, first_on, one.days.last_on, one.name, first_on not in state)


HOLIDAY_DAYS = HolidayView().table


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    tenant: str
    person_id: str
    first_on: date
    last_on: date
    withdrawn: bool


class AbsenceView(View[AbsenceRow]):
    name, source, categories = "absence", "checkins", (ABSENCE.category,)
    key, indexes = ("tenant", "person_id", "first_on"), ("tenant, last_on",)
    version = VERSION
    row = AbsenceRow
    folds = (AbsenceNoted, AbsenceWithdrawn)

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case AbsenceNoted() | AbsenceWithdrawn() as e:
                return ((event.tenant, e.person_id, required_date(e.first_on)),)
            case _:
                return ()

    def fold(self, rows: Rows[AbsenceRow], event: Recorded) -> None:
        match event.message:
            case AbsenceNoted() as e:
                days = required_date(e.first_on), required_date(e.last_on)
                rows.put(AbsenceRow(event.tenant, e.person_id, *days, withdrawn=False))
            case AbsenceWithdrawn() as e:
                rows.put(replace(rows[event.tenant, e.person_id, required_date(e.first_on)], withdrawn=True))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[AbsenceRow]:
        ever = dict[date, cadence.Days]()
        state = ABSENCE.initial
        for message in messages(events):
            state = ABSENCE.evolve(state, message)
            ever |= state
        for first_on, days in ever.items():
            stream = events[0].stream
            yield AbsenceRow(events[0].tenant, stream.id, first_on, days.last_on, first_on not in state)


ABSENCE_DAYS = AbsenceView().table


@dataclass(frozen=True, slots=True)
class DueRow:
    """A check-in that was due of somebody, with whom they reported to on its day."""

    tenant: str
    due_on: date
    person_id: str
    manager_id: str
    unit_id: str


class DueView(View[DueRow]):
    name, source, categories = "check_in_due", "checkins", (SLOT.category,)
    key, indexes = ("tenant", "due_on", "person_id"), ("tenant, manager_id, due_on",)
    version = VERSION
    row = DueRow
    folds = (CheckInsFellDue,)

    def fold(self, rows: Rows[DueRow], event: Recorded) -> None:
        match event.message:
            case CheckInsFellDue() as e if e.stage == t.SLOT_STAGE_DUE:
                day = required_date(e.due_on)
                for one in e.people:
                    rows.put(DueRow(event.tenant, day, one.person_id, one.manager_id, one.unit_id))
            case CheckInsFellDue():
                pass
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[DueRow]:
        told = SLOT.fold(messages(events))
        for row in super().expected(events):
            if row.person_id in told:
                yield row


DUES = DueView().table
