"""`make history`: a cluster of its own, in which something breaks in every round while `nhip history` has callers race.

`python -m tests.faults.history --rounds 500 --seed s` starts its own engines and services under var/history: two
replicas of rewards, whose log it is, and one each of those that follow it. What breaks, and when, follows from the
seed.
"""

import asyncio
import os
import random
import secrets
import shutil
import signal
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import typer

from cli.history.command import opened, proved
from cli.running import run, say
from deploy import keys
from deploy.cluster import Cluster, Process, cluster
from deploy.engines import EngineError, url_of_database
from deploy.engines.engine import Engine
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.settings import load

SERVICES: Mapping[str, int] = {"people": 1, "rewards": 2, "notifications": 1, "audit": 1}
SECONDS = 1.5
"""Of a round, what breaks included, if that takes no longer."""
CUT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()"
CUT_ONE = CUT + " and application_name like 'nhip %' order by random() limit 1"


@dataclass
class Faults:
    """What breaks in a cluster. Whatever was killed starts again while the next things break."""

    running: Cluster
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter[str])
    _starting: dict[str, "asyncio.Task[None]"] = field(default_factory=dict[str, "asyncio.Task[None]"])

    async def round(self, _: int) -> None:
        """One fault at a random moment, of those that are dear more seldom."""
        ends = asyncio.get_running_loop().time() + SECONDS
        await asyncio.sleep(self.chance.uniform(0.0, SECONDS / 2))
        faults = list(self.all)
        while True:
            await asyncio.sleep(0.05)
            what = self.chance.choices(faults, [self.all[one][0] for one in faults])[0]
            if await self.all[what][1]():
                break
        self.counts[what] += 1
        await asyncio.sleep(max(0.1, ends - asyncio.get_running_loop().time()))

    @property
    def all(self) -> Mapping[str, tuple[int, Callable[[], Awaitable[bool]]]]:
        """By name: how often, and what it is; False: not now, as what it would break is broken."""
        return {
            "writer killed": (24, lambda: self.killed("rewards")),
            "both writers killed": (6, self.both_writers_killed),
            "consumer of the ledger killed": (8, lambda: self.killed("audit")),
            "consumer of the notices killed": (8, lambda: self.killed("notifications")),
            "zombie": (12, self.zombie),
            "connection cut": (12, lambda: self.cut(CUT_ONE)),
            "all connections cut": (8, lambda: self.cut(CUT)),
            "PostgreSQL killed": (6, lambda: self.engine_killed("PostgreSQL")),
            "Kafka killed": (2, lambda: self.engine_killed("Kafka")),
            "Kafka stopped": (1, self.kafka_stopped),
            "clock jumps": (8, self.clock_jumps),
        }

    async def killed(self, service: str, *program: str) -> bool:
        """kill -9, in the middle of whatever it does."""
        if not all(self._runs(one.log.name) for one in self.running.processes if one.name == service):
            return False
        process = self.running.process(service, self.chance.randrange(SERVICES[service]))
        self._kill(process, *program)
        return True

    async def both_writers_killed(self) -> bool:
        writers = [one for one in self.running.processes if one.name == "rewards" and self._runs(one.log.name)]
        if len(writers) < 2:
            return False
        for one in writers:
            self._kill(one)
        return True

    async def zombie(self) -> bool:
        """Stopped; the database drops it, so that the other leads; then it wakes up and goes on as if nothing were."""
        process = self.running.process("rewards", self.chance.randrange(2))
        if not self._runs(process.log.name) or not process.pid:
            return False
        os.kill(process.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
            if self.chance.random() < 0.7:
                await self.cut(CUT)
            await asyncio.sleep(self.chance.uniform(0.1, 0.7))
        finally:
            os.kill(process.pid, signal.SIGCONT)
        return True

    async def cut(self, which: str) -> bool:
        """Connections of the services to the log's database."""
        if not self._runs("PostgreSQL"):
            return False
        con = await asyncpg.connect(url_of_database(self.running.engines.postgres, "postgres"))
        try:
            await con.fetch(which, "nhip_rewards")
        finally:
            await con.close()
        return True

    async def engine_killed(self, name: str) -> bool:
        engine = self._engine(name)
        if not self._runs(name):
            return False
        engine.kill()
        self._starting[name] = asyncio.create_task(_started_again(engine))
        return True

    async def kafka_stopped(self) -> bool:
        """In order, as for maintenance."""
        if not self._runs("Kafka"):
            return False
        self._starting["Kafka"] = asyncio.create_task(self._engine("Kafka").restart())
        return True

    async def clock_jumps(self) -> bool:
        """One of the writers is started again in a time that is up to two minutes away, and stays there until it is
        killed."""
        return await self.killed("rewards", "-m", "tests.faults.clock", f"{self.chance.uniform(-120, 120):.1f}")

    async def started(self) -> None:
        """All that was killed runs again. Raises what kept one from it."""
        await asyncio.gather(*self._starting.values())

    def stop(self) -> None:
        """Nothing starts any more."""
        for starting in self._starting.values():
            starting.cancel()

    def _runs(self, name: str) -> bool:
        starting = self._starting.get(name)
        if starting and starting.done():
            starting.result()
        return starting is None or starting.done()

    def _kill(self, process: Process, *program: str) -> None:
        process.kill()
        process.program = program or Process.program
        self._starting[process.log.name] = asyncio.create_task(process.start())

    def _engine(self, name: str) -> Engine:
        return next(engine for engine in self.running.engines.ours if engine.name == name)


async def _started_again(engine: Engine) -> None:
    """As whoever looks after it would: what a killed PostgreSQL leaves behind for a moment can keep the next one from
    starting."""
    for left in reversed(range(5)):
        await asyncio.sleep(0.5)
        try:
            return await engine.start()
        except EngineError:
            if not left:
                raise


async def proof(directory: Path, rounds: int, seed: str) -> None:
    """Raises `Failed` when there was a fault."""
    shutil.rmtree(directory / "history", ignore_errors=True)
    async with cluster(directory, services=SERVICES) as running:
        # Tokens of an hour ago, which a process whose clock is late takes, too.
        issuer = DemoIssuer(
            host="127.0.0.1",
            key_file=running.issuer_key,
            issuer=keys.ISSUER,
            now=lambda: time.time() - 3600,
        )

        async def sign(subject: str, tenant: str) -> str:
            return issuer.mint(tenant, subject)

        engines = running.engines
        settings = load(postgres=engines.postgres, kafka=engines.kafka)
        faults = Faults(running, random.Random(f"faults {seed}"))
        async with opened(running.services, settings, sign) as where:
            try:
                await proved(where, directory / "history", rounds, seed, faults.round)
                await faults.started()
            finally:
                faults.stop()
                say(", ".join(f"{what} {count}" for what, count in sorted(faults.counts.items())))
                for process in running.processes:
                    process.kill()


def main() -> None:
    options = ArgumentParser(prog="make history", description=__doc__)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--seed", default="")
    options.add_argument("--directory", type=Path, default=Path("var/history"))
    given = options.parse_args()
    try:
        run(proof(given.directory, given.rounds, given.seed or secrets.token_hex(4)))
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


if __name__ == "__main__":
    main()
