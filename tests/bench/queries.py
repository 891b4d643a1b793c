"""Questions to goals, through gRPC: at a big company as at a small one, and of past days as of today."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from itertools import count
from random import Random

from google.protobuf.message import Message

from cli.client import Client
from eventkit.values import from_date
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as g
from tests.bench.company import Hosted, Settled, hosted, settle
from tests.bench.harness import Bench, Figure, at_most, latencies, percentile

SMALL, MIDDLE, BIG, BIGGEST, PEOPLE = 15, 1000, 5000, 20_000, 5000
SECONDS = 1.5

AGAIN = (
    "A call's own steps and about ten round trips. The outline of the cycle is remembered; the first question after a "
    "change of the cycle reads it anew, some tenths of a second at 20,000 KPIs, most of it rows on their way from "
    "PostgreSQL. Counting by queries was left: what is below a company's KPI is a part of the company."
)
PAST = (
    "Today's targets are read beside those of the day. Days between two changes share an outline, whichever was asked "
    "for first."
)

KPI_PAST = Figure("GetKpi as of a past day, 1,000 KPIs", "ms", "the same now", at_most(1.5), PAST)
MAP_PAST = Figure("GetMap as of a past day, 1,000 KPIs", "ms", "the same now", at_most(2), PAST)
MAP_5000 = Figure("GetMap, folded, 5,000 KPIs and 5,000 people", "ms", "the same at 15 KPIs", at_most(3), AGAIN)
MAP_20000 = Figure(
    "GetMap, folded, 20,000 KPIs and 5,000 people", "ms", "the same at 15 KPIs", at_most(3), AGAIN, short=True
)
KPI_5000 = Figure("GetKpi, 5,000 KPIs and 5,000 people", "ms", "the same at 15 KPIs", at_most(3), AGAIN)
KPI_20000 = Figure("GetKpi, 20,000 KPIs and 5,000 people", "ms", "the same at 15 KPIs", at_most(3), AGAIN)
FIGURES = (KPI_PAST, MAP_PAST, MAP_5000, MAP_20000, KPI_5000, KPI_20000)

Ask = Callable[[int], Message]
"""The request with a number: another KPI, another day each time."""


async def run(bench: Bench) -> None:
    async with hosted(bench, ("people", "goals", "checkins")) as system:
        if bench.wants(KPI_PAST, MAP_PAST):
            middle = await settle(system, "middle", 250, MIDDLE, values=12)
            await bench.compare(KPI_PAST, _p50(system, middle, _kpi(middle, past=True)), _now(system, middle, _kpi))
            await bench.compare(MAP_PAST, _p50(system, middle, _map(middle, past=True)), _now(system, middle, _map))
        if bench.wants(MAP_5000, MAP_20000, KPI_5000, KPI_20000):
            small = await settle(system, "small", 8, SMALL)
            for kpis, map_figure, kpi_figure in ((BIG, MAP_5000, KPI_5000), (BIGGEST, MAP_20000, KPI_20000)):
                if bench.wants(map_figure, kpi_figure):
                    big = await settle(system, f"big-{kpis}", PEOPLE, kpis, values=1)
                    await bench.compare(map_figure, _now(system, big, _map), _now(system, small, _map))
                    await bench.compare(kpi_figure, _now(system, big, _kpi), _now(system, small, _kpi))


def _now(system: Hosted, where: Settled, ask: Callable[[Settled], Ask]) -> Callable[[], Awaitable[float]]:
    return _p50(system, where, ask(where))


def _p50(system: Hosted, where: Settled, ask: Ask) -> Callable[[], Awaitable[float]]:
    """Milliseconds of the request in the middle, of one caller."""
    client = system.client(where.tenant, f"person:{where.people['p3']}")
    numbers = count()

    async def once(_: int) -> None:
        await _answer(client, ask(next(numbers)))

    async def measure() -> float:
        return percentile(await latencies(1, once, SECONDS), 0.5) * 1000

    return measure


async def _answer(client: Client, request: Message) -> Message:
    return await client.ask(request, g.GoalMap if isinstance(request, g.GetMap) else g.KpiPage)


def _map(where: Settled, *, past: bool = False) -> Ask:
    days = _days(where)
    return lambda at: g.GetMap(cycle_id=where.cycle_id, as_of=_as_of(days[at % len(days)]) if past else None)


def _kpi(where: Settled, *, past: bool = False) -> Ask:
    """Of every level in turn, so that each kind of page counts alike."""
    levels, days = [where.of_level(level) for level in ("company", "department", "individual")], _days(where)

    def ask(at: int) -> Message:
        level = levels[at % len(levels)]
        as_of = _as_of(days[at % len(days)]) if past else None
        return g.GetKpi(kpi_id=level[at // len(levels) % len(level)], as_of=as_of)

    return ask


def _days(where: Settled) -> Sequence[date]:
    """The days of the cycle that are over, in no order."""
    starts_on = where.company.starts_on
    days = [starts_on + timedelta(days=at) for at in range(10, 79)]
    Random(1).shuffle(days)
    return days


def _as_of(day: date) -> AsOf:
    return AsOf(effective_on=from_date(day))
