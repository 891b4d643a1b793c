"""The calendar that follows from a cycle, rhythms, holidays and absences: which check-ins there are (C-03). Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from services.checkins.domain.cadence import Cadence, Days, Rule

SATURDAY = 6
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The rules around one person: their own, those of the units that they are and were in, the company's."""

    company: Cadence = field(default_factory=Cadence)
    units: Mapping[str, Cadence] = field(default_factory=dict[str, Cadence])
    parents: Mapping[str, str] = field(default_factory=dict[str, str])
    """The unit that each unit is a part of."""
    places: tuple[tuple[date, str], ...] = ()
    """The units that they were in, each from its day on; before the first of these days they were in that one."""
    person: Cadence = field(default_factory=Cadence)

    def rule_on(self, day: date) -> Rule | None:
        """The nearest one."""
        if rule := self.person.on(day):
            return rule
        unit, seen = self._unit_on(day), set[str]()
        while unit and unit not in seen:
            if (cadence := self.units.get(unit)) and (rule := cadence.on(day)):
                return rule
            seen.add(unit)
            unit = self.parents.get(unit, "")
        return self.company.on(day)

    def _unit_on(self, day: date) -> str:
        units = [unit for since, unit in self.places if since <= day]
        return units[-1] if units else self.places[0][1] if self.places else ""


@dataclass(frozen=True, slots=True)
class Slot:
    """The days in which one check-in is made."""

    number: int
    """In the cycle, 1 for the first."""
    opens_on: date
    due_on: date
    moved_from: date | None = None
    """The day that it fell on, where nobody works on it."""
    away: bool = False
    """The person is absent on its day: it is not asked for."""
    joined: tuple[date, ...] = ()
    """Later days of the rhythm that came to the same day, and have no slot of their own."""

    @property
    def fell_on(self) -> date:
        """The day that the rhythm has it on."""
        return self.moved_from or self.due_on


@dataclass(frozen=True, slots=True)
class Calendar:
    cycle: Days
    slots: tuple[Slot, ...]
    closing_on: date
    """The cycle's last working day: of the review and of the retro."""

    def slot(self, due_on: date) -> Slot | None:
        return next((slot for slot in self.slots if slot.due_on == due_on), None)

    def around(self, due_on: date) -> tuple[Slot | None, Slot | None]:
        """The slots before and after a day."""
        before = [slot for slot in self.slots if slot.due_on < due_on]
        after = [slot for slot in self.slots if slot.due_on > due_on]
        return (before[-1] if before else None), (after[0] if after else None)

    def without(self, absences: Sequence[Days]) -> "Calendar":
        """The same of somebody who is away on some days."""
        if not absences:
            return self
        slots = [replace(one, away=any(one.due_on in absence for absence in absences)) for one in self.slots]
        return replace(self, slots=tuple(slots))

    def keeping(self, begun: Collection[date], lapsed: Sequence[Days] = ()) -> "Calendar":
        """The same of somebody who wrote something for some days: a slot that a holiday moved only afterwards, or that
        moves back because one was taken back (`lapsed`), stays on the day that it was begun for. So nobody is asked
        twice, and nothing that was written is lost sight of."""
        others = set(begun) - {slot.due_on for slot in self.slots}
        if not others:
            return self
        slots: list[Slot] = []
        more = 0
        for slot, following in zip(self.slots, (*self.slots[1:], None), strict=True):
            ends = following.fell_on if following else self.cycle.last_on + DAY
            back = any(slot.fell_on in one for one in lapsed)
            found = [day for day in others if slot.fell_on <= day < slot.due_on or (back and slot.due_on < day < ends)]
            slot = replace(slot, number=slot.number + more)
            if slot.due_on in begun or not found:
                slots.append(slot)
                continue
            day = min(found)
            moved_from = slot.fell_on if slot.fell_on != day else None
            slots.append(replace(slot, due_on=day, moved_from=moved_from, joined=()))
            if slot.joined:  # what had come to the same day has it for itself
                first, *others_of_it = slot.joined
                more += 1
                slots.append(
                    replace(
                        slot,
                        number=slot.number + 1,
                        opens_on=day + DAY,
                        moved_from=first if first != slot.due_on else None,
                        joined=tuple(others_of_it),
                    )
                )
        return replace(self, slots=tuple(slots))

    def now(self, today: date, made: frozenset[date]) -> Slot | None:
        """The slot that is to be made: the last one whose day is over, as long as it was not made and is nearer than
        the next; else the next; else the last one; None: there is none."""
        wanted = [slot for slot in self.slots if not slot.away] or list(self.slots)
        over = [slot for slot in wanted if slot.due_on < today]
        ahead = [slot for slot in wanted if slot.due_on >= today]
        if not ahead or not over:
            return next(iter([*ahead, *reversed(over)]), None)
        missed = over[-1].due_on not in made and today - over[-1].due_on <= ahead[0].due_on - today
        return over[-1] if missed else ahead[0]

    def asked(self, today: date, made: frozenset[date]) -> Slot | None:
        """The slot that a manager looks at: the one that is made now, as long as its day is near; else the last one
        whose day is over."""
        slot = self.now(today, made)
        if slot is None or slot.due_on in made or slot.due_on <= today + DAY:
            return slot
        before, _ = self.around(slot.due_on)
        return before or slot


def calendar(
    cycle: Days, rhythm: Rhythm, holidays: Sequence[Days], absences: Sequence[Days] = (), present: Days | None = None
) -> Calendar:
    """Each slot that the rules make in a cycle, once: one that falls on a holiday moves to the next working day, and
    is none where the cycle has no such day left. `present`: from joining to leaving."""
    slots: list[Slot] = []
    opens_on, day = cycle.first_on, cycle.first_on
    while day <= cycle.last_on:
        rule = rhythm.rule_on(day)
        if rule and rule.falls_on(day):
            due_on = day
            while due_on <= cycle.last_on and not _works(due_on, holidays, rule):
                due_on += DAY
            if due_on <= cycle.last_on and not (slots and slots[-1].due_on >= due_on):
                away = any(due_on in absence for absence in absences)
                moved_from = day if day != due_on else None
                slots.append(Slot(len(slots) + 1, opens_on, due_on, moved_from, away))
                opens_on = due_on + DAY
            elif due_on <= cycle.last_on:
                slots[-1] = replace(slots[-1], joined=(*slots[-1].joined, day))
        day += DAY
    there = [slot for slot in slots if present is None or slot.due_on in present]
    return Calendar(cycle, tuple(there), _last_working(cycle, holidays))


def _works(day: date, holidays: Sequence[Days], rule: Rule | None = None) -> bool:
    """A weekend is worked on by whose rhythm falls on it."""
    weekend = day.isoweekday() >= SATURDAY and not (rule and rule.weekday == day.isoweekday())
    return not weekend and not any(day in holiday for holiday in holidays)


def _last_working(cycle: Days, holidays: Sequence[Days]) -> date:
    day = cycle.last_on
    while day > cycle.first_on and not _works(day, holidays):
        day -= DAY
    return day


def innermost(cycles: Sequence[Days]) -> list[Days]:
    """Those in which no other lies: check-ins follow the quarter, not the year around it."""
    return sorted(
        {one for one in cycles if not any(other != one and _within(other, one) for other in cycles)},
        key=lambda one: (one.first_on, one.last_on),
    )


def _within(inner: Days, outer: Days) -> bool:
    return outer.first_on <= inner.first_on and inner.last_on <= outer.last_on
