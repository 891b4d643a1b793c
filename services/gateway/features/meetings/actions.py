"""What is to be done: one's own actions, and those that wait for one's approval (C-33)."""

import asyncio
from datetime import UTC
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import meetings_pb2, types_pb2
from nhip.common.v1.words_pb2 import PersonalText
from services.gateway.console.choices import people_led, people_to_choose
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.meetings.shown import Forms, action_row, timestamp, typed_moment

routes = Routes()
LISTED = 50
FIELDS = {"agreed.what": "what", "agreed.doer_id": "doer", "agreed.due_at": "due", "agreed.approver_id": "approver"}


def agreed_of(filled: Form, visit: Visit, *, whole: bool) -> tuple[types_pb2.Agreed, list[Violation]]:
    """What a form says of an action, and what is wrong with it; `whole`: it says who and until when."""
    wrong, agreed = list[Violation](), types_pb2.Agreed(doer_id=filled["doer"], approver_id=filled["approver"])
    if what := filled.text("what"):
        agreed.what.CopyFrom(PersonalText(plain=what))
    else:
        wrong.append(Violation("what", "MISSING"))
    due = typed_moment(filled, "due", visit)
    if due is not None:
        agreed.due_at.CopyFrom(timestamp(due.astimezone(UTC)))
    elif filled.text("due"):
        wrong.append(Violation("due", "NOT_A_DAY"))
    elif whole:
        wrong.append(Violation("due", "DUE_MISSING"))
    return agreed, wrong


@routes.page("/actions")
async def actions(visit: Visit) -> Response:
    """`GET /actions`; `?all=1` with those that are done or were given up, `?page=` for what did not fit."""
    return await _show(visit, Forms())


async def _show(visit: Visit, forms: Forms, status: int = 200) -> Response:
    query = visit.request.query_params
    everything = query.get("all") == "1"
    mine = meetings_pb2.ListActions(closed_too=everything, page_size=LISTED, page_token=query.get("page", ""))
    own, asked, people, led = await asyncio.gather(
        _list(visit, mine),
        _list(visit, meetings_pb2.ListActions(to_approve=True)),
        people_to_choose(visit, forms["new"]["approver"], without=visit.person),
        people_led(visit),
    )
    who = await directory(visit, own, asked)
    more = f"&page={quote(own.next_page_token, safe='')}" if own.next_page_token else ""
    return forms.render(
        visit,
        "meetings/actions.html",
        status,
        here="/actions",
        own=[action_row(one, who, visit) for one in own.actions],
        asked=[action_row(one, who, visit) for one in asked.actions],
        everything=everything,
        more=f"/actions?all={int(everything)}{more}" if more else "",
        people=people,
        led=led,
    )


async def _list(visit: Visit, asked: meetings_pb2.ListActions) -> meetings_pb2.ActionList:
    return await visit.caller.query("checkins", "ListActions", asked, meetings_pb2.ActionList)


@routes.form("/actions")
async def agree(visit: Visit) -> Response:
    """`POST /actions`: something that one is to do oneself, or somebody whom one leads."""
    filled = await sent(visit.request)
    values = {**filled.values, "doer": filled["doer"] or visit.person}
    agreed, wrong = agreed_of(Form(values), visit, whole=True)
    if wrong:
        return await _show(visit, Forms("new", filled.wrong(wrong, visit.language)), 422)
    said = visit.language.gettext("The action is agreed.")
    return await _do(visit, filled, "new", "AgreeAction", meetings_pb2.AgreeAction(agreed=agreed), said)


@routes.form("/actions/{action}/report", page="/actions")
async def report(visit: Visit) -> Response:
    filled, id = await sent(visit.request), _action(visit)
    note = filled.text("words")
    command = meetings_pb2.ReportAction(action_id=id, note=PersonalText(plain=note) if note else None)
    said = visit.language.gettext("Well done: who approves it was told.")
    return await _do(visit, filled, f"report-{id}", "ReportAction", command, said)


@routes.form("/actions/{action}/decide", page="/actions")
async def decide(visit: Visit) -> Response:
    """Approved, or sent back with what is still to be done."""
    filled, id = await sent(visit.request), _action(visit)
    note, _ = filled.text("words"), visit.language.gettext
    if filled["do"] == "approve":
        approve = meetings_pb2.ApproveAction(action_id=id, note=PersonalText(plain=note) if note else None)
        return await _do(
            visit, filled, f"decide-{id}", "ApproveAction", approve, _("It is approved; who did it was told.")
        )
    if not note:
        return await _missing(visit, filled, f"decide-{id}")
    back = meetings_pb2.SendActionBack(action_id=id, reason=PersonalText(plain=note))
    return await _do(visit, filled, f"decide-{id}", "SendActionBack", back, _("It is sent back; who did it was told."))


@routes.form("/actions/{action}/drop", page="/actions")
async def drop(visit: Visit) -> Response:
    filled, id = await sent(visit.request), _action(visit)
    if not filled.text("words"):
        return await _missing(visit, filled, f"drop-{id}")
    command = meetings_pb2.DropAction(action_id=id, reason=PersonalText(plain=filled.text("words")))
    said = visit.language.gettext("It is given up; whom it concerns was told.")
    return await _do(visit, filled, f"drop-{id}", "DropAction", command, said)


async def _do(visit: Visit, filled: Form, name: str, method: str, command: Message, said: str) -> Response:
    return await carry_out(
        visit,
        filled,
        "checkins",
        method,
        command,
        said,
        to=lambda _id: "/actions",
        again=lambda form, status: _show(visit, Forms(name, form), status),
        fields={**FIELDS, "note": "words", "reason": "words"},
    )


async def _missing(visit: Visit, filled: Form, name: str) -> Response:
    return await _show(visit, Forms(name, filled.wrong([Violation("words", "MISSING")], visit.language)), 422)


def _action(visit: Visit) -> str:
    return str(visit.request.path_params["action"])
