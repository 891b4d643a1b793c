"""Which check-ins there are: each working slot once, none outside (C-02, C-03)."""

from datetime import date, timedelta

from hypothesis import given as random
from hypothesis import strategies as st

from services.checkins.domain.cadence import Cadence, Days, Rule
from services.checkins.domain.calendar import Calendar, Rhythm, calendar, innermost

Q1 = Days(date(2025, 1, 1), date(2025, 3, 31))
FORTNIGHTLY = Rule(2, 4, date(2025, 1, 9))
COMPANY = Rhythm(company=Cadence().since(FORTNIGHTLY.first_on, FORTNIGHTLY))


def days(one: Calendar) -> list[str]:
    return [slot.due_on.strftime("%d/%m") for slot in one.slots]


def day(number: int) -> date:
    return date(2025, 1, 1) + timedelta(days=number)


def test_company_x_checks_in_every_second_thursday_of_the_quarter():
    q1 = calendar(Q1, COMPANY, [])
    assert days(q1) == ["09/01", "23/01", "06/02", "20/02", "06/03", "20/03"]
    assert (q1.slots[-1].number, q1.slots[-1].opens_on, q1.closing_on) == (6, date(2025, 3, 7), date(2025, 3, 31))


def test_what_falls_on_a_holiday_moves_to_the_next_working_day():
    tet = Days(date(2025, 1, 23), date(2025, 1, 24))
    slot = calendar(Q1, COMPANY, [tet]).slots[1]
    assert (slot.due_on, slot.moved_from) == (date(2025, 1, 27), date(2025, 1, 23))


def test_what_was_begun_stays_on_its_day_whatever_holiday_is_named_or_taken_back_later_c03():
    begun, tet = date(2025, 1, 23), Days(date(2025, 1, 23), date(2025, 1, 24))
    named_later = calendar(Q1, COMPANY, [tet])
    kept = named_later.keeping({begun}).slots[1]
    assert (kept.due_on, kept.moved_from) == (begun, None)
    moved = date(2025, 1, 27)
    assert named_later.keeping({moved}) == named_later
    taken_back = calendar(Q1, COMPANY, [])
    assert taken_back.keeping({moved}, [tet]).slots[1].due_on == moved
    assert taken_back.keeping({moved}) == taken_back  # no holiday explains that day


@random(st.sets(st.integers(0, 89).map(day)), st.lists(st.integers(0, 85), max_size=4), st.booleans())
def test_keeping_what_was_begun_neither_adds_a_slot_nor_takes_one_c03(begun: set[date], off: list[int], back: bool):
    holidays = [Days(day(first), day(first + 2)) for first in off]
    plain = calendar(Q1, COMPANY, [] if back else holidays)
    kept = plain.keeping(begun, holidays if back else [])
    assert [slot.number for slot in kept.slots] == [slot.number for slot in plain.slots]
    days_kept = [slot.due_on for slot in kept.slots]
    assert days_kept == sorted(set(days_kept))
    for before, after in zip(plain.slots, kept.slots, strict=True):
        assert after.due_on == before.due_on or (after.due_on in begun and before.due_on not in begun)
        assert after.fell_on == before.fell_on


def test_what_had_come_to_the_same_day_as_what_was_begun_has_it_for_itself_c03():
    weekly = Rule(1, 4, date(2025, 1, 9))
    every_week = Rhythm(company=Cadence().since(weekly.first_on, weekly))
    a_week = Days(date(2025, 1, 16), date(2025, 1, 22))
    named_later = calendar(Q1, every_week, [a_week])
    assert days(named_later)[:3] == ["09/01", "23/01", "30/01"]  # the 16th comes to the day of the 23rd
    kept = named_later.keeping({date(2025, 1, 16)})
    assert days(kept)[:4] == ["09/01", "16/01", "23/01", "30/01"]
    assert [slot.number for slot in kept.slots] == list(range(1, len(kept.slots) + 1))
    assert [(slot.moved_from, slot.opens_on) for slot in kept.slots[1:3]] == [
        (None, date(2025, 1, 10)),
        (None, date(2025, 1, 17)),
    ]


def test_without_a_working_day_left_in_the_cycle_there_is_none():
    over = Days(date(2025, 3, 20), date(2025, 4, 4))
    assert days(calendar(Q1, COMPANY, [over])) == ["09/01", "23/01", "06/02", "20/02", "06/03"]


def test_who_is_away_joins_or_leaves_is_asked_for_what_falls_between():
    away, there = [Days(date(2025, 2, 3), date(2025, 2, 7))], Days(date(2025, 1, 20), date(2025, 3, 5))
    mine = calendar(Q1, COMPANY, [], away, there)
    assert days(mine) == ["23/01", "06/02", "20/02"]
    assert [slot.away for slot in mine.slots] == [False, True, False]
    assert [slot.number for slot in mine.slots] == [2, 3, 4]


def test_the_nearest_rule_wins_from_its_day_on():
    weekly = Rule(1, 2, date(2025, 3, 1))
    rhythm = Rhythm(
        company=COMPANY.company,
        units={"sales": Cadence().since(weekly.first_on, weekly)},
        parents={"north": "sales"},
        places=((date(2024, 1, 1), "north"),),
    )
    assert days(calendar(Q1, rhythm, [])) == ["09/01", "23/01", "06/02", "20/02", "04/03", "11/03", "18/03", "25/03"]


def test_a_move_to_another_unit_keeps_the_days_before_it():
    weekly = Cadence().since(date(2025, 1, 1), Rule(1, 4, date(2025, 1, 1)))
    rhythm = Rhythm(
        company=COMPANY.company, units={"sales": weekly}, places=((day(0), "sales"), (date(2025, 1, 20), "cskh"))
    )
    assert days(calendar(Q1, rhythm, [])) == ["02/01", "09/01", "16/01", "23/01", "06/02", "20/02", "06/03", "20/03"]


def test_the_missed_one_is_asked_for_until_the_next_is_nearer():
    q1 = calendar(Q1, COMPANY, [])

    def due_on(today: date, *made: date) -> date | None:
        slot = q1.now(today, frozenset(made))
        return slot.due_on if slot else None

    missed, last = date(2025, 3, 6), date(2025, 3, 20)
    assert [due_on(date(2025, 3, number)) for number in (6, 7, 13, 14, 31)] == [missed, missed, missed, last, last]
    assert due_on(date(2025, 3, 7), missed) == last


def test_check_ins_follow_the_quarter_and_not_the_year_around_it():
    year, q2 = Days(date(2025, 1, 1), date(2025, 12, 31)), Days(date(2025, 4, 1), date(2025, 6, 30))
    assert innermost([year, q2, Q1]) == [Q1, q2]


DAYS = st.integers(0, 400).map(day)
SPANS = st.builds(lambda first, length: Days(day(first), day(first + length)), st.integers(0, 400), st.integers(0, 12))
CYCLES = st.builds(lambda first, length: Days(day(first), day(first + length)), st.integers(0, 60), st.integers(0, 370))
RULES = st.builds(Rule, st.integers(1, 2), st.integers(1, 7), DAYS)
VERSIONS = st.one_of(st.tuples(DAYS, st.none()), RULES.map(lambda rule: (rule.first_on, rule)))
CADENCES = st.lists(VERSIONS, max_size=3).map(
    lambda versions: Cadence(tuple(sorted(versions, key=lambda version: version[0])))
)
UNITS = ("a", "b")
PLACES = st.lists(st.tuples(st.integers(0, 400).map(day), st.sampled_from(UNITS)), max_size=3).map(
    lambda places: tuple(sorted(places))
)


@random(
    CYCLES,
    st.lists(SPANS, max_size=5),
    st.lists(SPANS, max_size=3),
    st.builds(
        Rhythm,
        company=CADENCES,
        units=st.dictionaries(st.sampled_from(UNITS), CADENCES),
        parents=st.just({"a": "b"}),
        places=PLACES,
        person=CADENCES,
    ),
    SPANS,
)
def test_each_working_slot_is_once_and_none_outside(
    cycle: Days, holidays: list[Days], absences: list[Days], rhythm: Rhythm, present: Days
):
    found = calendar(cycle, rhythm, holidays, absences)
    due = [slot.due_on for slot in found.slots]
    assert due == sorted(set(due))
    assert all(one in cycle and not any(one in holiday for holiday in holidays) for one in due)
    assert all(slot.opens_on <= slot.due_on for slot in found.slots)
    assert [slot.number for slot in found.slots] == list(range(1, len(due) + 1))
    assert all(slot.away == any(slot.due_on in absence for absence in absences) for slot in found.slots)
    # What falls on a working day is a slot of that day: nothing that works is left out.
    span = (cycle.last_on - cycle.first_on).days + 1
    for one in (cycle.first_on + timedelta(days=number) for number in range(span)):
        rule = rhythm.rule_on(one)
        if rule and rule.falls_on(one) and not any(one in holiday for holiday in holidays):
            assert one in due
    there = calendar(cycle, rhythm, holidays, absences, present)
    assert [slot.due_on for slot in there.slots] == [one for one in due if one in present]


@random(RULES, st.integers(0, 30))
def test_a_rhythm_that_is_set_anew_leaves_its_past_as_it_was(rule: Rule, later: int):
    before = Cadence().since(day(0), Rule(2, 4, day(0)))
    after = before.since(rule.first_on, rule)
    for number in range(0, 400, 7):
        if day(number) < rule.first_on:
            assert after.on(day(number)) == before.on(day(number))
        else:
            assert after.on(day(number)) == rule
