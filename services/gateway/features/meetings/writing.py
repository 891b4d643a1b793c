"""What is written in a meeting: each thing by a form of its own, so that nothing waits for the rest."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from urllib.parse import quote
from uuid import uuid4

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import meetings_pb2, types_pb2
from nhip.common.v1 import command_pb2
from nhip.common.v1.words_pb2 import PersonalText
from services.gateway.console.deeds import carry_out
from services.gateway.console.forms import Form, sent
from services.gateway.console.keeping import by_script, kept
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.meetings.actions import FIELDS, agreed_of
from services.gateway.features.meetings.shown import PARTS, Forms, here, span_of, typed_moment

Show = Callable[[Visit, Forms, int], Awaitable[Response]]
"""Shows the page of the meeting, with a form that was sent and what is wrong with it."""
MEETING = "/meetings/{meeting}"


def routes_of(show: Show) -> Routes:
    routes = Routes()

    async def do(
        visit: Visit, filled: Form, name: str, method: str, command: Message, said: str | None, at: str, **fields: str
    ) -> Response:
        """One command of a form: then back to where it was, or the page again with what is wrong."""
        return await carry_out(
            visit,
            filled,
            "checkins",
            method,
            command,
            said or "",
            to=lambda _id: here(_meeting(visit), at),
            again=lambda form, status: show(visit, Forms(name, form), status),
            fields=fields,
        )

    @routes.form(f"{MEETING}/notes", page=MEETING)
    async def write_note(visit: Visit) -> Response:
        """`POST /meetings/<id>/notes`: a note is kept; for the script, which sends as somebody writes, as JSON."""
        filled = await sent(visit.request)
        part, question = filled["part"], filled["question"]
        name = f"note-{part}-{question}" if question else f"note-{part}"
        command = meetings_pb2.WriteNote(
            meeting_id=_meeting(visit),
            part=PARTS.get(part, types_pb2.NOTE_PART_UNSPECIFIED),
            question=question[:64],
            seen_revision=_number(filled["revision"]),
            text=PersonalText(plain=filled.text("text")) if filled.text("text") else None,
        )
        key = str(uuid4()) if by_script(visit) else filled.key  # what is typed next is another thing
        try:
            accepted, position = await visit.caller.ask("checkins", "WriteNote", command, command_pb2.Accepted, key=key)
        except Failure as failure:
            if failure.status == "UNAUTHENTICATED":
                raise
            theirs = await _as_it_stands(visit, command)
            if by_script(visit):
                return kept(visit, theirs.revision, refused=f"{visit.explain(failure)} “{_words(visit, theirs)}”")
            values = {**filled.values, "revision": str(theirs.revision), "theirs": _words(visit, theirs)}
            again = Form(values, errors={"text": visit.explain(failure)})
            return await show(visit, Forms(name, again), failure.http)
        if by_script(visit):
            revision = command.seen_revision if accepted.unchanged else command.seen_revision + 1
            return kept(visit, revision, position=accepted.position or position, written=not accepted.unchanged)
        said = visit.language.gettext("It is kept.")
        return visit.done(here(_meeting(visit), name), accepted, position, said)

    @routes.form(f"{MEETING}/ways", page=MEETING)
    async def write_way(visit: Visit) -> Response:
        filled = await sent(visit.request)
        way = types_pb2.Way()
        for field in ("name", "plus", "minus", "needs"):
            if text := filled.text(field):
                getattr(way, field).CopyFrom(PersonalText(plain=text))
        name = f"way-{filled['way'] or 'new'}"
        if not filled.text("name"):
            wrong = filled.wrong([Violation("name", "MISSING")], visit.language)
            return await show(visit, Forms(name, wrong), 422)
        command = meetings_pb2.WriteWay(
            meeting_id=_meeting(visit), way_id=filled["way"], seen_revision=_number(filled["seen"]), way=way
        )
        said = visit.language.gettext("The way is written down.")
        fields = {f"way.{field}": field for field in ("name", "plus", "minus", "needs")}
        return await do(visit, filled, name, "WriteWay", command, said, "step-2", **fields)

    @routes.form(f"{MEETING}/ways/choose", page=MEETING)
    async def choose_way(visit: Visit) -> Response:
        filled = await sent(visit.request)
        command = meetings_pb2.ChooseWay(meeting_id=_meeting(visit), way_id=filled["way"])
        said = (
            visit.language.gettext("The way is chosen.")
            if filled["way"]
            else visit.language.gettext("No way is chosen.")
        )
        return await do(visit, filled, "choose", "ChooseWay", command, said, "step-2")

    @routes.form(f"{MEETING}/ways/{{way}}/remove", page=MEETING)
    async def remove_way(visit: Visit) -> Response:
        filled = await sent(visit.request)
        command = meetings_pb2.RemoveWay(meeting_id=_meeting(visit), way_id=str(visit.request.path_params["way"]))
        said = visit.language.gettext("The way is taken out.")
        return await do(visit, filled, "remove", "RemoveWay", command, said, "step-2")

    @routes.form(f"{MEETING}/topics/{{topic}}", page=MEETING)
    async def discuss(visit: Visit) -> Response:
        filled = await sent(visit.request)
        topic = str(visit.request.path_params["topic"])
        answer = filled.text("answer")
        command = meetings_pb2.DiscussTopic(
            meeting_id=_meeting(visit),
            topic_id=topic,
            answer=PersonalText(plain=answer) if answer else None,
            close=filled["close"] == "1",
        )
        said = visit.language.gettext("The topic was talked about.")
        return await do(visit, filled, f"topic-{topic}", "DiscussTopic", command, said, "step-1", answer="answer")

    @routes.form(f"{MEETING}/actions", page=MEETING)
    async def agree(visit: Visit) -> Response:
        """A new action, or one that is agreed otherwise."""
        filled = await sent(visit.request)
        agreed, wrong = agreed_of(filled, visit, whole=False)
        id, said = filled["action"], visit.language.gettext("The action is agreed.")
        name = f"action-{id or 'new'}"
        if wrong:
            return await show(visit, Forms(name, filled.wrong(wrong, visit.language)), 422)
        if id:
            change = meetings_pb2.ChangeAction(action_id=id, agreed=agreed, seen_revision=_number(filled["seen"]))
            return await do(visit, filled, name, "ChangeAction", change, said, "step-3", **FIELDS)
        command = meetings_pb2.AgreeAction(agreed=agreed, meeting_id=_meeting(visit))
        return await do(visit, filled, name, "AgreeAction", command, said, "step-3", **FIELDS)

    @routes.form(f"{MEETING}/adjust", page=MEETING)
    async def adjust(visit: Visit) -> Response:
        """Whether a KPI is to be adjusted; a yes leads to the proposal, which names the meeting (C-38)."""
        filled = await sent(visit.request)
        meeting_id, wanted = _meeting(visit), filled["adjust"] == "yes"
        command = meetings_pb2.AnswerKpiQuestion(meeting_id=meeting_id, adjust=wanted)
        to = f"/proposals/new?meeting={quote(meeting_id, safe='')}" if wanted else here(meeting_id, "step-5")
        _ = visit.language.gettext
        said = (
            _("It is noted: choose the KPI that is to be adjusted.") if wanted else _("It is noted: no KPI is changed.")
        )
        return await carry_out(
            visit,
            filled,
            "checkins",
            "AnswerKpiQuestion",
            command,
            said,
            to=lambda _id: to,
            again=lambda form, status: show(visit, Forms("adjust", form), status),
            fields={},
        )

    @routes.form(f"{MEETING}/confirm", page=MEETING)
    async def confirm(visit: Visit) -> Response:
        filled = await sent(visit.request)
        command = meetings_pb2.ConfirmMinutes(meeting_id=_meeting(visit), seen_version=_number(filled["seen"]))
        said = visit.language.gettext("You confirmed the minutes. When everybody has, they are only added to.")
        return await do(visit, filled, "confirm", "ConfirmMinutes", command, said, "minutes")

    @routes.form(f"{MEETING}/additions", page=MEETING)
    async def add(visit: Visit) -> Response:
        filled = await sent(visit.request)
        if not filled.text("text"):
            return await show(visit, Forms("add", filled.wrong([Violation("text", "MISSING")], visit.language)), 422)
        command = meetings_pb2.AddToMinutes(meeting_id=_meeting(visit), text=PersonalText(plain=filled.text("text")))
        said = visit.language.gettext("The minutes are added to.")
        return await do(visit, filled, "add", "AddToMinutes", command, said, "minutes", text="text")

    @routes.form(f"{MEETING}/invite", page=MEETING)
    async def invite(visit: Visit) -> Response:
        filled = await sent(visit.request)
        if not filled["person"]:
            wrong = filled.wrong([Violation("person", "MISSING")], visit.language)
            return await show(visit, Forms("invite", wrong), 422)
        command = meetings_pb2.InviteToMeeting(meeting_id=_meeting(visit), person_ids=[filled["person"]])
        said = visit.language.gettext("Invited: who comes reads what is said from now on, and nothing of before.")
        return await do(visit, filled, "invite", "InviteToMeeting", command, said, "", person_ids="person")

    @routes.form(f"{MEETING}/answer", page=MEETING)
    async def answer(visit: Visit) -> Response:
        filled = await sent(visit.request)
        comes, word = filled["do"] == "come", filled.text("word")
        command = meetings_pb2.AnswerInvitation(
            meeting_id=_meeting(visit), comes=comes, word=PersonalText(plain=word) if word else None
        )
        _ = visit.language.gettext
        said = (
            _("Said: you come. Who invited you was told.")
            if comes
            else _("Said: you cannot come. Who invited you was told.")
        )
        return await do(visit, filled, "answer", "AnswerInvitation", command, said, "", word="word")

    @routes.form(f"{MEETING}/move", page=MEETING)
    async def move(visit: Visit) -> Response:
        filled = await sent(visit.request)
        starts = typed_moment(filled, "starts", visit)
        if starts is None:
            wrong = filled.wrong([Violation("starts", "NOT_A_DAY")], visit.language)
            return await show(visit, Forms("move", wrong), 422)
        span = span_of(starts.astimezone(UTC), _number(filled["minutes"]) or 30)
        command = meetings_pb2.MoveMeeting(meeting_id=_meeting(visit), span=span)
        said = visit.language.gettext("The meeting is moved; who takes part was told.")
        return await do(visit, filled, "move", "MoveMeeting", command, said, "", span="starts")

    @routes.form(f"{MEETING}/cancel", page=MEETING)
    async def cancel(visit: Visit) -> Response:
        filled = await sent(visit.request)
        if not filled.text("reason"):
            wrong = filled.wrong([Violation("reason", "MISSING")], visit.language)
            return await show(visit, Forms("cancel", wrong), 422)
        command = meetings_pb2.CancelMeeting(
            meeting_id=_meeting(visit), reason=PersonalText(plain=filled.text("reason"))
        )
        said = visit.language.gettext("The meeting is called off; who takes part was told.")
        return await do(visit, filled, "cancel", "CancelMeeting", command, said, "", reason="reason")

    return routes


async def _as_it_stands(visit: Visit, command: meetings_pb2.WriteNote) -> meetings_pb2.Note:
    """What is written there by now."""
    asked = meetings_pb2.GetMeeting(meeting_id=command.meeting_id)
    meeting = await or_none(visit.caller.query("checkins", "GetMeeting", asked, meetings_pb2.Meeting))
    if meeting is None:
        return meetings_pb2.Note()
    for note in meeting.notes:
        if (note.part, note.question) == (command.part, command.question) and note.circle == meeting.circle:
            return note
    return meetings_pb2.Note()


def _words(visit: Visit, note: meetings_pb2.Note) -> str:
    return visit.language.words(note.text) if note.HasField("text") else ""


def _meeting(visit: Visit) -> str:
    return str(visit.request.path_params["meeting"])


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 0
