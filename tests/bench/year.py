"""A year of a company that checks in every week: brought in by the API's batch, folded anew, and asked for.

At its full size (2,000 people) it takes about as long as all the others together, so it is run by its own name alone:
`make bench ARGS="year"`, with `--people 200` for a tenth of it.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

from cli.generating import TIME_ZONE
from eventkit.context import by_the_clock
from eventkit.values import from_date, from_decimal
from nhip.checkins.v1 import cadence_pb2 as cd
from nhip.checkins.v1 import check_ins_pb2 as ci
from nhip.checkins.v1 import checkins_pb2 as c
from nhip.common.v1.operations_pb2 import Rebuild
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.reactors.falling_due import FallingDue
from services.checkins.views.check_in import CheckInView
from tests.bench.company import Hosted, Settled, hosted, settle
from tests.bench.harness import Bench, Figure, at_least, at_most, latencies, percentile

WEEKS, UPDATES = 50, 5
AT_ONCE = 100
"""Check-ins in one batch; one person's stand together."""
BESIDE = 4
SECONDS = 3.0
SHOWN = 20
"""Lines that each question is answered with, at least."""

SIZE = "How large the run was: 2,000 people, who have about four KPIs each, and fifty weeks."
SHARED = (
    "What is decided about 5,000 people takes 20 ms of Python, measured by itself. The run that stands here shared two "
    "cores with a load of twelve, which is in all figures of the year; with 200 people it was 48 ms."
)
CHECK_INS = Figure("a year: check-ins brought in", "check-ins", "", at_least(100_000), SIZE)
VALUES = Figure("a year: values in them", "values", "", at_least(450_000), SIZE)
LOAD = Figure(
    "a year: check-ins brought in by the batch",
    "check-ins/s",
    "",
    at_least(150),
    "Of a check-in with five values: seven events that are decided one on the other, words that are sealed, and one "
    "append; views follow beside it, in the same process.",
)
FOLDED = Figure("a year: every view of checkins' events folded anew", "events/s", "", at_least(5_000))
BOARD = Figure("a year: a team board", "ms", "", at_most(150))
TREND = Figure("a year: one person's check-ins, a page", "ms", "", at_most(30))
CALENDAR = Figure("a year: one person's calendar", "ms", "", at_most(60))
DUE = Figure("a year: who is due of everybody", "ms", "", at_most(2_000))
KEPT = Figure("a year: longest that saying who is due keeps other calls", "ms", "", at_most(100), SHARED)
FIGURES = (CHECK_INS, VALUES, LOAD, FOLDED, BOARD, TREND, CALENDAR, DUE, KEPT)


@dataclass(frozen=True)
class Year:
    where: Settled
    today: date
    owned: dict[str, list[str]]
    """By person the KPIs that they record, five at most."""

    @property
    def days(self) -> list[date]:
        """On which check-ins were due, all over."""
        return [self.today - timedelta(days=7 * week) for week in range(WEEKS, 0, -1)]

    def batches(self) -> Iterator[ci.BatchSubmitCheckIns]:
        """Person by person, each from the first day on."""
        items: list[ci.CheckInItem] = []
        for number, (person, kpis) in enumerate(self.owned.items()):
            chance = Random(number)
            for at, day in enumerate(self.days, 1):
                items.append(ci.CheckInItem(check_in=_check_in(person, day, kpis, at, chance)))
                if len(items) == AT_ONCE:
                    yield ci.BatchSubmitCheckIns(items=items)
                    items = []
        if items:
            yield ci.BatchSubmitCheckIns(items=items)


def _check_in(person: str, day: date, kpis: Sequence[str], at: int, chance: Random) -> ci.SubmitCheckIn:
    values = [
        c.RecordProgress(
            kpi_id=kpi,
            value=from_decimal(at),
            confidence=chance.randint(3, 9),
            occurred_on=from_date(day),
            confirmed=True,
        )
        for kpi in kpis
    ]
    return ci.SubmitCheckIn(
        person_id=person,
        due_on=from_date(day),
        values=values,
        mood=chance.randint(2, 5),
        done=[PersonalText(plain=f"Việc của tuần {at}")],
        planned=[PersonalText(plain=f"Việc của tuần {at + 1}")],
        blockers=[PersonalText(plain="Chờ duyệt")] if at % 5 == 0 else [],
    )


async def run(bench: Bench) -> None:
    async with hosted(bench, ("people", "goals", "checkins")) as system:
        year = await _settled(system, bench.people)
        count = await _load(bench, system, year)
        await _fold(bench, system)
        await _ask(bench, system, year)
        await _say_due(bench, system, year)
        bench.report(CHECK_INS, count)


async def _settled(system: Hosted, people: int) -> Year:
    where = await settle(system, "year", people, people * 11 // 2, values=0, over=WEEKS * 7 + 7)
    owned: dict[str, list[str]] = defaultdict(list)
    for kpi in where.company.kpis:
        if kpi.level == "individual" and len(owned[where.people[kpi.owners[0]]]) < UPDATES:
            owned[where.people[kpi.owners[0]]].append(where.kpis[kpi.ref])
    for person in where.people.values():  # who leads checks in, too
        owned.setdefault(person, [])
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    year = Year(where, today, dict(owned))
    rhythm = cd.SetCadence(every_weeks=1, first_on=from_date(year.days[0]))
    rhythm.weekday = today.isoweekday()  # type: ignore[assignment] # the enum's number
    importer = system.client(where.tenant, "service:importer")
    done = await importer.command(rhythm)
    person = system.client(where.tenant, f"person:{where.people['p1']}")
    heard = [f"{name}={await system.resources[name].log.last_position()}" for name in ("people", "goals")]
    await person.ask(cd.ListCadence(), cd.CadenceList, after=[done.position, *heard])
    return year


async def _load(bench: Bench, system: Hosted, year: Year) -> int:
    """Answers how many check-ins there are."""
    importer = system.client(year.where.tenant, "service:importer")
    batches, made, values = year.batches(), 0, 0
    began = time.perf_counter()

    async def send() -> None:
        nonlocal made, values
        for batch in batches:  # several take from one
            done = await importer.command(batch)
            refused = [one.refused.message for one in done.verdicts if one.refused.reason]
            assert not refused, refused[0]
            made += len(batch.items)
            values += sum(len(one.check_in.values) for one in batch.items)

    await asyncio.gather(*(send() for _ in range(BESIDE)))
    bench.report(LOAD, made / (time.perf_counter() - began))
    bench.report(VALUES, values)
    return made


async def _fold(bench: Bench, system: Hosted) -> None:
    """From the first event, as `nhip rebuild` asks for it: they share a subscription."""
    checkins, view = system.resources["checkins"], CheckInView()
    end = await checkins.log.last_position()
    await checkins.reached.wait([view.subscription], checkins.partition("checkins")("year"), end)
    operator = system.client("year", "service:operator")
    began = time.perf_counter()
    await operator.command(Rebuild(service="checkins", view=view.name), at="checkins", deadline=3600)
    bench.report(FOLDED, end / (time.perf_counter() - began))


async def _ask(bench: Bench, system: Hosted, year: Year) -> None:
    where = year.where
    head = next(unit.head for unit in where.company.units)
    member = next(person.ref for person in where.company.people if person.manager == head)
    manager = system.client(where.tenant, f"person:{where.people[head]}")
    person = system.client(where.tenant, f"person:{where.people[member]}")
    for figure, client, request, reply in (
        (BOARD, manager, ci.ListTeam(), ci.Team),
        (TREND, person, ci.ListCheckIns(), ci.CheckInList),
        (CALENDAR, person, cd.GetCalendar(person_id=where.people[member]), cd.Calendar),
    ):

        async def once(_: int, client=client, request=request, reply=reply) -> None:
            answer = await client.ask(request, reply)
            shown = (
                answer.members
                if isinstance(answer, ci.Team)
                else answer.check_ins
                if isinstance(answer, ci.CheckInList)
                else answer.slots
            )
            assert len(shown) >= SHOWN

        bench.report(figure, percentile(await latencies(1, once, SECONDS), 0.5) * 1000)


async def _say_due(bench: Bench, system: Hosted, year: Year) -> None:
    """Of everybody, for tomorrow, today and the week before; a year of check-ins behind it."""
    timer = FallingDue(system.resources["checkins"])
    ctx = by_the_clock(year.where.tenant, "bench", str(uuid4()), datetime.now(UTC), datetime.now(UTC))
    longest, going = 0.0, True

    async def others() -> None:
        nonlocal longest
        while going:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began)

    beside = asyncio.create_task(others())
    began = time.perf_counter()
    await timer.look_at(ctx, year.today)
    bench.report(DUE, (time.perf_counter() - began) * 1000)
    going = False
    await beside
    bench.report(KEPT, longest * 1000)
