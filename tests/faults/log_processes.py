"""The processes of `test_log_history.py`: `python -m tests.faults.log_processes writer|reader DSN JOURNAL`.

Each keeps a journal, a JSON line per fact, written before it goes on: what a killed process said survives it. Started
again on the same journal, a writer first asks again for what was left without an answer, a reader goes on where it was.
"""

import asyncio
import json
import os
import random
import sys
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Write, WrongVersion
from eventkit.log.faults import TRANSIENT
from eventkit.log.postgres import PostgresLog

STREAMS, CALLERS = 5, 8
FAULTS = (*TRANSIENT, asyncpg.PostgresError)

Spec = list[tuple[int, int, list[str]]]
"""An append as its journal has it: number of the stream, expected version, ids of the events; none is a guard."""


def stream(number: int) -> StreamId:
    return StreamId("acme", "kpi", f"s{number}")


def facts(journal: Path) -> Iterator[dict[str, Any]]:
    """What a journal says; a line that was cut off by a kill was not said."""
    text = journal.read_text() if journal.exists() else ""
    yield from map(json.loads, text[: text.rfind("\n") + 1].splitlines())


class Journal:
    def __init__(self, path: Path):
        whole = "".join(json.dumps(fact) + "\n" for fact in facts(path))
        path.write_text(whole)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def say(self, **fact: Any) -> None:
        os.write(self._file, (json.dumps(fact) + "\n").encode())


class Writer:
    """Callers that race for a few streams, each append counting on what its caller last saw of them."""

    def __init__(self, log: PostgresLog, journal: Path):
        asked = {fact["key"]: fact["spec"] for fact in facts(journal) if "spec" in fact}
        for fact in facts(journal):
            if "told" in fact:
                asked.pop(fact["key"], None)
        self._open, self._log, self._journal, self._parent = asked, log, Journal(journal), os.getppid()
        self._stored: list[tuple[str, Spec]] = []

    async def run(self) -> None:
        await asyncio.gather(*(self._ask(key, spec) for key, spec in self._open.items()))
        await asyncio.gather(*(self._call() for _ in range(CALLERS)))

    async def _call(self) -> None:
        seen = dict.fromkeys(range(STREAMS), 0)
        while os.getppid() == self._parent:
            if self._stored and random.random() < 0.05:
                key, spec = random.choice(self._stored)  # an old one once more: it must be told the same
                await self._ask(key, spec)
                continue
            chosen = random.sample(range(STREAMS), random.choice((1, 2, 3)))
            sizes = [random.randint(1, 3), *(random.choice((0, 0, 1, 2)) for _ in chosen[1:])]
            spec: Spec = [
                (s, seen[s], [str(uuid7()) for _ in range(size)]) for s, size in zip(chosen, sizes, strict=True)
            ]
            key = str(uuid7())
            self._journal.say(key=key, spec=spec)
            seen |= await self._ask(key, spec)

    async def _ask(self, key: str, spec: Spec) -> dict[int, int]:
        """Ask until there is an answer; the versions that it teaches."""
        writes = [
            Write(stream(s), expected, [NewEvent(UUID(id), "test.StreamEvent", key.encode()) for id in ids])
            for s, expected, ids in spec
        ]
        while os.getppid() == self._parent:
            try:
                # Now and then a caller gives up waiting.
                async with asyncio.timeout(0.002 if random.random() < 0.05 else None):
                    appended = await self._log.append(*writes, origin=Origin("person:lan"))
            except WrongVersion as refused:
                self._journal.say(key=key, told="refused")
                return {int(refused.stream.id[1:]): refused.actual}
            except TimeoutError:
                continue
            except FAULTS:
                await asyncio.sleep(0.01)
                continue
            versions = {int(s.id[1:]): version for s, version in appended.versions.items()}
            self._journal.say(
                key=key,
                told="stored",
                position=appended.position,
                versions=list(versions.items()),
                repeated=appended.repeated,
            )
            self._stored = [*self._stored[-50:], (key, spec)]
            return versions
        return {}


async def write(dsn: str, journal: Path) -> None:
    await Writer(await opened(PostgresLog(dsn)), journal).run()


async def opened(log: PostgresLog) -> PostgresLog:
    """Once PostgreSQL answers: it may be killed just when a process starts. Nobody closes it: the process is killed."""
    while True:
        with suppress(*FAULTS):
            return await log.__aenter__()
        await asyncio.sleep(0.1)


async def read(dsn: str, journal: Path) -> None:
    parent, last = os.getppid(), max((fact["position"] for fact in facts(journal)), default=0)
    notes = Journal(journal)
    log = await opened(PostgresLog(dsn, poll_seconds=0.2))
    while os.getppid() == parent:
        with suppress(*FAULTS):
            async with aclosing(log.feed(last, page=100)) as feed:
                async for page in feed:
                    for event in page:
                        notes.say(position=event.position, id=str(event.id))
                        last = event.position


if __name__ == "__main__":
    role, url, path = sys.argv[1:]
    # What it does follows from the test's seed, which of the processes it is, and what it had said before a kill.
    random.seed(f"{os.environ['SEED']} {Path(path).name} {sum(1 for _ in facts(Path(path)))}")
    asyncio.run({"writer": write, "reader": read}[role](url, Path(path)))
