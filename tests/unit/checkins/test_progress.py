"""Recording progress (C-06, C-07)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.values import from_date
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from services.checkins.domain.progress import PROGRESS, KnownKpi, record
from tests.unit.decisions import Given, given, number, rejected, words

MINH, IMPORTER = Actor("company-x", "minh"), Actor("company-x", "importer", "service")
TODAY = date(2025, 3, 21)
KPI = KnownKpi(
    "KC", "q1", ("minh",), retired_on=None, counts=True, starts_on=date(2025, 1, 1), ends_on=date(2025, 3, 31)
)


def recorded(
    state: Given, value: int, on: date | None = None, *, actor: Actor = MINH, kpi: KnownKpi = KPI, **fields: object
) -> Decision:
    command = RecordProgress(kpi_id="KC", value=number(value), occurred_on=from_date(on) if on else None, **fields)  # type: ignore[arg-type]
    return record(state.state(PROGRESS, "KC"), command, kpi, actor, TODAY)


def event(decision: Decision) -> ProgressRecorded:
    (happened,) = decision
    assert isinstance(happened.event, ProgressRecorded)
    return happened.event


def test_confidence_is_5_unless_it_is_said_and_the_day_is_today():
    said = event(recorded(given(), 4))
    assert (said.confidence, said.occurred_on.day, said.correction, said.HasField("before")) == (5, 21, False, False)
    assert event(recorded(given(), 4, confidence=7)).confidence == 7


def test_the_same_day_again_is_a_correction_beside_what_it_corrects():
    state = given(recorded(given(), 4, date(2025, 3, 20)))
    fixed = event(recorded(state, 5, date(2025, 3, 20)))
    assert (fixed.before.value, fixed.after.value, fixed.correction) == ("4", "5", True)


def test_a_new_day_says_what_was_current_before_it():
    state = given(recorded(given(), 4, date(2025, 3, 6)))
    assert event(recorded(state, 6, date(2025, 3, 20))).before.value == "4"
    assert not event(recorded(state, 1, date(2025, 2, 1))).HasField("before")


def test_the_same_thing_twice_is_nothing_new():
    state = given(recorded(given(), 4))
    assert recorded(state, 4) == []
    assert event(recorded(state, 4, note=words("vẫn vậy"))).correction


def test_only_an_owner_records():
    rejected("NOT_AN_OWNER", lambda: recorded(given(), 4, actor=Actor("company-x", "phuc")))


def test_a_day_outside_the_cycle_or_still_to_come_is_refused():
    for day in (date(2024, 12, 31), date(2025, 3, 22), date(2025, 4, 1)):
        rejected("OUTSIDE_CYCLE", lambda day=day: recorded(given(), 4, day), field="occurred_on")


def test_an_ended_kpi_takes_no_progress():
    ended = KnownKpi("KC", "q1", ("minh",), retired_on=TODAY, counts=True, starts_on=KPI.starts_on, ends_on=KPI.ends_on)
    rejected("KPI_RETIRED", lambda: recorded(given(), 4, kpi=ended))


def test_a_kpi_that_ends_tomorrow_takes_progress_today():
    ends = replace(KPI, retired_on=TODAY + timedelta(days=1))
    assert event(recorded(given(), 4, kpi=ends)).after.value == "4"


def test_what_is_counted_is_never_below_zero():
    rejected("VALUE_NEGATIVE", lambda: recorded(given(), -5), field="value")
    rate = KnownKpi("KC", "q1", ("minh",), retired_on=None, counts=False, starts_on=KPI.starts_on, ends_on=KPI.ends_on)
    assert event(recorded(given(), -5, kpi=rate)).after.value == "-5"


def test_an_imported_note_is_its_owners():
    assert event(recorded(given(), 4, actor=IMPORTER, note=words("ghi lại"))).author_id == "minh"


def test_current_is_the_value_of_the_greatest_day():
    state = given(recorded(given(), 4, date(2025, 3, 20)))
    state = state.and_then(recorded(state, 1, date(2025, 2, 1)))
    current = state.state(PROGRESS, "KC").current(TODAY)
    assert current.value == Decimal(4)
