"""`make overload`: a service is asked for several times as much as it carries, for a minute, by gRPC and by JSON.

`python -m tests.faults.overload --seconds 60 --times 4` starts engines and services of its own under var/overload,
finds what one process of rewards answers when a few callers wait for their answers, and then has callers who wait for
nobody ask for `times` as much. It says what was taken and refused, how long that took, what queues and memory came to,
and how soon all was as before. Exit code 1 when anything that was acknowledged is not stored, anything that was refused
is, a refusal does not say when to ask again, or anybody was told of a fault.
"""

import asyncio
import json
import os
import platform
import shutil
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx
import psutil
import typer

from cli.history import points
from cli.history.command import opened
from cli.history.company import Company, founded
from cli.history.facts import Asked, Fact, read
from cli.history.judge import judge
from cli.running import Failed, run, say
from deploy import keys
from deploy.cluster import Cluster, Process, cluster
from eventkit.log import EventLog
from eventkit.log.conformance import everything
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import load
from tests.faults.overload_callers import Plan, Seen

SERVICES: Mapping[str, int] = {"people": 1, "rewards": 1}
AT_ONCE = 4
"""Callers of each way that wait for their answers while it is found out how much is carried: as many as keep it busy,
and none of whom is refused, for refusals would take of what is carried."""
FINDING_SECONDS = 10.0
QUIET_SECONDS = 10.0
AS_BEFORE = 3.0
"""How many times what 99 % of answers took while it was quiet counts as being as before."""
UNLIMITED = {"NHIP_RATE_PER_CALLER": "0", "NHIP_RATE_PER_TENANT": "0"}
"""A few callers stand for many: what is to be seen is what bounds all of them together."""


@dataclass
class Watched:
    """What a process came to: the most of its memory, in MB, and of calls that it worked on."""

    process: Process
    memory: list[float] = field(default_factory=list[float])
    in_flight: list[float] = field(default_factory=list[float])

    async def watch(self) -> None:
        assert self.process.pid
        running = psutil.Process(self.process.pid)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            while True:
                self.memory.append(running.memory_info().rss / 1e6)
                if self.process.metrics_port:
                    try:
                        told = await http.get(f"http://127.0.0.1:{self.process.metrics_port}/metrics")
                    except httpx.HTTPError:
                        pass  # it has no time for that now: the next look may be answered
                    else:
                        lines = (line for line in told.text.splitlines() if line.startswith("nhip_rpc_in_flight "))
                        self.in_flight.append(float(next(lines).split()[1]))
                await asyncio.sleep(0.25)

    def __str__(self) -> str:
        calls = f", at most {max(self.in_flight):.0f} calls at once" if self.in_flight else ""
        return f"{self.process.name}: {self.memory[0]:.0f} MB before, at most {max(self.memory):.0f} MB{calls}"


@asynccontextmanager
async def watched(*processes: Process) -> AsyncGenerator[list[Watched]]:
    found = [Watched(process) for process in processes]
    tasks = [asyncio.create_task(one.watch()) for one in found]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Trial:
    """Where it is tried, and as whom."""

    running: Cluster
    company: Company
    tokens: Sequence[str]
    directory: Path

    async def asked(self, name: str, seconds: float, *, rate: float = 0.0, at_once: int = 0) -> Sequence[Seen]:
        """By both ways, in a process each: either so many requests a second, whatever becomes of them, or by so many
        callers who wait for their answers."""
        ways = {"grpc": self.running.services["rewards"], "json": self.running.url}
        found: list[Path] = []
        processes: list[asyncio.subprocess.Process] = []
        for way, address in ways.items():
            path = self.directory / f"{name}-{way}"
            plan = Plan(
                way,
                address,
                self.tokens,
                self.company.people,
                self.company.value_id,
                seconds,
                rate / len(ways),
                at_once,
                str(path),
            )
            command = [sys.executable, "-m", "tests.faults.overload_callers", json.dumps(asdict(plan))]
            processes.append(await asyncio.create_subprocess_exec(*command))
            found.append(path)
        if any([await process.wait() for process in processes]):
            raise Failed("those who ask have failed; what they said is above")
        return [Seen(*row) for path in found for row in json.loads(path.with_suffix(".seen").read_text())]


async def facts(directory: Path, log: EventLog, tenant: str) -> list[Fact]:
    """What callers asked for and were told, by their journals, and what of it is stored."""
    said = [fact for path in sorted(directory.glob("*.jsonl")) for fact in read(path)]
    known = {fact.key for fact in said if isinstance(fact, Asked)}
    stored = [points.stored(event) for event in await everything(log) if event.tenant == tenant]
    return [*said, *(event for event in stored if event.key in known)]


def told(name: str, seen: Sequence[Seen], seconds: float) -> None:
    """How many of each outcome, and how long the answers took."""
    for way in sorted({one.way for one in seen}):
        mine = [one for one in seen if one.way == way]
        counts = Counter(one.outcome for one in mine)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
        say(f"{name}, {way}: {len(mine) / seconds:.0f} asked a second: {outcomes}")
        for outcome in ("taken", "refused"):
            if any(one.outcome == outcome for one in mine):
                half, most, worst = (of(mine, outcome, share) for share in (0.5, 0.99, 1.0))
                say(f"  {outcome}: half in {half:.0f} ms, 99 % in {most:.0f} ms, all in {worst:.0f} ms")


def of(seen: Sequence[Seen], outcome: str, share: float) -> float:
    """Milliseconds in which a share of the answers came."""
    times = sorted(one.ms for one in seen if one.outcome == outcome)
    return times[int(share * (len(times) - 1))]


def recovered(after: Sequence[Seen], before: Sequence[Seen]) -> float | None:
    """Seconds until everything was answered about as fast as before; None: that was not seen."""
    quiet = AS_BEFORE * of(before, "taken", 0.99)
    slow = [one.at + one.ms / 1000 for one in after if one.outcome != "taken" or one.ms > quiet]
    last, end = max(slow, default=0.0), max(one.at for one in after)
    return last if last < end else None


FOR_NOW = {"taken", "refused", "too late"}
"""What whoever asks for too much may be told; a fault is something else."""


async def tried(directory: Path, seconds: float, times: float) -> None:
    """Raises `Failed` when anything was lost, or not refused as it must be."""
    shutil.rmtree(directory / "overload", ignore_errors=True)
    (directory / "overload").mkdir(parents=True)
    os.environ.update(UNLIMITED)
    async with cluster(directory, services=SERVICES) as running:
        issuer = DemoIssuer(host="127.0.0.1", key_file=running.issuer_key, issuer=keys.ISSUER)

        async def sign(subject: str, tenant: str) -> str:
            return issuer.mint(tenant, subject)

        settings = load(postgres=running.engines.postgres, kafka=running.engines.kafka)
        say(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}; rewards in one process")
        async with opened(running.services, settings, sign) as where:
            company = await founded(where.client, sign)
            tokens = [issuer.mint(company.tenant, f"person:{person}") for person in company.people]
            trial = Trial(running, company, tokens, directory / "overload")
            quiet = await trial.asked("quiet", QUIET_SECONDS, at_once=1)
            told("one caller", quiet, QUIET_SECONDS)
            closed = await trial.asked("closed", FINDING_SECONDS, at_once=AT_ONCE)
            told(f"{AT_ONCE} callers who wait", closed, FINDING_SECONDS)
            carried = sum(one.outcome == "taken" for one in closed) / FINDING_SECONDS
            say(f"carried: {carried:.0f} requests a second")
            async with watched(running.process("rewards"), running.process("gateway")) as processes:
                many = await trial.asked("overload", seconds, rate=carried * times)
            told(f"{times:g} times as many", many, seconds)
            say(f"  of {carried * times:.0f} a second that were meant; load {os.getloadavg()[0]:.0f}")
            for one in processes:
                say(f"  {one}")
            after = await trial.asked("after", QUIET_SECONDS, at_once=1)
            told("one caller afterwards", after, QUIET_SECONDS)
            again = recovered(after, quiet)
            say(f"as before {'later than was looked' if again is None else f'after {again:.1f} s'}")
            verdict = judge(await facts(trial.directory, where.log, company.tenant))
        say(", ".join(f"{count} {what}" for what, count in verdict.counts.items() if count))
        for fault in verdict.faults[:10]:
            say(f"{fault.kind}: {fault.what}")
        wrong = {one.outcome for one in many} - FOR_NOW
        if wrong or verdict.faults:
            raise Failed(f"{len(verdict.faults)} faults; told what nobody should be: {', '.join(sorted(wrong)) or '-'}")
        say("nothing that was acknowledged is lost, nothing that was refused is stored")


def main() -> None:
    options = ArgumentParser(prog="make overload", description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--times", type=float, default=4.0)
    options.add_argument("--directory", type=Path, default=Path("var/overload"))
    given = options.parse_args()
    try:
        run(tried(given.directory, given.seconds, given.times))
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


if __name__ == "__main__":
    main()
