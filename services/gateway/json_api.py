"""The JSON API: one handler for every RPC of every service."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eventkit.errors import Violation
from eventkit.rpc.metadata import APPLIED, AUTHORIZATION, IDEMPOTENCY_KEY, POSITION, TRACEPARENT
from services.gateway.failures import Failure, invalid
from services.gateway.transcoding import Routes, bindings, json_of
from services.gateway.upstream import OPERATIONS, SERVICES, Upstream

MOST_BYTES = 1 << 20


def json_routes(upstream: Upstream) -> list[Route]:
    """`/v1/…`: what the contracts' annotations say, and nothing else. It takes tokens, never cookies, so no other site can use it."""
    routes = Routes(bindings(SERVICES, OPERATIONS))

    async def call(request: Request) -> Response:
        try:
            binding, variables = routes.match("GET" if request.method == "HEAD" else request.method, request.url.path)
            body = await _body(request) if binding.has_body else b""
            message = binding.request(variables, body, request.query_params.multi_items())
            context = binding.context or variables["service"]
            metadata = [(name, value) for name in (AUTHORIZATION, IDEMPOTENCY_KEY, TRACEPARENT) if (value := request.headers.get(name))]
            # HTTP may join what a client sent as several headers; on gRPC each position is a value of its own.
            metadata += [(POSITION, one.strip()) for value in request.headers.getlist(POSITION) for one in value.split(",")]
            for name, value in metadata:
                if name == POSITION and not (value.isascii() and value.isprintable()):  # as the services say it of what reaches them
                    said = f"{value[:80]!r} is no position: give <context>=<number>, as goals=123"
                    raise invalid("POSITION_MALFORMED", said, Violation(POSITION, said))
                if not (value.isascii() and value.isprintable()):
                    raise invalid("HEADER_MALFORMED", f"the header {name} holds what no header may")
            reply = await upstream.call(context, binding.method, message, metadata)
        except Failure as failure:
            headers = {"Retry-After": "2"} if failure.away else {}
            if failure.status == "UNAUTHENTICATED":
                headers["WWW-Authenticate"] = "Bearer"
            return JSONResponse(failure.as_json(), failure.http, headers)
        told = {name: value for name, value in ((POSITION, reply.position), (APPLIED, reply.applied)) if value}
        headers = {"Cache-Control": "no-store", **told}
        return JSONResponse(json_of(reply.message), headers=headers)

    return [Route("/v1/{path:path}", call, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]


async def _body(request: Request) -> bytes:
    """The body of a JSON request. Another content type is refused: a page elsewhere can send a form, but not JSON, unasked."""
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Failure("UNSUPPORTED_MEDIA_TYPE", "NOT_JSON", "the body must be application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise Failure("CONTENT_TOO_LARGE", "BODY_TOO_LARGE", f"the body is longer than {MOST_BYTES} bytes")
    return body
