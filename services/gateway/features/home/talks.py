"""What waits for somebody of actions and reviews, and the meetings ahead."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta

from nhip.checkins.v1 import meetings_pb2, reviews_pb2, types_pb2
from services.gateway.console.directory import Directory, directory
from services.gateway.console.notices import meeting_url, review_url
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.home.waiting import Waiting

SHOWN, MEETINGS = 4, 3
"""Of each kind that waits, and of the meetings ahead."""
SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """A meeting to come."""

    title: str
    at: str
    about: str
    url: str
    soon: bool
    """Within a day."""


@dataclass(frozen=True, slots=True)
class Talks:
    waiting: tuple[Waiting, ...] = ()
    """What is overdue or due within a day, what waits for approval or for one's part of a review."""
    meetings: tuple[Ahead, ...] = ()
    """The next first."""


async def talks(visit: Visit) -> Talks:
    query = visit.caller.query
    due, asked, meetings, reviews = await asyncio.gather(
        or_none(query("checkins", "ListActions", meetings_pb2.ListActions(page_size=30), meetings_pb2.ActionList)),
        or_none(query("checkins", "ListActions", meetings_pb2.ListActions(to_approve=True), meetings_pb2.ActionList)),
        or_none(
            query("checkins", "ListMeetings", meetings_pb2.ListMeetings(page_size=MEETINGS), meetings_pb2.MeetingList)
        ),
        or_none(query("checkins", "ListReviews", reviews_pb2.ListReviews(waiting=True), reviews_pb2.ReviewList)),
    )
    who = (
        await directory(visit, asked, meetings, reviews) if asked or meetings or reviews else Directory(visit.language)
    )
    waiting = (
        *(_due(visit, due) if due else ()),
        *(_asked(visit, asked, who) if asked else ()),
        *(_reviews(visit, reviews, who) if reviews else ()),
    )
    return Talks(waiting, tuple(_meetings(visit, meetings, who)) if meetings else ())


def _due(visit: Visit, listed: meetings_pb2.ActionList) -> Iterator[Waiting]:
    _, until = visit.language.gettext, visit.console.clock() + SOON
    near = [one for one in listed.actions if one.may_report and one.agreed.due_at.ToDatetime(UTC) <= until]
    for one in near[:SHOWN]:
        at = visit.language.instant(one.agreed.due_at.ToDatetime(UTC), visit.zone)
        about = (_("it was due %(at)s") if one.overdue else _("due %(at)s")) % {"at": at}
        what = visit.language.words(one.agreed.what)
        yield Waiting(
            "checklist", "risk" if one.overdue else "behind", what, about, "/actions", _("Say that it is done")
        )


def _asked(visit: Visit, listed: meetings_pb2.ActionList, who: Directory) -> Iterator[Waiting]:
    _ = visit.language.gettext
    for one in [one for one in listed.actions if one.may_decide][:SHOWN]:
        title = _("Approve: %(what)s") % {"what": visit.language.words(one.agreed.what)}
        about = _("%(name)s has done it") % {"name": who.person(one.agreed.doer_id).name}
        yield Waiting("checklist", "behind", title, about, "/actions", _("View and decide"))


def _meetings(visit: Visit, listed: meetings_pb2.MeetingList, who: Directory) -> Iterator[Ahead]:
    _, until = visit.language.gettext, visit.console.clock() + SOON
    for one in listed.meetings:
        others = [who.person(id).name for id in one.participant_ids if id != visit.person]
        starts = one.span.starts_at.ToDatetime(UTC)
        yield Ahead(
            _("Meet %(names)s") % {"names": ", ".join(others)},
            visit.language.instant(starts, visit.zone),
            visit.language.words(one.about),
            meeting_url(one.meeting_id),
            starts <= until,
        )


def _reviews(visit: Visit, listed: reviews_pb2.ReviewList, who: Directory) -> Iterator[Waiting]:
    _ = visit.language.gettext
    for one in listed.reviews[:SHOWN]:
        own = one.person_id == visit.person
        name = who.person(one.person_id).name
        closing = one.state == types_pb2.REVIEW_STATE_CLOSING
        title = _("Look back at your cycle") if own else _("Look back at the cycle with %(name)s") % {"name": name}
        about = _("both wrote: talk, and close it") if closing else _("why it came out so, and what is next")
        yield Waiting("hourglass", "behind", title, about, review_url(one.cycle_id, one.person_id), _("Look back"))
