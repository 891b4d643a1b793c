"""The services behind the gateway: one channel each, called by descriptor."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from eventkit import contracts
from eventkit.errors import Rejected
from eventkit.rpc.ceilings import Working, overloaded
from eventkit.rpc.metadata import (
    APPLIED,
    AUTHORIZATION,
    CHECK,
    IDEMPOTENCY_KEY,
    POSITION,
    RATE,
    REQUEST_ID,
    TRACEPARENT,
)
from nhip.common.v1 import operations_pb2
from services.gateway.failures import Failure, of_rejection, of_rpc, slow

Answer = TypeVar("Answer", bound=Message)
Metadata = Sequence[tuple[str, str]]

SERVICES: Mapping[str, contracts.Answers] = contracts.services()
OPERATIONS = operations_pb2.DESCRIPTOR.services_by_name["Operations"]

_TIMEOUT = "grpc-timeout"
ANSWERING = 0.5
"""Seconds that a service's answer may take that its time was over."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered, and how far its log was."""

    message: Message
    position: str
    """As "goals=123"; empty where the service named none."""
    applied: str = ""
    """Of a query: how far each context was applied, as "goals=12,people=3"."""
    rate: str = ""
    """To an integration: how much more it may ask."""


class Upstream:
    """Calls the services' unary RPCs, each within a deadline; `at_once` calls of each service (0: any number), so that
    one that is slow takes nothing from the others."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], *, deadline: float = 10.0, at_once: int = 0) -> None:
        self._channels = channels
        self._deadline = deadline
        self._working = {context: Working(at_once) for context in channels}
        self._long = {context: Working(at_once, kept=True) for context in channels}

    @property
    def contexts(self) -> tuple[str, ...]:
        return tuple(self._channels)

    def ready(self, context: str) -> None:
        """Before anything costly is done for a request. Raises Failure (OVERLOADED) where it would be refused."""
        if context in self._working and self._working[context].full:
            raise of_rejection(overloaded())

    async def call(
        self,
        context: str,
        method: MethodDescriptor,
        request: Message,
        metadata: Metadata = (),
        *,
        seconds: float = 0.0,
    ) -> Reply:
        """The answer of `context`'s service; raises Failure for a refusal and for a service that is away. It has as
        long as any, or so many `seconds`."""
        deadline = seconds or self._deadline
        channel = self._channels.get(context)
        if channel is None:
            raise Failure(
                "NOT_FOUND",
                "SERVICE_UNKNOWN",
                f"there is no service {context!r}; there are {', '.join(self._channels)}",
            )
        try:
            async with (self._long if seconds else self._working)[context].one():
                return await _answered(channel, context, method, request, metadata, deadline)
        except Rejected as refused:
            raise of_rejection(refused) from refused


async def _answered(
    channel: grpc.aio.Channel,
    context: str,
    method: MethodDescriptor,
    request: Message,
    metadata: Metadata,
    deadline: float,
) -> Reply:
    answer = GetMessageClass(method.output_type)
    assert method.containing_service is not None
    unary: Any = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    # The service gets a little less time than it is waited for: whose time is over first says what kept it, as a
    # position that was not reached. A client's own gRPC deadline would end at the same moment and know nothing.
    told_to = (_TIMEOUT, f"{round(deadline * 1000)}m")
    call = unary(request, metadata=(*metadata, told_to))
    try:
        async with asyncio.timeout(deadline + ANSWERING):
            message: Message = await call
            told: list[tuple[str, Any]] = [*await call.initial_metadata(), *await call.trailing_metadata()]
    except grpc.aio.AioRpcError as error:
        failure = of_rpc(error, context)
        failure.rate = next((str(value) for key, value in error.trailing_metadata() or () if key == RATE), "")
        raise failure from error
    except TimeoutError as error:
        call.cancel()
        raise slow(context) from error
    except asyncio.CancelledError:
        call.cancel()
        raise
    named = {key: str(value) for key, value in told}
    return Reply(message, named.get(POSITION, ""), named.get(APPLIED, ""), named.get(RATE, ""))


@dataclass(frozen=True, slots=True)
class Caller:
    """The services, as one person or service sees them."""

    upstream: Upstream
    token: str = ""
    positions: tuple[str, ...] = ()
    """What must have been applied before anything is answered, each as "goals=12"."""
    traceparent: str = ""
    request_id: str = ""
    resumed: Callable[[], bool] = lambda: False
    """Whether this comes of a form that met an ended session: nothing is carried out then, it is to be looked at
    first."""

    async def ask(
        self,
        context: str,
        method: str,
        request: Message,
        answer: type[Answer],
        *,
        key: str = "",
        check: bool = False,
        seconds: float = 0.0,
    ) -> tuple[Answer, str]:
        """The typed answer of `context` to `method`, and the position that came with it. A command has a `key`; with
        `check` it is only judged. It has as long as any call, or so many `seconds`.

        Every context has the methods of `Operations`, too.
        """
        if key and self.resumed():
            raise Failure("FAILED_PRECONDITION", "SESSION_RENEWED", "you signed in anew: look at it, and send it again")
        metadata = [(POSITION, position) for position in self.positions]
        given = {
            AUTHORIZATION: f"Bearer {self.token}" if self.token else "",
            IDEMPOTENCY_KEY: key,
            TRACEPARENT: self.traceparent,
            REQUEST_ID: self.request_id,
            CHECK: "true" if check else "",
        }
        metadata += [(name, value) for name, value in given.items() if value]
        methods = SERVICES[context].methods_by_name
        rpc = methods[method] if method in methods else OPERATIONS.methods_by_name[method]
        reply = await self.upstream.call(context, rpc, request, metadata, seconds=seconds)
        if not isinstance(reply.message, answer):
            raise TypeError(f"{context}.{method} answers {type(reply.message).__name__}, not {answer.__name__}")
        return reply.message, reply.position

    async def query(self, context: str, method: str, request: Message, answer: type[Answer]) -> Answer:
        message, _ = await self.ask(context, method, request, answer)
        return message
