"""Nhip as people run it, in both sizes, and a company in a tenant of its own to walk with."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import uuid4

from google.protobuf.message import Message
from google.type.decimal_pb2 import Decimal

from cli.addresses import Addresses, written
from cli.catalog import SERVICES
from cli.client import Client, Positions, Reply, connected
from cli.importing.bring import Principals
from cli.importing.command import bring
from deploy import keys
from deploy.cluster import Cluster, cluster
from deploy.engines import url_of_database
from deploy.engines.process import Child, tail
from eventkit.errors import Rejected
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.values import from_date
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.operations_pb2 import Verified, Verify
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo" / "company-x.vi.yaml"
SECONDS = 180


@dataclass(frozen=True)
class System:
    """A Nhip that runs, in whatever size."""

    directory: Path
    services: Mapping[str, str]
    gateway: str
    postgres: str
    kafka: str
    issuer: DemoIssuer
    metrics: tuple[str, ...]
    logs: tuple[Path, ...]

    def database(self, service: str) -> str:
        return url_of_database(self.postgres, f"nhip_{service}")

    async def nhip(self, *arguments: str) -> tuple[int, str]:
        """A command of the command line: its exit code and all that it printed."""
        return await nhip(*arguments, "--directory", str(self.directory))


async def nhip(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
    )
    printed, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    return process.returncode or 0, printed.decode()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", *arguments]


@dataclass
class Up:
    """`nhip up` in a process of its own; the same port again at every start."""

    directory: Path
    arguments: tuple[str, ...] = ("--no-demo", "--port", "0")
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    child: Child | None = None

    @property
    def printed(self) -> Path:
        return self.directory / "printed"

    async def start(self) -> float:
        """Answers the seconds that it took until it said that it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.printed.unlink(missing_ok=True)
        began = time.monotonic()
        self.child = Child.spawn(
            command("up", "--directory", str(self.directory), *self.arguments),
            log=self.printed,
            environment={**os.environ, **self.environment},
        )
        while "Nhip answers on" not in self.printed.read_text():
            assert self.child.ended is None, self.printed.read_text()
            assert time.monotonic() - began < SECONDS, self.printed.read_text() + tail(self.directory / "nhip.log")
            await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code. Raises when it does not end in time."""
        assert self.child is not None
        os.kill(self.child.pid, number)
        code = await self.child.wait(SECONDS)
        assert code is not None, self.printed.read_text()
        self.child = None
        return code

    def kill(self) -> None:
        """SIGKILL for it alone: its engines live on."""
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGKILL)

    def system(self) -> System:
        at = written(self.directory)
        return System(
            self.directory,
            at.services,
            at.gateway,
            at.engines["postgres"],
            at.engines["kafka"],
            keys.demo_issuer(self.directory),
            tuple(at.metrics.values()),
            (self.directory / "nhip.log", self.printed),
        )


@asynccontextmanager
async def one_process(directory: Path) -> AsyncGenerator[System]:
    up = Up(directory)
    await up.start()
    try:
        yield up.system()
    finally:
        await up.stop()


@asynccontextmanager
async def several_processes(directory: Path) -> AsyncGenerator[System]:
    async with cluster(directory, replicas=2) as running:
        yield of_cluster(directory, running)


def of_cluster(directory: Path, running: Cluster) -> System:
    Addresses(**running.addresses).write(directory)  # type: ignore[arg-type] # as written down, so read
    return System(
        directory,
        running.services,
        running.url,
        running.engines.postgres,
        running.engines.kafka,
        keys.demo_issuer(directory),
        tuple(f"http://127.0.0.1:{one.metrics_port}/metrics" for one in running.processes if one.metrics_port),
        tuple(one.log for one in running.processes),
    )


@dataclass
class Company:
    """A tenant, and its people, KPIs and cycle by the names that the demo gives them."""

    system: System
    client: Client
    tenant: str
    people: dict[str, str] = field(default_factory=dict[str, str])
    kpis: dict[str, str] = field(default_factory=dict[str, str])
    cycle: str = ""

    @property
    def positions(self) -> Positions:
        return self.client.positions

    def token(self, who: str) -> str:
        subject = who if who.startswith("service:") else f"person:{self.people[who]}"
        return self.system.issuer.mint(self.tenant, subject)

    async def ask(self, who: str, request: Message, reply: type[Reply], *, at: str = "", key: str = "") -> Reply:
        """As somebody, who sees what was done before."""
        return await self.client.acting(self.token(who)).ask(request, reply, after=self.positions.all(), at=at, key=key)

    async def do(self, who: str, request: Message, *, key: str = "") -> Accepted:
        """Carried out once, whatever dies meanwhile: every command has a key."""
        done = await self.ask(who, request, Accepted, key=key or uuid4().hex)
        self.positions.learn(done.position)
        return done

    async def refused(self, who: str, request: Message) -> str:
        try:
            await self.do(who, request)
        except Rejected as refusal:
            return refusal.reason
        raise AssertionError(f"{type(request).__name__} was not refused")

    async def learn(self) -> None:
        """Who and what there is."""
        people = await self.ask("service:importer", p.ListPeople(page_size=500), p.PeopleList)
        self.people = {person.name.plain: person.person_id for person in people.people}
        cycles = await self.ask("service:importer", g.ListCycles(), g.Cycles)
        self.cycle = cycles.cycles[0].cycle_id
        self.kpis = {kpi.name: kpi.kpi_id for kpi in (await self.map("service:importer")).kpis}

    async def joins(self, name: str, *roles: pt.Role.ValueType) -> None:
        """Nam registers somebody."""
        self.people[name] = (await self.do("Nam", p.RegisterPerson(name=PersonalText(plain=name), roles=roles))).id

    async def differences(self) -> list[str]:
        """What `nhip verify` would report: rows that are not what the log says."""
        operator = self.client.acting(self.token("service:operator"))
        return [
            f"{service} {view.view}: {one.key} {one.column}: expected {one.expected}, found {one.found}"
            for service in SERVICES
            for view in (await operator.ask(Verify(service=service), Verified, at=service, deadline=SECONDS)).views
            for one in view.differences
        ]

    async def map(self, who: str = "Nam", as_of: AsOf | None = None) -> g.GoalMap:
        return await self.ask(who, g.GetMap(cycle_id=self.cycle, as_of=as_of), g.GoalMap)

    async def listed(self, who: str = "Nam") -> list[g.Kpi]:
        """Every KPI of the cycle, page by page."""
        kpis: list[g.Kpi] = []
        request = g.ListKpis(cycle_id=self.cycle, page_size=200)
        while True:
            page = await self.ask(who, request, g.Kpis)
            kpis += page.kpis
            if not page.next_page_token:
                return kpis
            request.page_token = page.next_page_token

    def reduction(self) -> g.ProposeChange:
        """Minh asks for fewer demos, up to the company's KPI, and for one report more (G-66)."""
        lowered = (("Đăng ký dùng thử", 70, 55), ("Demo sản phẩm", 100, 80), ("Demo · khách mới", 80, 50))
        return g.ProposeChange(
            cycle_id=self.cycle,
            reason_class=t.REASON_CLASS_CORRECTION,
            title=PersonalText(plain=TITLE),
            reason=PersonalText(plain=REASON),
            changes=[
                t.TargetChange(kpi_id=self.kpis[name], before=number(before), after=number(after))
                for name, before, after in lowered
            ],
            addition=t.KpiDraft(
                name=ADDED,
                statement="Một báo cáo về khách tiềm năng, kèm cách tiếp cận từng nhóm",
                level=t.LEVEL_INDIVIDUAL,
                measure=t.Measure(kind=t.MEASURE_KIND_MILESTONE, direction=t.DIRECTION_INCREASE, target=number(1)),
                owner_ids=[self.people["Minh"]],
                parent=t.Parent(kpi_id=self.kpis["Demo sản phẩm"]),
                why="Hiểu khách kỹ hơn thì ít buổi demo mà trúng hơn.",
            ),
        )


TITLE = "Ít buổi hơn, kỹ hơn"
REASON = "Chạy theo số buổi thì khách gật nhanh rồi bỏ; em xin dành giờ đó để đọc kỹ từng khách."
COMMENT = "Đồng ý, cuối quý mình xem lại tỷ lệ giữ khách."
NOTE = "Bảy buổi trong hai tuần, hai nơi hỏi giá ngay sau buổi xem."
ADDED = "Báo cáo tiềm năng"
WORDS = (TITLE, REASON, COMMENT, NOTE)
"""What people wrote in the walk: none of it may be found in plain anywhere."""


@asynccontextmanager
async def company(system: System) -> AsyncGenerator[Company]:
    """The demo company in a fresh tenant, brought in as `nhip import` does."""
    tenant = f"x-{uuid4().hex[:8]}"
    principals = Principals(
        importer=system.issuer.mint(tenant, "service:importer", on_behalf_of="service:operator"),
        operator=system.issuer.mint(tenant, "service:operator"),
    )
    brought = await bring(DEMO, system.services, principals, tenant=tenant, brief=True)
    async with connected(system.services, "") as client:
        client.positions = brought.positions
        found = Company(system, client, tenant)
        await found.learn()
        yield found


def number(value: int | str) -> Decimal:
    return Decimal(value=str(value))


def day(value: date) -> AsOf:
    return AsOf(effective_on=from_date(value))


def targets(shown: g.GoalMap) -> dict[str, str]:
    return {kpi.name: kpi.measure.target.value for kpi in shown.kpis}
