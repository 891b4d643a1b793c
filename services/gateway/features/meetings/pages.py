"""Meetings: those to come and those that were, calling one, and the page of one, in five steps (C-31)."""

import asyncio
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import meetings_pb2, reviews_pb2, types_pb2
from nhip.common.v1.words_pb2 import PersonalText
from services.gateway.console.choices import people_to_choose
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.links import praise_link
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.meetings import actions, writing
from services.gateway.features.meetings.bank import questions
from services.gateway.features.meetings.shown import (
    Forms,
    action_row,
    head_row,
    here,
    minutes,
    notes,
    span_of,
    topic_rows,
    typed_moment,
    way_cards,
)

routes = Routes(actions.routes)
LISTED = 20
LENGTHS = (15, 30, 45, 60, 90)
"""Minutes that a meeting may be called for."""


@routes.page("/meetings")
async def meetings(visit: Visit) -> Response:
    """`GET /meetings`; `?from=` goes on among those that were."""
    past_from = visit.request.query_params.get("from", "")
    coming, past = await asyncio.gather(
        _list(visit, meetings_pb2.ListMeetings(page_size=100)),
        _list(visit, meetings_pb2.ListMeetings(past=True, page_size=LISTED, page_token=past_from)),
    )
    who = await directory(visit, coming, past)
    return visit.render(
        "meetings/meetings.html",
        coming=[head_row(one, who, visit) for one in coming.meetings],
        past=[head_row(one, who, visit) for one in past.meetings],
        more=past.next_page_token,
    )


async def _list(visit: Visit, asked: meetings_pb2.ListMeetings) -> meetings_pb2.MeetingList:
    return await visit.caller.query("checkins", "ListMeetings", asked, meetings_pb2.MeetingList)


@routes.page("/meetings/new")
async def calling(visit: Visit) -> Response:
    """`GET /meetings/new`; `?with=` names somebody, `?check_in=` where it was wished for, `?cycle=&reviewed=` a
    review."""
    visit.must("checkins.CallMeeting")
    given = visit.request.query_params
    known = {name: given[name][:200] for name in ("check_in", "cycle", "reviewed", "host") if name in given}
    if "with" in given:
        known[f"person.{given['with'][:64]}"] = "1"
    tomorrow = visit.today + timedelta(days=1)
    return await _calling(visit, Form({"starts": f"{tomorrow.isoformat()}T09:00", "minutes": "30", **known}), 200)


async def _calling(visit: Visit, form: Form, status: int) -> Response:
    chosen = [name.removeprefix("person.") for name in form.values if name.startswith("person.")]
    people = await people_to_choose(visit, *chosen, without=visit.person)
    return visit.render(
        "meetings/call.html",
        status,
        here="/meetings/new",
        form=form,
        people=people,
        lengths=LENGTHS,
    )


@routes.form("/meetings/new")
async def call(visit: Visit) -> Response:
    filled, wrong = await sent(visit.request), list[Violation]()
    others = [
        name.removeprefix("person.") for name, value in filled.values.items() if name.startswith("person.") and value
    ]
    starts = typed_moment(filled, "starts", visit)
    if starts is None:
        wrong.append(Violation("starts", "NOT_A_DAY" if filled.text("starts") else "MISSING"))
    if not others:
        wrong.append(Violation("people", "NOBODY_ELSE"))
    if wrong or starts is None:
        return await _calling(visit, filled.wrong(wrong, visit.language), 422)
    length = int(filled["minutes"]) if filled["minutes"].isascii() and filled["minutes"].isdigit() else 30
    command = meetings_pb2.CallMeeting(
        host_id=filled["host"],
        participant_ids=others,
        span=span_of(starts, min(max(length, 5), 720)),
        about=PersonalText(plain=filled.text("about")) if filled.text("about") else None,
        check_in_id=filled["check_in"],
        cycle_id=filled["cycle"],
        reviewed_id=filled["reviewed"],
    )
    return await carry_out(
        visit,
        filled,
        "checkins",
        "CallMeeting",
        command,
        visit.language.gettext("The meeting is called; who takes part was told."),
        to=here,
        again=lambda form, status: _calling(visit, form, status),
        fields={"participant_ids": "people", "span": "starts", "about": "about", "host_id": "people"},
    )


@routes.page("/meetings/{meeting}")
async def one_meeting(visit: Visit) -> Response:
    """`GET /meetings/<id>`."""
    return await show(visit, Forms())


async def show(visit: Visit, forms: Forms, status: int = 200) -> Response:
    asked = meetings_pb2.GetMeeting(meeting_id=str(visit.request.path_params["meeting"]))
    meeting = await visit.caller.query("checkins", "GetMeeting", asked, meetings_pb2.Meeting)
    head = meeting.head
    people, who, differing = await asyncio.gather(
        people_to_choose(visit, *head.participant_ids) if meeting.may_write else _nobody(),
        directory(visit, meeting),
        _differing(visit, head),
    )
    written, ways = notes(meeting, who, visit), way_cards(meeting, visit)
    agreed = [action_row(one, who, visit) for one in meeting.actions]
    others = [id for id in head.participant_ids if id != visit.person]
    taking_part = [(id, who.person(id).name) for id in head.participant_ids]
    incomplete = sum(not one.complete for one in agreed)
    topics = topic_rows(meeting, who, visit)
    done = (
        bool(written["note-problem"].text or any(one.discussed for one in topics)),
        any(way.chosen for way in ways),
        bool(agreed) and not incomplete,
        bool(written["note-new"].text),
        bool(written["note-summary"].text or meeting.kpi_question_answered),
    )
    return forms.render(
        visit,
        "meetings/meeting.html",
        status,
        here=here(head.meeting_id),
        meeting=meeting,
        head=head_row(head, who, visit),
        notes=written,
        ways=ways,
        topics=topics,
        agreed=agreed,
        earlier=[action_row(one, who, visit) for one in meeting.earlier],
        minutes=minutes(meeting, written, ways, agreed, who, visit),
        additions=[(visit.language.words(one.text), who.person(one.by_id)) for one in meeting.additions],
        confirmed=[who.person(id) for id in meeting.confirmed_by],
        questions=questions(visit.language),
        people=people,
        taking_part=taking_part,
        answers=[
            (who.person(one.person_id), one.comes, visit.language.words(one.word) if one.HasField("word") else "")
            for one in meeting.answers
        ],
        answered=next((one.comes for one in meeting.answers if one.person_id == visit.person), None),
        inviting=[one for one in people.choices if one[0] not in head.participant_ids] if people else [],
        lengths=LENGTHS,
        incomplete=incomplete,
        done=done,
        differing=differing,
        praise=praise_link(others, visit.person),
        kept=visit.language.gettext("What you write is kept as you go on."),
    )


async def _nobody() -> Any:
    return None


async def _differing(visit: Visit, head: meetings_pb2.MeetingHead) -> int | None:
    """On how many KPIs the two of the review differ that it is to close; None: it is to close none, or not the
    reader's."""
    if not head.cycle_id:
        return None
    asked = reviews_pb2.GetReview(cycle_id=head.cycle_id, person_id=head.reviewed_id)
    review = await or_none(visit.caller.query("checkins", "GetReview", asked, reviews_pb2.Review))
    if review is None or review.head.state == types_pb2.REVIEW_STATE_CLOSED:
        return None
    return len(review.differing_kpi_ids)


routes.declared.extend(writing.routes_of(show).declared)
