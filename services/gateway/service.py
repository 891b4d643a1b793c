"""The gateway's composition: channels to the services, the JSON API, sign-in, the console."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import structlog
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from eventkit.rpc.auth import Authenticator
from eventkit.rpc.client import channel
from eventkit.rpc.metadata import REQUEST_ID
from eventkit.settings import Settings
from services.gateway.assets import BUILT, Assets, load_assets
from services.gateway.console.language import Language, load_languages
from services.gateway.console.visit import Console, failed, meet, visited
from services.gateway.failures import Failure
from services.gateway.features import feature_routes, feature_templates
from services.gateway.features.reference import pages as reference
from services.gateway.features.sign_in import pages as sign_in
from services.gateway.gate import SECURITY, Gate, answer, is_api
from services.gateway.json_api import json_routes
from services.gateway.session import Identity, Issuer
from services.gateway.upstream import SERVICES, Upstream

DEADLINE = 10.0
"""Seconds that a service has to answer."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def gateway(settings: Settings, tokens: Authenticator, issuer: Issuer | None = None) -> AsyncGenerator[Starlette]:
    """The gateway as an ASGI application, with a channel to each of `settings.services`; `tokens` judges those of the
    JSON API.

    With a demo issuer people of `settings.tenant` are picked at sign-in; without one, sign-in is an OIDC provider's.
    Serve it without trusting proxies' headers (uvicorn: `proxy_headers=False`), for who is on this machine is told by
    the peer's address.
    """
    async with AsyncExitStack() as open_channels:
        channels = {
            context: await open_channels.enter_async_context(channel(settings.services[context]))
            for context in SERVICES
            if context in settings.services
        }
        if issuer is not None:
            log.warning(
                "gateway.demo_sign_in", tenant=settings.tenant, note="anybody on this machine signs in as anybody"
            )
        yield application(
            Upstream(channels, deadline=DEADLINE), Identity(issuer, settings.tenant), tokens, cors=settings.cors_origins
        )


def application(
    upstream: Upstream,
    identity: Identity,
    tokens: Authenticator,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    cors: Sequence[str] = (),
) -> Starlette:
    """The same over channels that somebody else opened; `clock` tells what today is.

    Who serves it sets `app.state.closing` when it is to take no more requests, and may wait for `app.state.idle`.
    """
    languages, assets = load_languages(), load_assets()
    templates = {code: _environment(language, assets) for code, language in languages.items()}
    console = Console(upstream, identity, languages, templates, assets, clock)
    keys, token = sign_in.demo_endpoints(console)

    routes = [
        Route("/v1/openapi.json", reference.openapi),
        *json_routes(upstream, tokens, identity.ended),
        Route("/healthz", _alive),
        Route("/.well-known/jwks.json", keys),
        Route("/demo/token", token, methods=["POST"]),
        *(route for routes in feature_routes().values() for route in routes.over(console, sign_in.ask_again)),
        Mount("/static", _Built(directory=BUILT, check_dir=False)),
    ]

    async def unknown(request: Request, error: Exception) -> Response:
        failure = Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page")
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
            except Failure:
                visit = visited(console, request)
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
    app.state.closing, app.state.idle = False, asyncio.Event()
    app.state.idle.set()
    app.add_middleware(cast(Any, Gate), console=console, cors=cors)
    return app


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
