"""Health as gRPC has it (grpc.health.v1), on a port of its own, so that probes get through when the main port is full.

`startup` – it came up; `readiness` and "" – send calls; `liveness` – its loops move: a stuck consumer is not alive,
however well it answers pings.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from eventkit.logs import exception_name
from eventkit.rpc.server import listen
from eventkit.rpc.tls import Tls

ALLOWANCE_SECONDS = 60.0
"""How long a loop may be silent before it counts as stuck, unless it says otherwise."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger("nhip.rpc.health")
_Response = health_pb2.HealthCheckResponse


class Health(Protocol):
    """What a service knows of itself."""

    @property
    def started(self) -> bool:
        """It came up; from then on it is asked whether it lives."""
        ...

    def ready(self) -> bool:
        """Calls can be answered now."""
        ...

    def alive(self) -> bool:
        """It is worth keeping: a restart would not help."""
        ...


class Heartbeats:
    """Which loops (subscriptions, relay, timers) still go round.

    Each says so by `beat`, also when it found nothing to do.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._loops: dict[str, tuple[float, float]] = {}  # name → (last beat, allowance)

    def expect(self, name: str, allowance_seconds: float = ALLOWANCE_SECONDS) -> None:
        """From now on the loop must beat at least every `allowance_seconds`."""
        self._loops[name] = (self._clock(), allowance_seconds)

    def beat(self, name: str) -> None:
        """The loop has gone round. One that was not expected is, from now on."""
        _, allowance = self._loops.get(name, (0.0, ALLOWANCE_SECONDS))
        self._loops[name] = (self._clock(), allowance)

    def ended(self, name: str) -> None:
        """The loop has ended as it should; nothing is expected of it any more."""
        self._loops.pop(name, None)

    def stuck(self) -> list[str]:
        """The loops that have been silent for too long."""
        now = self._clock()
        return sorted(name for name, (last, allowance) in self._loops.items() if now - last > allowance)

    def alive(self) -> bool:
        return not self.stuck()


class HealthServer:
    """Answers probes about one `Health`. No token or certificate is asked for; nothing but yes or no is told."""

    def __init__(self, health: Health, *, host: str = "127.0.0.1", port: int = 0, tls: Tls | None = None):
        self._health, self._host, self._port, self._tls = health, host, port, tls
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Answers the port that it listens on. Raises PortBusy."""
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        health_pb2_grpc.add_HealthServicer_to_server(_Servicer(self._health), server)
        port = listen(server, self._host, self._port, self._tls, callers_show=False)
        await server.start()
        self._server = server
        return port

    async def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop(0)


class _Servicer(health_pb2_grpc.HealthServicer):
    def __init__(self, health: Health):
        self._questions: dict[str, Callable[[], bool]] = {
            "": health.ready,
            "readiness": health.ready,
            "liveness": health.alive,
            "startup": lambda: health.started,
        }

    def _status(self, service: str) -> int:
        try:
            well = self._questions[service]()
        except Exception as error:  # who cannot say how it is, is not well
            _log.error("the health of the service cannot be told", question=service, exception=exception_name(error))
            well = False
        return _Response.SERVING if well else _Response.NOT_SERVING

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> _Response:
        if request.service not in self._questions:
            await context.abort(grpc.StatusCode.NOT_FOUND, "ask for startup, readiness or liveness")
        return _Response(status=self._status(request.service))

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[object, object]
    ) -> AsyncIterator[_Response]:
        last: int | None = None
        while True:
            is_known = request.service in self._questions
            status = self._status(request.service) if is_known else _Response.SERVICE_UNKNOWN
            if status != last:
                yield _Response(status=status)
                last = status
            await asyncio.sleep(1.0)
