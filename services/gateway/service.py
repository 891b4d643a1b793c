"""The gateway's composition: channels to the services, the JSON API, sign-in, the console."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any, cast

import structlog
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

from eventkit.rpc.auth import Authenticator
from eventkit.rpc.client import channel
from eventkit.rpc.metadata import REQUEST_ID
from eventkit.rpc.tls import Tls
from eventkit.settings import Settings, SettingsError
from eventkit.telemetry import Metrics
from services.gateway.assets import BUILT, Assets, load_assets
from services.gateway.calendars import calendar_routes
from services.gateway.console.language import Language, load_languages
from services.gateway.console.visit import Console, failed, meet, visited
from services.gateway.failures import Failure
from services.gateway.features import feature_routes, feature_templates
from services.gateway.features.reference import pages as reference
from services.gateway.features.sign_in import pages as sign_in
from services.gateway.gate import SECURITY, Gate, answer, is_api
from services.gateway.hooks import hook_routes
from services.gateway.json_api import json_routes
from services.gateway.known_keys import KnownKeys
from services.gateway.provider import Provider
from services.gateway.public import Public
from services.gateway.scim.routes import scim_routes
from services.gateway.session import Identity, Issuer, in_english
from services.gateway.upstream import SERVICES, Upstream

DEADLINE = 10.0
"""Seconds that a service has to answer."""
REPLICAS = 4
"""How many times as many calls are under way to a service as one of its processes works on: there may be several."""
SERVICES_AT_ONCE = 2
"""How many times as many requests are worked on as calls are under way to one service: if it is slow there is room for
what others answer."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def gateway(
    settings: Settings, tokens: Authenticator, issuer: Issuer | None = None, metrics: Metrics | None = None
) -> AsyncGenerator[Starlette]:
    """The gateway as an ASGI application, with a channel to each of `settings.services`; `tokens` judges those of the
    JSON API.

    With a demo issuer people of `settings.tenant` are picked at sign-in; without one, sign-in is an OIDC provider's.
    Serve it without trusting proxies' headers (uvicorn: `proxy_headers=False`), for who is on this machine is told by
    the peer's address.
    """
    async with AsyncExitStack() as open_channels:
        channels = {
            context: await open_channels.enter_async_context(channel(settings.services[context], Tls.of(settings)))
            for context in SERVICES
            if context in settings.services
        }
        if issuer is not None:
            log.warning(
                "gateway.demo_sign_in", tenant=settings.tenant, note="anybody on this machine signs in as anybody"
            )
        provider = None if issuer else provider_of(settings)
        identity = Identity(issuer, settings.tenant, in_english(settings.tenant), provider=provider)
        to_each = settings.calls_at_once * REPLICAS
        upstream = Upstream(channels, deadline=DEADLINE, at_once=to_each)
        yield application(
            upstream,
            identity,
            tokens,
            cors=settings.cors_origins,
            metrics=metrics,
            at_once=to_each * SERVICES_AT_ONCE,
            public="" if issuer else settings.console,  # the demo sign-in answers this machine's own names
        )


def provider_of(settings: Settings) -> Provider | None:
    """Where people sign in, by an operator's settings; None: nowhere. Raises SettingsError, naming what is missing."""
    if not settings.oidc_client:
        return None
    needed = {"NHIP_ISSUER": settings.issuer, "NHIP_CONSOLE": settings.console}
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise SettingsError(f"NHIP_OIDC_CLIENT is set, so {' and '.join(missing)} must be set as well")
    return Provider(
        issuer=settings.issuer,
        client=settings.oidc_client,
        secret=settings.oidc_secret.get_secret_value() if settings.oidc_secret else "",
        console=settings.console,
        scopes=settings.oidc_scopes,
        shows=settings.oidc_token,
        key=settings.session_key.get_secret_value().encode() if settings.session_key else None,
    )


def application(
    upstream: Upstream,
    identity: Identity,
    tokens: Authenticator,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    cors: Sequence[str] = (),
    metrics: Metrics | None = None,
    at_once: int = 0,
    public: str = "",
) -> Starlette:
    """The same over channels that somebody else opened; `clock` tells what today is, `at_once` how many requests are
    worked on (0: any number), `public` where browsers find it (empty: wherever it is asked). Raises SettingsError where
    that has a path that cannot be told from one of its own.

    Who serves it sets `app.state.closing` when it is to take no more requests, and may wait for `app.state.idle`.
    """
    languages, assets, templates = _shown_by()
    told = Public(public or (identity.provider.console if identity.provider else ""))
    console = Console(upstream, identity, languages, templates, assets, clock, told)
    keys, token = sign_in.demo_endpoints(console)

    routes = [
        Route("/v1/openapi.json", reference.openapi(told)),
        *json_routes(upstream, tokens, identity.ended),
        *hook_routes(upstream),
        *scim_routes(upstream, KnownKeys(upstream), told),
        *calendar_routes(upstream, languages, told),
        Route("/healthz", _alive),
        Route("/.well-known/jwks.json", keys),
        Route("/demo/token", token, methods=["POST"]),
        *(route for routes in feature_routes().values() for route in routes.over(console, sign_in.ask_again)),
        Mount("/static", _Built(directory=BUILT, check_dir=False)),
    ]

    told.distinct_from(route.path for route in routes)

    async def unknown(request: Request, error: Exception) -> Response:
        failure = Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page")
        if is_api(request):  # a path that no route of the API takes, as one with a line end in it
            return answer(request, failure)
        allowed = dict(cast(HTTPException, error).headers or {}).get("Allow")
        if allowed is not None:
            allowed = ", ".join(sorted(allowed.split(", ")))
            failure = Failure(
                "METHOD_NOT_ALLOWED",
                "METHOD_NOT_ALLOWED",
                f"this page answers {allowed}",
                allowed=tuple(allowed.split(", ")),
            )
        visit = visited(console, request)
        if visit.session is not None:  # who is signed in keeps the way to everything else
            try:
                await meet(visit)
            except Failure as met:
                visit = visited(console, request)
                failure = met if met.shut else failure
        response = failed(visit, failure)
        if allowed is not None:
            response.headers["Allow"] = allowed
        return response

    async def broken(request: Request, error: Exception) -> Response:
        log.error("gateway.broken", request_id=request.state.request_id, exc_info=error)
        failure = Failure(
            "INTERNAL", "INTERNAL", f"a fault of the gateway's own; the request's id is {request.state.request_id}"
        )
        response = answer(request, failure) if is_api(request) else failed(visited(console, request), failure)
        response.headers.update(SECURITY | {REQUEST_ID: request.state.request_id})
        return response

    app = Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown, 500: broken})
    app.router.redirect_slashes = False  # it would lead to where the header Host says
    app.state.closing, app.state.idle = False, asyncio.Event()
    app.state.idle.set()
    app.add_middleware(cast(Any, Gate), console=console, metrics=metrics or Metrics(), cors=cors, at_once=at_once)
    return app


class _Built(StaticFiles):
    """The built assets; their names carry their digests. Beside a text lies what the build made of it for the wire."""

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        asked, name, plain = Headers(scope=scope), str(full_path), guess_type(full_path)[0]
        encoding = "" if "range" in asked else next((e for e in _ENCODINGS if e in _taken(asked)), "")
        if encoding and Path(made := name + _ENCODINGS[encoding]).exists():
            response = super().file_response(made, os.stat(made), scope, status_code)
            response.headers["Content-Type"] = (
                f"{plain}; charset=utf-8" if f"{plain}".startswith("text/") else f"{plain}"
            )
            response.headers["Content-Encoding"] = encoding
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""How the build's files are named by what they are encoded with, the smallest first."""


def _taken(headers: Headers) -> set[str]:
    """The encodings that a client takes."""
    asked = [part.replace(" ", "").split(";") for part in headers.get("accept-encoding", "").lower().split(",")]
    return {name for name, *options in asked if not {"q=0", "q=0.0", "q=0.00", "q=0.000"} & {*options}}


async def _alive(_: Request) -> Response:
    return JSONResponse({"alive": True})


@cache
def _shown_by() -> tuple[Mapping[str, Language], Assets, Mapping[str, Environment]]:
    """What pages are made with, the same for every application of a process."""
    languages, assets = load_languages(), load_assets()
    return languages, assets, {code: _environment(language, assets) for code, language in languages.items()}


def _environment(language: Language, assets: Assets) -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [
                FileSystemLoader(Path(__file__).parent / "console" / "templates"),
                PrefixLoader({name: FileSystemLoader(folder) for name, folder in feature_templates().items()}),
            ]
        ),
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
