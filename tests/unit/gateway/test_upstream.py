"""Deadlines: a service says itself what kept it, before the gateway loses patience."""

import asyncio
from typing import Any

import grpc
import pytest

from eventkit.rpc import errors
from nhip.people.v1 import people_pb2
from services.gateway.failures import Failure
from services.gateway.upstream import SERVICES, Upstream


async def asked(answer: Any) -> Failure:
    """How the call of a service that answers so ends, with a third of a second to answer."""
    method = SERVICES["people"].methods_by_name["GetTenant"]
    server = grpc.aio.server()
    handlers = {"GetTenant": grpc.unary_unary_rpc_method_handler(answer)}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(method.containing_service.full_name, handlers),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(Failure) as refused:
            await Upstream({"people": channel}, deadline=0.3).call("people", method, people_pb2.GetTenant())
    await server.stop(None)
    return refused.value


async def test_a_position_that_is_not_reached_is_said_to_be():
    async def waits(_: bytes, call: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        left = call.time_remaining()
        assert left is not None
        assert left <= 0.3
        await asyncio.sleep(left - 0.15)
        late = errors.Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "POSITION_NOT_REACHED", "not yet")
        await call.abort_with_status(errors.to_status(late))
        raise AssertionError

    failure = await asked(waits)
    assert (failure.http, failure.reason) == (504, "POSITION_NOT_REACHED")


async def test_a_service_that_says_nothing_is_slow():
    async def sleeps(_: bytes, call: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await asyncio.sleep(10)
        return b""

    failure = await asked(sleeps)
    assert (failure.http, failure.reason) == (504, "SERVICE_SLOW")
