"""Recording progress (C-06, C-07)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from eventkit.context import Actor
from eventkit.values import from_date
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.checkins.v1.types_pb2 import Evidence, EvidenceFile
from nhip.goals.v1 import types_pb2 as t
from services.checkins.domain import progress
from services.checkins.domain.doubt import Measured
from services.checkins.domain.progress import PROGRESS, KnownKpi
from tests.unit.decisions import Command, given, number, words

MINH, IMPORTER = Actor("company-x", "minh"), Actor("company-x", "importer", "service")
TODAY = date(2025, 3, 21)
DEMOS = Measured(t.MEASURE_KIND_CUMULATIVE, t.DIRECTION_INCREASE, "demo", Decimal(80))
KPI = KnownKpi(
    "KC",
    "q1",
    ("minh",),
    retired_on=None,
    counts=True,
    starts_on=date(2025, 1, 1),
    ends_on=date(2025, 3, 31),
    measured=DEMOS,
)
RATE = replace(KPI, counts=False, measured=Measured(t.MEASURE_KIND_LEVEL, t.DIRECTION_INCREASE, "%", Decimal(8)))


MARCH_6, MARCH_20 = date(2025, 3, 6), date(2025, 3, 20)


def record(
    value: int,
    on: date | None = None,
    *,
    by: Actor = MINH,
    kpi: KnownKpi = KPI,
    note: str = "",
    confidence: int = -1,
    confirmed: bool = False,
) -> Command:
    command = RecordProgress(
        kpi_id="KC",
        value=number(value),
        occurred_on=from_date(on) if on else None,
        note=words(note) if note else None,
        confidence=confidence if confidence >= 0 else None,
        confirmed=confirmed,
    )
    return lambda state: progress.record(state.state(PROGRESS, "KC"), command, kpi, by, TODAY, usual_confidence=5)


def recorded(
    value: int,
    on: date = TODAY,
    *,
    before: int | None = None,
    confidence: int = 5,
    note: str = "",
    correction: bool = False,
) -> ProgressRecorded:
    return ProgressRecorded(
        kpi_id="KC",
        cycle_id="q1",
        occurred_on=from_date(on),
        before=None if before is None else number(before),
        after=number(value),
        confidence=confidence,
        note=words(note) if note else None,
        correction=correction,
        author_id="minh",
    )


def test_confidence_is_5_unless_it_is_said_and_the_day_is_today():
    given().when(record(4)).then(recorded(4, TODAY, confidence=5))
    given().when(record(4, confidence=7)).then(recorded(4, confidence=7))


def test_the_same_day_again_is_a_correction_beside_what_it_corrects():
    given(record(4, MARCH_20)).when(record(5, MARCH_20)).then(recorded(5, MARCH_20, before=4, correction=True))


def test_a_new_day_says_what_was_current_before_it():
    given(record(4, MARCH_6)).when(record(6, MARCH_20)).then(recorded(6, MARCH_20, before=4))
    given(record(4, MARCH_6)).when(record(1, date(2025, 2, 1))).then(recorded(1, date(2025, 2, 1)))


def test_the_same_thing_twice_is_nothing_new():
    given(record(4)).when(record(4)).then_nothing()
    given(record(4)).when(record(4, note="vẫn vậy")).then(recorded(4, before=4, note="vẫn vậy", correction=True))


def test_only_who_answers_for_it_records():
    given().when(record(4, by=Actor("company-x", "phuc"))).then_rejected("NOT_AN_OWNER")


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2025, 3, 22), date(2025, 4, 1)])
def test_a_day_outside_the_cycle_or_still_to_come_is_refused(day: date):
    given().when(record(4, day)).then_rejected("OUTSIDE_CYCLE", field="occurred_on")


def test_an_ended_kpi_takes_no_progress():
    given().when(record(4, kpi=replace(KPI, retired_on=TODAY))).then_rejected("KPI_RETIRED")


def test_a_kpi_that_ends_tomorrow_takes_progress_today():
    given().when(record(4, kpi=replace(KPI, retired_on=TODAY + timedelta(days=1)))).then(recorded(4))


def test_what_is_counted_is_never_below_zero():
    given().when(record(-5)).then_rejected("VALUE_NEGATIVE", field="value")
    given().when(record(-5, kpi=RATE)).then(recorded(-5))


def test_an_imported_note_is_its_owners():
    given().when(record(4, by=IMPORTER, note="ghi lại")).then(recorded(4, note="ghi lại"))


def test_current_is_the_value_of_the_greatest_day():
    current = given(record(4, MARCH_20), record(1, date(2025, 2, 1))).state(PROGRESS, "KC").current(TODAY)
    assert current.value == Decimal(4)


def test_a_recorder_may_show_where_a_value_is_from():
    shown = Evidence(links=["https://crm.x.vn/r/1"], files=[EvidenceFile(name=words("crm.xlsx"), sha256="0f" * 32)])

    def recording(evidence: Evidence) -> Command:
        command = RecordProgress(kpi_id="KC", value=number(4), evidence=evidence)
        return lambda state: progress.record(state.state(PROGRESS, "KC"), command, KPI, MINH, TODAY, usual_confidence=5)

    event = recorded(4)
    event.evidence.CopyFrom(shown)
    given().when(recording(shown)).then(event)
    given().when(recording(Evidence(links=["http://x.vn"]))).then_rejected("LINK_INVALID", field="evidence.links[0]")
    short = Evidence(files=[EvidenceFile(name=words("a"), sha256="0f")])
    given().when(recording(short)).then_rejected("DIGEST_INVALID", field="evidence.files[0].sha256")
