"""What holds for every request before any page or RPC sees it, and for every answer.

A request has an id; its body has an end, in bytes and in time; no other site's page sends forms with this site's
cookies; where a demo issuer signs anybody in, only this machine is answered, by its own names. An answer has its
headers, is compressed where that gives nothing away, and while the gateway shuts down it says so.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, MutableMapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import Any, cast
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from eventkit.errors import Rejected
from eventkit.rpc.ceilings import Place, Working
from eventkit.rpc.metadata import APPLIED, AUTHORIZATION, IDEMPOTENCY_KEY, POSITION, REQUEST_ID, TRACEPARENT, request_id
from eventkit.telemetry import Metrics
from services.gateway.console.visit import Console, failed, visited
from services.gateway.failures import SCIM, Failure, of_rejection
from services.gateway.session import from_elsewhere, not_of_this_machine

MOST_BODY_BYTES = 1 << 20
MOST_UPLOAD_BYTES = 16 << 20
UPLOADS = ("/import/", "/company/logo/")
"""Where files are sent to: the places that take more."""
BODY_SECONDS, UPLOAD_SECONDS = 20.0, 120.0
"""How long a request's body may take to come in."""
SMALLEST_COMPRESSED = 1024
CLOSING_SECONDS = 5
"""What a client is told to wait for when the gateway shuts down: another one, or the same again."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SECURITY = {
    # No inline script or style, nothing from elsewhere, never in a frame. Pictures also of what the page drew itself.
    "content-security-policy": "default-src 'self'; img-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; object-src 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

HSTS = "max-age=31536000"
"""A browser that met the console by TLS comes back by nothing else, for a year."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Gate:
    """Stands before everything else."""

    def __init__(
        self, app: App, console: Console, metrics: Metrics, cors: Sequence[str] = (), at_once: int = 0
    ) -> None:
        self._app, self._console, self._metrics = _Compressing(_Cors(app, cors)), console, metrics
        self._working = Working(at_once)
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._console.public.enter(scope)
        with self._counted(scope, self._console.public.leaving(send)) as counted:
            await self._answer(scope, receive, counted)

    @contextmanager
    def _counted(self, scope: Scope, send: Send) -> Generator[Send]:
        """Counts a request, and by what status it was answered: 499 where who asked went away before."""
        status, began, part = 499, time.perf_counter(), part_of(str(scope["path"]))

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        with self._metrics.http_in_flight.track_inprogress():
            try:
                yield told
            finally:
                self._metrics.http_handled.labels(part, str(status)).inc()
                self._metrics.http_seconds.labels(part).observe(time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        request.state.request_id = request_id(request.headers.getlist(REQUEST_ID)) or uuid4().hex
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY | {REQUEST_ID: request.state.request_id})
                if request.url.scheme == "https":
                    headers["strict-transport-security"] = HSTS
            await send(message)

        if renewed := await self._renewed(request):
            begin = with_headers

            async def with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message).raw.extend(renewed)
                await begin(message)

        state = request.app.state
        self._inside += 1
        state.idle.clear()
        try:
            if refused := self._refusal(request):
                await refused(scope, receive, with_headers)
            else:
                async with self._place(request) as place:
                    await self._app(scope, _Body(receive, place, most=most_bytes(request)), with_headers)
        except Failure as failure:  # of a place, or of the body, where a page did not look for it
            if begun:
                raise
            await self._refused(request, failure)(scope, receive, with_headers)
        except asyncio.CancelledError:
            if begun or not state.closing:
                raise
            await self._refused(request, _closing())(scope, receive, with_headers)
        finally:
            self._inside -= 1
            if not self._inside:
                state.idle.set()

    @asynccontextmanager
    async def _place(self, request: Request) -> AsyncGenerator[Place | None]:
        """One among those that are worked on; None of what is never kept waiting. Raises Failure (OVERLOADED)."""
        async with AsyncExitStack() as stack:
            place: Place | None = None
            if part_of(request.url.path) not in ("static", "health"):
                try:
                    place = await stack.enter_async_context(self._working.one())
                except Rejected as refused:
                    raise of_rejection(refused) from None
            yield place

    async def _renewed(self, request: Request) -> list[tuple[bytes, bytes]]:
        """The headers that keep a session whose token was renewed; what the request has of it is in `state.kept`."""
        provider = self._console.identity.provider
        if provider is None or is_api(request) or (kept := provider.kept(request)) is None:
            return []
        request.state.kept = now = await provider.renewed(kept)
        if now is None or now == kept:
            return []
        told = Response()
        provider.keep(told, now)
        return [(name, value) for name, value in told.raw_headers if name == b"set-cookie"]

    def _refusal(self, request: Request) -> Response | None:
        """What is answered to a request that goes no further."""
        if request.app.state.closing:
            return self._refused(request, _closing())
        if self._console.identity.issues and (why := not_of_this_machine(request)):
            return self._refused(request, Failure("PERMISSION_DENIED", "LOOPBACK_ONLY", why))
        length = request.headers.get("content-length", "0")
        endless = "transfer-encoding" in request.headers and not is_api(request)
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > most_bytes(request) or endless:
            return self._refused(request, too_large(most_bytes(request)))
        if not is_api(request) and from_elsewhere(request, self._console.public.url):
            return self._refused(request, Failure("PERMISSION_DENIED", "FROM_ELSEWHERE", "sent by another site"))
        return None

    def _refused(self, request: Request, failure: Failure) -> Response:
        response = answer(request, failure) if is_api(request) else failed(visited(self._console, request), failure)
        response.headers["Connection"] = "close"  # what may still come of the body is not waited for
        if failure.retry_after:
            response.headers["Retry-After"] = str(failure.retry_after)
        return response


def part_of(path: str) -> str:
    """What a request is for, as metrics name it."""
    first = path.split("/", 2)[1] if path.startswith("/") else ""
    parts = {"v1": "api", "healthz": "health"} | {one: one for one in ("hooks", "static", "calendar", "scim")}
    return parts.get(first, "console")


def is_api(request: Request) -> bool:
    """It takes tokens or signatures and no cookies: another site's page has none."""
    return f"{request.url.path}/".startswith(("/v1/", "/hooks/", "/scim/"))


def answer(request: Request, failure: Failure) -> Response:
    """A failure as the JSON API says it, or SCIM."""
    headers = rate_headers(failure.rate)
    if failure.retry_after:
        headers["Retry-After"] = str(failure.retry_after)
    if failure.status == "UNAUTHENTICATED":
        headers["WWW-Authenticate"] = "Bearer"
    if failure.allowed:
        headers["Allow"] = ", ".join(failure.allowed)
    if f"{request.url.path}/".startswith("/scim/"):
        return JSONResponse(failure.as_scim(), failure.scim_status, headers, media_type=SCIM)
    return JSONResponse(failure.as_json(request.state.request_id), failure.http, headers)


def rate_headers(rate: str) -> dict[str, str]:
    """What an integration is told with every answer: how many calls it may make at once, how many of them are left, and
    in how many seconds it has all of them again."""
    told = {name.strip(): value for name, _, value in (part.partition("=") for part in rate.split(","))}
    names = (("RateLimit-Limit", "limit"), ("RateLimit-Remaining", "remaining"), ("RateLimit-Reset", "reset"))
    return {header: told[name] for header, name in names if name in told}


def most_bytes(request: Request) -> int:
    return MOST_UPLOAD_BYTES if f"{request.url.path}/".startswith(UPLOADS) else MOST_BODY_BYTES


def too_large(most: int = MOST_BODY_BYTES) -> Failure:
    return Failure("CONTENT_TOO_LARGE", "BODY_TOO_LARGE", f"the body is longer than {most} bytes")


def _closing() -> Failure:
    message = "the gateway shuts down; nothing was lost, try again soon"
    return Failure("UNAVAILABLE", "SHUTTING_DOWN", message, retry_after=CLOSING_SECONDS)


class _Body:
    """A request's body as it comes in, within its bounds. Whoever sends it slowly has no place among those that are
    worked on meanwhile. Raises Failure."""

    def __init__(self, receive: Receive, place: Place | None = None, *, most: int = MOST_BODY_BYTES) -> None:
        self._receive, self._place, self._bytes, self._until, self._whole = receive, place, 0, 0.0, False
        self._most, self._seconds = most, BODY_SECONDS if most == MOST_BODY_BYTES else UPLOAD_SECONDS

    async def __call__(self) -> Message:
        if self._whole:  # what is waited for from now on is the end of the connection
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._until = self._until or now + self._seconds
        try:
            async with self._place.left() if self._place else nullcontext(), asyncio.timeout_at(self._until):
                message = await self._receive()
        except Rejected as refused:
            raise of_rejection(refused) from None
        except TimeoutError:
            raise Failure(
                "REQUEST_TIMEOUT", "BODY_SLOW", f"the body did not come in within {self._seconds:.0f} seconds"
            ) from None
        self._whole = not message.get("more_body", False)
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most:
            raise too_large(self._most)
        return message


class _Compressing:
    """Gzip for who takes it.

    Not in answers to what another site's page made a browser ask: whoever can choose a part of a page and see how long
    it gets could guess the rest of it (BREACH). Not of ranges, which are parts of what is not compressed.
    """

    def __init__(self, app: App) -> None:
        self._plain = app
        self._gzip = GZipMiddleware(cast(Any, app), minimum_size=SMALLEST_COMPRESSED, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if "range" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            await self._plain(scope, receive, send)
            return

        async def weakened(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                tag = told.get("etag", "")
                if "content-encoding" in told and tag.startswith('"'):  # other bytes: no range may be joined to them
                    told["etag"] = f"W/{tag}"
            await send(message)

        await self._gzip(scope, receive, cast(Any, weakened))


class _Cors:
    """Pages of the named origins may use the JSON API; cookies are no part of it."""

    def __init__(self, app: App, origins: Sequence[str]) -> None:
        self._app: App = app
        self._cors = cast(
            App,
            CORSMiddleware(
                cast(Any, app),
                allow_origins=origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=[
                    AUTHORIZATION,
                    "content-type",
                    IDEMPOTENCY_KEY,
                    POSITION,
                    TRACEPARENT,
                    REQUEST_ID,
                    "if-none-match",
                ],
                expose_headers=[
                    POSITION,
                    APPLIED,
                    REQUEST_ID,
                    "etag",
                    "retry-after",
                    "ratelimit-limit",
                    "ratelimit-remaining",
                    "ratelimit-reset",
                ],
                max_age=600,
            )
            if origins
            else app,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._cors if is_api(Request(scope)) else self._app)(scope, receive, send)
