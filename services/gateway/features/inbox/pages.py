"""The inbox: what waits for its reader before what is good to know."""

from urllib.parse import urlencode
from uuid import uuid4

from starlette.responses import Response

from nhip.common.v1 import command_pb2
from nhip.notifications.v1 import notifications_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import sent
from services.gateway.console.notices import notice_row
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.session import local_path

routes = Routes()


@routes.page("/inbox")
async def page(visit: Visit) -> Response:
    """`GET /inbox`."""
    after = visit.request.query_params.get("after", "")
    asked = notifications_pb2.ListNotices(page_token=after)
    reply = await visit.caller.query("notifications", "ListNotices", asked, notifications_pb2.Notices)
    who = await directory(visit, reply)
    rows = [notice_row(visit, notice, who) for notice in reply.notices]
    visit.unread = reply.unread
    return visit.render(
        "inbox/inbox.html",
        waiting=[row for row in rows if row.waiting],
        others=[row for row in rows if not row.waiting],
        unread=reply.unread,
        more="/inbox?" + urlencode({"after": reply.next_page_token}) if reply.next_page_token else "",
        further=bool(after),
        key=str(uuid4()),
    )


@routes.form("/inbox/{notice}/open", page="/inbox")
async def open_thing(visit: Visit) -> Response:
    """`POST /inbox/<id>/open`: marks it read and leads to its thing, whether the mark could be made or not."""
    filled = await sent(visit.request)
    to = local_path(filled["to"])
    try:
        read = await _read(
            visit, notifications_pb2.ReadNotices(notice_ids=[visit.request.path_params["notice"]]), filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return visit.redirect(to)
    return visit.done(to, *read, None)


@routes.form("/inbox/{notice}/read", page="/inbox")
async def mark_read(visit: Visit) -> Response:
    """`POST /inbox/<id>/read`."""
    filled = await sent(visit.request)
    request = notifications_pb2.ReadNotices(notice_ids=[visit.request.path_params["notice"]])
    return visit.done("/inbox", *await _read(visit, request, filled.key), visit.language.gettext("Marked as read."))


@routes.form("/inbox/read", page="/inbox")
async def mark_all(visit: Visit) -> Response:
    """`POST /inbox/read`."""
    filled = await sent(visit.request)
    read = await _read(visit, notifications_pb2.ReadNotices(all=True), filled.key)
    return visit.done("/inbox", *read, visit.language.gettext("All notices were marked as read."))


async def _read(visit: Visit, request: notifications_pb2.ReadNotices, key: str) -> tuple[command_pb2.Accepted, str]:
    return await visit.caller.ask("notifications", "ReadNotices", request, command_pb2.Accepted, key=key)
