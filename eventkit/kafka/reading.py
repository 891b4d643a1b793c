"""Reading a topic: runs a subscription to another context's events, and tells a tenant's events for a comparison."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener

from eventkit.database import connection
from eventkit.kafka.cluster import Cluster
from eventkit.kafka.faults import FAULTS, close, own_cancellation
from eventkit.kafka.records import Continuity, ForeignRecord, Received, partition_of, received
from eventkit.kafka.topics import Topics, free_consumer
from eventkit.log import Recorded
from eventkit.log.faults import Backoff
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import Checkpoint, Fenced
from eventkit.subscriptions.subscription import Look, Subscription
from eventkit.telemetry import Metrics

log = structlog.get_logger(__name__)


TURN_MS = 1_000
"""How long a turn waits for records, which end the wait."""
FETCH_MS = 1_000
"""How long a broker waits for records before it answers that there are none; they are answered at once."""
RETRY_MS = 1_000
"""How long each of a consumer's three loops waits between attempts to connect. It knows no growing pauses; by its
default of 100 a process with fifteen consumers tries 450 times a second while Kafka is away."""
PAGE = 1_000
"""Records that are handled together when many wait."""


class TopicReader(ConsumerRebalanceListener):
    """Runs a subscription to another context's topic.

    Where it stands is kept with what it wrote, never in Kafka: on every assignment it asks the database. A topic that
    was deleted and filled again shows itself by an offset beyond its end, or by a record whose predecessor was never
    seen. Then the topic is read from its start once more, and what was handled is passed over by position. What is
    missing there too, the relay has to publish again: until it does, records behind the hole are passed over, for they
    come again behind what is missing.
    """

    def __init__(
        self,
        subscription: Subscription,
        topics: Topics,
        pool: asyncpg.Pool,
        service: str,
        metrics: Metrics,
        *,
        look: Look | None = None,
    ):
        """`look` is asked with every turn whether the checkpoints are where this member left them; by default it asks
        the database, now and then."""
        self._look_at = look
        self._subscription, self._topics, self._pool, self._metrics = subscription, topics, pool, metrics
        self._cluster = topics.cluster
        self._group = self._cluster.group(service, subscription.name)
        self._at: dict[TopicPartition, Checkpoint] = {}
        self._searched: dict[TopicPartition, int] = {}
        """Behind which position a partition was searched from its start already."""
        self._told = self._looked = 0.0

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
                with own_cancellation():
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
    async def _consumer(self) -> AsyncGenerator[AIOKafkaConsumer]:
        await self._topics.fit(self._subscription.source)
        consumer = AIOKafkaConsumer(
            **self._cluster.client(),
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            metadata_max_age_ms=5_000,
            request_timeout_ms=15_000,
            retry_backoff_ms=RETRY_MS,
            fetch_max_wait_ms=FETCH_MS,
        )
        self._at.clear()
        try:
            async with asyncio.timeout(30):
                await consumer.start()
                consumer.subscribe([self._cluster.topic(self._subscription.source)], listener=self)
            yield consumer
        finally:
            await close(consumer.stop())  # the broker may be away; the group forgets this member by itself

    async def _turn(self, consumer: AIOKafkaConsumer) -> None:
        self._topics.check(self._subscription.source)
        for partition in consumer.assignment() - self._at.keys():
            await self._locate(consumer, partition)
        pages = await consumer.getmany(timeout_ms=TURN_MS, max_records=PAGE)
        for partition, records in pages.items():
            self._say_how_far_behind(consumer)
            await self._take(partition, records)
        self._say_how_far_behind(consumer)
        await self._look()
        await self._tell(consumer)

    def _say_how_far_behind(self, consumer: AIOKafkaConsumer) -> None:
        """Of the partitions that this member has."""
        behind = sum(max(0, (consumer.highwater(p) or 0) - at.offset) for p, at in self._at.items())
        self._metrics.subscription_lag.labels(self._subscription.name).set(behind)

    async def _look(self) -> None:
        """Whether the checkpoints are where this member left them: a rival may have moved them while nothing came
        in."""
        where = {partition.partition: at for partition, at in self._at.items()}
        if self._look_at:
            await self._look_at(self._subscription.name, where)
        elif time.monotonic() - self._looked > 1:
            self._looked = time.monotonic()
            await checkpoint.check(self._pool, self._subscription.name, where)

    async def _locate(self, consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
        async with connection(self._pool) as con:
            at = await checkpoint.load(con, self._subscription.name, partition.partition)
        first = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        if at.offset and not first <= at.offset <= end:
            log.warning(
                "kafka.topic_changed",
                topic=partition.topic,
                partition=partition.partition,
                offset=at.offset,
                first=first,
                end=end,
            )
            to = Checkpoint(at.position, 0)
            async with connection(self._pool) as con:
                await checkpoint.move(con, self._subscription.name, partition.partition, at=at, to=to)
            at = to
        if partition in consumer.assignment():  # it may have become another member's while it was looked up
            consumer.seek(partition, max(at.offset, first))
            self._at[partition] = at

    async def _take(self, partition: TopicPartition, records: "Sequence[ConsumerRecord[Any, Any]]") -> None:
        at = self._at.get(partition)
        if at is None or records[0].offset < at.offset:  # a page from before a rebalance: dropped, to be located anew
            self._at.pop(partition, None)
            return
        fresh: list[Recorded] = []
        position, to_offset = at.position, records[-1].offset + 1
        for item in await self._ours(records):
            match item.continuity(position):
                case Continuity.NEXT:
                    fresh.append(item.event)
                    position = item.event.position
                case Continuity.BEHIND_A_HOLE:
                    self._report(partition, position, item)
                    # What is missing may stand before this page, in a topic that was made anew.
                    if self._searched.get(partition) != position:
                        self._searched[partition] = position
                        to_offset = 0
                        break
                case Continuity.REPEATED:
                    pass
        to = Checkpoint(position, to_offset)
        if to != at:
            await self._subscription.take(partition.partition, at, to, fresh)
            self._metrics.subscription_position.labels(self._subscription.name).set(position)
        if self._at.get(partition) == at:  # unless a rebalance cleared it meanwhile
            if to_offset:
                self._at[partition] = to
            else:
                del self._at[partition]  # to be located anew: at the start

    async def _ours(self, records: "Sequence[ConsumerRecord[Any, Any]]") -> list[Received]:
        """The events among the records.

        One that no relay wrote has no position and no stream: there is nothing to park it behind. Raises TopicUnfit for
        one of another installation, and of an incarnation that began since.
        """
        source, ours = self._subscription.source, list[Received]()
        for record in records:
            try:
                item = received(record)
            except ForeignRecord as error:
                self._pass_over(str(error))
                continue
            if self._cluster.id and item.installation not in ("", self._cluster.id):
                raise self._topics.foreign(source, item.installation)
            if item.incarnation and not await self._topics.is_followed(source, item.incarnation):
                self._pass_over(f"{record.topic}/{record.partition}/{record.offset}: of {item.incarnation}")
                continue
            ours.append(item)
        return ours

    def _pass_over(self, what: str) -> None:
        self._metrics.foreign_records.labels(self._subscription.name).inc()
        log.error("kafka.foreign_record", subscription=self._subscription.name, record=what)

    def _report(self, partition: TopicPartition, position: int, item: Received) -> None:
        self._metrics.topic_holes.labels(self._subscription.name).inc()
        log.error(
            "kafka.hole",
            subscription=self._subscription.name,
            partition=partition.partition,
            have=position,
            missing_to=item.previous,
            offset=item.offset,
        )

    async def _tell(self, consumer: AIOKafkaConsumer) -> None:
        """Commit to Kafka now and then, for tools that show lag; nothing reads it back."""
        if self._at and time.monotonic() - self._told > 5:
            self._told = time.monotonic()
            try:
                async with asyncio.timeout(2):
                    await consumer.commit({p: c.offset for p, c in self._at.items()})
            except FAULTS as error:
                log.info("kafka.commit_failed", subscription=self._subscription.name, error=type(error).__name__)


class TopicIncomplete(LookupError):
    """Records of a topic are not there that whoever reads it has seen; its text says behind which position."""

    def __init__(self, context: str, partition: int, last: int, upto: int):
        super().__init__(
            f"partition {partition} of the topic of {context} has nothing behind position {last} that follows on it, "
            f"and its readers have come to {upto}: records are missing there"
        )


async def partition_events(
    cluster: Cluster, context: str, number: int, *, upto: int
) -> AsyncGenerator[Sequence[Recorded]]:
    """The events of a partition of a context's topic, each once, in order, a page at a time, up to a position. Raises
    TopicIncomplete where records before it are not there: at the front, in the middle, or at the end."""
    partition = TopicPartition(cluster.topic(context), number)
    position, beyond = 0, False
    async with free_consumer(cluster) as consumer:
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        consumer.seek(partition, first)
        while position < upto and not beyond and await consumer.position(partition) < end:
            page: list[Recorded] = []
            for record in (await consumer.getmany(partition, timeout_ms=1000, max_records=2000)).get(partition, []):
                with suppress(ForeignRecord):
                    item = received(record)
                    if item.continuity(position) is not Continuity.NEXT:
                        continue
                    if beyond := item.event.position > upto:
                        break
                    position = item.event.position
                    page.append(item.event)
            yield page
    if position < upto and not beyond:
        raise TopicIncomplete(context, partition.partition, position, upto)


async def tenant_events(cluster: Cluster, context: str, tenant: str, *, upto: int) -> list[Recorded]:
    """A tenant's events in a context's topic, each once, in order, up to a position."""
    number = partition_of(tenant, cluster.partitions)
    async with aclosing(partition_events(cluster, context, number, upto=upto)) as pages:
        return [event async for page in pages for event in page if event.tenant == tenant]
