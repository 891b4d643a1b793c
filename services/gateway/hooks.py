"""Where sources send values by themselves: `POST /hooks/<tenant>/<integration>`, signed by Standard Webhooks.

The gateway knows no secret: it hands on what came, to the byte, and the service judges the signature.
"""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from eventkit.errors import Violation
from eventkit.rpc.metadata import REQUEST_ID
from nhip.common.v1.delivery_pb2 import Delivery
from services.gateway.failures import Failure, invalid
from services.gateway.gate import answer, rate_headers
from services.gateway.transcoding import json_of
from services.gateway.upstream import SERVICES, Upstream

SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


def hook_routes(upstream: Upstream) -> list[Route]:
    take = SERVICES["checkins"].methods_by_name["TakeDelivery"]

    async def hook(request: Request) -> Response:
        try:
            id, timestamp, signature = (_header(request, name) for name in SIGNED)
            delivery = Delivery(
                tenant=request.path_params["tenant"],
                integration_id=request.path_params["integration"],
                delivery_id=id,
                timestamp=timestamp,
                signature=signature,
                content=await request.body(),
            )
            reply = await upstream.call("checkins", take, delivery, [(REQUEST_ID, request.state.request_id)])
        except Failure as failure:
            return answer(request, failure)
        content = json.dumps(json_of(reply.message), ensure_ascii=False).encode()
        return Response(content, headers=rate_headers(reply.rate), media_type=JSONResponse.media_type)

    return [Route("/hooks/{tenant}/{integration}", hook, methods=["POST"])]


def _header(request: Request, name: str) -> str:
    given = request.headers.getlist(name)
    if len(given) != 1 or not given[0].isascii() or not given[0].isprintable():
        said = "give it once"
        raise invalid("HEADER_MALFORMED", f"the header {name}: {said}", Violation(name, "HEADER_MALFORMED", said))
    return given[0]
