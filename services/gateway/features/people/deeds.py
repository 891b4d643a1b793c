"""What the forms about people and units ask for, carried out: the same way for each."""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import words_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console import deeds
from services.gateway.console.forms import Form, date_message
from services.gateway.console.visit import Visit

FIELDS: Mapping[str, str] = {
    "name": "name",
    "title": "title",
    "email": "email",
    "reason": "reason",
    "employment.employee_code": "code",
    "employment.joined_on": "joined",
    "place.unit_id": "unit",
    "place.manager_id": "manager",
    "successor_id": "successor",
    "parent_id": "parent",
    "on": "on",
}
"""The form's field for a request's path; what is about no field of a form is said above it."""

_PLANNABLE = {
    field.message_type.full_name: field.name
    for field in people_pb2.Change.DESCRIPTOR.fields
    if field.message_type is not None
}
"""Commands that may be asked for a later day, and what they are called there."""
_PLANNED_PATH = re.compile(r"^change\.\w+\.")


async def carry_out(
    visit: Visit,
    filled: Form,
    method: str,
    command: Message,
    said: str,
    *,
    to: Callable[[str], str],
    again: Callable[[Form, int], Awaitable[Response]],
    here: str = "",
    fields: Mapping[str, str] = FIELDS,
) -> Response:
    """As `console.deeds.carry_out`, of the service people. With a later day in `on` it is planned, and the page stays
    `here`."""
    if filled["on"] and (planned := _PLANNABLE.get(command.DESCRIPTOR.full_name)):
        wrong: list[Violation] = []
        on = filled.day("on", wrong)
        if on is None:
            return await again(filled.wrong(wrong, visit.language), 422)
        if on != visit.today:
            change = people_pb2.Change()
            getattr(change, planned).CopyFrom(command)
            method, command = "PlanChange", people_pb2.PlanChange(on=date_message(on), change=change)
            said = visit.language.gettext("It is planned for %(day)s.") % {"day": visit.language.day(on)}
            to = partial(_always, here)
    return await deeds.carry_out(
        visit, filled, "people", method, command, said, to=to, again=again, fields=fields, within=_PLANNED_PATH
    )


def reason_of(filled: Form) -> words_pb2.PersonalText | None:
    """Why something is withdrawn; None: nothing was said."""
    text = filled.text("withdraw-reason")
    return words_pb2.PersonalText(plain=text) if text else None


def _always(page: str, _: str) -> str:
    return page
