"""From a log over Kafka to another service's view, beside Kafka's own client."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from eventkit import database
from eventkit.kafka import Cluster, TopicReader, Topics, ensure_topic, headers, partition_of
from eventkit.kafka.relay import Relay
from eventkit.log import Recorded, Write
from eventkit.log.postgres import PostgresLog
from eventkit.process import provision
from eventkit.subscriptions.checkpoint import Checkpoint
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.subscription import Projecting
from eventkit.telemetry import Metrics
from services.goals.views.progress import ProgressView
from tests.bench.harness import Bench, Figure, at_least, at_most, percentile
from tests.bench.log import ORIGIN, event, fill, stream

RELAY = Figure(
    "relay: log, Kafka's acknowledgement, checkpoint",
    "events/s",
    "bare aiokafka `send` loop, the same records ready made",
    at_least(1.2),
    "Python for each event, in one process: a third is reading it from the log, a quarter its headers, a sixth the "
    "batch that it travels in; the other side has all that ready made. Headers that are the same in all records were "
    "remembered: a tenth of what headers take, so that was left.",
    short=True,
)
ON_ITS_WAY = (
    "A commit of the log before what the other side measures, and one statement behind it, of the view and its "
    "checkpoint; and the Python of the log, the relay and the reader, in one process here. No pause is among it: only "
    "pages that several appends share are some way apart."
)
VISIBLE = Figure(
    "append, visible in another service's view, p50",
    "ms",
    "bare Kafka produce, consume, p50",
    at_most(2),
    ON_ITS_WAY,
    short=True,
)
VISIBLE_P99 = Figure(
    "append, visible in another service's view, p99", "ms", "bare Kafka produce, consume, p99", at_most(3), ON_ITS_WAY
)
FIGURES = (RELAY, VISIBLE, VISIBLE_P99)
EVENTS, TENANTS, PARTITIONS = 60_000, 50, 6
TIMES = 200
"""How often a round looks how long an event is on its way."""
SETTINGS = {"enable_idempotence": True, "acks": "all", "max_batch_size": 131_072}
"""Of the bare producer: as durable as the relay's, and with the batches that served it best."""


async def run(bench: Bench) -> None:
    if bench.wants(RELAY):
        dsn = await bench.database("relay")
        async with PostgresLog(dsn) as log, _pool(dsn) as pool:
            await provision.tables(pool, [])
            await fill(dsn, EVENTS, TENANTS)
            await bench.compare(RELAY, lambda: _relaying(bench, log, pool, dsn), lambda: _sending(bench, log))
    if bench.wants(VISIBLE, VISIBLE_P99):
        async with _over_kafka(bench) as ours, _bare(bench) as theirs:
            took: list[tuple[list[float], list[float]]] = []
            for number in range(bench.rounds):
                sides = [await side() for side in (ours, theirs)[:: -1 if number % 2 else 1]]
                first, second = sides[:: -1 if number % 2 else 1]
                took.append((first, second))
            for figure, share in ((VISIBLE, 0.5), (VISIBLE_P99, 0.99)):
                values, others = (
                    sorted(percentile(side, share) * 1e3 for side in sides) for sides in zip(*took, strict=True)
                )
                bench.report(figure, values[len(values) // 2], others[len(others) // 2])


def _cluster(bench: Bench) -> Cluster:
    return Cluster(bench.kafka, PARTITIONS, 1)


def _pool(dsn: str) -> asyncpg.Pool:
    """As a service has it."""
    return database.pool(dsn, "bench", 4, least=2)


async def _relaying(bench: Bench, log: PostgresLog, pool: asyncpg.Pool, dsn: str) -> float:
    """Events a second, from the first look at the log to the checkpoint behind the last event."""
    await pool.execute("truncate relay")
    async with Leads(dsn) as leads:
        context = f"bench-{uuid4().hex[:8]}"
        await ensure_topic(_cluster(bench), context)
        relay = Relay(context, log, pool, leads, Topics(_cluster(bench), [context], Metrics()), Metrics())
        began = time.perf_counter()
        running = asyncio.create_task(relay.run(lambda: None))
        while await pool.fetchval("select coalesce(max(position), 0) from relay") < EVENTS:
            await asyncio.sleep(0.005)
        took = time.perf_counter() - began
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return EVENTS / took


async def _sending(bench: Bench, log: PostgresLog) -> float:
    """Records a second: pages of 1,000 are sent, then all of it is waited for."""
    context = f"bench-{uuid4().hex[:8]}"
    await ensure_topic(_cluster(bench), context)
    topic = _cluster(bench).topic(context)
    ready = [
        (e.tenant.encode(), e.data, partition_of(e.tenant, PARTITIONS), headers(e, context, e.position - 1))
        for e in await _logged(log)
    ]
    async with AIOKafkaProducer(bootstrap_servers=bench.kafka, **SETTINGS) as producer:
        began = time.perf_counter()
        for start in range(0, len(ready), 1_000):
            sent = [
                await producer.send(topic, data, key=key, partition=partition, headers=attributes)
                for key, data, partition, attributes in ready[start : start + 1_000]
            ]
            await asyncio.gather(*sent)
        return len(ready) / (time.perf_counter() - began)


async def _logged(log: PostgresLog) -> list[Recorded]:
    events: list[Recorded] = []
    feed = log.feed()
    async for page in feed:
        events += page
        if len(events) >= EVENTS:
            break
    await feed.aclose()
    return events


class Watched(Projecting):
    """Keeps a view, and tells when an event is in it."""

    def __init__(self, view: ProgressView, pool: asyncpg.Pool):
        super().__init__([view], pool, Metrics())
        self.seen: dict[int, asyncio.Event] = {}

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        await super().take(partition, at, to, events)
        for e in events:
            self.seen.setdefault(e.position, asyncio.Event()).set()


@asynccontextmanager
async def _over_kafka(bench: Bench) -> AsyncGenerator[Callable[[], "asyncio.Task[list[float]]"]]:
    """Measures, in seconds in order of length, how long an append takes until another service's view has it."""
    source, target = await bench.database("written"), await bench.database("read")
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(PostgresLog(source))
        own, other = [await stack.enter_async_context(_pool(dsn)) for dsn in (source, target)]
        view = ProgressView()
        await provision.tables(own, [])
        await provision.tables(other, [view])
        leads = await stack.enter_async_context(Leads(source))
        topics = Topics(_cluster(bench), [view.source], Metrics())
        relay = Relay(view.source, log, own, leads, topics, Metrics())
        watched = Watched(view, other)
        reader = TopicReader(watched, topics, other, "bench", Metrics())
        loops = [asyncio.create_task(loop.run(lambda: None)) for loop in (relay, reader)]

        async def measure() -> list[float]:
            took: list[float] = []
            for number in range(TIMES):
                began = time.perf_counter()
                appended = await log.append(Write(stream(number % TENANTS), 0, [event()]), origin=ORIGIN)
                await watched.seen.setdefault(appended.position, asyncio.Event()).wait()
                took.append(time.perf_counter() - began)
            return sorted(took)

        await measure()  # the first one waits until all is assigned
        try:
            yield lambda: asyncio.create_task(measure())
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


@asynccontextmanager
async def _bare(bench: Bench) -> AsyncGenerator[Callable[[], "asyncio.Task[list[float]]"]]:
    """Measures how long a record takes from a producer to a consumer."""
    context = f"bench-{uuid4().hex[:8]}"
    await ensure_topic(_cluster(bench), context)
    topic = _cluster(bench).topic(context)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bench.kafka, group_id=context, auto_offset_reset="earliest")
    async with AIOKafkaProducer(bootstrap_servers=bench.kafka, **SETTINGS) as producer, consumer:

        async def measure() -> list[float]:
            took: list[float] = []
            for number in range(TIMES):
                made = event()
                began = time.perf_counter()
                sending = asyncio.create_task(
                    producer.send_and_wait(topic, made.data, key=b"k", partition=number % PARTITIONS)
                )
                await consumer.getone()
                took.append(time.perf_counter() - began)
                await sending
            return sorted(took)

        await measure()
        yield lambda: asyncio.create_task(measure())
