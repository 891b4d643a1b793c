"""The gateway's composition: channels to the services, the JSON API, sign-in, the console."""

from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from eventkit.rpc.client import channel
from eventkit.settings import Settings
from services.gateway import sign_in
from services.gateway.assets import BUILT, Assets, load_assets
from services.gateway.console import (
    audit,
    counter,
    erasure,
    inbox,
    kpi,
    map,
    praise,
    profile,
    progress,
    proposals,
    proposing,
    reference,
    shop,
)
from services.gateway.console.language import Language, load_languages
from services.gateway.console.visit import Console, Handler, failed, leading_to, meet, page, public, visited
from services.gateway.failures import Failure
from services.gateway.json_api import json_routes
from services.gateway.session import Identity, Issuer, from_elsewhere
from services.gateway.upstream import SERVICES, Upstream

MOST_FORM_BYTES = 1 << 20
DEADLINE = 10.0
"""Seconds that a service has to answer."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

SECURITY = {
    # No inline script or style, nothing from elsewhere, never in a frame.
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@asynccontextmanager
async def gateway(settings: Settings, issuer: Issuer | None = None) -> AsyncGenerator[Starlette]:
    """The gateway as an ASGI application, with a channel to each of `settings.services`.

    With a demo issuer people of `settings.tenant` are picked at sign-in; without one, sign-in is an OIDC provider's.
    Serve it without trusting proxies' headers (uvicorn: `proxy_headers=False`), for who is on this machine is told by the peer's address.
    """
    async with AsyncExitStack() as open_channels:
        channels = {
            context: await open_channels.enter_async_context(channel(settings.services[context]))
            for context in SERVICES
            if context in settings.services
        }
        yield application(Upstream(channels, deadline=DEADLINE), Identity(issuer, settings.tenant))


def application(upstream: Upstream, identity: Identity, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Starlette:
    """The same over channels that somebody else opened; `clock` tells what today is."""
    languages, assets = load_languages(), load_assets()
    templates = {code: _environment(language, assets) for code, language in languages.items()}
    console = Console(upstream, identity, languages, templates, assets, clock)
    keys, token = sign_in.demo_endpoints(console)

    def signed_in(path: str, handler: Handler, method: str = "GET") -> Route:
        return Route(path, page(console, handler), methods=[method])

    def everybody(path: str, handler: Handler, method: str = "GET") -> Route:
        return Route(path, public(console, handler), methods=[method])

    routes = [
        Route("/v1/openapi.json", reference.openapi),
        *json_routes(upstream),
        Route("/healthz", _alive),
        Route("/.well-known/jwks.json", keys),
        Route("/demo/token", token, methods=["POST"]),
        everybody("/api", reference.reference),
        everybody("/sign-in", sign_in.choose),
        everybody("/sign-in", sign_in.enter, "POST"),
        everybody("/sign-out", sign_in.leave, "POST"),
        everybody("/language/{code}", sign_in.speak),
        signed_in("/", map.goal_map),
        signed_in("/map/branch/{node}", map.branch),
        signed_in("/kpi/{kpi}", kpi.kpi),
        signed_in("/kpi/{kpi}/progress", progress.form),
        signed_in("/kpi/{kpi}/progress", progress.record, "POST"),
        everybody("/number", progress.said_back),
        signed_in("/proposals", proposals.listing),
        signed_in("/proposals", proposing.back, "POST"),
        signed_in("/proposals/new", proposing.form),
        signed_in("/proposals/new", proposing.propose, "POST"),
        signed_in("/proposals/preview", proposing.preview, "POST"),
        # Addresses that only forms are sent to lead back to their page.
        signed_in("/proposals/preview", proposing.back),
        signed_in("/proposals/{proposal}/decision", proposals.back),
        signed_in("/proposals/{proposal}/withdrawal", proposals.back),
        signed_in("/sign-out", map.back),
        signed_in("/proposals/{proposal}", proposals.proposal),
        signed_in("/proposals/{proposal}/decision", proposals.decide, "POST"),
        signed_in("/proposals/{proposal}/withdrawal", proposals.withdraw, "POST"),
        signed_in("/praise", praise.page),
        signed_in("/praise", praise.give, "POST"),
        signed_in("/praise/check", praise.check, "POST"),
        signed_in("/praise/check", leading_to("/praise")),
        signed_in("/shop", shop.page),
        signed_in("/shop/gifts/{gift}", shop.confirm),
        signed_in("/shop/gifts/{gift}", shop.redeem, "POST"),
        signed_in("/shop/redemptions/{redemption}/refund", shop.refund, "POST"),
        signed_in("/shop/redemptions/{redemption}/{what}", leading_to("/shop")),
        signed_in("/shop/counter", counter.page),
        signed_in("/shop/counter", counter.offer, "POST"),
        signed_in("/shop/counter/values", counter.name_value, "POST"),
        signed_in("/shop/counter/values", leading_to("/shop/counter")),
        signed_in("/shop/counter/redemptions/{redemption}/handover", counter.hand_over, "POST"),
        signed_in("/shop/counter/redemptions/{redemption}/refund", counter.refund, "POST"),
        signed_in("/shop/counter/gifts/{gift}/stock", counter.change_stock, "POST"),
        signed_in("/shop/counter/gifts/{gift}/withdrawal", counter.withdraw, "POST"),
        signed_in("/shop/counter/{kind}/{id}/{what}", leading_to("/shop/counter")),
        signed_in("/inbox", inbox.page),
        signed_in("/inbox/read", inbox.mark_all, "POST"),
        signed_in("/inbox/{notice}/read", inbox.mark_read, "POST"),
        signed_in("/inbox/{notice}/open", inbox.open_thing, "POST"),
        signed_in("/inbox/{rest:path}", leading_to("/inbox")),
        signed_in("/audit", audit.page),
        signed_in("/audit/export", audit.export),
        signed_in("/audit/subjects/{kind}/{id}", audit.subject),
        signed_in("/profile", profile.page),
        signed_in("/profile/email", profile.change_email, "POST"),
        signed_in("/profile/settings", profile.change_preferences, "POST"),
        signed_in("/profile/erasure", erasure.ask),
        signed_in("/profile/erasure", erasure.request, "POST"),
        signed_in("/profile/{form}", leading_to("/profile")),
        signed_in("/erasures", erasure.listing),
        signed_in("/erasures/{person}", erasure.one),
        signed_in("/erasures/{person}/approval", erasure.approve, "POST"),
        signed_in("/erasures/{person}/decline", erasure.decline, "POST"),
        signed_in("/erasures/{person}/hold", erasure.hold, "POST"),
        signed_in("/erasures/{person}/{what}", leading_to("/erasures")),
        Mount("/static", _Built(directory=BUILT, check_dir=False)),
    ]

    async def unknown(request: Request, _: Exception) -> Response:
        failure = Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page")
        visit = visited(console, request)
        if visit.session is not None:  # who is signed in keeps the way to everything else
            try:
                await meet(visit)
            except Failure:
                visit = visited(console, request)
        return failed(visit, failure)

    async def broken(request: Request, _: Exception) -> Response:
        failure = Failure("INTERNAL", "INTERNAL", "a fault of the gateway's own")
        if _is_api(request):
            return JSONResponse(failure.as_json(), failure.http, SECURITY)
        response = failed(visited(console, request), failure)
        response.headers.update(SECURITY)
        return response

    app = Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown, 500: broken})
    app.add_middleware(_Guard, console=console)
    return app


class _Guard:
    """What holds for every answer: headers, no requests from other sites' pages, no endless forms."""

    def __init__(self, app: Any, console: Console) -> None:
        self._app, self._console = app, console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        length = request.headers.get("content-length", "0")
        refused: Response | None = None
        if not length.isdigit() or int(length) > MOST_FORM_BYTES or ("transfer-encoding" in request.headers and not _is_api(request)):
            failure = Failure("CONTENT_TOO_LARGE", "BODY_TOO_LARGE", f"the body is longer than {MOST_FORM_BYTES} bytes")
            refused = JSONResponse(failure.as_json(), 413) if _is_api(request) else failed(visited(self._console, request), failure)
        elif not _is_api(request) and from_elsewhere(request):
            refused = failed(visited(self._console, request), Failure("PERMISSION_DENIED", "FROM_ELSEWHERE", "sent by another site"))

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *((name.encode(), value.encode()) for name, value in SECURITY.items())]
            await send(message)

        await (refused or self._app)(scope, receive, with_headers)


def _is_api(request: Request) -> bool:
    """It takes tokens and no cookies: another site's page has none."""
    return request.url.path.startswith("/v1/")


class _Built(StaticFiles):
    """The built assets; their names carry their digests."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


async def _alive(_: Request) -> Response:
    return JSONResponse({"alive": True})


def _environment(language: Language, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    install: Callable[..., None] = getattr(environment, "install_gettext_callables")  # noqa: B009  # added by the extension
    install(language.gettext, language.ngettext, newstyle=True)
    shared = cast(dict[str, Any], environment.globals)  # pyright: ignore[reportUnknownMemberType]
    shared |= {"icon": assets.icon, "language": language}
    return environment
