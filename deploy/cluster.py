"""A cluster on one machine: the engines, several replicas of every service and the gateway, each in a process of its
own.

    async with cluster(Path("var/cluster"), replicas=2) as running:
        ...  # running.url, running.services; running.process("goals", 0).kill(), await running.process("goals",
             0).start()

`python -m deploy.cluster` runs one until Ctrl-C. It is what production is, but for the machines: tests hold both sizes
to the same.
"""

import asyncio
import os
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from json import dumps
from pathlib import Path

from deploy import keys
from deploy.engines import EngineError, Engines, Say, engines
from deploy.engines.ports import HOST, claimed
from deploy.engines.process import Child, quiet, run, tail
from eventkit.contracts import contexts

SERVICES = contexts()
"""Every context has a service of its name."""
GATEWAY = "gateway"
START_SECONDS = 90.0


@dataclass
class Process:
    """One replica. It has the same ports at every start, so that who knows them finds it again."""

    name: str
    number: int
    folder: Path
    environment: Mapping[str, str]
    arguments: Sequence[str]
    port: int
    metrics_port: int = 0
    program: Sequence[str] = ("-m", "cli.main")
    """What Python runs; tests run it in another time."""
    _child: Child | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}-{self.number}.log"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    @property
    def ended(self) -> bool:
        """It was started and has ended by itself."""
        return self._child is not None and self._child.ended is not None

    async def start(self) -> None:
        """Returns when it is ready. Raises `EngineError` with the end of its log."""
        await self.launch()
        await self.ready()

    async def launch(self) -> None:
        """Starts it and does not wait."""
        self._ports.unlink(missing_ok=True)
        command = [
            sys.executable,
            *self.program,
            "serve",
            self.name,
            "--ports-file",
            str(self._ports),
            *self.arguments,
        ]
        self._child = Child.spawn(command, log=self.log, environment={**os.environ, **self.environment})

    async def ready(self) -> None:
        assert self._child is not None
        began = time.monotonic()
        while not self._ports.exists():
            if self._child.ended is not None:
                raise EngineError(f"{self.name} ended right after its start:\n{tail(self.log)}")
            if time.monotonic() - began > START_SECONDS:
                raise EngineError(f"{self.name} is not ready after {START_SECONDS:.0f} s:\n{tail(self.log)}")
            await asyncio.sleep(0.05)

    async def stop(self, seconds: float = 15) -> None:
        """SIGTERM, and in the end SIGKILL."""
        if self._child:
            await self._child.stop((signal.SIGTERM, seconds))
            self._child = None

    def kill(self) -> None:
        """SIGKILL, as a machine that goes away."""
        if self._child:
            self._child.kill()
            self._child = None

    @property
    def _ports(self) -> Path:
        return self.folder / f"{self.name}-{self.number}.ports"


@dataclass(frozen=True, slots=True)
class Cluster:
    engines: Engines
    processes: Sequence[Process]
    issuer_key: Path
    """The demo issuer's key, by which the gateway signs."""

    @property
    def services(self) -> Mapping[str, str]:
        """The replicas' addresses by service, as NHIP_SERVICES takes them."""
        return _addresses(self.processes)

    @property
    def url(self) -> str:
        return f"http://{self.process(GATEWAY).address}"

    @property
    def addresses(self) -> Mapping[str, object]:
        """Where everything is, as `nhip up` writes it down for the other commands."""
        engines = {"postgres": self.engines.postgres, "kafka": self.engines.kafka}
        return {"services": self.services, "gateway": self.url, "engines": engines}

    def process(self, name: str, number: int = 0) -> Process:
        return next(one for one in self.processes if (one.name, one.number) == (name, number))

    def ended(self) -> list[str]:
        """The replicas that ended by themselves."""
        return [f"{one.name}-{one.number}" for one in self.processes if one.ended]


@asynccontextmanager
async def cluster(
    directory: Path,
    *,
    replicas: int = 2,
    services: Mapping[str, int] | None = None,
    port: int = 0,
    postgres: str | None = None,
    kafka: str | None = None,
    say: Say = quiet,
) -> AsyncGenerator[Cluster]:
    """Everything, ready; ended in the opposite order. `services`: only these, in so many replicas each. `port` is the
    gateway's; 0: any that is free."""
    wanted = services or dict.fromkeys(SERVICES, replicas)
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    async with engines(directory, postgres=postgres, kafka=kafka, say=say) as urls, AsyncExitStack() as stack:
        free = stack.enter_context(claimed(sum(wanted.values()) * 2 + 1))
        environment = {
            "NHIP_POSTGRES": urls.postgres,
            "NHIP_KAFKA": urls.kafka,
            "NHIP_MASTER_KEY_FILE": str(keys.master_key(directory)),
            "NHIP_ISSUER": keys.ISSUER,
            "NHIP_JWKS": str(keys.demo_jwks(directory)),
            "NHIP_SHUTDOWN_SECONDS": "5",
        }
        processes: list[Process] = []
        for name, count in wanted.items():
            for number in range(count):
                own = {"NHIP_PORT": str(free.pop()), "NHIP_METRICS_PORT": str(free.pop())}
                processes.append(
                    Process(
                        name,
                        number,
                        directory,
                        environment | own,
                        (),
                        int(own["NHIP_PORT"]),
                        int(own["NHIP_METRICS_PORT"]),
                    )
                )
        own = {
            "NHIP_PORT": str(port or free.pop()),
            "NHIP_SERVICES": ",".join(f"{n}={a}" for n, a in _addresses(processes).items()),
        }
        signs = ("--demo-issuer", str(directory / keys.ISSUER_KEY))
        processes.append(Process(GATEWAY, 0, directory, environment | own, signs, int(own["NHIP_PORT"])))
        provision = [sys.executable, "-m", "cli.main", "provision"]
        await run(
            provision,
            log=directory / "provision.log",
            what="Making databases and topics",
            environment={**os.environ, **environment},
        )
        say(f"Starting {', '.join(f'{name} ({count})' for name, count in wanted.items())}, and the gateway…")
        try:
            for process in processes:
                await process.launch()
            await asyncio.gather(*(process.ready() for process in processes))
            yield Cluster(urls, processes, directory / keys.ISSUER_KEY)
        finally:
            await processes[-1].stop()
            await asyncio.gather(*(process.stop() for process in processes))


def _addresses(processes: Sequence[Process]) -> dict[str, str]:
    named: dict[str, list[str]] = {}
    for one in processes:
        if one.name in SERVICES:
            named.setdefault(one.name, []).append(one.address)
    return {name: ",".join(addresses) for name, addresses in named.items()}


async def _run(directory: Path, replicas: int, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    postgres, kafka = (os.environ.get(f"NHIP_{name}") or None for name in ("POSTGRES", "KAFKA"))
    async with cluster(directory, replicas=replicas, port=port, postgres=postgres, kafka=kafka, say=print) as running:
        (directory / "addresses.json").write_text(dumps(running.addresses))
        print(
            f"The gateway answers on {running.url}/. Other commands: --directory {directory}. Ctrl-C stops it.",
            flush=True,
        )
        await stop.wait()


def main() -> None:
    options = ArgumentParser(
        prog="python -m deploy.cluster", description="Run every service in several processes on this machine."
    )
    options.add_argument("--directory", type=Path, default=Path("var/cluster"))
    options.add_argument("--replicas", type=int, default=2)
    options.add_argument("--port", type=int, default=8080)
    given = options.parse_args()
    try:
        asyncio.run(_run(given.directory, given.replicas, given.port))
    except EngineError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
