"""The relay: publishes the own log to its topic, in order, at least once.

One process leads. On taking the lead, and every now and then, it compares each partition's last record with what it remembers having
published, and publishes again what a deleted topic or a broker's lost disk took away.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import asyncpg
import structlog

from eventkit import kafka
from eventkit.faults import Backoff
from eventkit.log import EventLog
from eventkit.subscription import leadership
from eventkit.telemetry import Metrics

log = structlog.get_logger(__name__)

NAME = "relay"
LOOK_SECONDS = 10.0
SCHEMA = "create table if not exists relay(partition int primary key, position bigint not null)"


@dataclass(frozen=True, slots=True)
class Relay:
    """Publishes one context's log."""

    context: str
    log: EventLog
    pool: asyncpg.Pool
    dsn: str
    servers: str
    partitions: int
    replication: int
    metrics: Metrics

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever; any failed page means a new producer and a new look at the topic."""
        backoff = Backoff()
        while True:
            try:
                async with leadership(self.dsn, NAME) as lead:
                    beat()
                    if not lead:
                        await asyncio.sleep(1)
                        continue
                    await kafka.ensure_topic(self.servers, self.context, partitions=self.partitions, replication=self.replication)
                    async with kafka.TopicWriter(self.servers, self.context, self.partitions) as writer:
                        await self._publish(writer, backoff, beat)
            except kafka.FAULTS as error:
                self.metrics.retries.labels(NAME).inc()
                log.warning("relay.retry", context=self.context, error=type(error).__name__)
                beat()
                await backoff.pause()

    async def _publish(self, writer: kafka.TopicWriter, backoff: Backoff, beat: Callable[[], None]) -> None:
        start = await self._start(await writer.look())
        looked = time.monotonic()
        async for page in self.log.feed(start):
            if page:
                await writer.publish(page)
                await self._remember(page[-1].position, {kafka.partition_of(e.tenant, self.partitions): e.position for e in page})
                self.metrics.relay_published.labels(self.context).inc(len(page))
                self.metrics.subscription_position.labels(NAME).set(page[-1].position)
            elif time.monotonic() - looked > LOOK_SECONDS:
                looked = time.monotonic()
                await kafka.ensure_topic(self.servers, self.context, partitions=self.partitions, replication=self.replication)
                if await self._missing(await writer.look()):
                    return  # begin again, with the topic as it is
            backoff.succeeded()
            beat()

    async def _start(self, last: Mapping[int, int]) -> int:
        """Behind which position to publish. The writer passes over what a partition has already."""
        missing = await self._missing(last)
        if missing:
            log.error("relay.topic_lost_records", context=self.context, partitions=missing)
            return min(last[partition] for partition in missing)
        return await self.pool.fetchval("select coalesce(max(position), 0) from relay")

    async def _missing(self, last: Mapping[int, int]) -> list[int]:
        """The partitions whose last record is older than the last one that was published there."""
        rows = await self.pool.fetch("select partition, position from relay")
        return [row["partition"] for row in rows if last.get(row["partition"], row["position"]) < row["position"]]

    async def _remember(self, position: int, published: Mapping[int, int]) -> None:
        await self.pool.execute(
            "insert into relay select * from unnest($1::int[], $2::bigint[]) on conflict (partition) do update set position = excluded.position "
            "where relay.position < excluded.position",
            list(published),
            list(published.values()),
        )
