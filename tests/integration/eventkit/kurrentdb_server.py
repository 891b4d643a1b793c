"""A small server that speaks KurrentDB's protocol as far as Nhip's log uses it, and its faults on demand.

It holds what it is told in memory. What it does follows the protocol's own descriptions: an AppendRecords is stored
whole or not at all, its checks are judged first, positions rise with gaps, `$all` is read from a position on
(forwards with it, backwards without it). It is no proof of how a real server behaves.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import status_pb2
from grpc_status import rpc_status
from kurrentdbclient.protos.kurrent.rpc import errors_pb2 as rpc_errors
from kurrentdbclient.protos.v1 import gossip_pb2, gossip_pb2_grpc, shared_pb2, streams_pb2, streams_pb2_grpc
from kurrentdbclient.protos.v2.streams import errors_pb2
from kurrentdbclient.protos.v2.streams import streams_pb2 as v2
from kurrentdbclient.protos.v2.streams import streams_pb2_grpc as v2_grpc

GAP = 137
TOMBSTONE = -100
"""In the stead of a revision; any number below that of no stream."""


@dataclass(frozen=True, slots=True)
class Stored:
    stream: str
    revision: int
    position: int
    record: v2.AppendRecord


@dataclass
class Data:
    """What the nodes of a cluster have in common."""

    log: list[Stored] = field(default_factory=list[Stored])
    streams: dict[str, list[Stored]] = field(default_factory=dict[str, list[Stored]])
    appended: asyncio.Condition = field(default_factory=asyncio.Condition)
    leader: "KurrentServer | None" = None
    nodes: "list[KurrentServer]" = field(default_factory=lambda: list[KurrentServer]())


Fault = Callable[[v2.AppendRecordsRequest], grpc.StatusCode | None]


@dataclass
class KurrentServer(streams_pb2_grpc.StreamsServicer, v2_grpc.StreamsServiceServicer):
    """A node. Run it with `async with`."""

    data: Data = field(default_factory=Data)
    port: int = 0
    before: Fault = lambda _: None
    after: Fault = lambda _: None
    """With which error each append is cut off, before and after it is stored."""
    old: bool = False
    """As a server from before 26.1, which has no AppendRecords."""
    most: int = 0
    """Bytes that one append may have; 0: any number."""
    deleted: set[str] = field(default_factory=set[str])
    """Streams that somebody has deleted for good."""
    torn: int = 0
    """So many subscriptions are torn after their next event."""
    dawdle: Callable[[], float] = lambda: 0.0
    """Seconds by which each answer to a read is late."""

    @property
    def url(self) -> str:
        return f"kurrentdb://127.0.0.1:{self.port}?Tls=false"

    async def __aenter__(self) -> "KurrentServer":
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", 64 << 20)])
        streams_pb2_grpc.add_StreamsServicer_to_server(self, self._server)
        v2_grpc.add_StreamsServiceServicer_to_server(self, self._server)
        gossip_pb2_grpc.add_GossipServicer_to_server(Gossip(self.data), self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self.data.nodes.append(self)
        self.data.leader = self.data.leader or self
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """The node is gone; another one is elected."""
        await self._server.stop(None)
        if self in self.data.nodes:
            self.data.nodes.remove(self)
        if self.data.leader is self and self.data.nodes:
            self.data.leader = self.data.nodes[0]

    # -- appending

    async def AppendRecords(
        self, request: v2.AppendRecordsRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> v2.AppendRecordsResponse:
        if self.old:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Service is unimplemented.")
        leader = self.data.leader
        if leader is not None and leader is not self:
            elsewhere = rpc_errors.NotLeaderNodeErrorDetails.NodeInfo(host="127.0.0.1", port=leader.port)
            await _abort(context, rpc_errors.NotLeaderNodeErrorDetails(current_leader=elsewhere))
        if code := self.before(request):
            await context.abort(code, "before it was stored")
        if self.most and (size := sum(len(record.data) for record in request.records)) > self.most:
            too_large = errors_pb2.AppendTransactionSizeExceededErrorDetails(size=size, max_size=self.most)
            await _abort(context, too_large, grpc.StatusCode.ABORTED)
        if violations := list(self._violations(request)):
            await _abort(context, errors_pb2.AppendConsistencyViolationErrorDetails(violations=violations))
        stored = list[Stored]()
        for record in request.records:
            stream = self.data.streams.setdefault(record.stream, [])
            position = (self.data.log[-1].position if self.data.log else 0) + GAP + len(record.data)
            one = Stored(record.stream, len(stream), position, record)
            stream.append(one)
            self.data.log.append(one)
            stored.append(one)
        async with self.data.appended:
            self.data.appended.notify_all()
        if code := self.after(request):
            await context.abort(code, "after it was stored")
        last = {one.stream: one.revision for one in stored}
        revisions = [v2.StreamRevision(stream=stream, revision=revision) for stream, revision in last.items()]
        return v2.AppendRecordsResponse(revisions=revisions, position=stored[-1].position)

    def _violations(self, request: v2.AppendRecordsRequest) -> Any:
        for index, check in enumerate(request.checks):
            asked = check.stream_state
            actual = TOMBSTONE if asked.stream in self.deleted else len(self.data.streams.get(asked.stream, ())) - 1
            if actual != asked.expected_state:
                told = errors_pb2.ConsistencyViolation.StreamStateViolation(
                    stream=asked.stream, expected_state=asked.expected_state, actual_state=actual
                )
                yield errors_pb2.ConsistencyViolation(check_index=index, stream_state=told)

    # -- reading

    async def Read(
        self, request: streams_pb2.ReadReq, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[streams_pb2.ReadResp]:
        options = request.options
        await asyncio.sleep(self.dawdle())
        if options.WhichOneof("count_option") == "subscription":
            confirmation = streams_pb2.ReadResp.SubscriptionConfirmation(subscription_id="1")
            yield streams_pb2.ReadResp(confirmation=confirmation)
            async for response in self._live(options, context):
                yield response
            return
        if options.WhichOneof("stream_option") == "stream":
            name = options.stream.stream_identifier.stream_name.decode()
            if not self.data.streams.get(name):
                missing = streams_pb2.ReadResp.StreamNotFound(stream_identifier=options.stream.stream_identifier)
                yield streams_pb2.ReadResp(stream_not_found=missing)
                return
        for one in self._chosen(options)[: options.count]:
            yield _response(one)

    async def _live(
        self, options: streams_pb2.ReadReq.Options, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[streams_pb2.ReadResp]:
        seen = options.all.position.commit_position  # a subscription begins behind its position
        while True:
            for one in self._chosen(options):
                if one.position > seen:
                    yield _response(one)
                    seen = one.position
                    if self.torn:
                        self.torn -= 1
                        await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection was torn")
            async with self.data.appended:
                if any(one.position > seen for one in self._chosen(options)):
                    continue
                await self.data.appended.wait()

    def _chosen(self, options: streams_pb2.ReadReq.Options) -> list[Stored]:
        backwards = options.read_direction == streams_pb2.ReadReq.Options.Backwards
        if options.WhichOneof("stream_option") == "stream":
            found, asked = self.data.streams[options.stream.stream_identifier.stream_name.decode()], options.stream
            if asked.WhichOneof("revision_option") == "revision":
                found = found[: asked.revision + 1] if backwards else found[asked.revision :]
        else:
            matches = _matching(options.filter)
            found = [one for one in self.data.log if matches(one.stream)]
            if options.all.WhichOneof("all_option") == "position":
                at = options.all.position.commit_position
                found = [one for one in found if (one.position < at if backwards else one.position >= at)]
        return found[::-1] if backwards else found


@dataclass
class Gossip(gossip_pb2_grpc.GossipServicer):
    """Tells clients which nodes there are, and which one leads."""

    data: Data

    async def Read(self, request: object, context: object) -> gossip_pb2.ClusterInfo:
        states = gossip_pb2.MemberInfo.VNodeState
        return gossip_pb2.ClusterInfo(
            members=[
                gossip_pb2.MemberInfo(
                    state=states.Leader if node is self.data.leader else states.Follower,
                    is_alive=True,
                    http_end_point=gossip_pb2.EndPoint(address="127.0.0.1", port=node.port),
                )
                for node in self.data.nodes
            ]
        )


def _matching(asked: streams_pb2.ReadReq.Options.FilterOptions) -> Callable[[str], bool]:
    assert asked.WhichOneof("filter") == "stream_identifier", "a feed that reads everybody's events"
    expression = asked.stream_identifier
    if expression.prefix:
        return lambda stream: stream.startswith(tuple(expression.prefix))
    return lambda stream: re.search(expression.regex, stream) is not None


def _response(one: Stored) -> streams_pb2.ReadResp:
    record, json_format = one.record, v2.SCHEMA_FORMAT_JSON
    metadata = {
        "type": record.schema.name,
        "content-type": "application/json" if record.schema.format == json_format else "application/octet-stream",
        "created": str(int(datetime.now(UTC).timestamp() * 10_000_000)),
    }
    event = streams_pb2.ReadResp.ReadEvent.RecordedEvent(
        id=shared_pb2.UUID(string=record.record_id),
        stream_identifier=shared_pb2.StreamIdentifier(stream_name=one.stream.encode()),
        stream_revision=one.revision,
        prepare_position=one.position,
        commit_position=one.position,
        metadata=metadata,
        custom_metadata=_properties(record),
        data=record.data,
    )
    return streams_pb2.ReadResp(event=streams_pb2.ReadResp.ReadEvent(event=event, commit_position=one.position))


def _properties(record: v2.AppendRecord) -> bytes:
    told = {key: value.string_value for key, value in record.properties.items()}
    return json.dumps(told | {"$schema.format": "Bytes"}).encode()


async def _abort(
    context: grpc.aio.ServicerContext[Any, Any],
    detail: Any,
    code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION,
) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=code.value[0], message="refused", details=[packed])
    await context.abort_with_status(rpc_status.to_status(status))
