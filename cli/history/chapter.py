"""A chapter of a history: some rounds in one tenant, then everything that readers can say of it, then the judge."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from cli.client import Client
from cli.history import points, readers
from cli.history.callers import Callers
from cli.history.company import Company, Sign, founded
from cli.history.facts import Counted, Delivered, Follows, Journal, read
from cli.history.judge import Verdict, judge
from cli.history.readers import FEED, LEDGER, NOTICES, TOPIC, Asker, Follower
from cli.running import Failed
from eventkit import kafka
from eventkit.log import EventLog, Recorded
from eventkit.log.faults import TRANSIENT, Backoff
from eventkit.log.postgres import PostgresLog
from nhip.rewards.v1.events_pb2 import PraiseGiven

CALLERS, ASKERS = 8, 2
ENOUGH = 40
"""Requests that are answered in a round, however long that takes while things are broken."""
PATIENCE = 120.0
"""Seconds for which a reader may lag behind when all is said; what it was not given by then is lost."""

Round = Callable[[int], Awaitable[None]]
"""What happens in a round, beside the callers' work; its length is that of the round."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What a history is written into, and read from."""

    client: Client
    sign: Sign
    log: EventLog
    cluster: kafka.Cluster


async def chapter(
    where: Installation, directory: Path, rounds: Sequence[int], each: Round, chance: random.Random
) -> tuple[Path, Verdict]:
    """Answers the history's file and what the judge says of it."""
    begin = await _patiently(where.log.last_position)
    company = await _founded(where)
    journal = Journal(directory / f"{company.tenant}.jsonl")
    feed, topic = (Follower(name, company.tenant, begin, journal) for name in (FEED, TOPIC))
    callers = Callers(company, journal, chance)
    try:
        async with _beside(feed.feed(where.log), topic.topic(where.cluster)):
            enough = asyncio.Event()
            asker = Asker(company, journal, chance)
            async with asyncio.TaskGroup() as work:
                for _ in range(CALLERS):
                    work.create_task(callers.call())
                for _ in range(ASKERS):
                    work.create_task(asker.ask(lambda: callers.last, enough))
                for number in rounds:
                    before = callers.answered
                    await each(number)
                    while callers.answered < before + ENOUGH:
                        await asyncio.sleep(0.02)
                callers.enough()
                enough.set()
            await _all_is_said(where, company, begin, journal, asker, feed, topic)
    finally:
        journal.close()
    return journal.path, await asyncio.to_thread(lambda: judge(read(journal.path)))


async def _founded(where: Installation) -> Company:
    """Another one where what is broken took longer than its commands wait."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return await founded(where.client, where.sign)
        except Failed:
            if time.monotonic() > until:
                raise


async def _all_is_said(
    where: Installation,
    company: Company,
    begin: int,
    journal: Journal,
    asker: Asker,
    feed: Follower,
    topic: Follower,
) -> None:
    """What is stored, and what every reader has of it once it had the time."""
    log, counted = await _stored(where.log, begin, company.tenant)
    for event in log:
        fact = points.stored(event)
        journal.say(fact if event.position > company.founded else replace(fact, key=""))
    if isinstance(where.log, PostgresLog):  # elsewhere positions have gaps
        journal.say(counted)
    last = log[-1].position
    praises = {event.message.praise_id: event for event in log if isinstance(event.message, PraiseGiven)}

    async def followed() -> bool:
        return min(feed.reached, topic.reached) >= last

    async def noticed() -> bool:
        return praises.keys() <= set(await readers.noticed(company))

    async def entered() -> bool:
        return await readers.in_ledger(company) >= last

    await _until(followed)
    for name in (FEED, TOPIC):
        journal.say(Follows(name))
    await asker.all(last)
    await _until(noticed)
    told = [praises[id] for id in await readers.noticed(company) if id in praises]
    for event in sorted(told, key=lambda event: event.position):
        journal.say(Delivered(NOTICES, event.position, str(event.id)))
    journal.say(Follows(NOTICES, [PraiseGiven.DESCRIPTOR.full_name]))
    await _until(entered)
    await readers.ledger(company, journal)
    journal.say(Follows(LEDGER))
    await readers.verified(company, journal)


async def _stored(log: EventLog, begin: int, tenant: str) -> tuple[list[Recorded], Counted]:
    """The tenant's events behind a position, in the log's order; and how many there are of everybody."""

    async def found() -> tuple[list[Recorded], Counted]:
        last = await log.last_position()
        events: list[Recorded] = []
        upto, count = begin, 0
        async with aclosing(log.feed(begin)) as pages:
            async for page in pages:
                count += len(page)
                events += [event for event in page if event.tenant == tenant]
                upto = page[-1].position if page else upto
                if upto >= last:
                    break
        return events, Counted(begin, upto, count)

    return await _patiently(found)


Answer = TypeVar("Answer")


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Again while what is asked is away."""
    backoff, until = Backoff(), time.monotonic() + PATIENCE
    while True:
        try:
            return await ask()
        except TRANSIENT:
            if time.monotonic() > until:
                raise
            await backoff.pause()


async def _until(reached: Callable[[], Awaitable[bool]]) -> None:
    """What has not come about by then, the judge will say."""
    until = time.monotonic() + PATIENCE
    while not await reached() and time.monotonic() < until:
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _beside(*loops: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Loops that never end by themselves; if one does, what it raised is raised at the end."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
