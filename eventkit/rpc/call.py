"""One call, from its metadata to its status: the steps that every RPC of every service goes through, in this order.

trace, deadline, token (or signature), rate, positions, turn, access, the request and its field rules, context, handler,
last touch, position of the reply, errors – then one line in the log and the metrics. Access is judged on what the
request brings, so behind its positions. Nothing that anybody wrote gets into the log: of a refusal its reason and the
fields' paths. Where more is asked than is carried a call goes none of these steps: it is refused and counted, which
costs next to nothing.
"""

import asyncio
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sized
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, cast
from uuid import UUID

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from eventkit.context import Actor, Context, command_id
from eventkit.errors import Kind, Rejected
from eventkit.logs import exception_name, frames
from eventkit.privacy.words import words_fields
from eventkit.rpc.access import Allow, Roles, authorise
from eventkit.rpc.auth import Authenticator
from eventkit.rpc.ceilings import Rates, Waiting, Working, overloaded
from eventkit.rpc.errors import CODES, Failure, ReplyTooLarge, failure, to_status
from eventkit.rpc.integrations import Signatures
from eventkit.rpc.metadata import APPLIED, POSITION, RATE, Metadata, Position, new_command_id
from eventkit.rpc.rules import violations
from eventkit.telemetry import Metrics, current_trace_id, current_traceparent, span
from nhip.common.v1 import command_pb2
from nhip.common.v1.delivery_pb2 import Delivery
from nhip.common.v1.options_pb2 import unmarked_words

MESSAGE_BYTES = 4 * 1024 * 1024
"""Largest reply."""

REQUEST_BYTES = 4 * MESSAGE_BYTES
"""Largest request: many commands that are carried out as one. What each may say, the rules of its fields limit."""

WAIT_SECONDS = 30.0
"""How long a call may wait for positions, whatever its deadline: a wait costs this service, and a deadline costs its
caller nothing."""

COMPRESSED_BYTES = 4096
"""From how many bytes on a reply is compressed, where the caller takes that."""

MARGIN_SECONDS = 0.1
"""How long before a call's deadline it is ended here."""

Handler = Callable[[Message, Context], Awaitable[Message]]
Wait = Callable[[str, Mapping[str, Position], float], Awaitable[None]]
"""`wait(tenant, after, deadline_seconds)`: returns when the views have passed these positions, by context. Raises
TimeoutError when they have not by then, and Rejected for what is of a log before it was restored."""


Applied = Callable[[str], Awaitable[Mapping[str, int]]]
"""`applied(tenant)`: how far the views have come, by context."""


IdSecret = Callable[[str], Awaitable[bytes]]
"""A tenant's secret, from which the ids of its repeatable commands are made; empty: it has none."""


Used = Callable[[Actor], None]
"""Counts a call of an integration."""


Quota = Callable[[str], Awaitable[float]]
"""How many calls a second a tenant may make of this process; 0: as many as every other one."""


class Finish(Protocol):
    """The last touch to a reply before it leaves, in place: opening its sealed words, for one, as far as the reader may
    see them."""

    async def __call__(self, message: Message, reader: Actor, roles: frozenset[str]) -> None: ...


_Servicer = grpc.aio.ServicerContext[bytes, bytes]
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("nhip.rpc")


async def nothing_to_wait_for(tenant: str, after: Mapping[str, Position], deadline_seconds: float) -> None:
    """The `Wait` of a service without views."""


async def nothing_applied(tenant: str) -> Mapping[str, int]:
    """The `Applied` of a service without views."""
    return {}


async def no_secret(tenant: str) -> bytes:
    """The `IdSecret` of a service whose ids anybody may tell."""
    return b""


async def no_quota(tenant: str) -> float:
    """The `Quota` of a service whose tenants have none."""
    return 0.0


async def nothing_to_finish(message: Message, reader: Actor, roles: frozenset[str]) -> None:
    """The `Finish` of a service whose replies leave as its handlers made them."""


def nothing_to_count(actor: Actor) -> None:
    """The `Used` of a service that does not say when an integration was last there."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What calls need of the service that they are made to."""

    tokens: Authenticator
    signatures: Signatures | None
    """What judges calls without a token; None: there are none."""
    roles: Roles
    secret: bytes
    """Keys the digests of requests, so that a digest in an event says nothing about the request's words."""
    id_secret: IdSecret
    wait: Wait
    applied: Applied
    finish: Finish
    used: Used
    rates: Rates
    quota: Quota
    waiting: Waiting
    working: Working
    long: Working
    """For calls that take long by what they are."""
    metrics: Metrics
    deadline_seconds: float
    """For calls that bring no deadline of their own."""
    now: Callable[[], datetime]


@dataclass(slots=True)
class _Outcome:
    """What is known of a call so far: what its log line and its trailers say."""

    actor: Actor | None = None
    waiting: bool = False
    """It waits for positions: nothing has been decided yet."""
    begun: bool = False
    """It had its turn."""
    position: str = ""
    rate: str = ""
    applied: Mapping[str, int] = field(default_factory=dict[str, int])
    failed: Failure | None = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One RPC as it is served. `serve` is what gRPC calls, with the request's bytes."""

    method: str
    """`package.Service/Method`: in logs, metrics, digests and command ids."""
    request: type[Message]
    reply: type[Message]
    handler: Handler
    allow: Allow
    long: bool
    """It takes long by what it is, and keeps nobody waiting who asks for something else."""
    dependencies: Dependencies

    async def serve(self, request: bytes, servicer: _Servicer) -> bytes:
        if self._working.full:
            self.dependencies.metrics.rpc_handled.labels(self.method, CODES[Kind.TOO_MANY].name).inc()
            await servicer.abort_with_status(to_status(failure(overloaded())))
        started, at = time.perf_counter(), self.dependencies.now()
        metadata = Metadata.of(servicer.invocation_metadata())
        seconds = _seconds(servicer)
        if seconds is None:
            seconds = self.dependencies.deadline_seconds
        # A little before gRPC cancels the call by itself: then the caller is still told what it was that took too long.
        deadline = asyncio.get_running_loop().time() + max(seconds - MARGIN_SECONDS, seconds / 2)
        outcome, answer = _Outcome(), b""
        self.dependencies.metrics.rpc_in_flight.inc()
        with span(
            self.method, metadata.traceparent, kind=SpanKind.SERVER, **{"rpc.system": "grpc", "rpc.method": self.method}
        ):
            scope = asyncio.timeout_at(deadline)
            try:
                async with scope:
                    answer = await self._answer(request, metadata, at, deadline, outcome)
            except asyncio.CancelledError as error:  # the caller is gone, there is nobody to answer
                late = _seconds(servicer) == 0
                outcome.failed = (
                    _late(outcome) if late else Failure(grpc.StatusCode.CANCELLED, "CANCELLED", "the caller hung up")
                )
                outcome.error = error
                raise
            except Exception as error:
                late = isinstance(error, TimeoutError) and (outcome.waiting or scope.expired())
                outcome.failed = _late(outcome) if late else failure(error)
                outcome.error = error
            finally:
                self._record(outcome, time.perf_counter() - started, metadata.request_id)
        told = [(RATE, outcome.rate)] if outcome.rate else []
        if outcome.failed is not None:
            await servicer.abort_with_status(to_status(outcome.failed, told))
        if outcome.position:
            told.append((POSITION, outcome.position))
        elif outcome.applied:
            positions = ",".join(f"{context}={position}" for context, position in sorted(outcome.applied.items()))
            told.append((APPLIED, positions))
        if told:
            servicer.set_trailing_metadata(grpc.aio.Metadata(*told))
        if len(answer) < COMPRESSED_BYTES:
            servicer.disable_next_message_compression()
        return answer

    @property
    def _working(self) -> Working:
        return self.dependencies.long if self.long else self.dependencies.working

    async def _answer(
        self, request: bytes, metadata: Metadata, at: datetime, deadline: float, outcome: _Outcome
    ) -> bytes:
        dependencies = self.dependencies
        outcome.actor = actor = await self._who(request, metadata)
        try:
            dependencies.rates.take(actor, await dependencies.quota(actor.tenant))
        finally:
            outcome.rate = str(dependencies.rates.left(actor) or "")
        if actor.kind == "integration":
            dependencies.used(actor)
        if after := metadata.positions():
            await self._wait(actor, after, deadline, outcome)
            if actor.kind == "guest":  # who was just linked brings the position of that
                outcome.actor = actor = await self._who(request, metadata)
        if asyncio.get_running_loop().time() >= deadline:
            raise TimeoutError
        async with self._working.one():
            outcome.begun = True
            return await self._work(request, metadata, at, actor, after, outcome)

    async def _work(
        self,
        request: bytes,
        metadata: Metadata,
        at: datetime,
        actor: Actor,
        after: Mapping[str, int],
        outcome: _Outcome,
    ) -> bytes:
        dependencies = self.dependencies
        # Behind the positions: who brings the position of what took their role away is judged without it.
        roles = await authorise(self.allow, actor, dependencies.roles, changes=self.reply is command_pb2.Accepted)
        command = self._read(request)
        key = metadata.idempotency_key()
        alone = partial(_alone, dependencies, actor)
        id, digest = await alone(self.method, command, key)
        ctx = Context(
            actor=actor,
            at=at,
            command_id=id,
            digest=digest,
            retryable=key is not None,
            check=metadata.check(),
            correlation_id=str(id),
            traceparent=current_traceparent(),
            alone=alone,
            after=after,
        )
        if self.reply is not command_pb2.Accepted:  # before anything is read: what is answered is of then or later
            outcome.applied = await dependencies.applied(actor.tenant)
        while True:
            reply = await self.handler(command, ctx)
            if not isinstance(reply, self.reply):
                raise TypeError(f"{self.method} must answer {self.reply.DESCRIPTOR.full_name}")
            if isinstance(reply, command_pb2.Accepted):
                outcome.position = reply.position
            await dependencies.finish(reply, actor, roles)
            answer = reply.SerializeToString()
            if len(answer) <= MESSAGE_BYTES:
                return answer
            # Long texts in a few rows take the page from nobody: it is asked for again with half as many rows.
            if not (fewer := _rows(command, reply) // 2):
                raise ReplyTooLarge
            setattr(command, PAGE_SIZE, fewer)

    async def _who(self, request: bytes, metadata: Metadata) -> Actor:
        if not self.allow.signed:
            return await self.dependencies.tokens.authenticate(metadata.authorization)
        delivery = self._read(request)
        assert isinstance(delivery, Delivery)
        assert self.dependencies.signatures is not None
        return await self.dependencies.signatures.authenticate(delivery)

    async def _wait(self, actor: Actor, after: Mapping[str, Position], deadline: float, outcome: _Outcome) -> None:
        left = min(deadline - asyncio.get_running_loop().time(), WAIT_SECONDS)
        with self.dependencies.waiting.one(actor):
            outcome.waiting = True
            await self.dependencies.wait(actor.tenant, after, max(left, 0.0))
            outcome.waiting = False

    def _read(self, request: bytes) -> Message:
        command = read(self.request, request)
        if wrong := violations(command):
            message = "; ".join(f"{one.field} {one.message}" for one in wrong[:3]) + (
                f"; and {len(wrong) - 3} more" if wrong[3:] else ""
            )
            raise Rejected("FIELDS_INVALID", message, kind=Kind.INVALID, violations=wrong)
        return command

    def _record(self, outcome: _Outcome, seconds: float, request_id: str) -> None:
        metrics, failed = self.dependencies.metrics, outcome.failed
        code = failed.code if failed else grpc.StatusCode.OK
        metrics.rpc_in_flight.dec()
        metrics.rpc_handled.labels(self.method, code.name).inc()
        metrics.rpc_seconds.labels(self.method).observe(seconds)
        line: dict[str, object] = {"method": self.method, "code": code.name, "duration_ms": round(seconds * 1000, 1)}
        if outcome.actor is not None:
            line |= {"tenant": outcome.actor.tenant, "actor": f"{outcome.actor.kind}:{outcome.actor.id}"}
        if request_id:
            line["request_id"] = request_id
        if trace_id := current_trace_id():
            line["trace_id"] = trace_id
        if failed is None:
            _log.info("rpc", **line)
            return
        line["reason"] = failed.reason
        if failed.violations:
            line["fields"] = [violation.field for violation in failed.violations[:20]]
        if failed.error_id:
            line["error_id"] = failed.error_id
        ours = failed.code in _OURS and not failed.retry_after  # a caller who asks for too much is no fault of ours
        if ours and outcome.error is not None:
            line["exception"] = exception_name(outcome.error)
            trace.get_current_span().set_status(Status(StatusCode.ERROR, exception_name(outcome.error)))
        if failed.code is grpc.StatusCode.INTERNAL and outcome.error is not None:
            line["stack"] = frames(outcome.error)
            _log.error("rpc", **line)
        elif ours:
            _log.warning("rpc", **line)
        else:
            _log.info("rpc", **line)


async def _alone(
    dependencies: Dependencies, actor: Actor, method: str, request: Message, key: str | None
) -> tuple[UUID, bytes]:
    """A command's id and digest. The same key gives the same id, and tells another request by its digest."""
    id = command_id(actor, method, key, await dependencies.id_secret(actor.tenant)) if key else new_command_id()
    told = b"\0".join((method.encode(), marked(request).SerializeToString(deterministic=True)))
    return id, hmac.digest(dependencies.secret, told, "sha256")


def marked(request: Message) -> Message:
    """What the digest of a request is made of: all of it, or, where the contract says so, all but what its words are
    in. Whoever has the secret could else hold guesses against it for ever."""
    if not request.DESCRIPTOR.GetOptions().Extensions[unmarked_words]:
        return request
    left = type(request)()
    left.CopyFrom(request)
    for name in {re.split(r"[.\[]", place.path)[0] for place in words_fields(request)}:
        left.ClearField(name)
    return left


PAGE_SIZE = "page_size"
"""The field by which a request for a list says how many rows a page has (`eventkit.rpc.paging`)."""


def _rows(request: Message, reply: Message) -> int:
    """How many rows a page has; 0: this is no list."""
    if PAGE_SIZE not in request.DESCRIPTOR.fields_by_name:
        return 0
    lists = (cast(Sized, getattr(reply, field.name)) for field in reply.DESCRIPTOR.fields if field.is_repeated)
    return cast(int, getattr(request, PAGE_SIZE)) or max(map(len, lists), default=0)


_OURS = (
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)


def read(kind: type[Message], data: bytes) -> Message:
    """The message of a request, without what its contract does not name, however deep: that is judged by nobody, so
    nobody may keep it."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        raise Rejected(
            "REQUEST_UNREADABLE", f"the request cannot be read as {kind.DESCRIPTOR.full_name}", kind=Kind.INVALID
        ) from None
    message.DiscardUnknownFields()
    return message


def _seconds(servicer: _Servicer) -> float | None:
    """What is left of the deadline that the caller gave; None when it gave none. (The stub knows no None.)"""
    return cast(float | None, servicer.time_remaining())


def _late(outcome: _Outcome) -> Failure:
    if outcome.waiting:
        message = "the deadline passed before the requested positions had been applied; nothing was carried out"
        return Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "POSITION_NOT_REACHED", message)
    if not outcome.begun:
        message = "the deadline passed before the call had its turn; nothing was carried out"
        return Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", message)
    message = (
        "the deadline passed before the answer; "
        "a command may have been carried out: ask again with the same idempotency key"
    )
    return Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", message)
