"""What the rhythm asks of the viewer: a check-in, check-ins to answer, topics that wait, a retro. And what is done."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from urllib.parse import quote

from nhip.checkins.v1 import check_ins_pb2, topics_pb2, types_pb2
from nhip.retros.v1 import retros_pb2
from nhip.retros.v1 import types_pb2 as retro_types_pb2
from services.gateway.console.directory import directory
from services.gateway.console.language import date_of, day_of
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.home.waiting import Waiting

SOON = timedelta(days=1)
TO_MAKE = (
    types_pb2.CHECK_IN_STATE_NOT_STARTED,
    types_pb2.CHECK_IN_STATE_DRAFT,
    types_pb2.CHECK_IN_STATE_OVERDUE,
    types_pb2.CHECK_IN_STATE_ASKED_AGAIN,
)


@dataclass(frozen=True, slots=True)
class Beats:
    waiting: tuple[Waiting, ...] = ()
    """In the order of need: one's own check-in, topics, check-ins of the team, boards to write on."""
    done: Waiting | None = None
    """One's last check-in and who answered it, while none is to be made."""
    next: str = ""
    """When the next check-in is due; empty: the rhythm has none ahead."""


async def beats(visit: Visit) -> Beats:
    own, topics, team, rounds = await asyncio.gather(
        or_none(visit.caller.query("checkins", "GetCheckIn", check_ins_pb2.GetCheckIn(), check_ins_pb2.CheckIn)),
        or_none(
            visit.caller.query(
                "checkins", "ListTopics", topics_pb2.ListTopics(waiting_for_me=True, page_size=20), topics_pb2.TopicList
            )
        ),
        or_none(visit.caller.query("checkins", "ListTeam", check_ins_pb2.ListTeam(), check_ins_pb2.Team))
        if visit.may("checkins.ListTeam")
        else _nothing(),
        or_none(visit.caller.query("retros", "ListRounds", retros_pb2.ListRounds(page_size=3), retros_pb2.Rounds)),
    )
    to_make = tuple(_own(visit, own))
    waiting = (*to_make, *_topics(visit, topics), *_team(visit, team), *_retros(visit, rounds))
    if own is None or own.without_rhythm:
        return Beats(waiting)
    return Beats(waiting, None if to_make else await _done(visit, own), _next(visit, own))


async def _nothing() -> None:
    return None


def _own(visit: Visit, reply: check_ins_pb2.CheckIn | None) -> Iterator[Waiting]:
    due = date_of(reply, "due_on") if reply else None
    if reply is None or due is None or not reply.may_submit or reply.state not in TO_MAKE:
        return
    _ = visit.language.gettext
    about = _("about 2 minutes")
    if reply.state == types_pb2.CHECK_IN_STATE_ASKED_AGAIN:
        about = _("it is asked for again")
    elif due < visit.today:
        about = _("it was due on %(day)s") % {"day": visit.language.day(due)}
    elif due > visit.today + SOON:
        return
    title = _("Check in for %(day)s") % {"day": visit.language.short_day(due)}
    yield Waiting("clipboard-check", "behind", title, about, "/checkin", _("Check in"))


async def _done(visit: Visit, now: check_ins_pb2.CheckIn) -> Waiting | None:
    """The check-in that was made last, of the slot that is made now or of the one before."""
    last: check_ins_pb2.CheckIn | None = now
    if not now.HasField("submitted"):
        if not now.HasField("previous_due_on"):
            return None
        asked = check_ins_pb2.GetCheckIn(due_on=now.previous_due_on)
        last = await or_none(visit.caller.query("checkins", "GetCheckIn", asked, check_ins_pb2.CheckIn))
    if last is None or not last.HasField("submitted"):
        return None
    _, language, due = visit.language.gettext, visit.language, day_of(last.due_on)
    title = _("You checked in for %(day)s") % {"day": language.short_day(due)}
    url = f"/checkin/{quote(visit.person, safe='')}/{due.isoformat()}"
    if not last.answers:
        return Waiting("circle-check", "ontrack", title, _("nobody answered it yet"), url, _("View"))
    answer = last.answers[-1]
    by = (await directory(visit, answer)).person(answer.by_id).name
    words = language.words(answer.comment)
    about = (_("%(name)s answered: “%(words)s”") if words else _("%(name)s answered it")) % {"name": by, "words": words}
    return Waiting("circle-check", "ontrack", title, about, url, _("View the answer"))


def _next(visit: Visit, now: check_ins_pb2.CheckIn) -> str:
    """ "today a check-in is due", "next check-in: Thursday, 3 Apr 2025"."""
    _, due = visit.language.gettext, date_of(now, "due_on")
    if due is not None and (now.HasField("submitted") or due < visit.today):
        due = date_of(now, "next_due_on")
    if due is None or due < visit.today:
        return ""
    if due == visit.today:
        return _("a check-in is due today")
    return _("next check-in: %(day)s") % {"day": _named(visit, due)}


def _named(visit: Visit, day: date) -> str:
    said = visit.language.whole_day(day)
    return said[:1].lower() + said[1:] if visit.language.code == "vi" else said


def _topics(visit: Visit, reply: topics_pb2.TopicList | None) -> Iterator[Waiting]:
    count = len(reply.topics) if reply else 0
    if reply and count:
        _, ngettext = visit.language.gettext, visit.language.ngettext
        text = ngettext("%(n)s topic waits for your answer", "%(n)s topics wait for your answer", count)
        about = visit.language.words(reply.topics[0].title)
        yield Waiting("message-circle", "behind", text % {"n": count}, about, "/topics", _("Read and answer"))


def _team(visit: Visit, reply: check_ins_pb2.Team | None) -> Iterator[Waiting]:
    waiting = [one for one in reply.members if types_pb2.TEAM_SIGN_ANSWER_WAITS in one.signs] if reply else []
    if waiting:
        _, ngettext = visit.language.gettext, visit.language.ngettext
        text = ngettext(
            "%(n)s check-in waits for your answer", "%(n)s check-ins wait for your answer", len(waiting)
        ) % {"n": len(waiting)}
        yield Waiting("users", "plain", text, "", "/team", _("To my team"))


def _retros(visit: Visit, reply: retros_pb2.Rounds | None) -> Iterator[Waiting]:
    for board in [board for one in (reply.rounds if reply else ()) for board in one.boards]:
        if board.stage == retro_types_pb2.STAGE_WRITING and board.member and not board.done:
            _ = visit.language.gettext
            until = visit.language.instant(board.closes_at.ToDatetime(UTC), visit.zone)
            about = _("until %(moment)s, nobody sees what you write") % {"moment": until}
            url = f"/retro/team/{quote(board.team_retro_id, safe='')}"
            yield Waiting("cards", "plain", _("Your team looks back"), about, url, _("Write"))
