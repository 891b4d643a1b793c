"""Writing a topic: an idempotent producer that notices when the topic is not the one it wrote before."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.producer.message_accumulator import BatchBuilder

from eventkit.kafka.cluster import Cluster
from eventkit.kafka.faults import TopicChanged, close
from eventkit.kafka.records import Continuity, ForeignRecord, headers, partition_of, received
from eventkit.kafka.topics import free_consumer
from eventkit.log import Recorded

BATCH_BYTES = 256 << 10
"""Of a partition's records that travel together, as long as there are several: less than the 1 MB that brokers take."""


class Kept(NamedTuple):
    """The last record of a partition that was acknowledged: its event's position, and its offset."""

    position: int
    offset: int


class Sent(NamedTuple):
    """A batch on its way to a partition."""

    partition: int
    position: int
    """Of its last event."""
    records: int
    acknowledged: "asyncio.Future[Any]"


class TopicWriter:
    """A producer for one context's topic. After any error it is of no use any more: open another one.

    `incarnation`: of the log, which each record names.
    """

    def __init__(self, cluster: Cluster, context: str, incarnation: str = ""):
        self._cluster, self._context, self._partitions = cluster, context, cluster.partitions
        self._incarnation = incarnation
        self._topic = cluster.topic(context)
        self._previous = dict.fromkeys(range(cluster.partitions), 0)
        self._end = dict.fromkeys(range(cluster.partitions), 0)

    async def __aenter__(self) -> "TopicWriter":
        # A wedged idempotent producer (a batch that expired without a leader) never recovers: timeouts are short, and a
        # new one is cheap.
        self._producer = AIOKafkaProducer(
            **self._cluster.client(),
            enable_idempotence=True,
            acks="all",
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=8_000,
            metadata_max_age_ms=5_000,
        )
        try:
            async with asyncio.timeout(20):
                await self._producer.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if not await close(self._producer.stop(), seconds=3):  # it hangs with messages queued and no broker
            await close(self._producer.client.close())

    async def look(self, kept: Mapping[int, Kept]) -> dict[int, int]:
        """How far a reader of each partition comes: the position up to which nothing is missing. 0 for an empty one.

        `kept` is what was acknowledged before. Where that record still stands, only what is behind it is looked at,
        else all of the partition. Raises a fault when the topic is missing.
        """
        reach = dict.fromkeys(range(self._partitions), 0)
        async with free_consumer(self._cluster) as consumer:
            partitions = [TopicPartition(self._topic, p) for p in reach]
            consumer.assign(partitions)
            async with asyncio.timeout(5):  # hangs when the topic is being deleted
                ends = await consumer.end_offsets(partitions)
                firsts = await consumer.beginning_offsets(partitions)
            for partition in partitions:
                first, end = firsts[partition], ends[partition]
                start, position = first, 0
                noted = kept.get(partition.partition)
                if (
                    noted
                    and first <= noted.offset < end
                    and await _position_at(consumer, partition, noted.offset) == noted.position
                ):
                    start, position = noted.offset + 1, noted.position
                reach[partition.partition] = await _walk(consumer, partition, start, end, position)
                self._end[partition.partition] = end
        self._previous = dict(reach)
        return reach

    async def send(self, events: Sequence[Recorded]) -> "list[Sent]":
        """Hand events over in order, a batch or a few for each partition; an event at or below its partition's last
        position is passed over. What was sent before need not be acknowledged yet: batches of a partition follow each
        other.

        A record's own timestamp is when it was published; when the event was recorded is in its headers. Kafka refuses
        timestamps of the future, and a log whose clock once ran ahead has some.
        """
        sent: list[Sent] = []
        open_batches: dict[int, BatchBuilder] = {}
        async with asyncio.timeout(30):
            for event in events:
                partition = partition_of(event.tenant, self._partitions)
                previous = self._previous[partition]
                if event.position <= previous:
                    continue
                key = event.tenant.encode()
                attributes = headers(event, self._context, previous, self._cluster.id, self._incarnation)
                batch = open_batches.get(partition)
                if batch is None or not batch.append(key=key, value=event.data, timestamp=None, headers=attributes):
                    if batch is not None:  # it is full
                        sent.append(await self._send(partition, batch))
                    batch = open_batches[partition] = self._producer.create_batch()
                    batch.append(key=key, value=event.data, timestamp=None, headers=attributes)  # takes any first one
                self._previous[partition] = event.position
            for partition, batch in open_batches.items():
                sent.append(await self._send(partition, batch))
        return sent

    async def _send(self, partition: int, batch: BatchBuilder) -> "Sent":
        batch.close()
        acknowledged = await self._producer.send_batch(batch, self._topic, partition=partition)
        return Sent(partition, self._previous[partition], batch.record_count(), acknowledged)

    async def acknowledged(self, sent: "Sequence[Sent]") -> dict[int, Kept]:
        """Wait until all of it is acknowledged; in the order in which it was sent.

        Answers each partition's last record. Raises `TopicChanged` when a record was put where another one had been
        before: the topic was deleted or cut short meanwhile, and what it held before is missing.
        """
        kept = dict[int, Kept]()
        async with asyncio.timeout(30):
            outcomes = await asyncio.gather(*(one.acknowledged for one in sent), return_exceptions=True)
        for (partition, position, records, _), outcome in zip(sent, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome.offset < 0:
                continue  # a repetition of which the broker does not know the place any more
            if outcome.offset < self._end[partition]:
                raise TopicChanged(
                    f"{self._topic}/{partition} ended at {self._end[partition]}, yet {outcome.offset} was free"
                )
            self._end[partition] = outcome.offset + records
            kept[partition] = Kept(position, outcome.offset + records - 1)
        return kept

    async def publish(self, events: Sequence[Recorded]) -> dict[int, Kept]:
        """Send events, and wait until all are acknowledged."""
        return await self.acknowledged(await self.send(events))


async def _position_at(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> int | None:
    consumer.seek(partition, offset)
    async with asyncio.timeout(3):
        record = await consumer.getone(partition)
    with suppress(ForeignRecord):
        return received(record).event.position if record.offset == offset else None
    return None


async def _walk(consumer: AIOKafkaConsumer, partition: TopicPartition, start: int, end: int, position: int) -> int:
    """How far a reader comes that stands before `start` with all up to `position`."""
    if start >= end:
        return position
    consumer.seek(partition, start)
    while start < end:
        async with asyncio.timeout(15):
            records = (await consumer.getmany(partition, timeout_ms=5000, max_records=2000)).get(partition, [])
        if not records:  # there are some, so the broker is away, or the topic was changed under our eyes
            raise TopicChanged(
                f"{partition.topic}/{partition.partition} gives nothing at {start}, before its end {end}"
            )
        start = records[-1].offset + 1
        for record in records:
            with suppress(ForeignRecord):
                item = received(record)
                if item.continuity(position) is Continuity.NEXT:
                    position = item.event.position
    return position
