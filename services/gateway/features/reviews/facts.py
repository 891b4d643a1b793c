"""What a cycle was made of, beside a review of it: more than its last weeks, and no mark of anybody (C-43, C-50)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote

from google.protobuf.timestamp_pb2 import Timestamp

from eventkit.values import to_datetime
from nhip.checkins.v1 import cadence_pb2, check_ins_pb2, topics_pb2, types_pb2
from nhip.goals.v1 import goals_pb2
from nhip.rewards.v1 import rewards_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import date_message
from services.gateway.console.language import day_of
from services.gateway.console.states import proposal_mark
from services.gateway.console.visit import Visit, or_none

MOST_TOPICS, MOST_NAMED, SHOWN_PROPOSALS = 50, 3, 4
PRAISE_PAGES = 3
"""Pages of a hundred that are looked through for the cycle's praise."""


@dataclass(frozen=True, slots=True)
class Fact:
    icon: str
    text: str
    url: str = ""
    state: str = ""
    """What came of it."""


@dataclass(frozen=True, slots=True)
class _Span:
    """The days of a cycle, by the clock of the company."""

    visit: Visit
    starts_on: date
    ends_on: date

    def has(self, at: Timestamp) -> bool:
        return self.starts_on <= at.ToDatetime(UTC).astimezone(self.visit.zone).date() <= self.ends_on


async def facts(visit: Visit, person_id: str, cycle: goals_pb2.Cycle) -> list[Fact]:
    """As far as the reader may see it."""
    span = _Span(visit, day_of(cycle.starts_on), day_of(cycle.ends_on))
    found = await asyncio.gather(
        _check_ins(span, person_id),
        _topics(span, person_id),
        _praise(span, person_id),
        _proposals(visit, person_id, cycle.cycle_id),
    )
    return [fact for some in found for fact in some]


async def _check_ins(span: _Span, person_id: str) -> Sequence[Fact]:
    visit, _ = span.visit, span.visit.language.gettext
    asked_days = cadence_pb2.GetCalendar(person_id=person_id, day=date_message(span.ends_on))
    asked_made = check_ins_pb2.ListCheckIns(person_id=person_id, page_size=100)
    calendar, made = await asyncio.gather(
        or_none(visit.caller.query("checkins", "GetCalendar", asked_days, cadence_pb2.Calendar)),
        or_none(visit.caller.query("checkins", "ListCheckIns", asked_made, check_ins_pb2.CheckInList)),
    )
    slots = [one for one in calendar.slots if one.state != types_pb2.CHECK_IN_STATE_AWAY] if calendar else []
    if not slots or made is None:
        return ()
    lines = [one for one in made.check_ins if span.starts_on <= day_of(one.due_on) <= span.ends_on]
    sent = [one for one in lines if one.HasField("submitted_at")]
    told = {"made": len(sent), "of": len(slots), "in_time": sum(not one.late and not one.undated for one in sent)}
    return (Fact("clipboard-check", _("%(made)s of %(of)s check-ins made, %(in_time)s in time") % told),)


async def _topics(span: _Span, person_id: str) -> Sequence[Fact]:
    visit, ngettext = span.visit, span.visit.language.ngettext
    asked = topics_pb2.ListTopics(author_id=person_id, page_size=MOST_TOPICS)
    raised = await or_none(visit.caller.query("checkins", "ListTopics", asked, topics_pb2.TopicList))
    topics = [one for one in (raised.topics if raised else ()) if span.has(one.raised_at)]
    if not topics:
        return ()
    settled = sum(one.state in (types_pb2.TOPIC_STATE_ANSWERED, types_pb2.TOPIC_STATE_CLOSED) for one in topics)
    text = ngettext(
        "%(num)s topic raised, %(settled)s settled", "%(num)s topics raised, %(settled)s settled", len(topics)
    )
    return (Fact("message-circle", text % {"num": len(topics), "settled": settled}),)


async def _praise(span: _Span, person_id: str) -> Sequence[Fact]:
    """What the person was praised for, alone or with their unit: by how many and by whom."""
    visit, received, token = span.visit, list[rewards_pb2.Praise](), ""
    begins = datetime.combine(span.starts_on, datetime.min.time(), visit.zone)
    for _page in range(PRAISE_PAGES):
        asked = rewards_pb2.ListPraises(person_id=person_id, page_size=100, page_token=token)
        told = await or_none(visit.caller.query("rewards", "ListPraises", asked, rewards_pb2.Praises))
        if told is None:
            return ()
        received += [one for one in told.praises if one.giver_id != person_id and span.has(one.given_at)]
        token = told.next_page_token
        if not token or (told.praises and to_datetime(told.praises[-1].given_at) < begins):
            break
    if not received:
        return ()
    givers = list(dict.fromkeys(one.giver_id for one in received))
    who = await directory(visit, ids=givers[:MOST_NAMED])
    names = ", ".join(who.person(id).name for id in givers[:MOST_NAMED])
    if len(givers) > MOST_NAMED:
        names = visit.language.gettext("%(names)s and others") % {"names": names}
    text = visit.language.ngettext(
        "praised %(num)s time, by %(names)s", "praised %(num)s times, by %(names)s", len(received)
    )
    return (Fact("heart-handshake", text % {"num": len(received), "names": names}),)


async def _proposals(visit: Visit, person_id: str, cycle_id: str) -> Sequence[Fact]:
    """What the person proposed about the cycle's KPIs, and what came of it."""
    asked = goals_pb2.ListProposals(cycle_id=cycle_id, proposer_id=person_id, page_size=SHOWN_PROPOSALS)
    told = await or_none(visit.caller.query("goals", "ListProposals", asked, goals_pb2.Proposals))
    return [
        Fact(
            "arrows-exchange",
            one.title.plain or visit.language.gettext("A proposal"),
            f"/proposals/{quote(one.proposal_id, safe='')}",
            proposal_mark(one.state, visit.language).word,
        )
        for one in (told.proposals if told else ())
    ]
