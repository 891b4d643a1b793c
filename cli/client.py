"""Calls the services' public gRPC API as one principal. Remembers how far each log is because of its commands."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from cli.catalog import OPERATIONS, SERVICES
from cli.running import Failed
from eventkit.errors import Kind
from eventkit.rpc import errors
from eventkit.rpc.client import channel
from eventkit.rpc.metadata import AUTHORIZATION, CHECK, IDEMPOTENCY_KEY, POSITION, TRACEPARENT
from eventkit.rpc.tls import Tls
from eventkit.settings import load
from nhip.common.v1.command_pb2 import Accepted

Reply = TypeVar("Reply", bound=Message)
DEADLINE = 30.0
PATIENCE = 60.0
"""Seconds for which a service that is away is asked again."""

# A request's type names its RPC: every RPC has a request of its own. Operations are of every service.
_METHODS: Mapping[str, tuple[str, MethodDescriptor]] = {
    **{rpc.input_type.full_name: (name, rpc) for name, service in SERVICES.items() for rpc in service.api.methods},
    **{rpc.input_type.full_name: ("", rpc) for rpc in OPERATIONS.methods},
}


class Positions:
    """How far each context's log is as far as somebody has been told: what they send along to read their own writes."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def learn(self, position_of_log: str) -> None:
        """From a reply: "goals=12", "goals=12@0f3a9c21" of a log that was restored, or nothing."""
        context, _, position = position_of_log.partition("=")
        if position:
            self._known[context] = max(self._known.get(context, "0"), position, key=_number)

    def of(self, contexts: Iterable[str]) -> list[str]:
        return [f"{context}={self._known[context]}" for context in contexts if context in self._known]

    def all(self) -> list[str]:
        return self.of(self._known)


def _number(position: str) -> int:
    return int(position.partition("@")[0])


class Client:
    """`token` says as whom. Several clients may share channels and positions."""

    def __init__(
        self,
        channels: Mapping[str, grpc.aio.Channel],
        token: str,
        positions: Positions | None = None,
        *,
        patience: float = PATIENCE,
    ):
        self._channels, self._token, self._patience = channels, token, patience
        self.positions = positions or Positions()

    def acting(self, token: str, *, patience: float | None = None) -> "Client":
        """The same connection for somebody else."""
        return Client(self._channels, token, self.positions, patience=self._patience if patience is None else patience)

    async def command(
        self,
        request: Message,
        *,
        key: str = "",
        at: str = "",
        after: Iterable[str] = (),
        check: bool = False,
        deadline: float = DEADLINE,
    ) -> Accepted:
        """Have a command carried out, and learn the position it led to; or, with `check`, only judged."""
        done = await self.ask(request, Accepted, key=key, at=at, after=after, check=check, deadline=deadline)
        self.positions.learn(done.position)
        return done

    async def ask(
        self,
        request: Message,
        reply: type[Reply],
        *,
        key: str = "",
        at: str = "",
        after: Iterable[str] = (),
        check: bool = False,
        deadline: float = DEADLINE,
        traceparent: str = "",
    ) -> Reply:
        """The reply to a request, within `deadline` seconds. `at` names the service, which only operations need;
        `after` positions to wait for; `traceparent` the trace that it is part of (W3C).

        Raises `Rejected` when it is refused and `Failed` when nobody answers. What may be repeated (a query, a command
        with a key) is while its service is away; whoever asks too often is asked again when they may.
        """
        context, method = _METHODS[request.DESCRIPTOR.full_name]
        service = at or context
        if service not in self._channels:
            raise Failed(f"nobody said where the service {service!r} is: give --address {service}=host:port")
        metadata = [(AUTHORIZATION, f"Bearer {self._token}"), *((POSITION, position) for position in after)]
        if key:
            metadata.append((IDEMPOTENCY_KEY, key))
        if check:
            metadata.append((CHECK, "true"))
        if traceparent:
            metadata.append((TRACEPARENT, traceparent))
        begun = time.monotonic()
        until = begun + (self._patience if key or reply is not Accepted else 0.0)
        while True:
            try:
                return await self._call(self._channels[service], method, request, reply, metadata, deadline)
            except grpc.aio.AioRpcError as error:
                rejected, now = errors.rejection(error), time.monotonic()
                if rejected and rejected.kind is Kind.TOO_MANY and now < begun + PATIENCE:  # nothing was carried out
                    await asyncio.sleep(rejected.retry_after)
                    continue
                if rejected:
                    raise rejected from None
                if not _passes(error) or now > until:
                    raise Failed(_told(service, method, error)) from None
            await asyncio.sleep(0.2)

    async def _call(
        self,
        to: grpc.aio.Channel,
        method: MethodDescriptor,
        request: Message,
        reply: type[Reply],
        metadata: list[tuple[str, str]],
        deadline: float,
    ) -> Reply:
        assert method.containing_service is not None
        if method.output_type.full_name != reply.DESCRIPTOR.full_name:
            raise TypeError(f"{method.full_name} answers {method.output_type.full_name}")
        call: Any = to.unary_unary(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return await call(request, timeout=deadline, metadata=tuple(metadata))


@asynccontextmanager
async def connected(services: Mapping[str, str], token: str, *, patience: float = PATIENCE) -> AsyncGenerator[Client]:
    """A client of the services at these addresses."""
    tls = Tls.of(load())
    async with AsyncExitStack() as stack:
        channels = {name: await stack.enter_async_context(channel(address, tls)) for name, address in services.items()}
        yield Client(channels, token, patience=patience)


def _passes(error: grpc.aio.AioRpcError) -> bool:
    """Somebody is away or has not heard of everything yet."""
    return error.code() is grpc.StatusCode.UNAVAILABLE or errors.reason(error) == "POSITION_NOT_REACHED"


def _told(service: str, method: MethodDescriptor, error: grpc.aio.AioRpcError) -> str:
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return f"the service {service!r} does not answer: {error.details() or 'no connection'}"
    ours = errors.reason(error)
    return f"{service} did not carry out {method.name}: {error.details()} ({ours or error.code().name})"
