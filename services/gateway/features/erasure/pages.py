"""Erasing a person: asked for by them, decided by an administrator, and not to be undone.

Who audits sees what became of each.
"""

import asyncio
from urllib.parse import quote, urlencode

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from eventkit.names import plain_letters
from nhip.common.v1 import command_pb2, words_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console.directory import directory
from services.gateway.console.erasures import erasure_row, erasures, own_erasure
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure

routes = Routes()

# --- asking for it ---


@routes.page("/profile/erasure")
async def ask(visit: Visit) -> Response:
    """`GET /profile/erasure`: what it means, before it is asked for."""
    return await _ask(visit, Form())


async def _ask(visit: Visit, filled: Form, status: int = 200) -> Response:
    return visit.render("erasure/ask.html", status, form=filled, erasure=await own_erasure(visit))


@routes.form("/profile/erasure")
async def request(visit: Visit) -> Response:
    """`POST /profile/erasure`."""
    filled = await sent(visit.request)
    if not filled["understood"]:
        return await _ask(visit, filled.wrong([Violation("understood", "NOT_CONFIRMED")], visit.language), 422)
    try:
        asked = people_pb2.RequestErasure(person_id=visit.person)
        accepted, position = await visit.caller.ask(
            "people", "RequestErasure", asked, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        return await _ask(visit, filled.refused(failure, visit.language, {"person_id": "person"}), failure.http)
    return visit.done("/profile#erasure", accepted, position, visit.language.gettext("Your request was sent."))


# --- deciding ---


@routes.page("/erasures")
async def listing(visit: Visit) -> Response:
    """`GET /erasures`: for administrators and auditors."""
    after = visit.request.query_params.get("after", "")
    waiting, all = await asyncio.gather(
        erasures(visit, people_pb2.ListErasures(waiting=True, page_size=200)),
        erasures(visit, people_pb2.ListErasures(page_token=after)),
    )
    who = await directory(visit, waiting, all)
    rows = [erasure_row(visit, one, who) for one in all.erasures]
    return visit.render(
        "erasure/erasures.html",
        waiting=[erasure_row(visit, one, who) for one in waiting.erasures] if not after else [],
        others=[row for row in rows if not row.open],
        more=f"/erasures?{urlencode({'after': all.next_page_token})}" if all.next_page_token else "",
    )


@routes.page("/erasures/{person}")
async def one(visit: Visit) -> Response:
    """`GET /erasures/<person>`."""
    return await _one(visit)


async def _one(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    """One request; `sent_back` is the form that was refused, by what it was for: "approval", "decline", "hold"."""
    id = visit.request.path_params["person"]
    reply = await erasures(visit, people_pb2.ListErasures(person_id=id))
    who = await directory(visit, reply, ids=[id])
    latest = next(iter(reply.erasures), None)
    if latest is None:
        raise Failure("NOT_FOUND", "ERASURE_UNKNOWN", f"nobody asked that {id!r} be erased")
    row = erasure_row(visit, latest, who)
    person = who.people.get(id)
    decides = visit.may("people.ApproveErasure") and row.open and not row.own
    asked = latest.requested_by == visit.person
    return visit.render(
        "erasure/erasure.html",
        status,
        here=row.url,
        row=row,
        title=person.title.plain if person else "",
        unit=who.unit(person.place.unit_id).name if person and person.place.unit_id else "",
        decides=decides,
        asked=asked,
        **{name: sent_back[1] if name == sent_back[0] else Form() for name in ("approval", "decline", "hold")},
    )


@routes.form("/erasures/{person}/approval", page="/erasures")
async def approve(visit: Visit) -> Response:
    """`POST /erasures/<person>/approval`: with the person's name typed, as nothing brings their words back."""
    id = visit.request.path_params["person"]
    filled = await sent(visit.request)
    who = await directory(visit, ids=[id])
    if plain_letters(filled.text("name")) != plain_letters(who.person(id).name):
        return await _one(visit, ("approval", filled.wrong([Violation("name", "NAME_DIFFERS")], visit.language)), 422)
    return await _decide(visit, "approval", filled, "ApproveErasure", people_pb2.ApproveErasure(person_id=id))


@routes.form("/erasures/{person}/decline", page="/erasures")
async def decline(visit: Visit) -> Response:
    """`POST /erasures/<person>/decline`: with the reason that the person reads."""
    id = visit.request.path_params["person"]
    filled = await sent(visit.request)
    if not filled.text("reason"):
        return await _one(visit, ("decline", filled.wrong([Violation("reason", "MISSING")], visit.language)), 422)
    words = words_pb2.PersonalText(plain=filled.text("reason"))
    return await _decide(
        visit, "decline", filled, "DeclineErasure", people_pb2.DeclineErasure(person_id=id, reason=words)
    )


@routes.form("/erasures/{person}/hold", page="/erasures")
async def hold(visit: Visit) -> Response:
    """`POST /erasures/<person>/hold`: places a legal hold, or lifts the one that lay there when the form was shown."""
    id = visit.request.path_params["person"]
    filled = await sent(visit.request)
    if not filled.text("hold_reason"):
        return await _one(visit, ("hold", filled.wrong([Violation("hold_reason", "MISSING")], visit.language)), 422)
    words = words_pb2.PersonalText(plain=filled.text("hold_reason"))
    if filled["held"]:
        return await _decide(
            visit, "hold", filled, "LiftLegalHold", people_pb2.LiftLegalHold(person_id=id, reason=words)
        )
    return await _decide(visit, "hold", filled, "PlaceLegalHold", people_pb2.PlaceLegalHold(person_id=id, reason=words))


async def _decide(visit: Visit, form: str, filled: Form, method: str, message: Message) -> Response:
    try:
        accepted, position = await visit.caller.ask("people", method, message, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        fields = {"reason": "hold_reason" if form == "hold" else "reason"}
        return await _one(visit, (form, filled.refused(failure, visit.language, fields)), failure.http)
    id = visit.request.path_params["person"]
    _ = visit.language.gettext
    said = {
        "ApproveErasure": _("The erasure was approved and is being carried out."),
        "DeclineErasure": _("The request was declined."),
        "PlaceLegalHold": _("The data is held: nothing of it is erased until the hold is lifted."),
        "LiftLegalHold": _("The hold was lifted."),
    }[method]
    return visit.done(f"/erasures/{quote(id, safe='')}", accepted, position, said)
