"""`make bench`: how fast things are, each beside a limit measured in the same run, written to `docs/benchmarks.*`.

`make bench SHORT=1` measures the few figures that matter most, in about two minutes, and says what got slower since the
last that were written.
"""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from rich.console import Console

from deploy.engines import engines
from eventkit import telemetry
from tests.bench import commands, company_size, console, importing, log, projections, queries, relay, start, year
from tests.bench.harness import Bench, Figure, machine
from tests.bench.writing import as_table, slower, write

SUITES: Mapping[str, ModuleType] = {
    "log": log,
    "relay": relay,
    "importing": importing,
    "queries": queries,
    "console": console,
    "company_size": company_size,
    "projections": projections,
    "commands": commands,
    "start": start,
    "year": year,
}
"""Each has `FIGURES`, and `run(bench)`, which measures those that are wanted."""
ALONE = ("year",)
"""Those that run only when they are named."""
ROUNDS = 3


def main() -> None:
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="which to run (all)")
    parser.add_argument("--only", default="", help="only figures whose name has this in it")
    parser.add_argument("--short", action="store_true", help="the few that matter most; says what got slower")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often both sides take turns")
    parser.add_argument("--people", type=int, default=2000, help="how many people the year has")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks.md and .json")
    asyncio.run(measure(parser.parse_args()))


async def measure(asked: Namespace) -> None:
    say = Console()

    def wanted(figure: Figure) -> bool:
        return asked.only in figure.name and (figure.short or not asked.short)

    suites = [SUITES[name] for name in asked.suites or SUITES if asked.suites or name not in ALONE]
    with TemporaryDirectory(prefix="nhip-bench-") as name:
        folder = Path(name)
        telemetry.set_up(stream=(folder / "log").open("w"))  # what logging costs is part of every figure
        async with engines(folder, say=say.print) as running:
            where = await machine(running, folder)
            bench = Bench(running, folder, rounds=asked.rounds, wanted=wanted, people=asked.people)
            for suite in suites:
                if bench.wants(*suite.FIGURES):
                    say.print(f"Measuring {suite.__name__.rpartition('.')[2]}…")
                    await suite.run(bench)
    say.print(as_table(bench.found))
    for line in slower(bench.found):
        say.print(line)
    if asked.write:
        every = [figure for suite in SUITES.values() for figure in suite.FIGURES]
        write(every, bench.found, where)
        say.print("Written to docs/benchmarks.md and docs/benchmarks.json")


if __name__ == "__main__":
    main()
