"""What a form asks for, carried out: the same way for each."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from google.protobuf.message import Message
from starlette.responses import Response

from nhip.common.v1 import command_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure


async def carry_out(
    visit: Visit,
    filled: Form,
    context: str,
    method: str,
    command: Message,
    said: str,
    *,
    to: Callable[[str], str],
    again: Callable[[Form, int], Awaitable[Response]],
    fields: Mapping[str, str],
    within: re.Pattern[str] | None = None,
) -> Response:
    """Then to the page of what the command made or changed, `to(id)`, which says what happened; where it was refused,
    the form once more, with what is wrong where it is wrong. `again` itself raises when what the page is about is not
    there. `fields` names the form's field for a request's path; what is about no field is said above the form;
    `within` is what stands before those paths."""
    try:
        accepted, position = await visit.caller.ask(context, method, command, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return await again(filled.refused(await _named(visit, failure, within), visit.language, fields), failure.http)
    return visit.done(to(accepted.id), accepted, position, said)


async def _named(visit: Visit, failure: Failure, within: re.Pattern[str] | None) -> Failure:
    """The same, with the name of whom it speaks of instead of an id."""
    if within is not None:
        violations = tuple(replace(one, field=within.sub("", one.field)) for one in failure.violations)
        failure = replace(failure, violations=violations)
    person = failure.parameters.get("person", "")
    if not person:
        return failure
    parameters = {**failure.parameters, "person": (await directory(visit, ids=[person])).person(person).name}
    violations = tuple(replace(one, parameters=parameters) for one in failure.violations)
    return replace(failure, parameters=parameters, violations=violations)
