"""Every page that the console shows, and what people do most, in a company of 5,000 people and 20,000 KPIs beside one
of 8 people and 15 KPIs; and how long the event loop is held by it.

Services, gateway and who measures share one process and one loop, so what holds the loop here is more than any of them
does by itself.
"""

import asyncio
import gc
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from time import perf_counter
from typing import Literal

from google.type.decimal_pb2 import Decimal

from cli.client import Client
from cli.generating import Kpi
from eventkit.rpc.auth import of_settings
from eventkit.values import from_date
from nhip.checkins.v1 import cadence_pb2 as cadence
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.checkins.v1 import topics_pb2 as topics
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from nhip.people.v1 import types_pb2 as pt
from services.gateway.features import feature_routes
from services.gateway.service import gateway
from tests.bench.company import Hosted, Settled
from tests.bench.console import Browser, Refused
from tests.bench.harness import Bench, Figure, at_most, percentile, rounded

SECONDS = 0.25
SMALL = "the same at 8 people and 15 KPIs"
PART = "Every page and what is done most, at 5,000 people and 20,000 KPIs"
TOLD = 5
PROBE = 0.002
"""Seconds between two looks at the event loop."""

PAGES_HELD = (
    "Seven services, the gateway, the caller and what measures are one process here, and a collection of garbage looks "
    "at all that they keep: most of the longest stands are that, and a service by itself keeps a seventh of it. What "
    "remains is a page's own Python, at most 219 ms where it was measured (the ledger's fifty rows)."
)
COMMANDS_HELD = (
    "Seven services, the caller and what measures are one process here, so what holds the loop is more than any of "
    "them does by itself. Hardly any of it is the collection of garbage: 6 of the 204 ms where it was measured "
    "(CreateUnit)."
)


NEEDS_MORE = re.compile(
    "/checkin/{person}/|/meetings/{|/actions/{|/retro/team/|/retro/{cycle}/|/reviews/{|/shop/.*{|/erasures/{|/logo/"
    "|/settings/integrations/{|/people/planned/{|/sign-ins/{|/positions/{|/inbox/{|/delegates/{|/import/(look|marked|write)"
    "|/map/branch/|/language/|/import/export/|/audit/export|/checkin/draft|/checkin/trend|/values/check"
)
"""Pages of one thing that these companies do not have, or have at most once: a meeting, a gift, a table just sent; and
files, which are no pages."""
EXPORTS = {
    **{name: f"/import/export/{name}" for name in ("people.csv", "kpis.csv", "kpis.xlsx", "values.csv")},
    "the ledger": "/audit/export",
}
"""Files of all that there is, and their addresses."""


def _shown() -> list[str]:
    """The addresses that show something, with what stands for ids in braces."""
    declared = (endpoint for routes in feature_routes().values() for endpoint in routes.declared)
    paths = {one.path for one in declared if one.method == "GET" and not one.everybody}
    return sorted(path for path in paths if not NEEDS_MORE.search(path))


PAGES = [*_shown(), "/map?q=demo", "/map?focus=kpi-{kpi}", "/map/branch/kpi-{above}"]
COMMANDS = (
    "RecordProgress",
    "ProposeChange",
    "ProposeChange and DeclineProposal",
    "DefineKpi, in a planned cycle",
    "ChangeKpi, in a planned cycle",
    "OpenCycle",
    "RaiseTopic",
    "NoteAbsence",
    "RegisterPerson",
    "ChangeName",
    "AssignPlace",
    "CreateUnit",
)


def _figure(name: str) -> Figure:
    return Figure(name, "ms", SMALL, at_most(3), part=PART)


OF_PAGES = {path: _figure(f"page {path}") for path in PAGES}
OF_EXPORTS = {name: Figure(f"export of {name}", "s", "", at_most(30), part=PART) for name in EXPORTS}
OF_COMMANDS = {name: _figure(f"command {name}") for name in COMMANDS}
PAGES_HOLD = Figure(
    "every page: the longest that the event loop is held", "ms", "", at_most(250), PAGES_HELD, part=PART
)
COMMANDS_HOLD = Figure(
    "every command: the longest that the event loop is held", "ms", "", at_most(250), COMMANDS_HELD, part=PART
)
FIGURES = (PAGES_HOLD, COMMANDS_HOLD, *OF_PAGES.values(), *OF_EXPORTS.values(), *OF_COMMANDS.values())


@dataclass
class Holds:
    """How long the event loop did not go round, at the longest, for each thing that was done."""

    longest: dict[str, float] = field(default_factory=dict[str, float])
    collecting: dict[str, float] = field(default_factory=dict[str, float])
    """Of it, how long the collector of garbage took at most."""

    def worst(self, names: Iterable[str]) -> tuple[float, str]:
        """Milliseconds, and by what; those that come next are told beside it."""
        found = sorted(((self.longest.get(name, 0.0), name) for name in names), reverse=True)[:TOLD]
        told = [f"{name} {rounded(held)} (garbage {rounded(self.collecting.get(name, 0.0))})" for held, name in found]
        return found[0][0], "; ".join(told)

    @asynccontextmanager
    async def watching(self, name: str) -> AsyncGenerator[None]:
        held = collected = 0.0
        since = perf_counter()

        def collecting(phase: Literal["start", "stop"], _: object) -> None:
            nonlocal since, collected
            if phase == "start":
                since = perf_counter()
            else:
                collected = max(collected, perf_counter() - since)

        async def look() -> None:
            nonlocal held
            while True:
                before = perf_counter()
                await asyncio.sleep(PROBE)
                held = max(held, perf_counter() - before - PROBE)

        looking = asyncio.create_task(look())
        gc.callbacks.append(collecting)
        await asyncio.sleep(0)
        try:
            yield
            await asyncio.sleep(PROBE)  # the loop's last stand is seen by the next look
        finally:
            looking.cancel()
            gc.callbacks.remove(collecting)
            self.collecting[name] = max(self.collecting.get(name, 0.0), collected * 1000)
            self.longest[name] = max(self.longest.get(name, 0.0), held * 1000)


async def measure(bench: Bench, system: Hosted, big: Settled, small: Settled) -> None:
    holds = Holds()
    if bench.wants(PAGES_HOLD, *OF_PAGES.values(), *OF_EXPORTS.values()):
        await _pages(bench, system, big, small, holds)
    if bench.wants(COMMANDS_HOLD, *OF_COMMANDS.values()):
        await _commands(bench, system, big, small, holds)


# --- pages ------------------------------------------------------------------------------------------------------------


async def _pages(bench: Bench, system: Hosted, big: Settled, small: Settled, holds: Holds) -> None:
    async with _opened(system, big) as of_big, _opened(system, small) as of_small:
        for path, figure in OF_PAGES.items():
            async with holds.watching(path):
                at_first = await of_big.who_sees(path)
            if at_first is None:
                continue
            await of_small.who_sees(path)
            await bench.compare(figure, of_big.opening(path, holds), of_small.opening(path, Holds()))
        for name, figure in OF_EXPORTS.items():
            path = EXPORTS[name]
            async with holds.watching(path):
                began = perf_counter()
                await of_big.get(path)
                bench.report(figure, perf_counter() - began)
    worst, by = holds.worst([*PAGES, *EXPORTS.values()])
    bench.report(PAGES_HOLD, worst, by=by)


@dataclass
class Console:
    """The console of one company, and those who look at it."""

    lookers: list[Browser]
    ids: Mapping[str, str]
    sees: dict[str, Browser] = field(default_factory=dict[str, Browser])

    def address(self, path: str) -> str:
        ids = {**self.ids, "kind": "no-kpi"} if path.startswith("/gaps/") else self.ids
        return path.format(**ids)

    async def who_sees(self, path: str) -> Browser | None:
        """The first who may open it; None for an address that leads on to another page. Raises RuntimeError."""
        refusals: list[str] = []
        for browser in self.lookers:
            try:
                await browser.get(self.address(path))
            except Refused as refused:
                refusals.append(str(refused))
                if refused.status in (302, 303):
                    return None
            else:
                self.sees[path] = browser
                return browser
        raise RuntimeError(f"nobody sees {path}: {refusals}")

    async def get(self, path: str) -> None:
        browser = await self.who_sees(path)
        assert browser is not None

    def opening(self, path: str, holds: Holds) -> Callable[[], Awaitable[float]]:
        browser, address = self.sees[path], self.address(path)

        async def once(_: int) -> None:
            await browser.get(address)

        return _middle(path, once, holds)


@asynccontextmanager
async def _opened(system: Hosted, where: Settled) -> AsyncGenerator[Console]:
    addresses = {name: service.address for name, service in system.services.items()}
    settings = system.settings.model_copy(update={"services": addresses, "tenant": where.tenant})
    ids = await _ids(system, where)
    async with gateway(settings, of_settings(settings), system.issuer) as app:
        tokens = [system.issuer.mint(where.tenant, f"person:{where.people[ref]}") for ref in _lookers(where)]
        yield Console([Browser(app, token) for token in tokens], ids)


def _lookers(where: Settled) -> list[str]:
    """Who heads a unit, the head of all, who administers too, and one of the unit."""
    return [where.company.people[-1].manager, "p1", where.company.people[-1].ref]


async def _ids(system: Hosted, where: Settled) -> dict[str, str]:
    """Something of each kind that a page is about."""
    own = next(kpi for kpi in where.company.kpis if kpi.level == "individual")
    owner = next(person for person in where.company.people if person.ref == own.owners[0])
    theirs = system.client(where.tenant, f"person:{where.people[owner.ref]}")
    found = await theirs.ask(g.GetMap(cycle_id=where.cycle_id), g.GoalMap)
    proposal = await theirs.command(_proposal(where, own.ref, own.target, f"{own.target}.5"))
    topic = await theirs.command(_topic(1))
    return {
        "kpi": where.kpis[own.ref],
        "above": where.kpis[own.parent],
        "cycle": where.cycle_id,
        "person": where.people[owner.ref],
        "unit": where.units[owner.unit],
        "goal": found.goals[0].goal_id,
        "csf": found.csfs[0].csf_id,
        "proposal": proposal.id,
        "topic": topic.id,
        "day": where.company.progress[0].day.isoformat(),
        "setting": "check_in_hour",
        "kind": "kpi",
        "id": where.kpis[own.ref],
        "table": "kpis",
        "format": "csv",
    }


# --- commands ---------------------------------------------------------------------------------------------------------


async def _commands(bench: Bench, system: Hosted, big: Settled, small: Settled, holds: Holds) -> None:
    of_big, of_small = await Acting.of(system, big), await Acting.of(system, small)
    for name, figure in OF_COMMANDS.items():
        await bench.compare(figure, of_big.doing(name, holds), of_small.doing(name, Holds()))
    worst, by = holds.worst(COMMANDS)
    bench.report(COMMANDS_HOLD, worst, by=by)


@dataclass
class Acting:
    """People of one company at work: each time something else, so that nothing is a repetition."""

    where: Settled
    executive: Client
    owner: Client
    manager: Client
    own: Kpi
    planned: str
    """A cycle behind the one that runs, with a KPI in it."""
    in_plan: str
    numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    async def of(cls, system: Hosted, where: Settled) -> "Acting":
        own = next(kpi for kpi in reversed(where.company.kpis) if kpi.level == "individual")
        owner = next(person for person in where.company.people if person.ref == own.owners[0])
        executive, theirs, manager = (
            system.client(where.tenant, f"person:{where.people[ref]}") for ref in ("p1", owner.ref, owner.manager)
        )
        begins = where.company.ends_on + timedelta(days=1)
        opened = await executive.command(_cycle("Quý sau", begins, days=90))
        defined = await executive.command(_kpi(opened.id, "Đầu tiên", where.people["p1"]), key="first")
        return cls(where, executive, theirs, manager, own, opened.id, defined.id)

    def doing(self, name: str, holds: Holds) -> Callable[[], Awaitable[float]]:
        act = self._act(name)

        async def once(_: int) -> None:
            await act(next(self.numbers))

        return _middle(name, once, holds)

    def _act(self, name: str) -> Callable[[int], Awaitable[object]]:
        where, target = self.where, self.own.target
        kpi, person, unit = where.kpis[self.own.ref], where.people["p4"], where.units["u1"]

        async def decided(at: int) -> None:
            made = await self.owner.command(_proposal(where, self.own.ref, target, f"{target}.{at + 1}"))
            await self.manager.command(g.DeclineProposal(proposal_id=made.id, reason=PersonalText(plain="Chưa")))

        def replaced(at: int) -> g.ChangeKpi:
            """Always from a stand that this caller knows: the first asks, as nobody else changes it."""
            before, self._aim = self._aim, f"{100 + at}"
            change = t.TargetChange(kpi_id=self.in_plan, before=Decimal(value=before), after=Decimal(value=self._aim))
            return g.ChangeKpi(kpi_id=self.in_plan, change=change)

        acts: Mapping[str, Callable[[int], Awaitable[object]]] = {
            "RecordProgress": lambda at: self.owner.command(
                c.RecordProgress(
                    kpi_id=kpi,
                    occurred_on=from_date(where.company.ends_on - timedelta(days=10)),
                    value=Decimal(value=f"{at + 1}"),
                    confidence=3,
                )
            ),
            "ProposeChange": lambda at: self.owner.command(
                _proposal(where, self.own.ref, target, f"{target}.{at + 1}")
            ),
            "ProposeChange and DeclineProposal": decided,
            "DefineKpi, in a planned cycle": lambda at: self.executive.command(
                _kpi(self.planned, f"Chỉ tiêu {at}", person)
            ),
            "ChangeKpi, in a planned cycle": lambda at: self.executive.command(replaced(at)),
            "OpenCycle": lambda at: self.executive.command(
                _cycle(f"Kỳ {at}", where.company.ends_on + timedelta(days=200 + 2 * at), days=2)
            ),
            "RaiseTopic": lambda at: self.owner.command(_topic(at)),
            "NoteAbsence": lambda at: self.owner.command(
                cadence.NoteAbsence(
                    person_id=where.people[self.own.owners[0]],
                    first_on=from_date(where.company.ends_on + timedelta(days=2 * at + 1)),
                )
            ),
            "RegisterPerson": lambda at: self.executive.command(
                p.RegisterPerson(name=PersonalText(plain=f"Người {at}"))
            ),
            "ChangeName": lambda at: self.executive.command(
                p.ChangeName(person_id=person, name=PersonalText(plain=f"Tên {at}"))
            ),
            "AssignPlace": lambda at: self.executive.command(
                p.AssignPlace(
                    person_id=where.people[where.company.people[-1].ref],
                    place=pt.Place(unit_id=unit, manager_id=where.people[("p1", "p2")[at % 2]]),
                )
            ),
            "CreateUnit": lambda at: self.executive.command(p.CreateUnit(name=f"Phòng {at}")),
        }
        return acts[name]

    _aim: str = "100"


def _cycle(name: str, begins: date, *, days: int) -> g.OpenCycle:
    ends = begins + timedelta(days=days - 1)
    return g.OpenCycle(name=name, starts_on=from_date(begins), ends_on=from_date(ends))


def _kpi(cycle_id: str, name: str, owner: str) -> g.DefineKpi:
    measure = t.Measure(
        kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, unit="buổi", target=Decimal(value="100")
    )
    draft = t.KpiDraft(name=name, level=t.LEVEL_INDIVIDUAL, measure=measure, owner_ids=[owner])
    return g.DefineKpi(cycle_id=cycle_id, kpi=draft)


def _topic(at: int) -> topics.RaiseTopic:
    return topics.RaiseTopic(
        topic=topics.TopicDraft(title=PersonalText(plain=f"Thiếu người {at}"), problem=PersonalText(plain="Cần thêm"))
    )


def _proposal(where: Settled, ref: str, before: int, after: str) -> g.ProposeChange:
    change = t.TargetChange(kpi_id=where.kpis[ref], before=Decimal(value=str(before)), after=Decimal(value=after))
    return g.ProposeChange(
        cycle_id=where.cycle_id,
        reason_class=t.REASON_CLASS_BOTTOM_UP,
        title=PersonalText(plain="Khác đi"),
        reason=PersonalText(plain="Vì thế"),
        changes=[change],
    )


def _middle(name: str, once: Callable[[int], Awaitable[None]], holds: Holds) -> Callable[[], Awaitable[float]]:
    async def measured() -> float:
        took: list[float] = []
        async with holds.watching(name):
            stop = perf_counter() + SECONDS
            while len(took) < 3 or perf_counter() < stop:
                began = perf_counter()
                await once(len(took))
                took.append(perf_counter() - began)
        return percentile(sorted(took), 0.5) * 1000

    return measured
