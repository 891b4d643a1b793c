"""Calendars as calendar programs have them: what falls on which day or hour, and nothing that anybody wrote."""

from datetime import datetime, timedelta

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.subscriptions.table import reading
from eventkit.values import from_date, from_datetime
from nhip.checkins.v1 import calendar_feeds_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from services.checkins.domain.cadence import Days
from services.checkins.queries.calendars import calendars_of, cycles_near
from services.checkins.views.calendar_feed import CALENDAR_FEEDS
from services.checkins.views.meeting import MEETINGS, SEATS

BACK, AHEAD = timedelta(days=31), timedelta(days=366)
MOST_DAYS = MOST_MEETINGS = 200


async def holder(pool: asyncpg.Pool, tenant: str, address_sha256: str) -> str:
    """Whose an address is; empty: nobody's, or no longer."""
    async with reading(pool, tenant) as con:
        found = await con.fetchval(
            f"select person_id from {CALENDAR_FEEDS} where tenant = $1 and address_sha256 = $2", tenant, address_sha256
        )
    return found or ""


async def feed(con: asyncpg.Connection, tenant: str, person_id: str) -> pb.CalendarFeed:
    since = await con.fetchval(
        f"select since from {CALENDAR_FEEDS} where tenant = $1 and person_id = $2 and address_sha256 <> ''",
        tenant,
        person_id,
    )
    return pb.CalendarFeed(since=from_datetime(since) if since else None)


async def entries(
    con: asyncpg.Connection, tenant: str, person_id: str, org: OrgChart, at: datetime
) -> pb.CalendarEntries:
    """From a month before `at` to a year after it."""
    today = org.today(at)
    window = Days(today - BACK, today + AHEAD)
    cycles = [
        cycle
        for cycle in await cycles_near(con, tenant, today)
        if cycle.last_on >= window.first_on and cycle.first_on <= window.last_on
    ]
    days: list[pb.CalendarDay] = []
    for calendar in await calendars_of(con, tenant, person_id, org, cycles):
        due = [slot.due_on for slot in calendar.slots if not slot.away and slot.due_on in window]
        days += [pb.CalendarDay(kind=pb.CalendarDay.KIND_CHECK_IN, on=from_date(day)) for day in due]
        if calendar.slots and calendar.closing_on in window:
            closing = from_date(calendar.closing_on)
            days += [pb.CalendarDay(kind=kind, on=closing) for kind in (pb.CalendarDay.KIND_REVIEW, _RETRO)]
    return pb.CalendarEntries(
        time_zone=str(org.time_zone),
        days=days[:MOST_DAYS],
        meetings=await _meetings(con, tenant, person_id, at),
    )


_RETRO = pb.CalendarDay.KIND_RETRO


async def _meetings(con: asyncpg.Connection, tenant: str, person_id: str, at: datetime) -> list[pb.CalendarMeeting]:
    rows = await con.fetch(
        f"""select m.meeting_id, m.starts_at, m.ends_at, cardinality(m.people) as people, m.reviewed_id <> '' as closes
        from {SEATS} s join {MEETINGS} m on m.tenant = s.tenant and m.meeting_id = s.meeting_id
        where s.tenant = $1 and s.person_id = $2 and not s.called_off and s.ends_at >= $3 and s.starts_at <= $4
        order by s.starts_at, s.meeting_id limit {MOST_MEETINGS}""",
        tenant,
        person_id,
        at - BACK,
        at + AHEAD,
    )
    return [
        pb.CalendarMeeting(
            meeting_id=row["meeting_id"],
            span=t.Span(starts_at=from_datetime(row["starts_at"]), ends_at=from_datetime(row["ends_at"])),
            people=row["people"],
            closes_review=row["closes"],
        )
        for row in rows
    ]
