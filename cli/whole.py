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
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.type.decimal_pb2 import Decimal

from cli import addresses, web
from cli.addresses import Addresses
from cli.catalog import SERVICES
from cli.client import Client, connected
from cli.demo import LANGUAGES, Act, Asked, Demo, company, named
from cli.hosting import hosted, until_something_ends
from cli.importing.bring import Principals
from cli.importing.command import Brought, bring
from cli.provision import databases_and_topics
from deploy import keys
from deploy.engines import Engines
from eventkit.context import IMPORTER
from eventkit.directory.facts import DEFAULT_TIME_ZONE
from eventkit.errors import Rejected
from eventkit.process.host import Running
from eventkit.rpc.auth import of_settings
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, masked
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from services.gateway.features import feature_routes
from services.gateway.service import gateway
from services.gateway.session import in_english

UNFINISHED = "demo.unfinished"
"""Names the tenant into which the demo company is being imported, and the day it is imported for; an import that was
cut off leaves it for the next start."""
Tell = Callable[[str], None]

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

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
    """Into a Nhip without people the demo company is brought, in each language into a tenant of its own, unless that is
    not wanted; what was cut off is gone on with."""
    if demo is False:
        return
    tenant, services = nhip.settings.tenant, nhip.settings.services
    unfinished = directory / UNFINISHED
    today = datetime.now(ZoneInfo(DEFAULT_TIME_ZONE)).date()
    left = unfinished.read_text("utf-8").split() if unfinished.exists() else []
    if left[:1] == [tenant]:
        today = date.fromisoformat(left[1]) if left[1:] else today
        tell("The import of the demo company was cut off: going on with it (--no-demo starts without)")
    else:
        async with connected(services, nhip.issuer.mint(tenant, "service:operator")) as client:
            people = await client.ask(people_pb2.ListPeople(page_size=1), people_pb2.PeopleList)
        # An id is not given again: where that company was deleted, there is no demo any more.
        if people.people or await _deleted(nhip, tenant) or not (demo or await wanted()):
            return
        unfinished.write_text(f"{tenant} {today.isoformat()}\n", "utf-8")
    for language in LANGUAGES:
        into = tenant if language == "vi" else in_english(tenant)
        if not await _deleted(nhip, into):
            await _demo(nhip, directory, company(language, today), into)
    unfinished.unlink()
    log.info("up.demo_imported", tenant=tenant)


async def _deleted(nhip: Nhip, tenant: str) -> bool:
    async with connected(nhip.settings.services, nhip.issuer.mint(tenant, "service:operator")) as client:
        try:
            await client.ask(people_pb2.GetTenant(), people_pb2.Tenant)
        except Rejected as refusal:
            if refusal.reason not in ("TENANT_UNKNOWN", "TENANT_DELETED"):
                raise
            return refusal.reason == "TENANT_DELETED"
    return False


async def _demo(nhip: Nhip, directory: Path, demo: Demo, tenant: str) -> None:
    """One company of the demo into its tenant; what is there of it already is not made twice."""
    services, mint = nhip.settings.services, nhip.issuer.mint
    principals = Principals(
        importer=mint(tenant, "service:importer", on_behalf_of="service:operator"),
        operator=mint(tenant, "service:operator"),
    )
    ids: dict[str, str] = {}
    async with connected(services, "") as client:
        for name, text in (("before", demo.before), ("now", demo.now)):
            file = directory / f"demo-{tenant}-{name}.yaml"
            file.write_text(text, "utf-8")
            brought = await bring(file, services, principals, tenant=tenant, brief=True)
            file.unlink()
            ids |= {f"{kind}/{ref}": id for (kind, ref), id in brought.ids.items()}
            ids[f"cycle/{name}"] = _cycles(brought)[0]
            leader = client.acting(mint(tenant, f"person:{brought.ids['person', demo.leader]}"))
            await _start(leader, brought, closes=name == "before")
        for asked in demo.asked:
            await _ask_for(asked, client, brought, lambda person: mint(tenant, f"person:{person}"))
        for position in brought.positions.all():
            client.positions.learn(position)
        for number, act in enumerate(demo.acts):
            by_import = act.by == IMPORTER
            token = principals.importer if by_import else mint(tenant, f"person:{ids[f'person/{act.by}']}")
            actor = client.acting(token)
            done = await actor.command(command(act, ids), key=f"demo:act:{number}", after=client.positions.all())
            if act.ref:
                ids[act.ref] = done.id


def command(act: Act, ids: Mapping[str, str]) -> Message:
    kind = message_factory.GetMessageClass(Default().FindMessageTypeByName(act.do))
    return json_format.ParseDict(named(act.say, ids), kind())


def _cycles(brought: Brought) -> list[str]:
    """The cycle of a file, and the one around it."""
    return [id for (kind, _), id in brought.ids.items() if kind == "cycle"][::-1]


async def _start(leader: Client, brought: Brought, *, closes: bool) -> None:
    """Starts a quarter with its year, and closes it again where it is over."""
    known = brought.positions.of(("people", "goals"))
    for cycle_id in _cycles(brought):
        start = goals_pb2.StartCycle(cycle_id=cycle_id, with_uneven_weights=True)
        await leader.command(start, key=f"demo:start:{cycle_id}", after=known)
    if closes:
        close = goals_pb2.CloseCycle(cycle_id=_cycles(brought)[0])
        await leader.command(close, key=f"demo:close:{close.cycle_id}", after=known)


async def _ask_for(asked: Asked, client: Client, brought: Brought, token: Callable[[str], str]) -> None:
    """A proposal by the person whose it is, and, where it was decided, the decision by who decided."""
    known = brought.positions.of(("people", "goals"))
    proposal = goals_pb2.ProposeChange(
        cycle_id=_cycles(brought)[0],
        reason_class=types_pb2.REASON_CLASS_BOTTOM_UP,
        title=PersonalText(plain=asked.title),
        reason=PersonalText(plain=asked.reason),
        changes=[
            types_pb2.TargetChange(
                kpi_id=brought.ids["kpi", kpi], before=Decimal(value=before), after=Decimal(value=after)
            )
            for kpi, (before, after) in asked.changes.items()
        ],
    )
    proposer = client.acting(token(brought.ids["person", asked.by]))
    made = await proposer.command(proposal, key=f"demo:{asked.ref}", after=known)
    if asked.decided_by:
        approval = goals_pb2.ApproveProposal(proposal_id=made.id, comment=PersonalText(plain=asked.comment))
        decider = client.acting(token(brought.ids["person", asked.decided_by]))
        await decider.command(approval, key=f"demo:{asked.ref}:decision", after=known)
