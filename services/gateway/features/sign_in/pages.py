"""Signing in: by the demo issuer, on a loopback address, somebody picks a person.

Real sign-in is an OIDC provider's.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from eventkit.names import plain_letters
from nhip.people.v1 import people_pb2, types_pb2
from services.gateway.console.cards import Avatar, person_avatar
from services.gateway.console.forms import sent
from services.gateway.console.language import Language
from services.gateway.console.routes import Routes
from services.gateway.console.visit import LANGUAGE_COOKIE, POSITION_COOKIE, Company, Console, Visit, or_none
from services.gateway.failures import Failure
from services.gateway.session import from_this_machine, local_path
from services.gateway.upstream import Caller

routes = Routes()


@dataclass(frozen=True, slots=True)
class Pick:
    id: str
    name: str
    title: str
    avatar: Avatar


@dataclass(frozen=True, slots=True)
class Kept:
    """A form that waits for a sign-in: where it goes, and what is in it."""

    path: str = ""
    values: Mapping[str, str] = field(default_factory=dict[str, str])

    def packed(self) -> str:
        return json.dumps({"path": self.path, "values": dict(self.values)}, ensure_ascii=False) if self.path else ""

    @classmethod
    def of(cls, packed: str) -> "Kept":
        """What was packed; nothing for what was not."""
        try:
            given: Any = json.loads(packed)
            path, values = given["path"], given["values"].items()
        except (ValueError, RecursionError, TypeError, LookupError, AttributeError):
            return cls()
        if not isinstance(path, str) or local_path(path) != path:
            return cls()
        return cls(path, {str(name): value for name, value in values if isinstance(value, str)})


@routes.page("/sign-in", everybody=True)
async def choose(visit: Visit) -> Response:
    """`GET /sign-in`: the people of the tenant; without a demo issuer, where to sign in instead."""
    return await _choose(visit, Kept(), local_path(visit.request.query_params.get("next", "/")))


async def ask_again(visit: Visit) -> Response:
    """A form that met an ended session: to sign in, taking along what was written."""
    filled, url = await sent(visit.request), visit.request.url
    return await _choose(
        visit, Kept(url.path + (f"?{url.query}" if url.query else ""), {**filled.values, "key": filled.key}), "/", 401
    )


async def _choose(visit: Visit, kept: Kept, next: str, status: int = 200) -> Response:
    identity = visit.console.identity
    if not identity.issues:
        return visit.render("sign_in/oidc.html", status)
    caller = Caller(visit.console.upstream, identity.service_token(), visit.caller.positions)
    tenant, people = await asyncio.gather(
        or_none(caller.query("people", "GetTenant", people_pb2.GetTenant(), people_pb2.Tenant)),
        caller.query("people", "ListPeople", people_pb2.ListPeople(active=True, page_size=500), people_pb2.PeopleList),
    )
    if tenant is not None:
        visit.belongs_to(Company.of(tenant))
    picks = [
        Pick(
            person.person_id,
            visit.language.words(person.name),
            person.title.plain,
            person_avatar(person.person_id, person.name, visit.language),
        )
        for person in sorted(people.people, key=lambda person: _rank(person, visit.language))
    ]
    return visit.render(
        "sign_in/sign_in.html",
        status,
        here="/",
        picks=picks,
        next=next,
        tenant=visit.company.name or identity.tenant,
        kept=kept.packed(),
    )


def _rank(person: people_pb2.Person, language: Language) -> tuple[bool, str]:
    """Executives first, then by name as it is read aloud, without marks."""
    return types_pb2.ROLE_EXECUTIVE not in person.roles, plain_letters(language.words(person.name))


@routes.form("/sign-in", everybody=True)
async def enter(visit: Visit) -> Response:
    """`POST /sign-in`."""
    identity = visit.console.identity
    if not identity.issues:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no demo sign-in here")
    filled = await sent(visit.request)
    caller = Caller(visit.console.upstream, identity.service_token())
    person = await caller.query(
        "people", "GetPerson", people_pb2.GetPerson(person_id=filled["person"]), people_pb2.Person
    )
    if not person.active:
        raise Failure("NOT_FOUND", "PERSON_UNKNOWN", "this person is no longer active")
    kept = Kept.of(filled["kept"])
    # The form goes on as it was sent: to its own address, with its own fields, and comes back to be looked at.
    response = (
        visit.render("sign_in/resume.html", kept=kept, here="/")
        if kept.path
        else RedirectResponse(local_path(filled["next"] or "/"), 303)
    )
    identity.sign_in(response, person.person_id, secure=visit.request.url.scheme == "https")
    return response


@routes.form("/sign-out", page="/", everybody=True)
async def leave(visit: Visit) -> Response:
    """`POST /sign-out`."""
    response = RedirectResponse("/sign-in", 303)
    visit.console.identity.sign_out(visit.request)
    visit.console.identity.forget(response)
    response.delete_cookie(POSITION_COOKIE)
    return response


@routes.page("/language/{code}", everybody=True)
async def speak(visit: Visit) -> Response:
    """`GET /language/<code>?next=…`: the language from now on. Changes nothing but how this browser is answered."""
    code = visit.request.path_params["code"]
    if code not in visit.console.languages:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", f"there is no language {code!r}")
    response = RedirectResponse(local_path(visit.request.query_params.get("next", "/")), 303)
    response.set_cookie(LANGUAGE_COOKIE, code, max_age=365 * 86400, samesite="lax", httponly=True)
    return response


def demo_endpoints(console: Console):
    """The issuer's keys, and tokens for the command line of this machine."""
    identity = console.identity

    async def keys(request: Request) -> Response:
        if identity.issuer is None:
            return JSONResponse(Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no demo issuer here").as_json(), 404)
        return JSONResponse(dict(identity.issuer.jwks()), headers={"Cache-Control": "max-age=60"})

    async def token(request: Request) -> Response:
        if identity.issuer is None:
            return JSONResponse(Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no demo issuer here").as_json(), 404)
        if not from_this_machine(request):
            failure = Failure("PERMISSION_DENIED", "LOOPBACK_ONLY", "tokens are given to programs of this machine only")
            return JSONResponse(failure.as_json(), failure.http)
        try:
            wanted = await request.json()
            subject, tenant, behalf = (str(wanted.get(name, "")) for name in ("subject", "tenant", "on_behalf_of"))
        except (ValueError, AttributeError):
            subject = tenant = behalf = ""
        if not subject or (request.headers.get("content-type", "").split(";")[0] != "application/json"):
            failure = Failure(
                "INVALID_ARGUMENT", "MALFORMED_REQUEST", 'send JSON: {"subject": "person:…", "tenant": "…"}'
            )
            return JSONResponse(failure.as_json(), failure.http)
        minted = identity.issuer.mint(tenant or identity.tenant, subject, on_behalf_of=behalf)
        return JSONResponse({"token": minted}, headers={"Cache-Control": "no-store"})

    return keys, token
