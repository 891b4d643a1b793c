"""A real server of the real contracts on loopback, with tiny implementations behind them."""

import inspect
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit.context import Context, Standing
from eventkit.rpc import access
from eventkit.rpc.auth import Keys, Tokens
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.rpc.server import Api, Server, snake_case
from eventkit.telemetry import Metrics
from nhip.checkins.v1 import checkins_pb2, checkins_pb2_grpc
from nhip.common.v1 import command_pb2
from nhip.goals.v1 import goals_pb2, goals_pb2_grpc
from nhip.people.v1 import people_pb2, people_pb2_grpc

ISSUER = "https://issuer.example"
SECRET = bytes(32)


class Answers:
    """Answers every RPC of a service with `reply` (or raises it) and keeps what it was asked."""

    def __init__(self, service):
        self.asked: list[tuple[Message, Context]] = []
        # A message, an exception to raise, or what answers one.
        self.reply: Any = command_pb2.Accepted(id="k1", position="goals=7")
        for rpc in service.methods:
            setattr(self, snake_case(rpc.name), self._answering(rpc))

    def _answering(self, rpc: MethodDescriptor):
        async def answer(request: Any, ctx: Context) -> Any:
            return await self._answer(request, ctx)

        messages = {"request": GetMessageClass(rpc.input_type), "return": GetMessageClass(rpc.output_type)}
        answer.__annotations__ |= messages
        return answer

    async def _answer(self, request: Message, ctx: Context) -> Message:
        self.asked.append((request, ctx))
        reply: Any = self.reply
        if isinstance(reply, BaseException):
            raise reply
        if inspect.isfunction(reply):
            reply = await reply(request, ctx)
        return reply

    @property
    def last(self) -> Context:
        return self.asked[-1][1]


class People:
    """Who is who: lan is an employee, nam an executive; nobody else is there."""

    async def standing(self, tenant: str) -> Standing:
        return Standing.OPEN

    async def roles(self, tenant: str, person_id: str) -> frozenset[str] | None:
        return (
            {"lan": frozenset({"employee"}), "nam": frozenset({"executive"})}.get(person_id)
            if tenant == "acme"
            else None
        )

    async def verbs(self, tenant: str, integration_id: str) -> frozenset[str] | None:
        return None


@dataclass
class Waits:
    """Remembers what it was to wait for; `raises` instead of returning."""

    asked: list[tuple[str, Mapping[str, int], float]] = field(default_factory=list)
    raises: BaseException | None = None
    does: Any = None

    async def __call__(self, tenant: str, after: Mapping[str, int], deadline_seconds: float) -> None:
        self.asked.append((tenant, after, deadline_seconds))
        if self.raises:
            raise self.raises
        if self.does:
            await self.does(tenant, after, deadline_seconds)


GOALS = goals_pb2.DESCRIPTOR.services_by_name["Goals"]
PEOPLE = people_pb2.DESCRIPTOR.services_by_name["People"]
CHECKINS = checkins_pb2.DESCRIPTOR.services_by_name["Checkins"]


def table(service, **others):
    """Everybody may everything, but for `others`."""
    return {rpc.name: others.get(rpc.name, access.anyone(services=("importer",))) for rpc in service.methods}


@dataclass
class Running:
    """A server under test and what a client needs to speak with it."""

    port: int
    channel: grpc.aio.Channel
    issuer: DemoIssuer
    goals: Answers
    people: Answers
    checkins: Answers
    waits: Waits
    metrics: Metrics

    def __post_init__(self):
        self.Goals = goals_pb2_grpc.GoalsStub(self.channel)
        self.People = people_pb2_grpc.PeopleStub(self.channel)
        self.Checkins = checkins_pb2_grpc.CheckinsStub(self.channel)

    def bearer(self, subject: str = "person:lan", tenant: str = "acme", **more) -> tuple[str, str]:
        return ("authorization", "Bearer " + self.issuer.mint(tenant, subject, **more))


@asynccontextmanager
async def running(
    issuer: DemoIssuer, jwks: Path, long: frozenset[str] = frozenset(), **options
) -> AsyncIterator[Running]:
    jwks.write_text(json.dumps(issuer.jwks()))
    goals, people, checkins, waits = Answers(GOALS), Answers(PEOPLE), Answers(CHECKINS), Waits()
    metrics = Metrics()
    server = Server(
        [
            Api(
                GOALS,
                goals,
                table(
                    GOALS,
                    OpenCycle=access.roles("executive", "okr_master", services=("importer",)),
                    ChooseCsf=access.services("importer"),
                ),
            ),
            Api(PEOPLE, people, table(PEOPLE), long),
            Api(CHECKINS, checkins, table(CHECKINS)),
        ],
        tokens=Tokens(issuer=ISSUER, audience="nhip", keys=Keys(str(jwks))),
        roles=People(),
        secret=SECRET,
        metrics=metrics,
        wait=waits,
        **options,
    )
    port = await server.start()
    try:
        async with grpc.aio.insecure_channel(f"{options.get('host', '127.0.0.1')}:{port}") as channel:
            yield Running(port, channel, issuer, goals, people, checkins, waits, metrics)
    finally:
        await server.stop(0)
