"""Health, as a probe asks for it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.certificates import Authority
from eventkit.rpc.health import HealthServer, Heartbeats
from eventkit.rpc.server import PortBusy
from eventkit.rpc.tls import Tls

SERVING, NOT_SERVING, UNKNOWN = 1, 2, 3


@dataclass
class State:
    started: bool = False
    is_ready: bool = False
    progress: Heartbeats | None = None

    def ready(self) -> bool:
        return self.is_ready

    def alive(self) -> bool:
        assert self.progress is not None
        return self.progress.alive()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def state(clock) -> State:
    return State(progress=Heartbeats(clock=lambda: clock[0]))


@pytest.fixture
async def probe(state):
    server = HealthServer(state)
    port = await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its stubs know no methods

        async def ask(service: str) -> int:
            return (await stub.Check(health_pb2.HealthCheckRequest(service=service))).status

        ask.stub, ask.port = stub, port
        yield ask
    await server.stop()


async def test_a_service_that_comes_up_is_started_then_ready(probe, state):
    assert [await probe(name) for name in ("startup", "readiness", "", "liveness")] == [
        NOT_SERVING,
        NOT_SERVING,
        NOT_SERVING,
        SERVING,
    ]
    state.started = True
    assert [await probe(name) for name in ("startup", "readiness")] == [SERVING, NOT_SERVING]
    state.is_ready = True
    assert [await probe(name) for name in ("startup", "readiness", "")] == [SERVING, SERVING, SERVING]


async def test_a_loop_that_stands_still_is_not_alive(probe, state, clock):
    state.progress.expect("goals.kpi_v1")
    state.progress.expect("goals.relay", allowance_seconds=300)
    clock[0] = 60.0
    assert await probe("liveness") == SERVING
    clock[0] = 61.0
    assert await probe("liveness") == NOT_SERVING
    assert state.progress.stuck() == ["goals.kpi_v1"]
    state.progress.beat("goals.kpi_v1")
    assert await probe("liveness") == SERVING
    clock[0] = 301.0
    assert state.progress.stuck() == ["goals.kpi_v1", "goals.relay"]
    state.progress.ended("goals.kpi_v1")
    state.progress.beat("goals.relay")
    assert await probe("liveness") == SERVING


async def test_who_cannot_say_how_it_is_is_not_well(probe, state):
    state.progress = None
    assert await probe("liveness") == NOT_SERVING


async def test_other_names_are_not_known(probe):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await probe("nhip.goals.v1.Goals")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_hears_of_changes(probe, state):
    watching = probe.stub.Watch(health_pb2.HealthCheckRequest(service="readiness"))
    assert (await watching.read()).status == NOT_SERVING
    state.is_ready = True
    assert (await asyncio.wait_for(watching.read(), 5)).status == SERVING
    watching.cancel()
    unknown = probe.stub.Watch(health_pb2.HealthCheckRequest(service="x"))
    assert (await unknown.read()).status == UNKNOWN
    unknown.cancel()


async def test_a_busy_port_is_named(probe, state):
    with pytest.raises(PortBusy, match=str(probe.port)):
        await HealthServer(state, port=probe.port).start()


async def test_probes_are_answered_by_tls_and_need_no_certificate(state: State, tmp_path: Path):
    authority = Authority(tmp_path)
    pair = authority.pair("goals", "127.0.0.1")
    server = HealthServer(state, tls=Tls(authority.file, pair.certificate, pair.key))
    port = await server.start()
    trusting = grpc.ssl_channel_credentials(authority.file.read_bytes())
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{port}", trusting) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            assert (await stub.Check(health_pb2.HealthCheckRequest(service="liveness"))).status == SERVING
    finally:
        await server.stop()
