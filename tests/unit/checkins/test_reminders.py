"""When it is said that check-ins fall due: of each working slot once at each stage, by the company's clock (C-02,
N-04)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given as random
from hypothesis import strategies as st

from eventkit.rpc.rules import time_zones
from nhip.checkins.v1 import types_pb2 as t
from services.checkins.domain.cadence import Cadence, Days
from services.checkins.domain.calendar import Rhythm, calendar
from services.checkins.domain.slot import said_on
from tests.checkins_clock import ODD_ZONES, day_of_look
from tests.unit.checkins.test_calendar import CADENCES, SPANS, day

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CYCLES = st.builds(lambda first, length: Days(day(first), day(first + length)), st.integers(0, 400), st.integers(0, 40))
ZONES = st.one_of(st.sampled_from(ODD_ZONES), st.sampled_from(sorted(time_zones()))).map(ZoneInfo)


@random(CYCLES, st.lists(SPANS, max_size=5), CADENCES, CADENCES, ZONES, st.integers(0, 23), st.integers(0, 59))
def test_each_working_slot_is_said_once_and_none_outside_by_the_clock_of_the_company_c02(
    cycle: Days,
    holidays: list[Days],
    company: Cadence,
    person: Cadence,
    zone: ZoneInfo,
    hour: int,
    minute: int,
):
    found = calendar(cycle, Rhythm(company=company, person=person), holidays)
    said: dict[tuple[date, t.SlotStage.ValueType], datetime] = {}
    looked: set[date] = set()
    at = datetime.combine(cycle.first_on - 3 * DAY, time(minute=minute), UTC)
    while at.date() < cycle.last_on + 12 * DAY:  # somebody looks each hour
        today = day_of_look(at, zone, hour, cycle)
        if today and today not in looked:
            looked.add(today)
            for due_on, stage in said_on(today):
                if found.slot(due_on):
                    said.setdefault((due_on, stage), at)
        at += HOUR
    stages = {t.SLOT_STAGE_SOON: -1, t.SLOT_STAGE_DUE: 0, t.SLOT_STAGE_OVERDUE: 1}
    assert said.keys() == {(slot.due_on, stage) for slot in found.slots for stage in stages}
    for (due_on, stage), first in said.items():
        told_on = due_on + stages[stage] * DAY
        wanted = datetime.combine(told_on, time(hour), zone).astimezone(UTC)  # where that hour is left out, the next
        assert first.astimezone(zone).date() == told_on
        assert timedelta() <= first - wanted < HOUR
