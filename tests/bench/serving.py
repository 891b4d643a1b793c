"""One service in a process of its own, as `nhip serve` runs it, with an RPC beside its own that does nothing.

    python -m tests.bench.serving <service> <ports file>        by NHIP_… variables

An empty call passes everything that each call passes: token, rate, access, field rules, log line, metrics.
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.empty_pb2 import Empty

from cli.catalog import SERVICES
from eventkit import telemetry
from eventkit.context import Context
from eventkit.process.host import running
from eventkit.process.service import Build, Resources, Service
from eventkit.rpc.access import anyone
from eventkit.rpc.auth import of_settings
from eventkit.rpc.server import Api
from eventkit.settings import load

EMPTY_CALL = "/nhip.bench.v1.Bench/Ask"


class Answering:
    """Implements the RPC that does nothing."""

    async def ask(self, request: Empty, ctx: Context) -> Empty:
        return Empty()


def bench_api() -> Api:
    file = FileDescriptorProto(
        name="nhip/bench/v1/bench.proto", package="nhip.bench.v1", dependency=["google/protobuf/empty.proto"]
    )
    service = file.service.add(name="Bench")
    service.method.add(name="Ask", input_type=".google.protobuf.Empty", output_type=".google.protobuf.Empty")
    pool = descriptor_pool.Default()
    pool.Add(file)  # type: ignore[attr-defined] # the stubs know no other way than bytes
    return Api(pool.FindServiceByName("nhip.bench.v1.Bench"), Answering(), {"Ask": anyone()})


def with_empty_call(build: Build) -> Build:
    def built(resources: Resources) -> Service:
        service = build(resources)
        return replace(service, apis=[*service.apis, bench_api()])

    return built


async def serve(name: str, ports: Path) -> None:
    settings = load()
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service=name)
    async with running(name, with_empty_call(SERVICES[name].build), settings, of_settings(settings)) as me:
        temporary = ports.with_suffix(".new")
        temporary.write_text(json.dumps({"grpc": me.port, "health": me.health_port}))
        temporary.rename(ports)
        await asyncio.gather(*me.tasks)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
