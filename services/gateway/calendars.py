"""A person's calendar as calendar programs read it: `GET /calendar/<address>.ics`, at an address that is secret (C-03).

The gateway knows no address: it hands on what came, and the service judges it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Component, Event
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from eventkit.rpc.metadata import AUTHORIZATION, REQUEST_ID
from eventkit.values import required_date, to_datetime
from nhip.checkins.v1 import calendar_feeds_pb2 as pb
from services.gateway.console.language import DEFAULT, Language
from services.gateway.failures import Failure
from services.gateway.public import Public
from services.gateway.upstream import SERVICES, Upstream

READ_AGAIN = timedelta(hours=1)
"""How often calendar programs are asked to look."""


def calendar_routes(upstream: Upstream, languages: Mapping[str, Language], public: Public) -> list[Route]:
    """`?lang=en`: in which language it says what is due."""
    read = SERVICES["checkins"].methods_by_name["ReadCalendarFeed"]

    async def calendar(request: Request) -> Response:
        told = [
            (AUTHORIZATION, f"Bearer {request.path_params['address']}"),
            (REQUEST_ID, request.state.request_id),
        ]
        try:
            reply = await upstream.call("checkins", read, pb.ReadCalendarFeed(), told)
        except Failure as failure:
            return _refused(failure)
        assert isinstance(reply.message, pb.CalendarEntries)
        language = languages.get(request.query_params.get("lang", ""), languages[DEFAULT])
        return Response(
            written(reply.message, language, public(request), datetime.now(UTC)),
            headers={"Cache-Control": "private, no-store", "Content-Disposition": 'inline; filename="nhip.ics"'},
            media_type="text/calendar; charset=utf-8",
        )

    return [Route("/calendar/{address}.ics", calendar, methods=["GET"])]


def _refused(failure: Failure) -> Response:
    """No page, and no asking for a password: a program reads it, and maybe shows it."""
    if failure.status == "UNAUTHENTICATED":
        told = "This address is not, or no longer, good: copy the one that Nhip shows under Rhythm."
        return PlainTextResponse(told, 404, {"Cache-Control": "no-store"})
    headers = {"Cache-Control": "no-store"}
    if failure.retry_after:
        headers["Retry-After"] = str(failure.retry_after)
    return PlainTextResponse(failure.message, failure.http, headers)


def written(entries: pb.CalendarEntries, language: Language, base: str, at: datetime) -> bytes:
    """As RFC 5545 has it: days as days of the company, meetings in its zone, each under an id that stays the same, so
    that a calendar program moves what moved. `base`: where the console is; `at`: now."""
    _, zone = language.gettext, ZoneInfo(entries.time_zone)
    calendar = Calendar()
    _add(calendar, "PRODID", "-//Nhip//Nhip//EN")
    _add(calendar, "VERSION", "2.0")
    _add(calendar, "METHOD", "PUBLISH")
    _add(calendar, "NAME", "Nhịp")
    _add(calendar, "X-WR-CALNAME", "Nhịp")
    _add(calendar, "X-WR-TIMEZONE", entries.time_zone)
    _add(calendar, "REFRESH-INTERVAL", READ_AGAIN, parameters={"VALUE": "DURATION"})
    _add(calendar, "X-PUBLISHED-TTL", "PT1H")
    words = {
        pb.CalendarDay.KIND_CHECK_IN: ("check-in", _("Check-in is due"), "/checkin?day={day}"),
        pb.CalendarDay.KIND_REVIEW: ("review", _("Review of the cycle"), "/reviews"),
        pb.CalendarDay.KIND_RETRO: ("retro", _("Retro"), "/retro"),
    }
    for one in entries.days:
        day = required_date(one.on)
        name, said, path = words[one.kind]
        event = _event(f"{name}.{day.isoformat()}", said, f"{base}{path.format(day=day.isoformat())}", at)
        _add(event, "DTSTART", day)
        _add(event, "DTEND", day + timedelta(days=1))
        _add(event, "TRANSP", "TRANSPARENT")  # the day stays free
        calendar.add_component(event)
    for one in entries.meetings:
        said = _("Meeting that closes a review") if one.closes_review else _("1:1") if one.people == 2 else _("Meeting")
        event = _event(f"meeting.{one.meeting_id}", said, f"{base}/meetings/{one.meeting_id}", at)
        _add(event, "DTSTART", to_datetime(one.span.starts_at).astimezone(zone))
        _add(event, "DTEND", to_datetime(one.span.ends_at).astimezone(zone))
        calendar.add_component(event)
    calendar.add_missing_timezones()
    return calendar.to_ical()


def _event(id: str, said: str, url: str, at: datetime) -> Event:
    event = Event()
    _add(event, "UID", f"{id}@nhip")
    _add(event, "DTSTAMP", at)
    _add(event, "SUMMARY", said)
    _add(event, "URL", url)
    _add(event, "CLASS", "PRIVATE")
    return event


def _add(to: Component, name: str, value: object, parameters: dict[str, str] | None = None) -> None:
    to.add(name, value, parameters or {})  # pyright: ignore[reportUnknownMemberType] # the library does not say of what types
