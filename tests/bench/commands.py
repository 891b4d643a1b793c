"""What a command and a query cost inside a service: through gRPC, from a process of their own, with everything that
each call passes.

The command is the one that is given most: a value for a KPI, by who answers for it, with an idempotency key. What the
service has heard of people and KPIs is put into its views beforehand. Callers and the service share the machine.
"""

import asyncio
import base64
import decimal
import json
import os
import random
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import grpc
from google.protobuf.empty_pb2 import Empty
from google.type.decimal_pb2 import Decimal
from grpc_health.v1 import health_pb2

from eventkit.directory.views import PersonRow, PersonView, TenantRow, TenantView
from eventkit.privacy.words import IDS
from eventkit.process.assembly import key_store
from eventkit.rpc.client import channel
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import Settings, load
from eventkit.values import from_date
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.views.known import KnownCycleRow, KnownCycleView, KnownKpiRow, KnownKpiView
from services.checkins.views.progress import EntryView
from tests.bench.harness import Bench, Figure, at_least, at_most, latencies, percentile, rate
from tests.bench.log import EVENTS, fill
from tests.bench.serving import EMPTY_CALL

FEW_EVENTS, TENANTS = 100_000, 1_000
EMPTY = "empty call, same callers"
ONE = (
    "What follows a command, not its own way: with Kafka away a lone one takes 3.4 ms instead of 8.6 on a busy "
    "machine. Each wakes the view's page, one statement, and the relay's, a record and a checkpoint, which share two "
    "cores with the broker and the next command; callers who come together share them. On its way it makes one, the "
    "append."
)
MANY_CALLERS = (
    "CPU: the service spends 1.1 ms on a command and 0.6 on an empty call, PostgreSQL, the broker and the caller 0.7 "
    "and 0.3. Lifted: directory, checkpoints and what is known of the KPI from memory, no look at the stream, at its "
    "cycle's facts or for a first answer, spans that nobody receives, pages that are shared five milliseconds apart. "
    "uvloop made no difference."
)
UNARY_1 = Figure("durable unary command, 1 caller", "commands/s", EMPTY, at_least(0.6), ONE)
UNARY_16 = Figure("durable unary command, 16 callers", "commands/s", EMPTY, at_least(0.6), MANY_CALLERS)
UNARY_64 = Figure("durable unary command, 64 callers", "commands/s", EMPTY, at_least(0.6), MANY_CALLERS, short=True)
BATCH = Figure(
    "batch of 100 commands, 4 callers", "commands/s", "durable unary command, 64 callers", at_least(12), short=True
)
EMPTY_1 = Figure("empty call, 1 caller", "ms", "bare health check", at_most(2))
MEMORY = Figure("memory of one service process", "MB", "", at_most(150))
LARGE = Figure(
    f"durable unary command, 64 callers, {EVENTS:,} events in the log", "commands/s", "100,000", at_least(0.9)
)
MANY = Figure(f"durable unary command, 64 callers, {TENANTS:,} tenants", "commands/s", "one tenant", at_least(0.9))
SHARED = (
    "Two cores, which replicas share with the callers, PostgreSQL and Kafka: a second process takes what these leave. "
    "What follows a command (views of the own log, the relay) is one process' work in any case."
)
RECORD_2 = Figure(
    "durable unary command, 64 callers, two replicas", "commands/s", "one of the three", at_least(1), SHARED
)
RECORD_3 = Figure(
    "durable unary command, 64 callers, three replicas", "commands/s", "one of the three", at_least(1), SHARED
)
LIST_2 = Figure("ListProgress, 64 callers, two replicas", "calls/s", "one of the three", at_least(1), SHARED)
LIST_3 = Figure("ListProgress, 64 callers, three replicas", "calls/s", "one of the three", at_least(1), SHARED)
REPLICAS = (RECORD_2, RECORD_3, LIST_2, LIST_3)
LIST_P99 = Figure("ListProgress, 64 callers for a minute, p99", "ms", "own p50", at_most(5))
LIST_ERRORS = Figure("ListProgress, 64 callers for a minute, errors", "errors", "", at_most(0))
FIGURES = (UNARY_1, UNARY_16, UNARY_64, BATCH, EMPTY_1, MEMORY, LARGE, MANY, LIST_P99, LIST_ERRORS, *REPLICAS)

PEOPLE = 200
AWAY = "127.0.0.1:1"
SECONDS = 1.5
MINUTE = 60.0
ISSUER = "http://issuer.bench"
RECORD, LIST = "/nhip.checkins.v1.Checkins/RecordProgress", "/nhip.checkins.v1.Checkins/ListProgress"
RECORD_MANY = "/nhip.checkins.v1.Checkins/BatchRecordProgress"
AT_ONCE = 100
HEALTH = "/grpc.health.v1.Health/Check"


async def run(bench: Bench) -> None:
    if bench.wants(UNARY_1, UNARY_16, UNARY_64, BATCH, EMPTY_1, MEMORY, LIST_P99, LIST_ERRORS):
        await in_one_company(bench)
        await aside(bench)
    if bench.wants(*REPLICAS):
        await with_replicas(bench)
        await aside(bench)
    for figure, ours, theirs in ((LARGE, (EVENTS, 1), (FEW_EVENTS, 1)), (MANY, (FEW_EVENTS, TENANTS), (FEW_EVENTS, 1))):
        if bench.wants(figure):
            await in_logs(bench, figure, ours, theirs)


async def aside(bench: Bench) -> None:
    """What follows has a log of its own, from the first event."""
    await in_database(bench.postgres, f"alter database nhip_checkins rename to nhip_company_{uuid4().hex[:8]}")


async def with_replicas(bench: Bench) -> None:
    """Three run; callers turn to one of them, to two, to all."""
    async with serving(bench, "checkins", kafka=AWAY, replicas=3) as service:
        company = Company(service, "bench-1")
        await founded(service, [company])
        for number in range(PEOPLE):
            await company.record(number)

        def by(replicas: int, deed: str) -> Callable[[], Awaitable[float]]:
            async def turn() -> float:
                async with service.through(replicas) as some:
                    asking = Company(some, "bench-1")
                    return await rate(64, getattr(asking, deed), SECONDS)

            return turn

        for deed, figures in (("record", (RECORD_2, RECORD_3)), ("list_progress", (LIST_2, LIST_3))):
            for replicas, figure in zip((2, 3), figures, strict=True):
                await bench.compare(figure, by(replicas, deed), by(1, deed))


async def in_one_company(bench: Bench) -> None:
    async with serving(bench, "checkins") as service:
        company = Company(service, "bench-1")
        await founded(service, [company])
        for callers, figure in ((1, UNARY_1), (16, UNARY_16), (64, UNARY_64)):
            await bench.compare(
                figure,
                lambda callers=callers: rate(callers, company.record, SECONDS),
                lambda callers=callers: rate(callers, company.ask_nothing, SECONDS),
            )
        await bench.compare(
            BATCH, lambda: rate(4, company.record_many, SECONDS), lambda: rate(64, company.record, SECONDS)
        )
        await bench.compare(EMPTY_1, lambda: median_ms(company.ask_nothing), lambda: median_ms(service.check))
        if bench.wants(LIST_P99, LIST_ERRORS):
            await listing(bench, company)
        bench.report(MEMORY, service.memory())


async def in_logs(bench: Bench, figure: Figure, *logs: tuple[int, int]) -> None:
    """Compare services whose logs hold so many events of so many tenants.

    A service has one database, so they take turns at being it. Kafka is away, so that no turn is spent on publishing
    what was put into the log; the views stand at its end. Callers turn to any of a thousand KPIs.
    """
    names = [f"nhip_log_{uuid4().hex[:8]}" for _ in logs]
    for name, (events, tenants) in zip(names, logs, strict=True):
        async with serving(bench, "checkins", kafka=AWAY) as service:
            await founded(service, companies_of(service, tenants))
        await fill(service.dsn, events, tenants)
        at_its_end = "update checkpoint set position = $2 where subscription = $1"
        await in_database(service.dsn, at_its_end, EntryView().subscription, events)
        await in_database(bench.postgres, f"alter database nhip_checkins rename to {name}")

    def measure(name: str, tenants: int) -> Callable[[], Awaitable[float]]:
        async def turn() -> float:
            await in_database(bench.postgres, f"alter database {name} rename to nhip_checkins")
            async with serving(bench, "checkins", kafka=AWAY) as service:
                companies = companies_of(service, tenants)

                def of(kpi: int) -> Awaitable[int]:
                    return companies[kpi % tenants].record(kpi // tenants)

                for first in range(0, TENANTS, 64):  # each once: what is remembered of a KPI is there behind it
                    await asyncio.gather(*map(of, range(first, min(first + 64, TENANTS))))
                measured = await rate(64, lambda _: of(random.randrange(TENANTS)), SECONDS)
            await in_database(bench.postgres, f"alter database nhip_checkins rename to {name}")
            return measured

        return turn

    ours, theirs = (measure(name, tenants) for name, (_, tenants) in zip(names, logs, strict=True))
    await bench.compare(figure, ours, theirs)


def companies_of(service: "Serving", tenants: int) -> list["Company"]:
    return [Company(service, f"tenant-{number}", TENANTS // tenants) for number in range(tenants)]


async def in_database(dsn: str, statement: str, *values: object) -> None:
    con = await asyncpg.connect(dsn)
    try:
        await con.execute(statement, *values)
    finally:
        await con.close()


async def median_ms(once: Callable[[int], Awaitable[object]]) -> float:
    return percentile(await latencies(1, once, SECONDS), 0.5) * 1000


async def listing(bench: Bench, company: "Company") -> None:
    """A page of values each, of KPIs that have as many as a quarter brings."""
    for _ in range(13):
        await asyncio.gather(*(company.record(number) for number in range(64)))
    errors = 0

    async def once(number: int) -> None:
        nonlocal errors
        try:
            await company.list_progress(number)
        except grpc.aio.AioRpcError:
            errors += 1

    took = await latencies(64, once, MINUTE)
    bench.report(LIST_P99, percentile(took, 0.99) * 1000, percentile(took, 0.5) * 1000)
    bench.report(LIST_ERRORS, errors)


class Serving:
    """A service's process, and how to call it."""

    def __init__(
        self,
        process: Process,
        settings: Settings,
        dsn: str,
        issuer: DemoIssuer,
        addresses: Sequence[str],
        channel: grpc.aio.Channel,
        health: grpc.aio.Channel,
    ):
        self.process, self.settings, self.dsn, self.issuer, self.channel = process, settings, dsn, issuer, channel
        self._addresses, self._of_health = addresses, health
        self._health = health.unary_unary(HEALTH)

    @asynccontextmanager
    async def through(self, replicas: int) -> AsyncGenerator["Serving"]:
        """Called by way of the first so many of its replicas."""
        some = self._addresses[:replicas]
        async with channel(",".join(some)) as to:
            yield Serving(self.process, self.settings, self.dsn, self.issuer, some, to, self._of_health)

    def rpc(self, method: str) -> Any:
        """Bytes in, bytes out: what the caller spends is the other side's, too."""
        return self.channel.unary_unary(method)

    async def check(self, _: int) -> int:
        reply = await self._health(health_pb2.HealthCheckRequest().SerializeToString())
        assert health_pb2.HealthCheckResponse.FromString(reply).status == health_pb2.HealthCheckResponse.SERVING
        return 1

    def memory(self) -> float:
        """Resident, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


@asynccontextmanager
async def serving(bench: Bench, name: str, kafka: str = "", replicas: int = 1) -> AsyncGenerator[Serving]:
    folder = bench.folder / f"serving-{uuid4().hex[:8]}"
    folder.mkdir()
    issuer = DemoIssuer(host="127.0.0.1", key_file=folder / "issuer.key", issuer=ISSUER)
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()))
    given = {
        "postgres": bench.postgres,
        "kafka": kafka or bench.kafka,
        "master_key": base64.b64encode(b"m" * 32).decode(),
        "issuer": ISSUER,
        "jwks": str(folder / "jwks.json"),
        "rate_per_caller": "0",
        "rate_per_tenant": "0",
        "calls_at_once": "0",
    }
    dsn = await bench.database(name)
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(_replica(folder, number, name, given)) for number in range(replicas)]
        addresses = [f"127.0.0.1:{ports['grpc']}" for _, ports in started]
        process, ports = started[0]
        async with channel(",".join(addresses)) as to, channel(f"127.0.0.1:{ports['health']}") as health:
            yield Serving(process, load(**given), dsn, issuer, addresses, to, health)


@asynccontextmanager
async def _replica(
    folder: Path, number: int, name: str, given: Mapping[str, str]
) -> AsyncGenerator[tuple[Process, dict[str, int]]]:
    """A process, and its ports."""
    ports, printed = folder / f"ports-{number}.json", folder / f"log-{number}"
    with printed.open("w") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.bench.serving",
            name,
            str(ports),
            env={**os.environ, **{f"NHIP_{key.upper()}": value for key, value in given.items()}},
            stderr=log,
        )
        try:
            while not ports.exists():
                if process.returncode is not None:
                    raise RuntimeError(printed.read_text()[-2000:])
                await asyncio.sleep(0.05)
            yield process, json.loads(ports.read_text())
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def founded(service: Serving, companies: Sequence["Company"]) -> None:
    """Tenants that the service has heard of."""
    con = await asyncpg.connect(service.dsn)
    try:
        async with key_store(service.settings) as keys:
            for company in companies:
                await keys.key(company.tenant, IDS, make=True)  # as a tenant has it from its first day
                await company.heard_of(con)
    finally:
        await con.close()


class Company:
    """A tenant whose people answer for a KPI each."""

    def __init__(self, service: Serving, tenant: str, people: int = PEOPLE):
        self.tenant, self.today = tenant, datetime.now(UTC).date()
        self.people = [f"p-{number}" for number in range(people)]
        self.kpis = [f"{tenant}-kpi-{number}" for number in range(people)]
        self._authorised = [
            ("authorization", f"Bearer {service.issuer.mint(tenant, f'person:{person}')}") for person in self.people
        ]
        self._importing = ("authorization", f"Bearer {service.issuer.mint(tenant, 'service:importer')}")
        self._record, self._list, self._ask = service.rpc(RECORD), service.rpc(LIST), service.rpc(EMPTY_CALL)
        self._record_many = service.rpc(RECORD_MANY)
        self._numbers = count(random.randrange(10**9))  # the same value again would change nothing

    async def heard_of(self, con: asyncpg.Connection) -> None:
        """What the service keeps of people and of goals."""
        await TenantView().table.save(con, [TenantRow(self.tenant, "Bench", "Asia/Ho_Chi_Minh", "vi", "")])
        await PersonView().table.save(
            con,
            [
                PersonRow(
                    self.tenant, id, b"", b"", b"", [], active=True, erased=False, successor_id="", withdrawn=False
                )
                for id in self.people
            ],
        )
        days = self.today - timedelta(days=60), self.today + timedelta(days=30)
        cycle = KnownCycleRow(self.tenant, "q", *days, begun=True, withdrawn=False)
        await KnownCycleView().table.save(con, [cycle])
        kpis = [
            # A level without a target: any number may come next.
            KnownKpiRow(self.tenant, kpi, "q", [person], "", 2, 1, "", decimal.Decimal(0), [], None)
            for kpi, person in zip(self.kpis, self.people, strict=True)
        ]
        await KnownKpiView().table.save(con, kpis)

    async def record(self, number: int) -> int:
        """A value for today, or a day of the last weeks."""
        metadata = (self._authorised[number], ("idempotency-key", str(uuid4())))
        command = self._value(self.kpis[number])
        accepted = Accepted.FromString(await self._record(command.SerializeToString(), metadata=metadata))
        assert accepted.position
        return 1

    async def record_many(self, _: int) -> int:
        """Values of a hundred KPIs, each under a key of its own, as an import brings them."""
        items = [
            c.ProgressItem(progress=self._value(kpi), key=str(uuid4())) for kpi in random.sample(self.kpis, AT_ONCE)
        ]
        command = c.BatchRecordProgress(items=items)
        accepted = Accepted.FromString(
            await self._record_many(command.SerializeToString(), metadata=(self._importing,))
        )
        assert not any(verdict.HasField("refused") for verdict in accepted.verdicts)
        return AT_ONCE

    def _value(self, kpi: str) -> c.RecordProgress:
        return c.RecordProgress(
            kpi_id=kpi,
            occurred_on=from_date(self.today - timedelta(days=random.randrange(50))),
            value=Decimal(value=str(next(self._numbers))),
            confirmed=True,
        )

    async def list_progress(self, number: int) -> int:
        request = c.ListProgress(kpi_id=self.kpis[number])
        reply = c.Progress.FromString(
            await self._list(request.SerializeToString(), metadata=(self._authorised[number],))
        )
        assert reply.entries
        return 1

    async def ask_nothing(self, number: int) -> int:
        Empty.FromString(await self._ask(b"", metadata=(self._authorised[number],)))
        return 1
