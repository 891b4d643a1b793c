"""A calendar as calendar programs read it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import httpx
from icalendar import Calendar

from eventkit.errors import Kind, Rejected
from eventkit.values import from_date, from_datetime
from nhip.checkins.v1 import calendar_feeds_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from services.gateway.calendars import written
from services.gateway.console.language import Language
from tests.unit.gateway.conftest import Backend

NOW = datetime(2025, 3, 10, 3, tzinfo=UTC)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def read(entries: pb.CalendarEntries, language: str = "vi") -> list[tuple[str, str, object, object]]:
    calendar = Calendar.from_ical(written(entries, Language(language), "https://nhip.test", NOW))
    return [
        (str(one["UID"]), str(one["SUMMARY"]), one.decoded("DTSTART"), one.decoded("DTEND"))
        for one in calendar.walk("VEVENT")
    ]


def test_days_are_whole_days_and_meetings_stand_in_the_companys_zone_c03():
    starts, ends = datetime(2025, 3, 21, 2, tzinfo=UTC), datetime(2025, 3, 21, 2, 30, tzinfo=UTC)
    span = t.Span(starts_at=from_datetime(starts), ends_at=from_datetime(ends))
    entries = pb.CalendarEntries(
        time_zone="Asia/Ho_Chi_Minh",
        days=[
            pb.CalendarDay(kind=pb.CalendarDay.KIND_CHECK_IN, on=from_date(date(2025, 3, 20))),
            pb.CalendarDay(kind=pb.CalendarDay.KIND_RETRO, on=from_date(date(2025, 3, 31))),
        ],
        meetings=[pb.CalendarMeeting(meeting_id="m1", span=span, people=2)],
    )
    nine, half_past = datetime(2025, 3, 21, 9, tzinfo=HANOI), datetime(2025, 3, 21, 9, 30, tzinfo=HANOI)
    assert read(entries) == [
        ("check-in.2025-03-20@nhip", "Đến hạn check-in", date(2025, 3, 20), date(2025, 3, 21)),
        ("retro.2025-03-31@nhip", "Hồi tưởng", date(2025, 3, 31), date(2025, 4, 1)),
        ("meeting.m1@nhip", "1:1", nine, half_past),
    ]
    text = written(entries, Language("en"), "https://nhip.test", NOW).decode()
    assert "DTSTART;TZID=Asia/Ho_Chi_Minh:20250321T090000" in text
    assert "BEGIN:VTIMEZONE" in text
    assert "URL:https://nhip.test/checkin?day=2025-03-20" in text


def test_a_calendar_in_which_nothing_is_due_is_one_too():
    assert read(pb.CalendarEntries(time_zone="Asia/Ho_Chi_Minh")) == []


async def test_the_address_is_handed_on_as_who_asks_and_one_that_is_refused_is_no_page(
    open_client: httpx.AsyncClient, backend: Backend
):
    backend.answers("ReadCalendarFeed", pb.CalendarEntries(time_zone="Asia/Ho_Chi_Minh"))
    read = await open_client.get("/calendar/nhipfeed_acme_abc.ics?lang=en")
    assert (read.status_code, read.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert "no-store" in read.headers["cache-control"]
    assert backend.metadata("authorization") == ["Bearer nhipfeed_acme_abc"]
    backend.answers("ReadCalendarFeed", Rejected("TOKEN_INVALID", "no", kind=Kind.UNAUTHENTICATED))
    refused = await open_client.get("/calendar/nhipfeed_acme_abc.ics")
    assert (refused.status_code, "www-authenticate" in refused.headers) == (404, False)
    assert "not, or no longer, good" in refused.text
    backend.answers("ReadCalendarFeed", Rejected("RATE_EXCEEDED", "slow", kind=Kind.TOO_MANY, retry_after=3))
    assert (await open_client.get("/calendar/nhipfeed_acme_abc.ics")).headers["retry-after"] == "3"


async def test_who_has_an_address_reads_the_same_as_json(open_client: httpx.AsyncClient, backend: Backend):
    day = pb.CalendarDay(kind=pb.CalendarDay.KIND_RETRO, on=from_date(date(2025, 3, 31)))
    backend.answers("ReadCalendarFeed", pb.CalendarEntries(time_zone="Asia/Ho_Chi_Minh", days=[day]))
    address = f"Bearer nhipfeed_acme_{'a' * 64}"
    read = await open_client.get("/v1/calendar-feed/entries", headers={"Authorization": address})
    assert (read.status_code, read.json()["days"][0]["kind"]) == (200, "KIND_RETRO")
    assert backend.metadata("authorization") == [address]
    other = await open_client.get("/v1/calendar-feed/entries", headers={"Authorization": f"{address}0"})
    assert (other.status_code, len(backend.asked)) == (401, 1)  # neither an address nor a token: no service is asked
