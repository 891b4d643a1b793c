"""Kafka: records and topics. The only module that touches aiokafka.

A context's topic holds its log, one partition per group of tenants, as CloudEvents 1.0 in binary mode. Each record also names the position
before it on its partition, so that a reader notices what is missing, and a position at or below the last one is a repetition.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import IllegalStateError, KafkaError, TopicAlreadyExistsError
from aiokafka.partitioner import murmur2

from eventkit import checkpoint
from eventkit.checkpoint import Checkpoint, Fenced
from eventkit.faults import TRANSIENT, Backoff
from eventkit.log import Origin, Recorded, StreamId
from eventkit.subscription import Subscription
from eventkit.telemetry import Metrics

log = structlog.get_logger(__name__)

FAULTS: tuple[type[Exception], ...] = (*TRANSIENT, KafkaError, IllegalStateError)


def topic(context: str) -> str:
    return f"nhip.{context}.v1"


def partition_of(tenant: str, partitions: int) -> int:
    """The partition that holds all of a tenant: Kafka's own hash of the record key."""
    return (murmur2(tenant.encode()) & 0x7FFFFFFF) % partitions


@dataclass(frozen=True, slots=True)
class Received:
    """An event as a topic delivered it."""

    event: Recorded
    previous: int
    """The position before it on its partition; 0 for the first."""
    offset: int


def headers(event: Recorded, context: str, previous: int) -> list[tuple[str, bytes]]:
    """An event's attributes as CloudEvents headers. None of them holds a personal word."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_type": event.type,
        "ce_source": f"/nhip/{context}",
        "ce_subject": str(event.stream),
        "ce_time": event.occurred_at.isoformat(),
        "ce_recordedtime": event.recorded_at.isoformat(),
        "ce_sequence": str(event.position),
        "ce_partitionkey": event.tenant,
        "ce_correlationid": event.origin.correlation_id,
        "ce_causationid": event.origin.causation_id,
        "ce_authid": event.origin.actor,
        "ce_streamversion": str(event.version),
        "ce_appendid": str(event.append_id),
        "ce_appendindex": str(event.index),
        "ce_appendsize": str(event.size),
        "ce_previous": str(previous),
        "traceparent": event.origin.traceparent,
        "content-type": "application/protobuf",
    }
    return [(name, value.encode()) for name, value in attributes.items() if value]


def received(record: "ConsumerRecord[Any, Any]") -> Received:
    """The event of a record. Raises ValueError or KeyError for one that is none of ours."""
    attributes = {name: value.decode() for name, value in record.headers if value is not None and name != "content-type"}
    event = Recorded(
        id=UUID(attributes["ce_id"]),
        type=attributes["ce_type"],
        data=record.value or b"",
        stream=StreamId.parse(attributes["ce_subject"]),
        version=int(attributes["ce_streamversion"]),
        position=int(attributes["ce_sequence"]),
        append_id=UUID(attributes["ce_appendid"]),
        index=int(attributes["ce_appendindex"]),
        size=int(attributes["ce_appendsize"]),
        occurred_at=datetime.fromisoformat(attributes["ce_time"]).astimezone(UTC),
        recorded_at=datetime.fromisoformat(attributes["ce_recordedtime"]).astimezone(UTC),
        origin=Origin(
            attributes.get("ce_authid", ""),
            b"",
            attributes.get("ce_correlationid", ""),
            attributes.get("ce_causationid", ""),
            attributes.get("traceparent", ""),
        ),
    )
    return Received(event, int(attributes["ce_previous"]), record.offset)


async def ensure_topic(servers: str, context: str, *, partitions: int, replication: int) -> None:
    """Make a context's topic if it is missing. It keeps everything, so that a new consumer can begin at the first event."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=10_000)
    await admin.start()
    try:
        if topic(context) in await admin.list_topics():
            return
        with suppress(TopicAlreadyExistsError):
            await admin.create_topics(
                [
                    NewTopic(
                        topic(context),
                        partitions,
                        replication,
                        topic_configs={"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"},
                    )
                ]
            )
            log.info("kafka.topic_created", topic=topic(context), partitions=partitions)
    finally:
        await admin.close()


# -- reading a topic


class TopicReader(ConsumerRebalanceListener):
    """Runs a subscription to another context's topic. Where it stands is kept with what it wrote, never in Kafka: on every assignment it asks
    the database. A topic that was deleted and filled again shows itself by an offset beyond its end, or by a record whose predecessor was
    never seen: then it is read from its start, and what was handled is passed over by position."""

    def __init__(
        self,
        subscription: Subscription,
        servers: str,
        pool: asyncpg.Pool,
        service: str,
        metrics: Metrics,
        *,
        partitions: int,
        replication: int,
    ):
        self._subscription, self._servers, self._pool, self._metrics = subscription, servers, pool, metrics
        self._partitions, self._replication = partitions, replication
        self._group = f"nhip.{service}.{subscription.name}"
        self._at: dict[TopicPartition, Checkpoint] = {}
        self._told = 0.0

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self._at.clear()

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self._at.clear()

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever: a broker, topic or database that is away is asked again."""
        backoff = Backoff()
        name = self._subscription.name
        while True:
            try:
                async with self._consumer() as consumer:
                    while True:
                        await self._turn(consumer)
                        backoff.succeeded()
                        beat()
            except (*FAULTS, Fenced) as error:
                self._at.clear()
                self._metrics.retries.labels(name).inc()
                log.warning("subscription.retry", subscription=name, error=type(error).__name__)
                beat()
                await backoff.pause()

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator["AIOKafkaConsumer[Any, Any]"]:
        await ensure_topic(self._servers, self._subscription.source, partitions=self._partitions, replication=self._replication)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._servers,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            metadata_max_age_ms=10_000,
            request_timeout_ms=15_000,
        )
        self._at.clear()
        try:
            async with asyncio.timeout(30):
                await consumer.start()
                consumer.subscribe([topic(self._subscription.source)], listener=self)
            yield consumer
        finally:
            with suppress(Exception):  # the broker may be away; the group forgets this member by itself
                await asyncio.wait_for(consumer.stop(), 5)

    async def _turn(self, consumer: "AIOKafkaConsumer[Any, Any]") -> None:
        for partition in consumer.assignment() - self._at.keys():
            await self._locate(consumer, partition)
        pages = await consumer.getmany(timeout_ms=200, max_records=500)
        for partition, records in pages.items():
            await self._take(consumer, partition, records)
        await self._tell(consumer)

    async def _locate(self, consumer: "AIOKafkaConsumer[Any, Any]", partition: TopicPartition) -> None:
        at = await checkpoint.load(self._pool, self._subscription.name, partition.partition)
        first = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        if not first <= at.offset <= end and at.offset:
            log.warning("kafka.topic_changed", topic=partition.topic, partition=partition.partition, offset=at.offset, first=first, end=end)
            at = await self._start_over(partition, at)
        consumer.seek(partition, max(at.offset, first))
        self._at[partition] = at

    async def _start_over(self, partition: TopicPartition, at: Checkpoint) -> Checkpoint:
        to = Checkpoint(at.position, 0)
        if at != to:
            await checkpoint.move(self._pool, self._subscription.name, partition.partition, at=at, to=to)
        return to

    async def _take(
        self, consumer: "AIOKafkaConsumer[Any, Any]", partition: TopicPartition, records: "Sequence[ConsumerRecord[Any, Any]]"
    ) -> None:
        at = self._at.get(partition)
        if at is None or records[0].offset < at.offset:  # a page from before a rebalance: dropped, to be located anew
            self._at.pop(partition, None)
            return
        fresh: list[Recorded] = []
        position = at.position
        for record in records:
            try:
                item = received(record)
            except (KeyError, ValueError, UnicodeDecodeError) as error:
                # Not written by a relay. It has no position and belongs to no stream, so there is nothing to park it behind.
                log.error(
                    "kafka.foreign_record",
                    topic=partition.topic,
                    partition=partition.partition,
                    offset=record.offset,
                    error=type(error).__name__,
                )
                continue
            if item.event.position <= position:
                continue
            if (
                item.previous > position
            ):  # records before this one are missing here: are they at the start, or must the relay mend the topic?
                self._metrics.topic_holes.labels(self._subscription.name).inc()
                log.error("kafka.hole", topic=partition.topic, partition=partition.partition, have=position, missing_from=item.previous)
                self._at.pop(partition, None)
                await self._start_over(partition, at)
                await asyncio.sleep(1)
                return
            fresh.append(item.event)
            position = item.event.position
        to = Checkpoint(position, records[-1].offset + 1)
        await self._subscription.take(partition.partition, at, to, fresh)
        self._metrics.subscription_position.labels(self._subscription.name).set(position)
        if self._at.get(partition) == at:  # unless a rebalance cleared it meanwhile
            self._at[partition] = to

    async def _tell(self, consumer: "AIOKafkaConsumer[Any, Any]") -> None:
        """Commit to Kafka now and then, for tools that show lag; nothing reads it back."""
        if self._at and time.monotonic() - self._told > 5:
            self._told = time.monotonic()
            try:
                await asyncio.wait_for(consumer.commit({p: c.offset for p, c in self._at.items()}), 2)
            except FAULTS as error:
                log.info("kafka.commit_failed", subscription=self._subscription.name, error=type(error).__name__)


@asynccontextmanager
async def _free_consumer(servers: str) -> AsyncIterator["AIOKafkaConsumer[Any, Any]"]:
    """A consumer in no group, for a look at a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest", request_timeout_ms=15_000
    )
    async with asyncio.timeout(20):
        await consumer.start()
    try:
        yield consumer
    finally:
        with suppress(Exception):
            await asyncio.wait_for(consumer.stop(), 5)


async def tenant_events(servers: str, context: str, tenant: str, partitions: int, *, upto: int) -> list[Recorded]:
    """A tenant's events in a context's topic, each once, in order, up to a position."""
    partition = TopicPartition(topic(context), partition_of(tenant, partitions))
    events: list[Recorded] = []
    position = 0
    async with _free_consumer(servers) as consumer, asyncio.timeout(60):
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, first)
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=1000, max_records=2000)).get(partition, []):
                with suppress(KeyError, ValueError, UnicodeDecodeError):
                    event = received(record).event
                    if position < event.position <= upto:
                        position = event.position
                        if event.tenant == tenant:
                            events.append(event)
    return events


# -- writing a topic


class TopicWriter:
    """An idempotent producer for one context's topic. After any error it is of no use any more: open another one."""

    def __init__(self, servers: str, context: str, partitions: int):
        self._servers, self._context, self._partitions = servers, context, partitions
        self._previous = dict.fromkeys(range(partitions), 0)

    async def __aenter__(self) -> "TopicWriter":
        # A wedged idempotent producer (a batch that expired without a leader) never recovers: timeouts are short, and a new one is cheap.
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            enable_idempotence=True,
            acks="all",
            max_batch_size=65_536,
            request_timeout_ms=15_000,
            metadata_max_age_ms=10_000,
        )
        async with asyncio.timeout(20):
            await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await asyncio.wait_for(self._producer.stop(), 3)  # hangs with messages queued and no broker
        except Exception:
            await self._producer.client.close()

    async def look(self) -> dict[int, int]:
        """The position of each partition's last record, 0 for an empty one. Raises a fault when the topic is missing."""
        last = dict.fromkeys(range(self._partitions), 0)
        async with _free_consumer(self._servers) as consumer:
            partitions = [TopicPartition(topic(self._context), p) for p in last]
            consumer.assign(partitions)
            async with asyncio.timeout(15):
                ends = await consumer.end_offsets(partitions)
                firsts = await consumer.beginning_offsets(partitions)
                for partition in partitions:
                    # Looks back over foreign records, should there be any behind the last event.
                    for offset in range(ends[partition] - 1, firsts[partition] - 1, -1):
                        consumer.seek(partition, offset)
                        with suppress(KeyError, ValueError, UnicodeDecodeError):
                            last[partition.partition] = received(await consumer.getone(partition)).event.position
                            break
        self._previous = dict(last)
        return last

    async def publish(self, events: Sequence[Recorded]) -> None:
        """Publish events in order and wait until all are acknowledged; an event at or below its partition's last position is passed over."""
        waiting: list[asyncio.Future[Any]] = []
        previous = dict(self._previous)
        async with asyncio.timeout(30):
            for event in events:
                partition = partition_of(event.tenant, self._partitions)
                if event.position <= previous[partition]:
                    continue
                waiting.append(
                    await self._producer.send(
                        topic(self._context),
                        event.data,
                        key=event.tenant.encode(),
                        partition=partition,
                        timestamp_ms=int(event.recorded_at.timestamp() * 1000),
                        headers=headers(event, self._context, previous[partition]),
                    )
                )
                previous[partition] = event.position
            for outcome in await asyncio.gather(*waiting, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome
        self._previous = previous
