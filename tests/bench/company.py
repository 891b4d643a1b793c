"""Companies of any size in real services: what `nhip demo` generates, recorded as events, as an import stores them, in
the logs of those who own them, with sealed words; from there on everything goes its ordinary way, over Kafka into the
views."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import grpc
from google.protobuf.message import Message

from cli.catalog import SERVICES
from cli.client import Client, Failed, Positions
from cli.generating import TIME_ZONE, BigCompany, big_company
from eventkit import settings as all_settings
from eventkit.commands.aggregate import Ref
from eventkit.context import IMPORTER
from eventkit.directory.facts import ORGANISATION, PERSON, TENANT, THE_ORGANISATION
from eventkit.errors import Rejected
from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Together, Write, wire
from eventkit.process import garbage
from eventkit.process.host import Running, running
from eventkit.process.service import Build, Resources, Service
from eventkit.rpc.auth import Keys, Tokens
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings
from eventkit.values import from_date, from_decimal
from nhip.checkins.v1.events_pb2 import ProgressRecorded
from nhip.common.v1.operations_pb2 import Access, GetAccess
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import CsfChosen, CycleOpened, KpiAligned, KpiDefined, StrategicGoalSet
from nhip.people.v1 import types_pb2 as pt
from nhip.people.v1.events_pb2 import (
    PersonRegistered,
    PlaceAssigned,
    TenantCreated,
    UnitCreated,
    UnitHeadAppointed,
)
from services.checkins.domain.progress import PROGRESS
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.cycle import CYCLE
from services.goals.domain.kpi import KPI
from services.goals.domain.strategy import CSF, GOAL
from tests.bench.harness import Bench

ORIGIN = Origin(f"service:{IMPORTER} for service:operator")
TOGETHER = 1000
"""Appends that are stored as one."""
PATIENCE = 300.0
ISSUER = "http://issuer.bench"


@dataclass(frozen=True)
class Hosted:
    """Services over the run's engines, and how to call them."""

    settings: Settings
    services: Mapping[str, Running]
    resources: Mapping[str, Resources]
    channels: Mapping[str, grpc.aio.Channel]
    issuer: DemoIssuer

    def client(self, tenant: str, subject: str) -> Client:
        return Client(self.channels, self.issuer.mint(tenant, subject), Positions(), patience=PATIENCE)


@dataclass(frozen=True)
class Settled:
    """A company that is there, in a tenant of its own: ids by the references of its file."""

    tenant: str
    cycle_id: str
    company: BigCompany
    people: Mapping[str, str]
    kpis: Mapping[str, str]
    units: Mapping[str, str]

    def of_level(self, level: str) -> list[str]:
        return [self.kpis[kpi.ref] for kpi in self.company.kpis if kpi.level == level]


@asynccontextmanager
async def hosted(bench: Bench, names: Sequence[str]) -> AsyncGenerator[Hosted]:
    """Some services in this process. Nobody is too many: what is measured is not the ceiling."""
    issuer = DemoIssuer(host="127.0.0.1", key_file=bench.folder / "issuer.key", issuer=ISSUER)
    jwks = bench.folder / "jwks.json"
    jwks.write_text(json.dumps(issuer.jwks()))
    settings = all_settings.load(
        postgres=bench.postgres,
        kafka=bench.kafka,
        master_key=base64.b64encode(b"m" * 32).decode(),
        issuer=ISSUER,
        jwks=str(jwks),
        log_level="warning",
        rate_per_caller=0,
        rate_per_tenant=0,
        calls_at_once=0,
        shutdown_seconds=2,
    )
    tokens = Tokens(issuer=ISSUER, audience="nhip", keys=Keys(settings.jwks))
    resources: dict[str, Resources] = {}

    def keeping(name: str) -> Build:
        def built(made_of: Resources) -> Service:
            resources[name] = made_of
            return SERVICES[name].build(made_of)

        return built

    async with AsyncExitStack() as stack:
        services = {
            name: await stack.enter_async_context(running(name, keeping(name), settings, tokens)) for name in names
        }
        channels = {
            name: await stack.enter_async_context(grpc.aio.insecure_channel(each.address))
            for name, each in services.items()
        }
        garbage.keep_what_is_there()  # as `nhip` does
        yield Hosted(settings, services, resources, channels, issuer)


async def settle(system: Hosted, tenant: str, people: int, kpis: int, *, values: int = 2, over: int = 0) -> Settled:
    """A generated company, once all of it shows. `over`: days of its cycle that are over; 0: as it is generated."""
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    company = big_company(people, kpis, values=values, today=today, tenant=tenant)
    if over:
        company = replace(company, starts_on=today - timedelta(days=over))
    persons = {person.ref: str(uuid7()) for person in company.people}
    units = {unit.ref: str(uuid7()) for unit in company.units}
    ids = {kpi.ref: str(uuid7()) for kpi in company.kpis}
    cycle_id = str(uuid7())
    recording = {context: _Recording(system.resources[context], tenant) for context in ("people", "goals", "checkins")}
    await _people(recording["people"], company, persons, units)
    await _goals(recording["goals"], company, persons, units, ids, cycle_id)
    await _progress(recording["checkins"], company, ids, cycle_id)
    settled = Settled(tenant, cycle_id, company, persons, ids, units)
    client = system.client(tenant, f"person:{persons['p1']}")
    after = [f"{context}={each.position}" for context, each in recording.items() if each.position]
    async with asyncio.timeout(PATIENCE):
        for name in system.services:
            await _knows(client, name, after)
    return settled


async def _knows(client: Client, service: str, after: Sequence[str]) -> None:
    """Returns when the views of a service have passed these positions."""
    while True:
        try:
            await client.ask(GetAccess(service=service), Access, at=service, after=after)
        except (Rejected, Failed):  # not heard of yet: the whole company is on its way
            await asyncio.sleep(0.5)
        else:
            return


def _stream(tenant: str, ref: Ref) -> StreamId:
    return StreamId(tenant, ref.category, ref.id)


class _Recording:
    """Appends to one context's log, on account of an import."""

    def __init__(self, resources: Resources, tenant: str):
        self._resources, self._tenant = resources, tenant
        self._waiting: list[Together] = []
        self._versions: dict[StreamId, int] = {}
        self.position = 0

    async def add(self, *said: tuple[StreamId, Message]) -> None:
        """One append, as a command makes it."""
        writes: list[Write] = []
        for stream, message in said:
            expected = self._versions.get(stream, 0)
            self._versions[stream] = expected + 1
            writes.append(Write(stream, expected, [await self._event(message)]))
        self._waiting.append(Together(writes, ORIGIN))
        if len(self._waiting) >= TOGETHER:
            await self.flush()

    async def _event(self, message: Message) -> NewEvent:
        id: UUID = uuid7()
        await self._resources.words.seal(message, tenant=self._tenant, author="", event_id=id)
        return NewEvent(id, wire.type_name(message), wire.encode(message))

    async def flush(self) -> None:
        if self._waiting:
            self.position = (await self._resources.log.append_together(self._waiting)).position
            self._waiting = []


async def _people(log: _Recording, company: BigCompany, persons: Mapping[str, str], units: Mapping[str, str]) -> None:
    tenant = company.tenant
    whole = _stream(tenant, ORGANISATION(THE_ORGANISATION))
    created = TenantCreated(tenant_id=tenant, name=company.name, time_zone=TIME_ZONE)
    await log.add((_stream(tenant, TENANT(tenant)), created))
    for unit in company.units:
        await log.add((whole, UnitCreated(unit_id=units[unit.ref], name=unit.name)))
    for person in company.people:
        id = persons[person.ref]
        registered = PersonRegistered(
            person_id=id,
            name=PersonalText(plain=person.name),
            title=PersonalText(plain=person.title),
            roles=[pt.Role.Value(f"ROLE_{role.upper()}") for role in person.roles],
        )
        place = pt.Place(unit_id=units.get(person.unit, ""), manager_id=persons.get(person.manager, ""))
        await log.add((_stream(tenant, PERSON(id)), registered), (whole, PlaceAssigned(person_id=id, after=place)))
    for unit in company.units:
        await log.add((whole, UnitHeadAppointed(unit_id=units[unit.ref], after=persons[unit.head])))
    await log.flush()


async def _goals(
    log: _Recording,
    company: BigCompany,
    persons: Mapping[str, str],
    units: Mapping[str, str],
    ids: Mapping[str, str],
    cycle_id: str,
) -> None:
    tenant, starts_on = company.tenant, from_date(company.starts_on)
    cycle = CycleOpened(cycle_id=cycle_id, name="Quý", starts_on=starts_on, ends_on=from_date(company.ends_on))
    await log.add((_stream(tenant, CYCLE(cycle_id)), cycle))
    goal_id, csfs = str(uuid7()), {csf: str(uuid7()) for csf in company.csfs}
    goal = StrategicGoalSet(
        goal_id=goal_id, name="Tăng trưởng bền vững", year=company.ends_on.year, target=from_decimal(25), unit="%"
    )
    await log.add((_stream(tenant, GOAL(goal_id)), goal))
    for csf, id in csfs.items():
        await log.add((_stream(tenant, CSF(id)), CsfChosen(csf_id=id, name=csf, goal_ids=[goal_id])))
    for kpi in company.kpis:
        defined = KpiDefined(
            kpi_id=ids[kpi.ref],
            cycle_id=cycle_id,
            name=kpi.name,
            level=t.Level.Value(f"LEVEL_{kpi.level.upper()}"),
            measure=t.Measure(
                kind=t.MEASURE_KIND_CUMULATIVE,
                direction=t.DIRECTION_INCREASE,
                unit=kpi.measured_in,
                target=from_decimal(kpi.target),
            ),
            owner_ids=[persons[owner] for owner in kpi.owners],
            unit_id=units.get(kpi.department, ""),
            effective_on=starts_on,
        )
        serves = t.Parent(csf_id=csfs[kpi.parent]) if kpi.parent in csfs else t.Parent(kpi_id=ids[kpi.parent])
        aligned = KpiAligned(cycle_id=cycle_id, kpi_id=ids[kpi.ref], after=serves, effective_on=starts_on)
        await log.add((_stream(tenant, KPI(ids[kpi.ref])), defined), (_stream(tenant, ALIGNMENT(cycle_id)), aligned))
    await log.flush()


async def _progress(log: _Recording, company: BigCompany, ids: Mapping[str, str], cycle_id: str) -> None:
    last: dict[str, int] = {}
    days: set[tuple[str, date]] = set()
    for value in company.progress:
        if (value.kpi, value.day) in days:
            continue
        days.add((value.kpi, value.day))
        recorded = ProgressRecorded(
            kpi_id=ids[value.kpi],
            cycle_id=cycle_id,
            occurred_on=from_date(value.day),
            before=from_decimal(last[value.kpi]) if value.kpi in last else None,
            after=from_decimal(value.value),
            confidence=value.confidence,
        )
        last[value.kpi] = value.value
        await log.add((_stream(company.tenant, PROGRESS(ids[value.kpi])), recorded))
    await log.flush()
