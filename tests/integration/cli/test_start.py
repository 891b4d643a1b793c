"""How a service, and `nhip provision`, begin when not everything is there yet."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import asyncpg
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.catalog import SERVICES
from cli.provision import databases_and_topics
from deploy.engines import Engines, url_of_database
from deploy.engines.ports import claimed
from eventkit.directory import lately
from eventkit.process import provision, showing
from eventkit.process.assembly import QUERY_CONNECTIONS
from eventkit.process.host import running
from eventkit.process.service import Resources, Service
from eventkit.rpc.auth import Keys, Tokens
from eventkit.settings import Settings, load
from eventkit.subscriptions.table import READER
from tests.waiting import PATIENCE


def settings_of(engines: Engines, **others: Any) -> Settings:
    """As the other tests' services have them, whose databases these are."""
    return load(
        **{
            "postgres": engines.postgres,
            "kafka": engines.kafka,
            "master_key": base64.b64encode(b"m" * 32).decode(),
            **others,
        }
    )


@asynccontextmanager
async def postgres_on(port: int, url: str) -> AsyncGenerator[None]:
    """The server behind a socket of its own, which is not there before and after."""
    path = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, upstream = await asyncio.open_unix_connection(path)
        await asyncio.gather(pump(reader, upstream), pump(there, writer), return_exceptions=True)

    async with await asyncio.start_server(connected, "127.0.0.1", port):
        yield


@pytest.fixture
def ports() -> Generator[list[int]]:
    """Two that stay free until somebody listens there."""
    with claimed(2) as ports:
        yield ports


async def test_a_service_waits_for_its_database_alive_and_not_ready(engines: Engines, tmp_path: Path, ports: list[int]):
    port, health_port = ports
    settings = settings_of(
        engines, postgres=f"postgresql://postgres@127.0.0.1:{port}/postgres", health_port=health_port
    )
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": []}))
    tokens = Tokens(issuer="x", audience="nhip", keys=Keys(str(tmp_path / "jwks.json")))
    async with AsyncExitStack() as stack:
        starting = asyncio.ensure_future(
            stack.enter_async_context(running("checkins", SERVICES["checkins"].build, settings, tokens))
        )
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{health_port}"))
        health: Any = health_pb2_grpc.HealthStub(channel)

        async def serving() -> dict[str, bool]:
            asked = {
                name: health.Check(health_pb2.HealthCheckRequest(service=name), wait_for_ready=True) for name in NAMES
            }
            return {name: (await call).status == health_pb2.HealthCheckResponse.SERVING for name, call in asked.items()}

        for _ in range(3):  # it goes on like that
            assert await serving() == {"startup": False, "readiness": False, "liveness": True}
            await asyncio.sleep(0.2)
        assert not starting.done()
        async with postgres_on(port, engines.postgres):
            service = await asyncio.wait_for(starting, PATIENCE)
            assert await serving() == dict.fromkeys(NAMES, True)
            assert service.port
            await stack.aclose()


NAMES = ("startup", "readiness", "liveness")


async def test_timers_wait_until_views_show_what_they_did_and_no_caller_keeps_views_waiting(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    catch_up, built, begun = showing.caught_up, list[Resources](), set[asyncio.Task[Any]]()

    async def caught_up(*known: Any) -> None:
        await catch_up(*known)
        begun.update(asyncio.all_tasks())

    def build(resources: Resources) -> Service:
        built.append(resources)
        return SERVICES["checkins"].build(resources)

    monkeypatch.setattr(showing, "caught_up", caught_up)
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": []}))
    tokens = Tokens(issuer="x", audience="nhip", keys=Keys(str(tmp_path / "jwks.json")))
    async with running("checkins", build, settings_of(engines), tokens) as service:
        timers = [task for task in service.tasks if task.get_name().startswith("checkins timer ")]
        assert timers
        assert not begun.intersection(timers)
        (resources,) = built
        monkeypatch.setattr(lately, "LATELY_SECONDS", 0.0)  # it reads each time it is asked
        async with AsyncExitStack() as callers:
            for _ in range(QUERY_CONNECTIONS):
                await callers.enter_async_context(resources.pool.acquire())
            await asyncio.wait_for(resources.directory.gone(), 5)


async def test_provisioning_waits_for_both_engines_and_says_so(engines: Engines, ports: list[int]):
    port, said = ports[0], list[str]()
    settings = settings_of(engines, postgres=f"postgresql://postgres:secret@127.0.0.1:{port}/postgres")
    provisioning = asyncio.ensure_future(databases_and_topics(settings, said.append))
    while not said:
        await asyncio.sleep(0.01)
    async with postgres_on(port, engines.postgres):
        await asyncio.wait_for(provisioning, PATIENCE)
    assert said == [
        f"Waiting for PostgreSQL at postgresql://postgres:***@127.0.0.1:{port}/postgres (ConnectionRefusedError)…"
    ]


async def test_what_a_login_may_not_make_is_waited_for_and_what_is_wrong_is_not(engines: Engines):
    name = f"plain_{uuid4().hex[:8]}"
    con = await asyncpg.connect(engines.postgres)
    await con.execute(f"create role {name} login")
    try:
        with pytest.raises(provision.NotProvisioned, match="nhip provision"):
            await provision.databases(
                load(postgres=engines.postgres.replace("postgres@", f"{name}@")), [f"none_{name}"]
            )
        for wrong in (
            url_of_database(engines.postgres, "nowhere"),
            engines.postgres.replace("postgres@", "nobody_of_that_name@"),
        ):
            with pytest.raises(provision.EngineRefused, match="NHIP_POSTGRES"):
                await provision.databases(load(postgres=wrong), ["people"])
    finally:
        await con.execute(f"drop role {name}")
        await con.close()


async def test_a_login_that_may_not_take_the_role_of_queries_is_waited_for(engines: Engines, postgres: str):
    name = f"plain_{uuid4().hex[:8]}"
    con = await asyncpg.connect(postgres)
    await con.execute(f"create role {name} login")
    try:
        async with asyncpg.create_pool(postgres.replace("postgres@", f"{name}@"), min_size=1, max_size=1) as own:
            with pytest.raises(provision.NotProvisioned, match=f"grant {READER} to it"):
                await provision.tables(own, [])
    finally:
        await con.execute(f"drop role {name}")
        await con.close()


@pytest.mark.parametrize("command", [("serve", "checkins"), ("provision",)], ids=lambda command: command[0])
async def test_a_wrong_setting_ends_the_start_with_a_sentence(engines: Engines, command: tuple[str, ...]):
    environment = os.environ | {
        "NHIP_POSTGRES": url_of_database(engines.postgres, "nowhere"),
        "NHIP_KAFKA": engines.kafka,
        "NHIP_MASTER_KEY": base64.b64encode(b"m" * 32).decode(),
        "NHIP_ISSUER": "x",
        "NHIP_JWKS": "/nowhere",
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli.main",
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 2
    assert "put NHIP_POSTGRES right" in error.decode()
    assert "Traceback" not in error.decode()
