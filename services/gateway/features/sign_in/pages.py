"""Signing in: by the demo issuer, on a loopback address, somebody picks a person.

Real sign-in is an OIDC provider's.
"""

import asyncio
import json
from collections.abc import Awaitable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from eventkit.errors import Violation
from eventkit.names import plain_letters
from nhip.common.v1 import command_pb2, operations_pb2, words_pb2
from nhip.people.v1 import identities_pb2, people_pb2, settings_pb2, types_pb2
from services.gateway.console.cards import Avatar, person_avatar
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import Language
from services.gateway.console.roles import role_words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import (
    GUARDED,
    LANGUAGE_COOKIE,
    POSITION_COOKIE,
    Company,
    Console,
    Visit,
    failed,
    or_none,
)
from services.gateway.failures import Failure
from services.gateway.provider import GOING_COOKIE
from services.gateway.session import from_this_machine, local_path
from services.gateway.upstream import Caller

routes = Routes()


@dataclass(frozen=True, slots=True)
class Pick:
    id: str
    name: str
    title: str
    shows: str
    """What they see that others do not."""
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
    """`GET /sign-in`: the people of a company, of `?company=` or the one in the page's language; without a demo issuer,
    where to sign in instead."""
    return await _choose(visit, Kept(), local_path(visit.request.query_params.get("next", "/")))


async def ask_again(visit: Visit) -> Response:
    """A form that met an ended session: to sign in, taking along what was written; a file is chosen anew."""
    if visit.request.headers.get("content-type", "").startswith("multipart/"):
        return visit.redirect("/sign-in?next=/import")
    filled, url = await sent(visit.request), visit.request.url
    return await _choose(
        visit, Kept(url.path + (f"?{url.query}" if url.query else ""), {**filled.values, "key": filled.key}), "/", 401
    )


async def _choose(visit: Visit, kept: Kept, next: str, status: int = 200) -> Response:
    identity = visit.console.identity
    if identity.provider:
        if kept.path:
            return visit.render("sign_in/ended.html", status, here="/", kept=kept)
        return await identity.provider.leave(visit.request, next)
    if not identity.issues:
        return visit.render("sign_in/oidc.html", status)
    companies = await _companies(visit)
    chosen = _chosen(visit, companies) if companies else identity.tenant
    picks = await _picks(visit, chosen) if companies else []
    if not picks:
        begun = {"company": companies[chosen].name if companies else "", "time_zone": visit.zone.key}
        return await _set_up(visit, Form(begun), status)
    visit.belongs_to(companies[chosen])
    return visit.render(
        "sign_in/sign_in.html",
        status,
        here="/sign-in",
        picks=picks,
        next=next,
        tenant=chosen,
        company=companies[chosen].name,
        others=[(tenant, company.name) for tenant, company in companies.items() if tenant != chosen],
        kept=kept.packed(),
    )


def _as_service(visit: Visit, tenant: str, service: str = "gateway") -> Caller:
    token = visit.console.identity.service_token(tenant, service)
    return Caller(visit.console.upstream, token, visit.caller.positions)


async def _companies(visit: Visit) -> Mapping[str, Company]:
    """The companies that let anybody in, by tenant. Raises Failure while people is away, or where all are shut."""
    found: dict[str, Company] = {}
    shut: Failure | None = None
    for tenant in visit.console.identity.tenants:
        caller = _as_service(visit, tenant)
        try:
            reply = await caller.query("people", "GetTenant", people_pb2.GetTenant(), people_pb2.Tenant)
        except Failure as failure:
            if failure.shut:
                shut = failure
            elif failure.status != "NOT_FOUND":
                raise
        else:
            found[tenant] = Company.of(reply)
    if shut and not found:
        raise shut
    return found


def _chosen(visit: Visit, companies: Mapping[str, Company]) -> str:
    wanted = visit.request.query_params.get("company", "")
    if wanted in companies:
        return wanted
    in_english = visit.console.identity.in_english
    spoken = [tenant for tenant in companies if (tenant == in_english) == (visit.language.code == "en")]
    return [*spoken, *companies][0]


async def _picks(visit: Visit, tenant: str) -> list[Pick]:
    """The people of a company, executives first, then by name as it is read aloud, without marks."""
    caller, language = _as_service(visit, tenant), visit.language
    asked = people_pb2.ListPeople(active=True, page_size=500)
    people = (await caller.query("people", "ListPeople", asked, people_pb2.PeopleList)).people
    managers = {person.place.manager_id for person in people}
    return [
        Pick(
            person.person_id,
            language.words(person.name),
            person.title.plain,
            _shows(person, managers, language),
            person_avatar(person.person_id, person.name, language),
        )
        for person in sorted(
            people,
            key=lambda one: (types_pb2.ROLE_EXECUTIVE not in one.roles, plain_letters(language.words(one.name))),
        )
    ]


def _shows(person: people_pb2.Person, managers: Container[str], language: Language) -> str:
    """What somebody sees that others do not, by their roles and their place."""
    _, words = language.gettext, role_words(language)
    shown = [words[role] for role in person.roles if role in words]
    if person.person_id in managers and types_pb2.ROLE_EXECUTIVE not in person.roles:
        shown.append(_("Manager: a team, and proposals to decide"))
    return " · ".join(shown)


@routes.form("/sign-in", everybody=True)
async def enter(visit: Visit) -> Response:
    """`POST /sign-in`."""
    identity = visit.console.identity
    if not identity.issues:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no demo sign-in here")
    filled = await sent(visit.request)
    tenant = identity.in_english if filled["company"] == identity.in_english != "" else identity.tenant
    person = await _as_service(visit, tenant).query(
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
    identity.sign_in(response, tenant, person.person_id, secure=visit.request.url.scheme == "https")
    return response


# --- at an identity provider ---


@routes.page("/sign-in/back", everybody=True)
async def back(visit: Visit) -> Response:
    """`GET /sign-in/back`: from the provider. Who signs in for the first time is linked by their verified address."""
    provider = visit.console.identity.provider
    if provider is None:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "nobody signs in at a provider here")
    kept, next = await provider.back(visit.request)
    caller = Caller(visit.console.upstream, kept.token, ())
    try:
        linked, position = await caller.ask(
            "people", "LinkIdentity", identities_pb2.LinkIdentity(), command_pb2.Accepted, key=Form().key
        )
        tenant = await caller_after(caller, linked.position or position).query(
            "people", "GetTenant", people_pb2.GetTenant(), people_pb2.Tenant
        )
    except Failure as failure:
        if failure.shut:
            return failed(visit, failure, here="/sign-in")
        if failure.reason not in ("IDENTITY_UNKNOWN", "EMAIL_UNVERIFIED", "EMAIL_SHARED", "ACTOR_UNKNOWN"):
            raise
        return visit.render("sign_in/nobody.html", 403, here="/sign-in", why=visit.explain(failure))
    response = RedirectResponse(local_path(next), 303)
    provider.keep(response, replace(kept, person=linked.id, tenant=tenant.tenant_id))
    response.delete_cookie(GOING_COOKIE, path="/")
    visit.remember(response, linked.position or position)
    return response


def caller_after(caller: Caller, position: str) -> Caller:
    """Asks behind what was just done."""
    return replace(caller, positions=(position,) if position else ())


@routes.page("/signed-out", everybody=True)
async def signed_out(visit: Visit) -> Response:
    """`GET /signed-out`: here, and from here on at the provider, which leads back."""
    provider = visit.console.identity.provider
    going_on = ""
    if provider and visit.request.query_params.get("at") != "provider":
        going_on = await provider.signed_out_at()
    response = visit.render("sign_in/signed_out.html", here="/signed-out", going_on=going_on)
    if going_on:
        response.headers["Refresh"] = f"0; url={going_on}"
    return response


@routes.page("/signed-in-again")
async def again(visit: Visit) -> Response:
    """`GET /signed-in-again`: in a window of its own, beside the form that waits."""
    return visit.render("sign_in/again.html", here="/")


# --- the first company ---


async def _set_up(visit: Visit, filled: Form, status: int = 200) -> Response:
    languages = [("vi", "Tiếng Việt"), ("en", "English")]
    return visit.render("sign_in/set_up.html", status, here="/sign-in", form=filled, languages=languages)


@routes.form("/set-up", page="/sign-in", everybody=True)
async def set_up(visit: Visit) -> Response:
    """`POST /set-up`: into a Nhip without a company comes one, and who set it up is its first administrator."""
    identity = visit.console.identity
    if not identity.issues:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no demo sign-in here")
    filled = await sent(visit.request)
    begun = (await _companies(visit)).get(identity.tenant)
    if begun and await _picks(visit, identity.tenant):
        said = visit.language.gettext("%(company)s is set up already: choose who you are.") % {"company": begun.name}
        return visit.done("/sign-in", command_pb2.Accepted(), "", said)
    wrong = [Violation(field, "MISSING") for field in ("company", "name") if not filled.text(field)]
    if wrong:
        return await _set_up(visit, filled.wrong(wrong, visit.language), 422)
    operator = _as_service(visit, identity.tenant, "operator")
    roles = [types_pb2.ROLE_EMPLOYEE, types_pb2.ROLE_ADMIN]
    first = people_pb2.RegisterPerson(
        name=words_pb2.PersonalText(plain=filled.text("name")),
        title=words_pb2.PersonalText(plain=filled.text("title")),
        roles=[*roles, types_pb2.ROLE_EXECUTIVE] if filled["leads"] else roles,
    )
    company = people_pb2.CreateTenant(name=filled.text("company"), time_zone=filled.text("time_zone"))
    try:
        if not begun:
            await operator.ask("people", "CreateTenant", company, command_pb2.Accepted, key=filled.key)
        spoken = settings_pb2.ChangeCompany(language=filled["language"] or visit.language.code)
        await operator.ask("people", "ChangeCompany", spoken, command_pb2.Accepted, key=filled.key)
        accepted, position = await operator.ask("people", "RegisterPerson", first, command_pb2.Accepted, key=filled.key)
    except Failure as failure:
        fields = {
            "name": "company" if failure.reason == "TENANT_EXISTS" else "name",
            "time_zone": "time_zone",
            "language": "language",
        }
        return await _set_up(visit, filled.refused(failure, visit.language, fields), failure.http)
    await _heard(visit, accepted.position or position)
    said = visit.language.gettext("Welcome, %(name)s. %(company)s stands; this is what comes next.")
    said %= {"name": filled.text("name"), "company": begun.name if begun else filled.text("company")}
    response = visit.done("/first-steps", accepted, position, said)
    identity.sign_in(response, identity.tenant, accepted.id, secure=visit.request.url.scheme == "https")
    return response


async def _heard(visit: Visit, position: str) -> None:
    """Waits until every service knows the first person, so that the next page shows what they may do."""
    caller = replace(_as_service(visit, visit.console.identity.tenant), positions=(position,))

    def asked(context: str) -> Awaitable[operations_pb2.Access]:
        request = operations_pb2.GetAccess(service=context)
        return caller.query(context, "GetAccess", request, operations_pb2.Access)

    await asyncio.gather(*(or_none(asked(context)) for context in GUARDED))


@routes.form("/sign-out", page="/", everybody=True)
async def leave(visit: Visit) -> Response:
    """`POST /sign-out`."""
    response = RedirectResponse("/signed-out" if visit.console.identity.provider else "/sign-in", 303)
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
