"""How somebody signs in: the identities of the company's provider that mean them, and taking one back."""

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote, urlencode

from starlette.responses import Response

from eventkit.values import to_datetime
from nhip.common.v1 import words_pb2
from nhip.people.v1 import identities_pb2
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.people.deeds import carry_out

routes = Routes()
SHORT = 12
"""Letters of an identity's id that are shown: they tell two apart."""


@dataclass(frozen=True, slots=True)
class SignIn:
    id: str
    short: str
    linked: str
    form: Form


@routes.page("/people/{person}/sign-ins")
async def listing(visit: Visit) -> Response:
    """`GET /people/<id>/sign-ins`: for themselves and administrators."""
    return await _listing(visit)


async def _listing(visit: Visit, sent_back: tuple[str, Form] = ("", Form()), status: int = 200) -> Response:
    id, after = visit.request.path_params["person"], visit.request.query_params.get("after", "")
    asked = identities_pb2.ListIdentities(person_id=id, page_token=after)
    found = await visit.caller.query("people", "ListIdentities", asked, identities_pb2.IdentityList)
    who = await directory(visit, ids=[id])
    rows = [
        SignIn(
            one.identity_id,
            one.identity_id[:SHORT],
            visit.language.instant(to_datetime(one.linked_at), visit.zone),
            sent_back[1] if sent_back[0] == one.identity_id else Form(),
        )
        for one in found.identities
    ]
    url = _url(id)
    return visit.render(
        "people/sign_ins.html",
        status,
        here=url,
        person=who.person(id),
        own=id == visit.person,
        url=url,
        rows=rows,
        more=f"{url}?" + urlencode({"after": found.next_page_token}) if found.next_page_token else "",
    )


@routes.form("/people/{person}/sign-ins/{identity}/unlinking", page="/people/{person}/sign-ins")
async def unlink(visit: Visit) -> Response:
    """`POST /people/<id>/sign-ins/<identity>/unlinking`."""
    filled, identity = await sent(visit.request), visit.request.path_params["identity"]
    reason = filled.text("reason")
    command = identities_pb2.UnlinkIdentity(
        identity_id=identity, reason=words_pb2.PersonalText(plain=reason) if reason else None
    )

    def again(filled: Form, status: int) -> Awaitable[Response]:
        return _listing(visit, (identity, filled), status)

    said = visit.language.gettext("This sign-in means nobody any more.")
    return await carry_out(
        visit,
        filled,
        "UnlinkIdentity",
        command,
        said,
        to=partial(_back, visit.request.path_params["person"]),
        again=again,
    )


def _url(person: str) -> str:
    return f"/people/{quote(person, safe='')}/sign-ins"


def _back(person: str, _: str) -> str:
    return _url(person)
