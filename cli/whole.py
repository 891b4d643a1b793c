"""All of Nhip in one process, over engines that run: what `nhip up` loads while they start."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from socket import socket
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from cli import addresses, web
from cli.addresses import Addresses
from cli.catalog import SERVICES
from cli.client import connected
from cli.demo import written_for
from cli.hosting import hosted, until_something_ends
from cli.importing.bring import Principals
from cli.importing.command import bring
from cli.provision import databases_and_topics
from deploy import keys
from deploy.engines import Engines
from eventkit.directory.facts import DEFAULT_TIME_ZONE
from eventkit.process.host import Running
from eventkit.rpc.auth import of_settings
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, masked
from nhip.people.v1 import people_pb2
from services.gateway.features import feature_routes
from services.gateway.service import gateway

UNFINISHED = "demo.unfinished"
"""Names the tenant into which the demo company is being imported, and the day it is imported for; an import that was
cut off leaves it for the next start."""
Tell = Callable[[str], None]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOADED = {**{name: known.build for name, known in SERVICES.items()}, **feature_routes()}
"""What makes each service, and each feature of the console: loaded with this module, not when they are begun with."""


@dataclass(frozen=True, slots=True)
class Nhip:
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
async def everything(
    directory: Path, settings: Settings, urls: Engines, listening: socket, tell: Tell
) -> AsyncGenerator[Nhip]:
    """Services and gateway, ready; ended in the opposite order."""
    issuer = keys.demo_issuer(directory, settings.audience)
    async with AsyncExitStack() as stack:
        settings = settings.model_copy(update={"postgres": urls.postgres, "kafka": urls.kafka})
        await databases_and_topics(settings, tell)
        services = await stack.enter_async_context(hosted(list(SERVICES), settings))
        settings = settings.model_copy(update={"services": {name: each.address for name, each in services.items()}})
        serving = await stack.enter_async_context(
            web.serving(await stack.enter_async_context(gateway(settings, of_settings(settings), issuer)), listening)
        )
        url = f"http://{settings.host}:{listening.getsockname()[1]}"
        stack.callback(addresses.forget, directory)
        metrics = {name: f"http://{each.host}:{each.metrics_port}/metrics" for name, each in services.items()}
        health = {name: f"{each.host}:{each.health_port}" for name, each in services.items()}
        Addresses(
            settings.services, url, metrics, {"postgres": masked(urls.postgres), "kafka": urls.kafka}, health
        ).write(directory)
        watch = asyncio.create_task(urls.until_one_ends(), name="engines")
        stack.callback(watch.cancel)
        yield Nhip(url, settings, services, serving, watch, issuer)


async def first_steps(
    nhip: Nhip, directory: Path, demo: bool | None, wanted: Callable[[], Awaitable[bool]], tell: Tell
) -> None:
    """Into a Nhip without people the demo company is brought, unless that is not wanted; what was cut off is gone on
    with."""
    if demo is False:
        return
    tenant, services = nhip.settings.tenant, nhip.settings.services
    principals = Principals(
        importer=nhip.issuer.mint(tenant, "service:importer", on_behalf_of="service:operator"),
        operator=nhip.issuer.mint(tenant, "service:operator"),
    )
    unfinished = directory / UNFINISHED
    today = datetime.now(ZoneInfo(DEFAULT_TIME_ZONE)).date()
    left = unfinished.read_text("utf-8").split() if unfinished.exists() else []
    if left[:1] == [tenant]:
        today = date.fromisoformat(left[1]) if left[1:] else today
        tell("The import of the demo company was cut off: going on with it (--no-demo starts without)")
    else:
        async with connected(services, principals.operator) as client:
            people = await client.ask(people_pb2.ListPeople(page_size=1), people_pb2.PeopleList)
        if people.people or not (demo or await wanted()):
            return
        unfinished.write_text(f"{tenant} {today.isoformat()}\n", "utf-8")
    file = written_for(today, directory)
    await bring(file, services, principals, tenant=tenant, brief=True)
    unfinished.unlink()
    file.unlink()
    log.info("up.demo_imported", tenant=tenant)
