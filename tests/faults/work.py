"""Somebody who works while things break, and how to tell that nothing was lost."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import uuid4

from google.protobuf.message import Message

from cli.addresses import written
from cli.client import Client, connected
from cli.running import Failed
from eventkit.values import from_date
from nhip.audit.v1 import audit_pb2 as a
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.notifications.v1 import notifications_pb2 as n
from nhip.rewards.v1 import rewards_pb2 as r
from tests.e2e.running import Company, number

ROUNDS = int(os.environ.get("ROUNDS", "1"))
"""How often a test brings its fault about: once among all other tests, more often by `make faults ROUNDS=…`."""


@dataclass
class Work:
    """Somebody who works through all of it: every step is asked for until it is acknowledged, always with the same
    key."""

    x: Company
    chance: random.Random
    reconnect: bool = False
    """Addresses change when what is killed starts again."""
    kpis: dict[str, str] = field(default_factory=dict[str, str])
    """Of those that were acknowledged, the target by name."""
    values: dict[str, str] = field(default_factory=dict[str, str])
    """The last value of each that was acknowledged."""
    proposals: list[str] = field(default_factory=list[str])
    """Those that were approved."""
    praises: list[str] = field(default_factory=list[str])
    """Those of Minh by Phúc that were acknowledged."""
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    mark: str = ""
    """What its KPIs are called, so that several can work in one company, one after the other."""

    def __post_init__(self) -> None:
        self.mark = f"Việc {self.chance.randbytes(3).hex()}"

    async def through(self) -> None:
        """A new KPI each round, progress on it, another target for it by a proposal, and praise; until it is enough."""
        while not self.enough.is_set():
            turn = len(self.kpis)
            name = f"{self.mark} {turn}"
            measure = t.Measure(kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, target=number(10))
            parent = t.Parent(kpi_id=self.x.kpis["Demo sản phẩm"])
            draft = t.KpiDraft(
                name=name, level=t.LEVEL_INDIVIDUAL, measure=measure, owner_ids=[self.x.people["Minh"]], parent=parent
            )
            kpi = await self.done("service:importer", g.DefineKpi(cycle_id=self.x.cycle, kpi=draft))
            self.kpis[name] = "10"
            for step in (1, 2):
                day = from_date(date(2025, 3, 1) + timedelta(days=step))
                note = PersonalText(plain="Đang làm")
                value = c.RecordProgress(kpi_id=kpi, value=number(turn + step), note=note, occurred_on=day)
                value.confirmed = True  # whatever was there before
                await self.done("Minh", value)
                self.values[name] = str(turn + step)
            proposal = await self.done("Minh", self.asked(kpi, 10, 20 + turn))
            await self.done("Phúc", g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain="Được")))
            self.kpis[name] = str(20 + turn)
            self.proposals.append(proposal)
            praise = r.GivePraise(
                receiver_id=self.x.people["Minh"],
                kpi_id=self.x.kpis["Demo sản phẩm"],
                words=PersonalText(plain="Làm tới nơi tới chốn"),
                without_points=True,
            )
            self.praises.append(await self.done("Phúc", praise))

    def asked(self, kpi: str, before: int, after: int) -> g.ProposeChange:
        return g.ProposeChange(
            cycle_id=self.x.cycle,
            reason_class=t.REASON_CLASS_CORRECTION,
            title=PersonalText(plain="Khác đi"),
            reason=PersonalText(plain="Vì thực tế"),
            changes=[t.TargetChange(kpi_id=kpi, before=number(before), after=number(after))],
        )

    async def done(self, who: str, request: Message) -> str:
        key = uuid4().hex
        async with asyncio.timeout(180):
            while True:
                try:
                    async with self.client() as client:
                        done = await client.acting(self.x.token(who)).ask(
                            request, Accepted, key=key, after=self.x.positions.all()
                        )
                    self.x.positions.learn(done.position)
                    return done.id
                except Failed:  # nobody answered, or too late: the same again is safe
                    await asyncio.sleep(0.1)

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[Client]:
        if not self.reconnect:
            yield self.x.client
            return
        services = written(self.x.system.directory).services
        async with connected(services or self.x.system.services, "", patience=0.5) as client:
            yield client

    async def is_whole(self) -> None:
        """All that was acknowledged is there, once, wherever it shows; and no view differs from its log."""
        shown = [kpi for kpi in await self.x.listed() if kpi.name.startswith(self.mark)]
        mine = {kpi.name: kpi for kpi in shown}
        assert len(shown) == len(self.kpis)
        assert {name: kpi.measure.target.value for name, kpi in mine.items()} == self.kpis
        assert {name: kpi.standing.current.value for name, kpi in mine.items()} == self.values
        for name in self.chance.sample(list(self.kpis), min(10, len(self.kpis))):
            told = await self.x.ask("Minh", g.GetKpiHistory(kpi_id=mine[name].kpi_id), g.KpiHistory)
            whats = sorted(entry.what for entry in told.entries)
            assert whats == ["KpiAligned", "KpiDefined", "KpiTargetRevised", "ProgressRecorded", "ProgressRecorded"]
        await self.praise_is_whole()
        await self.notices_are_whole()
        await self.ledger_is_whole()
        differing = await self.x.differences()
        assert differing == [], differing

    async def praise_is_whole(self) -> None:
        """Every praise once, and every point that one wallet lost in the other."""
        found: list[r.Praise] = []
        token = ""
        while True:
            page = await self.x.ask("Minh", r.ListPraises(page_size=100, page_token=token), r.Praises)
            found += page.praises
            if not (token := page.next_page_token):
                break
        mine = [
            praise
            for praise in found
            if praise.giver_id == self.x.people["Phúc"] and praise.kpi_id == self.x.kpis["Demo sản phẩm"]
        ]
        assert sorted(praise.praise_id for praise in mine if praise.praise_id in self.praises) == sorted(self.praises)
        given = {praise.praise_id: praise.points for praise in mine if praise.points}
        spent = await self.movements("Phúc", r.MOVEMENT_KIND_ALLOWANCE_SPENT)
        received = await self.movements("Minh", r.MOVEMENT_KIND_RECEIVED)
        assert {id: -points for id, points in spent.items() if id in given} == given
        assert {id: points for id, points in received.items() if id in given} == given

    async def movements(self, who: str, kind: r.MovementKind.ValueType) -> dict[str, int]:
        found: list[r.Movement] = []
        token = ""
        while True:
            wallet = await self.x.ask(who, r.GetWallet(page_size=200, page_token=token), r.Wallet)
            found += [movement for movement in wallet.movements if movement.kind == kind]
            if not (token := wallet.next_page_token):
                break
        assert len({movement.praise_id for movement in found}) == len(found)
        return {movement.praise_id: movement.points for movement in found}

    async def notices_are_whole(self) -> None:
        """Minh is told once of each praise and each decision, however often what told him was killed."""
        wanted = {*self.praises, *self.proposals}
        async with asyncio.timeout(90):
            while True:
                found: list[str] = []
                token = ""
                while True:
                    page = await self.x.ask("Minh", n.ListNotices(page_size=100, page_token=token), n.Notices)
                    found += [notice.praise_id or notice.proposal_id for notice in page.notices]
                    if not (token := page.next_page_token):
                        break
                if wanted <= set(found):
                    break
                await asyncio.sleep(0.2)
        assert sorted(id for id in found if id in wanted) == sorted(wanted)

    async def ledger_is_whole(self) -> None:
        """Every position of every context is in the ledger, once."""
        known = {
            context: int(position) for context, _, position in (told.partition("=") for told in self.x.positions.all())
        }
        async with asyncio.timeout(90):
            while True:
                told = await self.x.ask("Nam", a.GetCompleteness(), a.Completeness)
                contexts = {one.context: one for one in told.contexts}
                if all(one.complete for one in told.contexts) and all(
                    contexts[context].last >= position for context, position in known.items()
                ):
                    return
                await asyncio.sleep(0.2)


async def while_working(
    work: Work, fault: Callable[[], Awaitable[None]], chance: random.Random, times: int = 1
) -> None:
    """The fault, several times in each round, at random moments while somebody works."""
    task = asyncio.create_task(work.through())
    try:
        for _ in range(times * ROUNDS):
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            assert not task.done() or await task is None  # what failed says so
            await fault()
        await asyncio.sleep(0.5)
        work.enough.set()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
