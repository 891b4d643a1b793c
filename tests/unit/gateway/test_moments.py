"""Moments in the URL, and the line of a cycle."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from google.type import date_pb2
from starlette.datastructures import QueryParams

from eventkit.values import from_date
from nhip.common.v1 import time_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment, parse_moment
from services.gateway.console.language import Language
from services.gateway.failures import Failure
from services.gateway.features.map.timeline import share, timeline

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")


def as_of(query: str) -> time_pb2.AsOf:
    return parse_moment(QueryParams(query)).message(SAIGON)


def test_nothing_asked_for_is_now():
    assert parse_moment(QueryParams("")).is_now
    assert as_of("") == time_pb2.AsOf()


def test_a_day_by_the_clock_of_effects():
    assert as_of("on=2025-03-01") == time_pb2.AsOf(effective_on=date_pb2.Date(year=2025, month=3, day=1))


def test_a_day_by_the_clock_of_records_ends_in_the_tenants_zone():
    found = as_of("on=2025-03-01&clock=recorded")
    assert found.effective_on.day == 1
    assert found.recorded_at.ToDatetime(UTC) == datetime(2025, 3, 1, 16, 59, 59, 999999, tzinfo=UTC)


def test_an_instant_is_about_its_own_day():
    found = as_of("known=2025-03-12T18:00:00Z")
    assert found.recorded_at.ToDatetime(UTC) == datetime(2025, 3, 12, 18, tzinfo=UTC)
    assert (found.effective_on.month, found.effective_on.day) == (3, 13)


@pytest.mark.parametrize(
    "query", ["on=yesterday", "on=2025-02-30", "on=20250301", "known=2025-03-12", "known=soon", "on=9999-12-31"]
)
def test_what_is_unreadable_is_not_taken_for_today(query: str):
    with pytest.raises(Failure) as refused:
        parse_moment(QueryParams(query))
    assert refused.value.reason == "MOMENT_UNREADABLE"


@pytest.mark.parametrize(
    "query", ["", "on=2025-03-01", "on=2025-03-01&clock=recorded", "known=2025-03-12T18%3A00%3A00.000001Z"]
)
def test_a_link_shows_the_same_picture_again(query: str):
    moment = parse_moment(QueryParams(query))
    assert moment.url("/") == ("/?" + query if query else "/")
    assert parse_moment(QueryParams(moment.url("/", view="tree").partition("?")[2])) == moment


def test_the_line_marks_the_days_of_change():
    changed = [
        goals_pb2.MapChange(day=from_date(date(2025, 2, 11)), added=1),
        goals_pb2.MapChange(day=from_date(date(2025, 3, 12)), lowered=3, added=1),
        goals_pb2.MapChange(day=from_date(date(2025, 3, 14)), said=2),
        goals_pb2.MapChange(day=from_date(date(2024, 12, 1)), added=12),
    ]
    line = timeline(
        date(2025, 1, 1),
        date(2025, 3, 31),
        date(2025, 2, 18),
        date(2025, 3, 20),
        changed,
        lambda moment: moment.url("/"),
        Language("vi"),
    )
    # What changed is said beneath where there is room, and else where one points.
    assert [mark.label for mark in line.marks] == ["Thêm 1", "12/03", ""]
    assert [mark.said for mark in line.marks][:2] == ["Thêm 1", "Giảm 3, thêm 1"]
    assert [mark.ahead for mark in line.marks] == [False, True, True]
    assert (line.previous, line.following) == ("/?on=2025-02-11", "/?on=2025-03-12")


def test_days_outside_the_cycle_stand_at_its_ends():
    starts, ends = date(2025, 1, 1), date(2025, 1, 11)
    assert share(starts, ends, date(2025, 1, 6)) == Decimal(50)
    assert share(starts, ends, date(2026, 1, 1)) == Decimal(100)
    assert share(starts, ends, date(2024, 1, 1)) == 0
    assert Moment(on=starts).query() == {"on": "2025-01-01"}
