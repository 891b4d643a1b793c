"""The JSON API: one handler for every RPC of every service."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from eventkit.errors import Rejected, Violation
from eventkit.rpc.addresses import address_in
from eventkit.rpc.auth import Authenticator, KeysUnavailable
from eventkit.rpc.integrations import key_of
from eventkit.rpc.metadata import APPLIED, AUTHORIZATION, IDEMPOTENCY_KEY, POSITION, REQUEST_ID, TRACEPARENT, Metadata
from services.gateway.failures import AWAY_SECONDS, Failure, invalid, of_rejection
from services.gateway.gate import answer, rate_headers
from services.gateway.known_keys import KnownKeys
from services.gateway.transcoding import Binding, Routes, bindings, json_of
from services.gateway.upstream import OPERATIONS, SERVICES, Reply, Upstream

LONG_BYTES = 1 << 16
"""A longer body is read beside the event loop: a megabyte takes some tenths of a second."""
FORWARDED = (AUTHORIZATION, IDEMPOTENCY_KEY, TRACEPARENT)


def json_routes(upstream: Upstream, tokens: Authenticator, ended: Callable[[str], bool]) -> list[Route]:
    """`/v1/…`: what the contracts' annotations say, and nothing else.

    It takes tokens, never cookies, so no other site can use it.

    Who asks is known before a body is read. `ended` tells whether a token's session was signed out of.
    """
    routes = Routes(bindings(SERVICES, OPERATIONS))
    keys = KnownKeys(upstream)

    async def call(request: Request) -> Response:
        try:
            binding, variables = routes.match("GET" if request.method == "HEAD" else request.method, request.url.path)
            context = binding.context or variables["service"]
            upstream.ready(context)
            metadata = _metadata(request)
            await _authenticate(metadata.authorization)
            body = await _body(request) if binding.has_body else b""
            query = () if binding.has_body else request.query_params.multi_items()
            if len(body) > LONG_BYTES:
                message = await asyncio.to_thread(binding.request, variables, body, query)
            else:
                message = binding.request(variables, body, query)
            told = [(name, value) for name, values in metadata.values.items() for value in values]
            reply = await upstream.call(
                context, binding.method, message, [*told, (REQUEST_ID, request.state.request_id)]
            )
        except Failure as failure:
            return answer(request, failure)
        return _answer(request, binding, reply)

    async def _authenticate(authorization: str) -> None:
        if key := key_of(authorization):
            await keys.know(key)
            return
        if address_in(authorization):  # the gateway knows no address: the service that it goes to judges it
            return
        try:
            await tokens.authenticate(authorization)
        except Rejected as refused:
            raise of_rejection(refused) from None
        except KeysUnavailable:
            message = "the issuer's keys cannot be had for the moment, so no token can be judged; try again soon"
            raise Failure("UNAVAILABLE", "TEMPORARILY_UNAVAILABLE", message, retry_after=AWAY_SECONDS) from None
        if ended(authorization.partition(" ")[2].strip()):
            raise Failure("UNAUTHENTICATED", "TOKEN_EXPIRED", "this session was signed out of: sign in again")

    async def any_method(scope: Scope, receive: Receive, send: Send) -> None:
        await (await call(Request(scope, receive)))(scope, receive, send)

    return [Route(path, _App(any_method)) for path in ("/v1", "/v1/{path:path}")]


@dataclass(frozen=True, slots=True)
class _App:
    """An endpoint that sees requests of every method; a bare function would be given those that its route names."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def _metadata(request: Request) -> Metadata:
    """What goes on to the service beside the message; what is given twice is refused as there, and positions may be
    joined by commas."""
    values = {name: tuple(given) for name in FORWARDED if (given := request.headers.getlist(name))}
    # HTTP may join what a client sent as several headers; on gRPC each position is a value of its own.
    positions = tuple(one.strip() for value in request.headers.getlist(POSITION) for one in value.split(","))
    metadata = Metadata(values | ({POSITION: positions} if positions else {}))
    for name, given in metadata.values.items():
        for value in given:
            if value.isascii() and value.isprintable():
                continue
            if name == POSITION:  # as the services say it of what reaches them
                said = f"{value[:80]!r} is no position: send what a reply said, as goals=123"
                raise invalid("POSITION_MALFORMED", said, Violation(POSITION, "POSITION_MALFORMED", said))
            raise invalid("HEADER_MALFORMED", f"the header {name} holds what no header may")
    try:
        metadata.idempotency_key()
    except Rejected as refused:
        raise of_rejection(refused) from None
    return metadata


def _answer(request: Request, binding: Binding, reply: Reply) -> Response:
    content = json.dumps(json_of(reply.message), ensure_ascii=False).encode()
    told = {name: value for name, value in ((POSITION, reply.position), (APPLIED, reply.applied)) if value}
    headers = {"Cache-Control": "no-store", **told, **rate_headers(reply.rate)}
    if binding.verb == "GET":
        # Nothing keeps answers unasked; who does so by themselves may ask whether theirs is still the one.
        headers["ETag"] = tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        held = request.headers.get("if-none-match", "")
        if held and tag in (one.strip().removeprefix("W/") for one in held.split(",")):
            return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=JSONResponse.media_type)


async def _body(request: Request) -> bytes:
    """The body of a JSON request.

    Another content type is refused: a page elsewhere can send a form, but not JSON, unasked.
    """
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Failure("UNSUPPORTED_MEDIA_TYPE", "NOT_JSON", "the body must be application/json")
    return await request.body()
