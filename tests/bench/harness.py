"""What every benchmark stands on: figures with goals, measured side by side in one run, and where they are written.

Machines are noisy, and differ: what counts is a ratio inside one run. Both sides take turns for several rounds; a
figure's ratio is the median of the rounds' ratios.
"""

import asyncio
import gc
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import asyncpg

from deploy.engines import Engines, url_of_database
from eventkit.process import provision
from eventkit.settings import load

Measure = Callable[[], Awaitable[float]]
"""Measures one side once: answers it in the figure's unit."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach."""

    at: Literal["≥", "≤"]
    limit: float

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at == "≥" else value <= self.limit

    def __str__(self) -> str:
        return f"{self.at} {self.limit:g}"


def at_least(limit: float) -> Goal:
    return Goal("≥", limit)


def at_most(limit: float) -> Goal:
    return Goal("≤", limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what is measured, what it is divided by, and what the ratio should be."""

    name: str
    unit: str
    against: str
    """The other side; empty where the goal is for the value itself."""
    goal: Goal
    limited_by: str = ""
    """What limits it, as profiling shows, and what was tried to lift it."""
    short: bool = False
    """Measured by the short run too."""
    part: str = ""
    """The heading under which it is written; empty: the first table."""


@dataclass(frozen=True, slots=True)
class Measured:
    figure: Figure
    value: float
    against: float | None
    """The other side's value; None where there is none."""
    ratio: float | None
    by: str = ""
    """Of what is the worst of many: which of them it was."""

    @property
    def judged(self) -> float:
        """What the goal is held against."""
        return self.value if self.ratio is None else self.ratio

    def as_json(self) -> dict[str, Any]:
        """A row of `docs/benchmarks.json`."""
        figure = self.figure
        against = figure.against
        if self.against is not None:
            against += f": {rounded(self.against)} {figure.unit}"
        against = self.by or against
        return {
            "name": figure.name,
            "value": float(f"{self.value:.3g}") if self.value < 1000 else round(self.value),
            "unit": figure.unit,
            "against": against,
            "ratio": None if self.ratio is None else float(f"{self.ratio:.3g}"),
            "goal": str(figure.goal),
            "met": figure.goal.met(self.judged),
        }


class Bench:
    """A run: which figures are wanted, the engines to measure on, and what was found so far."""

    def __init__(
        self, running: Engines, folder: Path, *, rounds: int, wanted: Callable[[Figure], bool], people: int = 2000
    ):
        """`people`: how many the year of check-ins has."""
        self.engines, self.folder, self.rounds, self.people = running, folder, rounds, people
        self.found: list[Measured] = []
        self._wanted = wanted

    @property
    def postgres(self) -> str:
        """URL of the run's own PostgreSQL server."""
        return self.engines.postgres

    @property
    def kafka(self) -> str:
        """Bootstrap servers of the run's own Kafka."""
        return self.engines.kafka

    async def database(self, name: str) -> str:
        """A new database, with the role that queries run as: answers its DSN."""
        await provision.databases(load(postgres=self.postgres), [name])
        return url_of_database(self.postgres, f"nhip_{name}")

    def wants(self, *figures: Figure) -> bool:
        """Whether any of the figures is to be measured: what they need is set up only then."""
        return any(self._wanted(figure) for figure in figures)

    async def compare(self, figure: Figure, ours: Measure, theirs: Measure) -> None:
        """Measure a figure, both sides in turns."""
        if not self.wants(figure):
            return
        values, others = list[float](), list[float]()
        for number in range(self.rounds):
            for side, results in [(ours, values), (theirs, others)][:: -1 if number % 2 else 1]:
                gc.collect()  # what the other side left is not this one's to clear away
                results.append(await side())
        ratios = [a / b for a, b in zip(values, others, strict=True)]
        self.report(figure, statistics.median(values), statistics.median(others), statistics.median(ratios))

    def report(
        self, figure: Figure, value: float, against: float | None = None, ratio: float | None = None, *, by: str = ""
    ) -> None:
        """Note a figure that was measured otherwise."""
        if not self.wants(figure):
            return
        if against is not None and ratio is None:
            ratio = value / against
        self.found.append(Measured(figure, value, against, ratio, by))


async def rate(callers: int, once: Callable[[int], Awaitable[int]], seconds: float = 1.5) -> float:
    """Things done a second by so many callers at once; `once` is told which caller it is, and answers how many it
    did."""
    done = 0
    stop = time.perf_counter() + seconds

    async def call(number: int) -> None:
        nonlocal done
        while time.perf_counter() < stop:
            things = await once(number)
            done += things  # not `done += await …`: that would read `done` before the wait

    began = time.perf_counter()
    await asyncio.gather(*(call(number) for number in range(callers)))
    return done / (time.perf_counter() - began)


async def latencies(callers: int, once: Callable[[int], Awaitable[object]], seconds: float = 1.5) -> list[float]:
    """The seconds that each call took, in order of length."""
    took: list[float] = []
    stop = time.perf_counter() + seconds

    async def call(number: int) -> None:
        while (began := time.perf_counter()) < stop:
            await once(number)
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(call(number) for number in range(callers)))
    return sorted(took)


def percentile(ordered: list[float], share: float) -> float:
    """Of values in order: the one that so large a share of them does not exceed, 0.99 for p99."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def fdatasync_rate(folder: Path, seconds: float = 1.0) -> float:
    """How often a second the disk confirms 4 KiB: no commit is faster than that."""
    path, block, done = folder / "fdatasync", os.urandom(4096), 0
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(file, block, 0)
        os.fsync(file)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            os.pwrite(file, block, 0)
            os.fdatasync(file)
            done += 1
        return done / (time.perf_counter() - began)
    finally:
        os.close(file)
        path.unlink()


async def machine(running: Engines, folder: Path) -> list[str]:
    """What the figures were measured on, in sentences."""
    cpu = next((x.split(":", 1)[1].strip() for x in _lines("/proc/cpuinfo") if x.startswith("model name")), "?")
    memory = next((int(x.split()[1]) for x in _lines("/proc/meminfo") if x.startswith("MemTotal")), 0)
    con = await asyncpg.connect(running.postgres)
    try:
        version = await con.fetchval("show server_version")
        names = ("fsync", "synchronous_commit", "shared_buffers", "max_wal_size")
        settings = ", ".join([f"{name}={await con.fetchval(f'show {name}')}" for name in names])
    finally:
        await con.close()
    return [
        f"{os.cpu_count()} cores ({cpu}), {memory / 2**20:.0f} GiB; engines, services and callers share them.",
        f"PostgreSQL {version}: {settings}.",
        f"The disk confirms {rounded(await asyncio.to_thread(fdatasync_rate, folder))} fdatasync of 4 KiB a second.",
    ]


def rounded(value: float) -> str:
    """A value as people read it: three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _lines(path: str) -> Iterable[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else ()
