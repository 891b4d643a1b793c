"""A context with its log, its relay and whoever reads its topic, for tests."""

import asyncio
import time
import traceback
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from eventkit.database import transaction
from eventkit.ids import uuid7
from eventkit.kafka import Cluster, TopicReader, Topics, ensure_topic, partition_of, relay
from eventkit.kafka.relay import Relay
from eventkit.log import EventLog, NewEvent, Origin, Recorded, StreamId, Write, incarnations
from eventkit.log.conformance import everything
from eventkit.log.incarnations import Incarnations
from eventkit.log.postgres import PostgresLog
from eventkit.subscriptions import checkpoint, parking, readers
from eventkit.subscriptions.checkpoint import Checkpoint
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.subscription import Subscription
from eventkit.telemetry import Metrics
from tests.waiting import PATIENCE

PARTITIONS = 3
TENANTS = ("acme", "bình-minh", "corp", "delta", "eden")
Run = Callable[[Callable[[], None]], Awaitable[None]]


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = PATIENCE) -> Any:
    """Waits for something to become true; the one deadline of these tests."""
    deadline = time.monotonic() + seconds
    while not (found := await condition()):
        if time.monotonic() > deadline:
            for task in asyncio.all_tasks():  # where everybody is stuck
                task.print_stack(limit=4)
        assert time.monotonic() < deadline, "it did not come about in time"
        await asyncio.sleep(0.03)
    return found


@asynccontextmanager
async def running(*runs: Run) -> AsyncGenerator[None]:
    """Loops that must not end by themselves."""

    async def loop(run: Run) -> None:
        try:
            await run(lambda: None)
        except BaseException as error:
            if not ended:
                traceback.print_exception(error)
            raise

    ended = False
    tasks = [asyncio.ensure_future(loop(run)) for run in runs]
    try:
        yield
        for task in tasks:
            assert not task.done(), task.exception()
    finally:
        ended = True
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


CUT_LEADS = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where application_name = 'nhip leads' and datname = current_database()"
)
"""Ends whatever leads."""


class Notes:
    """A subscription that notes in its own database what it was given, in one transaction with its checkpoint."""

    def __init__(self, name: str, source: str, pool: asyncpg.Pool):
        self.name, self.source, self._pool = name, source, pool
        self.seen: list[Recorded] = []

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        async with transaction(self._pool) as con:
            await checkpoint.move(con, self.name, partition, at=at, to=to)
            await con.executemany(
                "insert into noted(name, partition, position) values ($1, $2, $3)",
                [(self.name, partition, e.position) for e in events],
            )
        self.seen += events

    async def retry(self, stream: StreamId) -> None:
        raise NotImplementedError

    discard = retry


@dataclass
class World:
    context: str
    kafka: Cluster
    dsn: str
    log: EventLog
    pool: asyncpg.Pool
    metrics: Metrics = field(default_factory=Metrics)
    of: str = ""
    """Whose process it is that reads and writes here; empty: the owner's."""
    leads: list[Leads] = field(default_factory=list[Leads])
    stored: int = 0

    def relay(self, *, look_seconds: float = 0.3) -> Relay:
        """A relay as in a process of its own, with leads of its own."""
        self.leads.append(Leads(self.dsn))
        return Relay(self.context, self.log, self.pool, self.leads[-1], self.topics(), self.metrics, look_seconds)

    def reader(self, name: str = "notes") -> TopicReader:
        return self.reading(Notes(name, self.context, self.pool))

    def reading(self, subscription: Subscription, service: str = "test") -> TopicReader:
        """One of another `service` has a group of its own, and so all partitions."""
        return TopicReader(subscription, self.topics(), self.pool, service, self.metrics)

    def topics(self) -> Topics:
        """As in a process of its own."""
        return Topics(self.kafka, [self.context], self.metrics, self.incarnations())

    def incarnations(self) -> Incarnations:
        return Incarnations(self.of or self.context, self.pool, self.log.stored)

    async def append(self, count: int, *, tenants: Sequence[str] = TENANTS) -> None:
        for _ in range(count):
            tenant = tenants[self.stored % len(tenants)]
            event = NewEvent(uuid7(), "test.StreamEvent", b"data %d" % self.stored)
            await self.log.append(
                Write(StreamId(tenant, "kpi", uuid4().hex), 0, [event]), origin=Origin("person:lan", b"d", "c", "b")
            )
            self.stored += 1

    async def by_partition(self) -> dict[int, list[int]]:
        """The log's positions, as they should come out of each partition."""
        positions: dict[int, list[int]] = defaultdict(list)
        for event in await everything(self.log):
            positions[partition_of(event.tenant, PARTITIONS)].append(event.position)
        return positions

    async def noted(self, name: str = "notes") -> dict[int, list[int]]:
        positions: dict[int, list[int]] = defaultdict(list)
        for row in await self.pool.fetch("select partition, position from noted where name = $1 order by number", name):
            positions[row["partition"]].append(row["position"])
        return positions

    async def until_all_is_noted(self, name: str = "notes", seconds: float = PATIENCE) -> None:
        """Each event once and in order; a repetition or a gap fails at once, what is on its way is waited for."""

        async def complete() -> bool:
            want, have = await self.by_partition(), await self.noted(name)
            for partition, positions in have.items():
                assert positions == want[partition][: len(positions)]
            return have == want

        await until(complete, seconds)

    async def records(self) -> dict[int, list["ConsumerRecord[Any, Any]"]]:
        """All that is in the topic, by partition."""
        found: dict[int, list[ConsumerRecord[Any, Any]]] = {}
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.servers, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        try:
            for number in range(PARTITIONS):
                partition = TopicPartition(self.kafka.topic(self.context), number)
                consumer.assign([partition])
                end = (await consumer.end_offsets([partition]))[partition]
                found[number] = []
                while await consumer.position(partition) < end:
                    found[number] += (await consumer.getmany(partition, timeout_ms=500)).get(partition, [])
        finally:
            await consumer.stop()
        return found

    async def published(self) -> int:
        return sum(map(len, (await self.records()).values()))

    async def relayed(self) -> int:
        """How far the relay has come."""
        return await self.pool.fetchval("select coalesce(max(position), 0) from relay")

    async def until_relayed(self) -> None:
        async def all_of_it() -> bool:
            return await self.relayed() == await self.log.last_position()

        await until(all_of_it)

    async def delete_topic(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.servers)
        await admin.start()
        try:
            await admin.delete_topics([self.kafka.topic(self.context)])

            async def gone() -> bool:
                return self.kafka.topic(self.context) not in await admin.list_topics()

            await until(gone)
        finally:
            await admin.close()

    async def make_topic(self) -> None:
        await ensure_topic(self.kafka, self.context)

    async def send(self, partition: int, value: bytes | None, headers: list[tuple[str, Any]]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.servers)
        await producer.start()
        try:
            await producer.send_and_wait(
                self.kafka.topic(self.context), value, key=b"somebody", partition=partition, headers=headers
            )
        finally:
            await producer.stop()

    def count(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0


@asynccontextmanager
async def world(postgres: str, kafka: str | Cluster, log: EventLog | None = None) -> AsyncGenerator[World]:
    """Over a log in PostgreSQL, or another adapter's."""
    cluster = Cluster(kafka, PARTITIONS, 1) if isinstance(kafka, str) else kafka
    async with AsyncExitStack() as stack:
        log = log or await stack.enter_async_context(PostgresLog(postgres, poll_seconds=0.1))
        pool = await stack.enter_async_context(asyncpg.create_pool(postgres, min_size=1, max_size=6))
        await pool.execute(
            ";".join((checkpoint.SCHEMA, parking.SCHEMA, relay.SCHEMA, readers.SCHEMA, incarnations.SCHEMA))
        )
        await pool.execute(
            "create table if not exists noted(number bigint generated always as identity, name text, partition int, "
            "position bigint)"
        )
        world = World(f"test-{uuid4().hex[:8]}", cluster, postgres, log, pool)
        await world.incarnations().begin()
        yield world
        for leads in world.leads:
            await leads.__aexit__()
