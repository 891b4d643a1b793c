"""What people meet in a company of 5,000 people and 20,000 KPIs, beside one of 8 people and 15 KPIs: lists and
searches, home, an approval, a change of one person."""

import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from time import perf_counter
from typing import TypeVar

from google.protobuf.message import Message
from google.type.decimal_pb2 import Decimal

from cli.client import Client
from eventkit.directory.directory import Directory
from eventkit.rpc.auth import of_settings
from eventkit.values import from_date
from nhip.common.v1.operations_pb2 import CarryOutTogether, Step
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as g
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2 as p
from services.gateway.service import gateway
from tests.bench import every_page
from tests.bench.company import Hosted, Settled, hosted, settle
from tests.bench.console import Browser
from tests.bench.harness import Bench, Figure, at_most, latencies, percentile

Item = TypeVar("Item")
PEOPLE, KPIS = 5000, 20_000
SECONDS = 1.5
SMALL = "the same at 8 people and 15 KPIs"

WHOLE = (
    "Every KPI of the cycle is looked at: its row, its last value, its status. Who sets strategy asks for it, and "
    "administrators."
)
NAMES = "Names are sealed: a search opens those of everybody once, and keeps what they are found by until they change."

LIST = Figure("people: a page of the list, 5,000 people", "ms", SMALL, at_most(3))
SEARCH = Figure("people: found by a word, 5,000 people", "ms", SMALL, at_most(10), NAMES)
OWN = Figure("goals: one person's KPIs of 20,000", "ms", SMALL, at_most(3))
OVERVIEW = Figure("goals: what a cycle of 20,000 KPIs lacks", "ms", "", at_most(2000), WHOLE)
HOME = Figure("console: home of a manager, 5,000 people and 20,000 KPIs", "ms", SMALL, at_most(3))
APPROVAL = Figure("an approval, 20,000 KPIs", "ms", SMALL, at_most(3))
PERSON = Figure("one person's title changed, seen by goals, 5,000 people", "ms", SMALL, at_most(3))
MEMORY = Figure("a service's directory of 5,000 people", "MiB", "", at_most(64))
AS_ONE = (
    "Each row is decided on what those before it leave, its words sealed, and all of it stored in one INSERT; the "
    "process that carries it out answers others in between."
)
STAFF = Figure("a table of 5,000 people, written as one", "s", "", at_most(60), AS_ONE)
TABLE = Figure("a table of 20,000 KPIs, written as one", "s", "", at_most(150), AS_ONE)
FIGURES = (LIST, SEARCH, OWN, OVERVIEW, HOME, APPROVAL, PERSON, MEMORY, STAFF, TABLE, *every_page.FIGURES)


async def run(bench: Bench) -> None:
    async with hosted(bench, ("people", "goals", "checkins", "rewards", "retros", "notifications", "audit")) as system:
        if bench.wants(STAFF, TABLE):
            await _tables(bench, system)
        if not bench.wants(LIST, SEARCH, OWN, OVERVIEW, HOME, APPROVAL, PERSON, MEMORY, *every_page.FIGURES):
            return
        small = await settle(system, "few", 8, 15, values=1)
        big = await settle(system, "many", PEOPLE, KPIS, values=1)
        for figure, measure in (
            (LIST, _list),
            (SEARCH, _search),
            (OWN, _own),
            (APPROVAL, _approval),
            (PERSON, _person),
        ):
            await bench.compare(figure, measure(system, big), measure(system, small))
        await bench.compare(HOME, _home(system, big), _home(system, small))
        bench.report(MEMORY, await _directory(system, big))
        bench.report(OVERVIEW, await _asking(system, big, lambda _: g.GetOverview(cycle_id=big.cycle_id), g.Overview)())
        await every_page.measure(bench, system, big, small)


async def _tables(bench: Bench, system: Hosted) -> None:
    """As an import writes them: two hundred rows a step, everything in one request."""
    tenant = "tables"
    await system.client(tenant, "service:operator").command(p.CreateTenant(name="Bảng"))
    importer = system.client(tenant, "service:importer")
    people = [
        p.PersonItem(person=p.RegisterPerson(name=PersonalText(plain=f"Người {n}")), key=f"p{n}") for n in range(PEOPLE)
    ]
    steps = [("BatchRegisterPeople", p.BatchRegisterPeople(items=some)) for some in _by_200(people)]
    began = perf_counter()
    done = await importer.command(_together(steps), at="people", deadline=600)
    bench.report(STAFF, perf_counter() - began)
    today = datetime.now(UTC).date()
    cycle = await importer.command(
        g.OpenCycle(name="Quý", starts_on=from_date(today), ends_on=from_date(today + timedelta(days=90))),
        key="cycle",  # asked again, until all of them are known in goals
        after=[done.position],
    )
    measure = t.Measure(
        kind=t.MEASURE_KIND_CUMULATIVE, direction=t.DIRECTION_INCREASE, unit="cuộc", target=Decimal(value="30")
    )
    kpis = [
        g.KpiItem(
            kpi=g.DefineKpi(
                cycle_id=cycle.id,
                kpi=t.KpiDraft(
                    name=f"Chỉ tiêu {n // PEOPLE + 1}",
                    level=t.LEVEL_INDIVIDUAL,
                    measure=measure,
                    owner_ids=[done.verdicts[n % PEOPLE].id],
                ),
            ),
            key=f"k{n}",
        )
        for n in range(KPIS)
    ]
    steps = [("BatchDefineKpis", g.BatchDefineKpis(items=some)) for some in _by_200(kpis)]
    began = perf_counter()
    await importer.command(_together(steps), at="goals", deadline=600)
    bench.report(TABLE, perf_counter() - began)


def _by_200(items: Sequence[Item]) -> list[Sequence[Item]]:
    return [items[start : start + 200] for start in range(0, len(items), 200)]


def _together(steps: Sequence[tuple[str, Message]]) -> CarryOutTogether:
    return CarryOutTogether(steps=[Step(method=name, request=each.SerializeToString()) for name, each in steps])


def _asking(
    system: Hosted, where: Settled, ask: Callable[[int], Message], reply: type[Message]
) -> Callable[[], Awaitable[float]]:
    client, numbers = _client(system, where), count()
    return _middle(lambda: client.ask(ask(next(numbers)), reply))


def _list(system: Hosted, where: Settled) -> Callable[[], Awaitable[float]]:
    return _asking(system, where, lambda _: p.ListPeople(active=True, page_size=8), p.PeopleList)


def _search(system: Hosted, where: Settled) -> Callable[[], Awaitable[float]]:
    words = ("nguyen", "minh", "thi", "van")
    return _asking(system, where, lambda at: p.ListPeople(text=words[at % 4], page_size=8), p.PeopleList)


def _own(system: Hosted, where: Settled) -> Callable[[], Awaitable[float]]:
    owner = where.people["p3"]
    return _asking(system, where, lambda _: g.ListKpis(cycle_id=where.cycle_id, owner_ids=[owner]), g.Kpis)


def _person(system: Hosted, where: Settled) -> Callable[[], Awaitable[float]]:
    operator, client, numbers = system.client(where.tenant, "service:operator"), _client(system, where), count()

    async def once() -> None:
        title = PersonalText(plain=f"Chức {next(numbers)}")
        done = await operator.command(p.ChangeTitle(person_id=where.people["p3"], title=title))
        await client.ask(g.ListCycles(), g.Cycles, after=[done.position])

    return _middle(once)


def _approval(system: Hosted, where: Settled) -> Callable[[], Awaitable[float]]:
    """A proposal of somebody for a company KPI, approved by an executive: of the two only the approval is timed."""
    kpi, target = next((where.kpis[k.ref], k.target) for k in where.company.kpis if k.level == "company")
    now = [str(target)]
    proposer = _client(system, where)
    executive = next(person.ref for person in where.company.people if "executive" in person.roles)
    decider = system.client(where.tenant, f"person:{where.people[executive]}")
    numbers = count()

    async def measure() -> float:
        taken: list[float] = []
        for _ in range(10):
            after = f"{target}.{next(numbers) % 9 + 1}"
            change = t.TargetChange(kpi_id=kpi, before=Decimal(value=now[0]), after=Decimal(value=after))
            made = await proposer.command(
                g.ProposeChange(
                    cycle_id=where.cycle_id,
                    reason_class=t.REASON_CLASS_BOTTOM_UP,
                    title=PersonalText(plain="Khác đi"),
                    reason=PersonalText(plain="Vì thế"),
                    changes=[change],
                )
            )
            approval = g.ApproveProposal(proposal_id=made.id, comment=PersonalText(plain="Được"))
            began = perf_counter()
            await decider.command(approval)
            taken.append(perf_counter() - began)
            now[0] = after
        return percentile(sorted(taken), 0.5) * 1000

    return measure


def _home(system: Hosted, where: Settled) -> Callable[[], Awaitable[float]]:
    manager = where.company.people[-1].manager  # of a unit
    addresses = {name: service.address for name, service in system.services.items()}
    settings = system.settings.model_copy(update={"services": addresses, "tenant": where.tenant})

    async def measure() -> float:
        async with gateway(settings, of_settings(settings), system.issuer) as app:
            browser = Browser(app, system.issuer.mint(where.tenant, f"person:{where.people[manager]}"))
            await browser.get("/")  # templates are compiled, outlines read: once for a process
            return await _middle(lambda: browser.get("/"))()

    return measure


async def _directory(system: Hosted, where: Settled) -> float:
    """What a process allocates and keeps to know a tenant's people, in MiB: read anew, as after a start."""
    goals = system.resources["goals"]
    directory = Directory(goals.pool, goals.partition("people"), goals.reached, goals.pool)
    gc.collect()
    tracemalloc.start()
    try:
        org = await directory.org_chart(where.tenant)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(org.people) >= PEOPLE
    return kept / 2**20


def _client(system: Hosted, where: Settled) -> Client:
    return system.client(where.tenant, f"person:{where.people['p3']}")


def _middle(once: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[float]]:
    async def one(_: int) -> None:
        await once()

    async def measure() -> float:
        return percentile(await latencies(1, one, SECONDS), 0.5) * 1000

    return measure
