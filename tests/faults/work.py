"""Somebody who works while things break, and how to tell that nothing was lost."""

import asyncio
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
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from tests.e2e.running import Company, number, targets

FAULTS = 2
"""How often a test brings its fault about."""


@dataclass
class Work:
    """Somebody who works through all of it: every step is asked for until it is acknowledged, always with the same key."""

    x: Company
    reconnect: bool = False
    """Addresses change when what is killed starts again."""
    kpis: dict[str, str] = field(default_factory=dict[str, str])
    """Of those that were acknowledged, the target by name."""
    values: dict[str, str] = field(default_factory=dict[str, str])
    """The last value of each that was acknowledged."""
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def through(self) -> None:
        """A new KPI each round, progress on it, another target for it by a proposal; until it is enough."""
        while not self.enough.is_set():
            turn = len(self.kpis)
            name = f"Việc {turn}"
            measure = t.Measure(kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, target=number(10))
            parent = t.Parent(kpi_id=self.x.kpis["Demo sản phẩm"])
            draft = t.KpiDraft(name=name, level=t.LEVEL_INDIVIDUAL, measure=measure, owner_ids=[self.x.people["Minh"]], parent=parent)
            kpi = await self.done("Phúc", g.DefineKpi(cycle_id=self.x.cycle, kpi=draft))
            self.kpis[name] = "10"
            for step in (1, 2):
                day = from_date(date(2025, 3, 1) + timedelta(days=step))
                note = PersonalText(plain="Đang làm")
                await self.done("Minh", c.RecordProgress(kpi_id=kpi, value=number(turn + step), note=note, occurred_on=day))
                self.values[name] = str(turn + step)
            proposal = await self.done("Minh", self.asked(kpi, 10, 20 + turn))
            await self.done("Phúc", g.ApproveProposal(proposal_id=proposal, comment=PersonalText(plain="Được")))
            self.kpis[name] = str(20 + turn)

    def asked(self, kpi: str, before: int, after: int) -> g.ProposeChange:
        return g.ProposeChange(
            cycle_id=self.x.cycle,
            reason_class=t.REASON_CLASS_BOTTOM_UP,
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
                        done = await client.acting(self.x.token(who)).ask(request, Accepted, key=key, after=self.x.positions.all())
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
        shown = await self.x.map()
        mine = {kpi.name: kpi for kpi in shown.kpis if kpi.name.startswith("Việc")}
        assert len([kpi for kpi in shown.kpis if kpi.name.startswith("Việc")]) == len(self.kpis)
        assert {name: targets(shown)[name] for name in mine} == self.kpis
        assert {name: kpi.standing.current.value for name, kpi in mine.items()} == self.values
        for name in random.sample(list(self.kpis), min(10, len(self.kpis))):
            told = await self.x.ask("Minh", g.GetKpiHistory(kpi_id=mine[name].kpi_id), g.KpiHistory)
            whats = sorted(entry.what for entry in told.entries)
            assert whats == ["KpiAligned", "KpiDefined", "KpiTargetRevised", "ProgressRecorded", "ProgressRecorded"]
        code, printed = await self.x.system.nhip("verify", "--tenant", self.x.tenant)
        assert code == 0, printed


async def while_working(work: Work, fault: Callable[[], Awaitable[None]], seed: int) -> None:
    """The fault, several times, at random moments while somebody works."""
    chance = random.Random(seed)
    task = asyncio.create_task(work.through())
    try:
        for _ in range(FAULTS):
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            assert not task.done() or await task is None  # what failed says so
            await fault()
        await asyncio.sleep(0.5)
        work.enough.set()
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
