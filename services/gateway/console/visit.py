"""One request of the console: who looks, in which language, at which moment, and how their answer is shown."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from eventkit.rpc.metadata import TRACEPARENT
from nhip.common.v1 import command_pb2, operations_pb2
from nhip.goals.v1 import goals_pb2
from nhip.notifications.v1 import notifications_pb2
from nhip.people.v1 import people_pb2
from services.gateway.assets import Assets
from services.gateway.console.as_of import Moment, parse_moment
from services.gateway.console.cards import Avatar, person_avatar
from services.gateway.console.language import DEFAULT, Language
from services.gateway.console.refusals import explain
from services.gateway.failures import Failure, slow
from services.gateway.public import Public
from services.gateway.session import Identity, Session
from services.gateway.upstream import Caller, Upstream

LANGUAGE_COOKIE = "nhip-language"
POSITION_COOKIE = "nhip-after"
SAID_COOKIE = "nhip-said"
"""What the last command did, to be said once."""
_SAID_LENGTH = 400
_POSITION = re.compile(r"[a-z][a-z0-9_]{0,62}=[0-9]{1,18}(@[0-9a-f]{8})?")

_TRACE = re.compile(r"[0-9a-f-]{55,}")

PATIENCE = 1.0
"""Seconds that a page waits for what it can do without: the number at its bell, what may be done elsewhere."""
ACCESS_SECONDS = 30
"""How long a page shows what a role that was taken away allowed. The services guard what is done, at once."""
COMPANY_SECONDS = 60
"""How long a page shows a company as it was before somebody changed its profile at another gateway."""
MOST_KEPT = 20_000
"""Sessions, times contexts, whose access is kept."""
GUARDED = ("people", "goals", "checkins", "rewards", "retros", "audit")
"""The contexts of whose commands pages show controls."""

Wanted = TypeVar("Wanted")
Handler = Callable[["Visit"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Company:
    """What every page shows of a company, or goes by."""

    name: str = ""
    """Empty: not known."""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Ho_Chi_Minh"))
    language: str = DEFAULT
    """Of who chose none."""
    logo: str = ""
    """What its address is made of; empty: there is none."""

    @classmethod
    def of(cls, tenant: people_pb2.Tenant) -> "Company":
        known = Company()
        zone = ZoneInfo(tenant.time_zone) if tenant.time_zone else known.zone
        return cls(tenant.name, zone, tenant.language or known.language, tenant.logo)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who is signed in."""

    id: str
    name: str
    avatar: Avatar


@dataclass
class Console:
    """What every page shares."""

    upstream: Upstream
    identity: Identity
    languages: Mapping[str, Language]
    templates: Mapping[str, Environment]
    assets: Assets
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    public: Public = field(default_factory=Public)
    _companies: dict[str, tuple[datetime, Company]] = field(default_factory=dict[str, tuple[datetime, Company]])

    _access: dict[tuple[str, str], tuple[datetime, frozenset[str]]] = field(
        default_factory=dict[tuple[str, str], tuple[datetime, frozenset[str]]]
    )

    def access(self, token: str, context: str) -> frozenset[str] | None:
        """What may be called of a context, if it was asked for within the last half minute by the same session."""
        at, access = self._access.get((token, context), (datetime.min.replace(tzinfo=UTC), None))
        return access if (self.clock() - at).total_seconds() < ACCESS_SECONDS else None

    def keep_access(self, token: str, context: str, access: frozenset[str]) -> None:
        if len(self._access) >= MOST_KEPT:
            self._access.clear()
        self._access[token, context] = (self.clock(), access)

    def company(self, tenant: str) -> Company | None:
        """The company of a tenant, if it was asked for lately."""
        at, company = self._companies.get(tenant, (datetime.min.replace(tzinfo=UTC), None))
        return company if (self.clock() - at).total_seconds() < COMPANY_SECONDS else None

    def keep_company(self, tenant: str, company: Company) -> None:
        self._companies[tenant] = (self.clock(), company)

    def forget_company(self, tenant: str) -> None:
        """It was changed here: the next page asks for it."""
        self._companies.pop(tenant, None)


@dataclass
class Visit:
    """A request with what its page needs to know."""

    console: Console
    request: Request
    language: Language
    session: Session | None
    caller: Caller
    viewer: Viewer | None = None
    company: Company = field(default_factory=Company)
    waiting: int = 0
    """Proposals that wait for the viewer's decision."""
    access: frozenset[str] = frozenset()
    """What the viewer may call, as "rewards.OfferGift"; about others, too: "people.ListErasures of others"."""
    unread: int | None = None
    """Notices that were not read yet; None: not known."""

    @property
    def zone(self) -> ZoneInfo:
        """The company's."""
        return self.company.zone

    def belongs_to(self, company: Company) -> None:
        """From now on it is this company's page: in its language where nobody chose one."""
        self.company = company
        if LANGUAGE_COOKIE not in self.request.cookies:
            self.language = self.console.languages.get(company.language, self.language)

    @cached_property
    def today(self) -> date:
        return self.console.clock().astimezone(self.zone).date()

    @cached_property
    def moment(self) -> Moment:
        return parse_moment(self.request.query_params)

    @property
    def person(self) -> str:
        return self.viewer.id if self.viewer else ""

    def may(self, call: str, *, of_others: bool = False) -> bool:
        """Whether the viewer's roles allow a call, as "rewards.OfferGift"; False as well while that is not known.

        What may be done to one thing in its state, the thing's own reply says.
        """
        return (f"{call} of others" if of_others else call) in self.access

    def must(self, call: str) -> None:
        """Raises Failure where the viewer's roles do not allow a call: before they fill a form in for nothing. While it
        is not known, the form is shown; the service decides."""
        if not self.may(call) and self.knows(call.partition(".")[0]):
            raise Failure("PERMISSION_DENIED", "NOT_ALLOWED", f"{call} is not yours to call")

    def must_one(self, *calls: str) -> None:
        """Raises Failure where the viewer's roles allow none of some calls; another one while that is not known."""
        if any(map(self.may, calls)):
            return
        for context in {call.partition(".")[0] for call in calls}:
            if not self.knows(context):
                raise slow(context)
        raise Failure("PERMISSION_DENIED", "NOT_ALLOWED", f"none of {', '.join(calls)} is yours to call")

    def knows(self, context: str) -> bool:
        """Whether it is known what the viewer may call there."""
        return any(one.startswith(f"{context}.") for one in self.access)

    def render(self, template: str, status: int = 200, *, here: str = "", **context: Any) -> Response:
        """A page in the reader's language. `here` is where it is found again, for what a form is sent to is no page."""
        here = here or self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else "")
        if self.request.method == "POST" and (own := self.request.path_params.get("proposal")):
            here = f"/proposals/{quote(own, safe='')}"
        said = unquote(self.request.cookies.get(SAID_COOKIE, ""))[:_SAID_LENGTH]
        html = self.html(
            template,
            viewer=self.viewer,
            zone=self.zone,
            assets=self.console.assets,
            here=here,
            said=said,
            demo=self.console.identity.issues,
            **context,
        )
        response = HTMLResponse(html, status, {"Cache-Control": "no-store", "Vary": "Cookie"})
        if said:
            response.delete_cookie(SAID_COOKIE)
        return response

    def html(self, template: str, **context: Any) -> str:
        """A page, or a part of one, as it is sent: what it leads to is where browsers find it."""
        made = self.console.templates[self.language.code].get_template(template)
        return self.console.public.page(made.render(visit=self, language=self.language, **context))

    def redirect(self, url: str) -> Response:
        """To another page, where nothing was done."""
        return RedirectResponse(url, 303)

    def done(self, url: str, accepted: command_pb2.Accepted, position: str, said: str | None) -> Response:
        """To `url` after a command.

        The page there says what happened: `said`, in the reader's language; None: it goes without saying. The pages
        that follow wait until they can show what the command did.
        """
        response = self.redirect(url)
        self.remember(response, accepted.position or position)
        secure = self.request.url.scheme == "https"
        if said is not None:
            told_now = (
                self.language.gettext("It was so already: nothing had to be changed.") if accepted.unchanged else said
            )
            response.set_cookie(SAID_COOKIE, quote(told_now), max_age=60, httponly=True, samesite="lax", secure=secure)
        return response

    def remember(self, response: Response, position: str) -> None:
        """The pages that follow wait until they can show what led to a position; empty: nothing did."""
        parts = (*self.caller.positions, *position.split(","))
        told = {part.split("=")[0]: part for part in parts if _POSITION.fullmatch(part)}
        if position:
            response.set_cookie(
                POSITION_COOKIE,
                quote(",".join(told.values())),
                max_age=120,
                httponly=True,
                samesite="lax",
                secure=self.request.url.scheme == "https",
            )

    def explain(self, failure: Failure) -> str:
        return explain(failure, self.language)


def resumed(request: Request) -> bool:
    """Its form comes back after a new sign-in: it is shown again, and nothing is carried out before somebody sends
    it."""
    return getattr(request.state, "resumed", False)


def visited(console: Console, request: Request) -> Visit:
    """The visit before anything was asked of a service."""
    code = request.cookies.get(LANGUAGE_COOKIE, DEFAULT)
    language = console.languages.get(code) or console.languages[DEFAULT]
    positions = tuple(
        part for part in unquote(request.cookies.get(POSITION_COOKIE, "")).split(",") if _POSITION.fullmatch(part)
    )
    session = console.identity.session(request)
    trace = request.headers.get(TRACEPARENT, "")
    token = session.token if session else ""
    traceparent = trace if _TRACE.fullmatch(trace) else ""
    caller = Caller(console.upstream, token, positions, traceparent, request.state.request_id, lambda: resumed(request))
    return Visit(console, request, language, session, caller)


def page(console: Console, handler: Handler, ended: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A page for who is signed in; what goes wrong is a page too.

    `ended` answers a form that meets an ended session.
    """

    async def answer(request: Request) -> Response:
        visit = visited(console, request)
        try:
            if visit.session is None:
                return await _signed_out(visit, ended)
            await meet(visit)
            return await handler(visit)
        except Failure as failure:
            if failure.status != "UNAUTHENTICATED":
                return failed(visit, failure)
            try:
                response = await _signed_out(visit, ended)
            except Failure as another:
                response = failed(visit, another)
            console.identity.forget(response)
            return response

    return answer


async def _signed_out(visit: Visit, ended: Handler) -> Response:
    """To the sign-in, and from there back: to the page that was asked for, or to the form with what was written into
    it."""
    request = visit.request
    if request.method != "GET":
        return await ended(visit)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in" + (f"?next={quote(here, safe='')}" if here != "/" else ""), 303)


def public(console: Console, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A page for everybody."""

    async def answer(request: Request) -> Response:
        visit = visited(console, request)
        try:
            return await handler(visit)
        except Failure as failure:
            return failed(visit, failure)

    return answer


def failed(visit: Visit, failure: Failure, *, here: str = "") -> Response:
    """The page that says what went wrong, in words."""
    if failure.shut:
        deleted = failure.reason == "TENANT_DELETED"
        name = "" if deleted else visit.company.name
        visit.company = replace(visit.company, name=name, logo="")  # nobody is given it
        return visit.render("deleted.html" if deleted else "suspended.html", failure.http, here=here)
    return visit.render("error.html", failure.http, failure=failure, explanation=visit.explain(failure))


async def meet(visit: Visit) -> None:
    """Learns who looks, their company, and how much waits for them. A page does without what is away."""
    assert visit.session is not None
    session, console, caller = visit.session, visit.console, visit.caller
    company = console.company(session.tenant)
    if company is not None:  # a page that comes to nothing is this company's, too
        visit.belongs_to(company)
    person, tenant, proposals, visit.unread, visit.access = await asyncio.gather(
        or_none(caller.query("people", "GetPerson", people_pb2.GetPerson(person_id=session.person), people_pb2.Person)),
        or_none(caller.query("people", "GetTenant", people_pb2.GetTenant(), people_pb2.Tenant))
        if company is None
        else _nothing(),
        or_none(
            caller.query(
                "goals",
                "ListProposals",
                goals_pb2.ListProposals(mine_to_decide=True, page_size=30),
                goals_pb2.Proposals,
            )
        ),
        _unread(caller),
        _access(visit),
    )
    if tenant is not None:
        company = Company.of(tenant)
        console.keep_company(session.tenant, company)
        visit.belongs_to(company)
    name = visit.language.words(person.name) if person else session.person
    avatar = (
        person_avatar(session.person, person.name, visit.language) if person else Avatar(name, name[:2].capitalize(), 0)
    )
    visit.viewer = Viewer(session.person, name, avatar)
    visit.waiting = sum(proposal.may_decide for proposal in proposals.proposals) if proposals else 0


async def _access(visit: Visit) -> frozenset[str]:
    """What the viewer may call, of every context that says so in time."""
    contexts = await asyncio.gather(*(_access_to(visit, context) for context in GUARDED))
    return frozenset(call for calls in contexts for call in calls)


async def _access_to(visit: Visit, context: str) -> frozenset[str]:
    token = visit.caller.token
    if (kept := visit.console.access(token, context)) is not None:
        return kept
    asked = replace(visit.caller, positions=()).query(
        context, "GetAccess", operations_pb2.GetAccess(service=context), operations_pb2.Access
    )
    try:
        async with asyncio.timeout(PATIENCE):
            reply = await or_none(asked)
    except TimeoutError:
        return frozenset()
    if reply is None:
        return frozenset()
    of_others = [f"{context}.{method} of others" for method in reply.about_others]
    access = frozenset([*(f"{context}.{method}" for method in reply.methods), *of_others])
    visit.console.keep_access(token, context, access)
    return access


async def _unread(caller: Caller) -> int | None:
    """How many notices were not read.

    The bell waits for nothing but its own context, and not long: a page is not about it.
    """
    own = replace(
        caller, positions=tuple(position for position in caller.positions if position.startswith("notifications="))
    )
    try:
        async with asyncio.timeout(PATIENCE):
            asked = own.query(
                "notifications", "CountNotices", notifications_pb2.CountNotices(), notifications_pb2.NoticeCount
            )
            count = await or_none(asked)
    except TimeoutError:
        return None
    return count.unread if count else None


async def _nothing() -> None:
    return None


async def or_none(call: Awaitable[Wanted]) -> Wanted | None:
    """The answer, or nothing where the service is away or refuses; only who has to sign in again is told so, or whose
    company is shut, where *people* says it: others may not have heard yet that it was resumed."""
    try:
        return await call
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED" or (failure.shut and failure.context == "people"):
            raise
        return None
