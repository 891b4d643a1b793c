"""The secret address of a person's calendar: one at a time, of which only the digest is kept (C-03)."""

import re

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.errors import Kind, Rejected
from nhip.checkins.v1.calendar_feeds_pb2 import RenewCalendarFeed
from nhip.checkins.v1.events_pb2 import CalendarFeedEnded, CalendarFeedRenewed

_SHA256 = re.compile(r"[0-9a-f]{64}")


def evolve(address_sha256: str, event: CalendarFeedRenewed | CalendarFeedEnded) -> str:
    match event:
        case CalendarFeedRenewed():
            return event.address_sha256
        case CalendarFeedEnded():
            return ""
        case _:
            refuse_unknown(event)


CALENDAR_FEED = Aggregate[str]("calendar_feed", "", evolve)
"""The digest of its address; empty: it has none."""


def renew(address_sha256: str, command: RenewCalendarFeed, person_id: str) -> Decision:
    if not _SHA256.fullmatch(command.address_sha256):
        told = "give the SHA-256 digest of the address: 64 of 0-9 and a-f"
        raise Rejected("DIGEST_INVALID", told, kind=Kind.INVALID, field="address_sha256", rule="C-03")
    if command.address_sha256 == address_sha256:
        return []
    renewed = CalendarFeedRenewed(person_id=person_id, address_sha256=command.address_sha256)
    return [StreamEvent(CALENDAR_FEED(person_id), renewed)]


def end(address_sha256: str, person_id: str) -> Decision:
    if not address_sha256:
        return []
    return [StreamEvent(CALENDAR_FEED(person_id), CalendarFeedEnded(person_id=person_id))]
