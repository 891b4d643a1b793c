"""The secret address at which a calendar program reads one's calendar: shown once, renewed, ended (C-03)."""

import hashlib

from google.protobuf.message import Message
from starlette.responses import Response

from nhip.checkins.v1 import calendar_feeds_pb2 as pb
from nhip.common.v1 import command_pb2
from services.gateway.console.deeds import carry_out
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.checkin import rhythm

routes = Routes()


@routes.form("/rhythm/calendar", page="/rhythm")
async def renew(visit: Visit) -> Response:
    """`POST /rhythm/calendar`: the address is on the page that answers, and on no other. Not a page to come back to:
    the same form, sent again by a reload, shows the same address."""
    filled = await sent(visit.request)
    if filled["do"] == "end":
        return await _end(visit, filled)
    address = rhythm.drawn_by(visit, filled)
    command: Message = pb.RenewCalendarFeed(address_sha256=hashlib.sha256(address.encode()).hexdigest())
    try:
        accepted, position = await visit.caller.ask(
            "checkins", "RenewCalendarFeed", command, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return await rhythm.show(visit, filled.refused(failure, visit.language, {}), failure.http)
    response = visit.render(
        "checkin/feed.html",
        here="/rhythm",
        address=visit.console.public(visit.request, f"/calendar/{address}.ics?lang={visit.language.code}"),
        replaced=bool(filled["replaces"]),
    )
    visit.remember(response, accepted.position or position)
    return response


async def _end(visit: Visit, filled: Form) -> Response:
    return await carry_out(
        visit,
        filled,
        "checkins",
        "EndCalendarFeed",
        pb.EndCalendarFeed(),
        visit.language.gettext("The address is refused from now on."),
        to=lambda _: "/rhythm",
        again=lambda filled, status: rhythm.show(visit, filled, status),
        fields={},
    )
