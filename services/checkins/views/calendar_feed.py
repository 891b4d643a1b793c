"""Whose calendar has an address, by its digest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from nhip.checkins.v1.events_pb2 import CalendarFeedEnded, CalendarFeedRenewed
from services.checkins.domain.calendar_feed import CALENDAR_FEED
from services.checkins.views import VERSION

Moved = CalendarFeedRenewed | CalendarFeedEnded


@dataclass(frozen=True, slots=True)
class CalendarFeedRow:
    tenant: str
    person_id: str
    address_sha256: str
    """Empty: there is no address any more."""
    since: datetime


class CalendarFeedView(WrittenWhole[CalendarFeedRow, Moved]):
    name, source, categories = "calendar_feed", "checkins", (CALENDAR_FEED.category,)
    key, indexes = ("tenant", "person_id"), ("tenant, address_sha256",)
    version = VERSION
    row = CalendarFeedRow
    folds = (CalendarFeedEnded, CalendarFeedRenewed)

    def written(self, event: Recorded, e: Moved) -> CalendarFeedRow:
        address = e.address_sha256 if isinstance(e, CalendarFeedRenewed) else ""
        return CalendarFeedRow(event.tenant, e.person_id, address, event.recorded_at)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CalendarFeedRow]:
        address = CALENDAR_FEED.fold(messages(events))
        yield CalendarFeedRow(events[0].tenant, events[0].stream.id, address, events[-1].recorded_at)


CALENDAR_FEEDS = CalendarFeedView().table
