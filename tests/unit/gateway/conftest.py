"""A gateway over a tiny real gRPC server that is made from the descriptors, with a demo issuer of its own."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.context import Actor
from eventkit.errors import Kind, Rejected
from eventkit.rpc import errors as rpc_errors
from eventkit.rpc.auth import Authenticator, Keys, Tokens
from eventkit.rpc.demo_issuer import DemoIssuer
from nhip.common.v1 import operations_pb2, words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from services.gateway.service import application
from services.gateway.session import Identity
from services.gateway.upstream import OPERATIONS, SERVICES, Upstream

Handler = Callable[[Message], Message]


@dataclass
class Backend:
    """Answers what a test told it to, and remembers what it was asked."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    asked: list[tuple[str, Message, list[tuple[str, str]]]] = field(default_factory=list)
    position: str = ""

    def answers(self, method: str, message: Message | Exception) -> None:
        def handler(_: Message) -> Message:
            if isinstance(message, Exception):
                raise message
            return message

        self.handlers[method] = handler

    def metadata(self, name: str, at: int = -1) -> list[str]:
        return [value for key, value in self.asked[at][2] if key == name]

    def server(self) -> grpc.aio.Server:
        server = grpc.aio.server()
        for service in (*(one for answers in SERVICES.values() for one in answers.services), OPERATIONS):
            handlers = {
                method.name: grpc.unary_unary_rpc_method_handler(
                    self._handle(method.name),
                    request_deserializer=GetMessageClass(method.input_type).FromString,
                    response_serializer=GetMessageClass(method.output_type).SerializeToString,
                )
                for method in service.methods
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        return server

    def _handle(self, name: str) -> Any:
        async def handle(request: Message, call: grpc.aio.ServicerContext[Any, Any]) -> Message:
            self.asked.append((name, request, [(str(k), str(v)) for k, v in call.invocation_metadata() or ()]))
            if self.position:
                call.set_trailing_metadata((("nhip-position", self.position),))
            if name not in self.handlers:
                await call.abort(grpc.StatusCode.UNIMPLEMENTED, "not in this test")
            try:
                return self.handlers[name](request)
            except Rejected as refused:
                await call.abort_with_status(rpc_errors.to_status(rpc_errors.failure(refused)))
                raise

        return handle


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    backend = Backend()
    server = backend.server()
    backend.port = server.add_insecure_port("127.0.0.1:0")  # pyright: ignore[reportAttributeAccessIssue]
    await server.start()
    yield backend
    await server.stop(None)


@pytest.fixture
def issuer(tmp_path: Path) -> DemoIssuer:
    return DemoIssuer(host="127.0.0.1", key_file=tmp_path / "issuer.json", issuer="http://127.0.0.1/test")


@pytest.fixture
def away() -> str:
    """The service that does not answer; empty: all do."""
    return "checkins"


@pytest.fixture
async def client(backend: Backend, issuer: DemoIssuer, tmp_path: Path, away: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway, as a program on this machine."""
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps(issuer.jwks()))
    here = f"127.0.0.1:{backend.port}"  # pyright: ignore[reportAttributeAccessIssue]
    async with grpc.aio.insecure_channel(here) as channel, grpc.aio.insecure_channel("127.0.0.1:1") as nowhere:
        there = {service: nowhere if service == away else channel for service in SERVICES}
        upstream = Upstream(there, deadline=15)
        tokens = Tokens(issuer=issuer.issuer, audience="nhip", keys=Keys(str(jwks)))
        app = application(
            upstream,
            Identity(issuer, "acme"),
            tokens,
            clock=lambda: datetime(2025, 3, 20, 5, tzinfo=UTC),
            cors=["https://intranet.test"],
        )
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        bearer = {
            "Authorization": f"Bearer {issuer.mint('acme', 'person:minh')}"
        }  # the JSON API asks for it, the console passes over it
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=bearer) as client:
            yield client


@pytest.fixture
async def open_client(
    backend: Backend, client: httpx.AsyncClient, issuer: DemoIssuer, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """The same without a demo sign-in, as it stands in a company."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{backend.port}") as channel:  # pyright: ignore[reportAttributeAccessIssue]
        tokens = Tokens(issuer=issuer.issuer, audience="nhip", keys=Keys(str(tmp_path / "jwks.json")))
        upstream = Upstream(dict.fromkeys(SERVICES, channel))
        app = application(upstream, Identity(None, "acme"), tokens, cors=["https://intranet.test"])
        transport = httpx.ASGITransport(app, client=("10.0.0.1", 50000))
        headers = {"Authorization": client.headers["authorization"]}
        async with httpx.AsyncClient(transport=transport, base_url="https://nhip.test", headers=headers) as open_client:
            yield open_client


class _Nobody:
    async def authenticate(self, authorization: str) -> Actor:
        raise Rejected("TOKEN_MISSING", "nobody has a token here", kind=Kind.UNAUTHENTICATED)


NOBODY: Authenticator = _Nobody()
"""For a gateway whose JSON API nobody uses."""
MINH = people_pb2.Person(person_id="minh", name=words_pb2.PersonalText(plain="Minh"), active=True)


@pytest.fixture
async def signed_in(client: httpx.AsyncClient, backend: Backend) -> httpx.AsyncClient:
    backend.answers("GetPerson", MINH)
    backend.answers("ListPeople", people_pb2.PeopleList(people=[MINH]))
    backend.answers("GetTenant", people_pb2.Tenant(time_zone="Asia/Ho_Chi_Minh"))
    backend.answers("ListProposals", goals_pb2.Proposals())
    backend.answers("ListCycles", goals_pb2.Cycles())
    everything = [method.name for service in SERVICES.values() for method in service.methods]
    backend.answers("GetAccess", operations_pb2.Access(methods=everything))
    answer = await client.post(
        "/sign-in", data={"person": "minh", "next": "/proposals"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/proposals")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    return client
