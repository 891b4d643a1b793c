"""The local engines: real PostgreSQL and real Apache Kafka on one machine, from wheels and jars, under one directory.

    async with engines(Path("var")) as urls:
        ...  # urls.postgres, urls.kafka

Both stop in order when the block ends. What a killed owner left running is stopped and started again by the next one;
data stays. A directory has one owner at a time. An engine whose URL is given is not started. Knows nothing of Nhip's
services.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from deploy.engines.engine import Engine
from deploy.engines.kafka import KafkaEngine
from deploy.engines.postgres import PostgresEngine
from deploy.engines.process import EngineError, InUse, Say, quiet

__all__ = ["EngineError", "Engines", "InUse", "KafkaEngine", "PostgresEngine", "Say", "engines", "url_of_database"]


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the engines answer."""

    postgres: str
    """URL of the server, as superuser of its database `postgres`; none of ours."""
    kafka: str
    """Bootstrap address, `host:port`."""
    ours: tuple[Engine, ...] = ()
    """Those that were started here."""

    async def until_one_ends(self) -> None:
        """For ever, while those that were started here run. Raises `EngineError` when one has ended by itself."""
        while True:
            for engine in self.ours:
                if engine.ended:
                    raise EngineError(f"{engine.name} has ended by itself; its log: {engine.log}")
            await asyncio.sleep(0.5)


@asynccontextmanager
async def engines(
    directory: Path, *, postgres: str | None = None, kafka: str | None = None, say: Say = quiet
) -> AsyncGenerator[Engines]:
    """Start the engines that no URL is given for, in `directory`, and stop them in the end.

    Raises `EngineError` with a sentence for a person; `InUse` when another process owns the directory.
    """
    postgres_engine = None if postgres else PostgresEngine(directory, say=say)
    kafka_engine = None if kafka else KafkaEngine(directory, say=say)
    ours: list[Engine] = [engine for engine in (postgres_engine, kafka_engine) if engine]
    try:
        await _start(ours)
        yield Engines(
            postgres=postgres_engine.url if postgres_engine else str(postgres),
            kafka=kafka_engine.address if kafka_engine else str(kafka),
            ours=tuple(ours),
        )
    finally:
        await _stop(ours)


def url_of_database(server: str, name: str) -> str:
    """The URL of database `name` on that server."""
    parts = urlsplit(server)
    # urlunsplit drops an empty host, which a URL with a socket has: postgresql:///name?host=…
    return urlunsplit(parts._replace(netloc=parts.netloc or "postgres@", path="/" + quote(name)))


async def _start(ours: list[Engine]) -> None:
    """All at once; when one cannot, the others are called off and its error is raised as itself."""
    for engine in ours:
        engine.claim()  # in one order and before anything starts: of two owners one gets all, not each a part
    try:
        async with asyncio.TaskGroup() as group:
            for engine in ours:
                group.create_task(engine.start())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _stop(ours: list[Engine]) -> None:
    """All at once, each to its end."""
    for result in await asyncio.gather(*(engine.stop() for engine in ours), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
