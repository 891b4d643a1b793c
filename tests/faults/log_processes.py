"""The processes of `test_log_history.py`: `python -m tests.faults.log_processes writer|reader DSN JOURNAL`.

Each keeps a journal, a JSON line per fact, written before it goes on: what a killed process said survives it. Started
again on the same journal, a writer first asks again for what was left without an answer, a reader goes on where it was.
"""

import asyncio
import os
import random
import sys
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID

import asyncpg

from cli.history.facts import Asked, Delivered, Journal, Told
from cli.history.facts import read as read_facts
from eventkit.ids import uuid7
from eventkit.log import NewEvent, Origin, StreamId, Write, WrongVersion
from eventkit.log.faults import TRANSIENT
from eventkit.log.postgres import PostgresLog

STREAMS, CALLERS = 5, 8
ACTOR = "person:lan"
FAULTS = (*TRANSIENT, asyncpg.PostgresError)


def stream(number: int) -> StreamId:
    return StreamId("acme", "kpi", f"s{number}")


class Writer:
    """Callers that race for a few streams, each append counting on what its caller last saw of them."""

    def __init__(self, log: PostgresLog, journal: Path):
        told = {fact.key for fact in read_facts(journal) if isinstance(fact, Told)}
        self._open = [fact for fact in read_facts(journal) if isinstance(fact, Asked) and fact.key not in told]
        self._log, self._journal, self._parent = log, Journal(journal), os.getppid()
        self._stored: list[Asked] = []

    async def run(self) -> None:
        await asyncio.gather(*map(self._ask, self._open))
        await asyncio.gather(*(self._call() for _ in range(CALLERS)))

    async def _call(self) -> None:
        seen = dict.fromkeys(range(STREAMS), 0)
        while os.getppid() == self._parent:
            if self._stored and random.random() < 0.05:
                await self._ask(random.choice(self._stored))  # an old one once more: it must be told the same
                continue
            chosen = random.sample(range(STREAMS), random.choice((1, 2, 3)))
            sizes = [random.randint(1, 3), *(random.choice((0, 0, 1, 2)) for _ in chosen[1:])]
            writes = [
                (str(stream(n)), seen[n], [str(uuid7()) for _ in range(size)])
                for n, size in zip(chosen, sizes, strict=True)
            ]
            asked = Asked(str(uuid7()), by=ACTOR, writes=writes)
            self._journal.say(asked)
            seen |= await self._ask(asked)

    async def _ask(self, asked: Asked) -> dict[int, int]:
        """Ask until there is an answer; the versions that it teaches."""
        writes = [
            Write(
                StreamId.parse(name),
                expected,
                [NewEvent(UUID(id), "test.StreamEvent", asked.key.encode()) for id in ids],
            )
            for name, expected, ids in asked.writes
        ]
        while os.getppid() == self._parent:
            try:
                # Now and then a caller gives up waiting.
                async with asyncio.timeout(0.002 if random.random() < 0.05 else None):
                    appended = await self._log.append(*writes, origin=Origin(ACTOR))
            except WrongVersion as refused:
                self._journal.say(Told(asked.key, refused=str(refused)))
                return {int(refused.stream.id[1:]): refused.actual}
            except TimeoutError:
                continue
            except FAULTS:
                await asyncio.sleep(0.01)
                continue
            versions = {str(stream): version for stream, version in appended.versions.items()}
            self._journal.say(Told(asked.key, appended.position, versions=versions, repeated=appended.repeated))
            self._stored = [*self._stored[-50:], asked]
            return {int(stream.id[1:]): version for stream, version in appended.versions.items()}
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
    given = [fact for fact in read_facts(journal) if isinstance(fact, Delivered)]
    parent, last = os.getppid(), given[-1].position if given else 0
    notes = Journal(journal)
    log = await opened(PostgresLog(dsn, poll_seconds=0.2))
    while os.getppid() == parent:
        with suppress(*FAULTS):
            async with aclosing(log.feed(last, page=100)) as feed:
                async for page in feed:
                    for event in page:
                        notes.say(Delivered("feed", event.position, str(event.id)))
                        last = event.position


if __name__ == "__main__":
    role, url, path = sys.argv[1:]
    # What it does follows from the test's seed, which of the processes it is, and what it had said before a kill.
    random.seed(f"{os.environ['SEED']} {Path(path).name} {sum(1 for _ in read_facts(Path(path)))}")
    asyncio.run({"writer": write, "reader": read}[role](url, Path(path)))
