"""`nhip up`: everything in one process, engines included."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Annotated, Any, TextIO

import structlog
import typer

from cli import addresses, web
from cli.addresses import Addresses
from cli.catalog import SERVICES
from cli.client import connected
from cli.hosting import hosted, until_something_ends
from cli.importing.bring import Principals
from cli.importing.command import bring
from cli.provision import databases_and_topics
from cli.running import run, say
from deploy import keys
from deploy.engines import engines
from eventkit import telemetry
from eventkit.host import Running
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, load, masked
from nhip.people.v1 import people_pb2
from services.gateway.service import gateway

HOST = "127.0.0.1"
LOG = "nhip.log"
DEMO = Path(__file__).parent.parent / "demo" / "company-x.vi.yaml"
SHUTDOWN_SECONDS = 5.0
MOST_LOG_BYTES = 20 << 20

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def up(
    port: Annotated[int, typer.Option(help="The console's port.", min=0, max=65535)] = 8080,
    directory: Annotated[Path, typer.Option(help="Where data, keys and logs are kept.")] = Path("var"),
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Import the demo company into an empty Nhip; unset: ask.")] = None,
) -> None:
    """Start Nhip on this machine: PostgreSQL, Kafka, every service and the console, in one process. Ctrl-C stops it."""
    run(_up(port, directory, demo))


async def _up(port: int, directory: Path, demo: bool | None) -> None:
    began = time.monotonic()
    given = load(host=HOST, shutdown_seconds=SHUTDOWN_SECONDS)
    with web.bind(HOST, port) as listening:
        directory.mkdir(parents=True, exist_ok=True)
        settings = _localised(given, directory)
        with _log_file(directory) as log_file:
            telemetry.set_up(level=settings.log_level, format="json", stream=log_file)
            log.info("up.starting", pid=os.getpid())
            try:
                async with _everything(directory, settings, listening) as nhip:
                    await nhip.beside(_first_steps(nhip, demo))
                    say(f"\nNhip answers on {nhip.url}/ ({time.monotonic() - began:.1f} s). Its log: {directory / LOG}. Ctrl-C stops it.")
                    await nhip.until_something_ends()
            finally:
                log.info("up.stopped")
                say("Stopped")


@dataclass(frozen=True, slots=True)
class _Nhip:
    """All of it, running in this process."""

    url: str
    settings: Settings
    services: Mapping[str, Running]
    serving: "asyncio.Task[None]"
    engines: "asyncio.Task[None]"
    issuer: DemoIssuer

    async def until_something_ends(self) -> None:
        await until_something_ends(self.services, self.serving, self.engines)

    async def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Some work, given up when what it rests on ends."""
        tasks = [asyncio.create_task(each) for each in (work, self.until_something_ends())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await done.pop()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _everything(directory: Path, settings: Settings, listening: socket) -> AsyncGenerator[_Nhip]:
    """Engines, services and gateway, ready; ended in the opposite order."""
    issuer = keys.demo_issuer(directory, settings.audience)
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(
            engines(directory, postgres=settings.postgres or None, kafka=settings.kafka or None, say=say)
        )
        settings = settings.model_copy(update={"postgres": urls.postgres, "kafka": urls.kafka})
        say("Starting the services…")
        await databases_and_topics(settings)
        services = await stack.enter_async_context(hosted(list(SERVICES), settings))
        settings = settings.model_copy(update={"services": {name: each.address for name, each in services.items()}})
        serving = await stack.enter_async_context(web.serving(await stack.enter_async_context(gateway(settings, issuer)), listening))
        url = f"http://{HOST}:{listening.getsockname()[1]}"
        stack.callback(addresses.forget, directory)
        metrics = {name: f"http://{each.host}:{each.metrics_port}/metrics" for name, each in services.items()}
        Addresses(settings.services, url, metrics, {"postgres": masked(urls.postgres), "kafka": urls.kafka}).write(directory)
        watch = asyncio.create_task(urls.until_one_ends(), name="engines")
        stack.callback(watch.cancel)
        stack.callback(say, "Stopping…")
        yield _Nhip(url, settings, services, serving, watch, issuer)


def _localised(settings: Settings, directory: Path) -> Settings:
    """The environment's settings, with tokens of the demo issuer; a master key is made where none is given."""
    local: dict[str, object] = {"issuer": keys.ISSUER, "jwks": str(keys.demo_jwks(directory))}
    if settings.master_key is None and settings.master_key_file is None:
        local["master_key_file"] = keys.master_key(directory)
    return settings.model_copy(update=local)


@contextmanager
def _log_file(directory: Path) -> Generator[TextIO]:
    path = directory / LOG
    if path.exists() and path.stat().st_size > MOST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    with path.open("a", buffering=1, encoding="utf-8") as file:
        yield file


async def _first_steps(nhip: _Nhip, demo: bool | None) -> None:
    """Into a Nhip without people the demo company is brought, unless that is not wanted."""
    if demo is False:
        return
    tenant, services = nhip.settings.tenant, nhip.settings.services
    principals = Principals(
        importer=nhip.issuer.mint(tenant, "service:importer", on_behalf_of="service:operator"),
        operator=nhip.issuer.mint(tenant, "service:operator"),
    )
    async with connected(services, principals.operator) as client:
        people = await client.ask(people_pb2.ListPeople(), people_pb2.PeopleList)
    if not people.people and (demo or await _wanted()):
        await bring(DEMO, services, principals, tenant=tenant, brief=True)


async def _wanted() -> bool:
    """Asks a person; where there is none, as in a container, the demo is wanted."""
    if not sys.stdin.isatty():
        return True
    typer.echo("There is no company yet. Import the demo company? [Y/n] ", nl=False)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        if not answer.done():
            answer.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), read)  # not a thread that waits for stdin: Ctrl-C has to end this too
    try:
        return (await answer).strip().lower() not in ("n", "no", "k", "không")
    finally:
        loop.remove_reader(sys.stdin.fileno())
