"""The gRPC server of a service: its APIs by their descriptors, every call through the steps of `call`."""

import inspect
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast, get_type_hints

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection

from eventkit.rpc.access import Allow, Roles
from eventkit.rpc.auth import Authenticator
from eventkit.rpc.call import (
    MESSAGE_BYTES,
    REQUEST_BYTES,
    Applied,
    Call,
    Dependencies,
    Finish,
    Handler,
    IdSecret,
    Quota,
    Used,
    Wait,
    no_quota,
    no_secret,
    nothing_applied,
    nothing_to_count,
    nothing_to_finish,
    nothing_to_wait_for,
)
from eventkit.rpc.ceilings import Rates, Waiting, Working
from eventkit.rpc.integrations import Signatures
from eventkit.rpc.rules import compile_rules
from eventkit.rpc.tls import Tls
from eventkit.telemetry import Metrics
from nhip.common.v1.delivery_pb2 import Delivery

DEADLINE_SECONDS = 30.0
"""What a call gets that brings no deadline."""
CONNECTION_SECONDS = 30.0
"""How long a connection lives: who is asked to come again finds replicas that are new."""
LONG_AT_ONCE = 8
"""Calls that take long by what they are, and are worked on at once."""

_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.so_reuseport", 0),  # with it two servers share a port silently, and each gets half of the calls
    ("grpc.max_receive_message_length", REQUEST_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    (
        "grpc.default_compression_level",
        1,
    ),  # gzip for who takes it; `set_compression` would do it to everybody, or to nobody
    ("grpc.max_concurrent_streams", 1000),  # of one connection: a caller's calls, or a gateway's, have an end
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),  # clients may ping that often; more is a GOAWAY
    ("grpc.keepalive_permit_without_calls", 1),
)


class PortBusy(OSError):
    """The address cannot be listened on: somebody else does, or it is not this machine's."""


@dataclass(frozen=True, slots=True)
class Api:
    """One gRPC service: its descriptor, the object whose methods answer it, and who may call what.

    `implementation` has one coroutine method per RPC, named as the RPC in snake_case (`DefineKpi` → `define_kpi`); it
    takes the request and the Context and answers the reply.

    Raises ValueError when `access` does not name exactly the RPCs of the service, when a method is missing, no
    coroutine function or annotated with another request or reply than the contract's, when an RPC streams, and when a
    field rule of the contract makes no sense.
    """

    service: ServiceDescriptor
    implementation: object
    access: Mapping[str, Allow]
    long: frozenset[str] = frozenset()
    """RPCs that take long by what they are: they have places of their own among the calls that are worked on."""

    def __post_init__(self) -> None:
        name, rpcs = self.service.full_name, {rpc.name: rpc for rpc in self.service.methods}
        if missing := sorted(rpcs.keys() - self.access.keys()):
            raise ValueError(f"{name}: nobody is said to be allowed {', '.join(missing)}")
        if unknown := sorted(self.access.keys() - rpcs.keys()):
            raise ValueError(f"{name}: there is no RPC {', '.join(unknown)}")
        if unknown := sorted(self.long - rpcs.keys()):
            raise ValueError(f"{name}: there is no RPC {', '.join(unknown)} that could take long")
        for rpc in rpcs.values():
            if rpc.client_streaming or rpc.server_streaming:
                raise ValueError(f"{name}: {rpc.name} streams; only single requests and replies are served")
            if self.access[rpc.name].signed and rpc.input_type.full_name != Delivery.DESCRIPTOR.full_name:
                raise ValueError(f"{name}: {rpc.name} takes no Delivery, so nothing that is signed")
            self.handler(rpc)
            compile_rules(rpc.input_type)

    def handler(self, rpc: MethodDescriptor) -> Handler:
        """The method that answers an RPC. Raises ValueError when there is none, or one of another RPC's messages."""
        method = cast(object, getattr(self.implementation, snake_case(rpc.name), None))
        if not inspect.iscoroutinefunction(method):
            raise ValueError(
                f"{self.service.full_name}: {type(self.implementation).__name__} has no `async def "
                f"{snake_case(rpc.name)}`"
            )
        types = get_type_hints(method)
        takes, answers = next(iter(types.values()), None), types.get("return")
        for what, annotated, message in (("takes", takes, rpc.input_type), ("answers", answers, rpc.output_type)):
            if annotated is not GetMessageClass(message):
                raise ValueError(
                    f"{self.service.full_name}: {snake_case(rpc.name)} {what} {_name(annotated)}, "
                    f"and the contract says {message.full_name}"
                )
        return cast(Handler, method)

    def calls(self, dependencies: Dependencies) -> dict[str, Call]:
        """The RPCs by name, ready to be served."""
        return {
            rpc.name: Call(
                method=f"{self.service.full_name}/{rpc.name}",
                request=GetMessageClass(rpc.input_type),
                reply=GetMessageClass(rpc.output_type),
                handler=self.handler(rpc),
                allow=self.access[rpc.name],
                long=rpc.name in self.long,
                dependencies=dependencies,
            )
            for rpc in self.service.methods
        }


class Server:
    """Serves APIs on one port.

    `secret` keys the digests of requests; `id_secret` answers a tenant's secret for the ids of commands; `wait` waits
    for positions that callers name; `applied` tells how far the views are; `finish` has the last touch to replies;
    `used` counts the calls of integrations, and `signatures` judges what they sign;
    `deadline_seconds` is for calls that bring no deadline; `rates` says how often callers may ask, `quota` how often
    those of one tenant, `calls_at_once` how many calls are worked on (0: any number); with `reflection` anybody who
    reaches the port may read the contracts, without a token. With `tls` it speaks nothing else, and after
    `connection_seconds` a connection takes no more calls, while those that run end.
    """

    def __init__(
        self,
        apis: Sequence[Api],
        *,
        tokens: Authenticator,
        roles: Roles,
        secret: bytes,
        metrics: Metrics,
        id_secret: IdSecret = no_secret,
        wait: Wait = nothing_to_wait_for,
        applied: Applied = nothing_applied,
        finish: Finish = nothing_to_finish,
        used: Used = nothing_to_count,
        signatures: Signatures | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        reflection: bool = False,
        deadline_seconds: float = DEADLINE_SECONDS,
        rates: Rates | None = None,
        quota: Quota = no_quota,
        calls_at_once: int = 0,
        tls: Tls | None = None,
        connection_seconds: float = CONNECTION_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        if len(secret) < 32:
            raise ValueError("the secret for digests has at least 32 bytes")
        if signatures is None and any(allow.signed for api in apis for allow in api.access.values()):
            raise ValueError("what is signed needs somebody who judges signatures")
        names = [api.service.full_name for api in apis]
        if len(set(names)) != len(names):
            raise ValueError("a gRPC service is served by one API")
        self._apis, self._host, self._port, self._reflection = tuple(apis), host, port, reflection
        self._tls, self._connection_seconds = tls, connection_seconds
        self._dependencies = Dependencies(
            tokens=tokens,
            signatures=signatures,
            roles=roles,
            secret=secret,
            id_secret=id_secret,
            wait=wait,
            applied=applied,
            finish=finish,
            used=used,
            rates=rates or Rates(),
            quota=quota,
            waiting=Waiting(),
            working=Working(calls_at_once),
            long=Working(calls_at_once and LONG_AT_ONCE, kept=True),
            metrics=metrics,
            deadline_seconds=deadline_seconds,
            now=now,
        )
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Answers the port that it listens on. Raises PortBusy."""
        age = ("grpc.max_connection_age_ms", int(self._connection_seconds * 1000))
        server = grpc.aio.server(options=(*_OPTIONS, age))
        for api in self._apis:
            handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
                name: grpc.unary_unary_rpc_method_handler(call.serve)
                for name, call in api.calls(self._dependencies).items()
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(api.service.full_name, handlers),))
        if self._reflection:
            names = [api.service.full_name for api in self._apis]
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
        port = listen(server, self._host, self._port, self._tls)
        await server.start()
        self._server = server
        return port

    async def stop(self, grace: float) -> None:
        """Takes no more calls, and gives those that run `grace` seconds to end."""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop(grace)


def listen(server: grpc.aio.Server, host: str, port: int, tls: Tls | None = None, *, callers_show: bool = True) -> int:
    """Binds a server; answers the port. With TLS callers show a certificate of their own, unless they need not.

    Raises PortBusy, naming the address.
    """
    address = f"{host}:{port}"
    try:
        if ipaddress.ip_address(host).version == 6:
            address = f"[{host}]:{port}"
    except ValueError:
        pass  # a name
    try:
        if tls:
            return server.add_secure_port(address, tls.server(callers_show=callers_show))
        return server.add_insecure_port(address)
    except RuntimeError as error:
        raise PortBusy(
            f"cannot listen on {address}: another program does, or the address is not this machine's"
        ) from error


def _name(annotated: object) -> str:
    return getattr(annotated, "__name__", "nothing that is annotated")


def snake_case(name: str) -> str:
    """`DefineKpi` → `define_kpi`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
