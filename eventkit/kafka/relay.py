"""The relay: publishes the own log to its topic, in order, at least once.

One process leads. It remembers where each partition's last acknowledged record stands. On taking the lead, whenever it
is idle, and with every acknowledgement it compares that with the topic, and publishes again what a deleted topic or a
broker's lost disk took away.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import asyncpg
import structlog

from eventkit import kafka
from eventkit.database import connection
from eventkit.kafka import Kept, Topics
from eventkit.kafka.topics import FRESH_SECONDS
from eventkit.log import EventLog, Recorded
from eventkit.log.faults import Backoff
from eventkit.subscriptions.following import one_ahead
from eventkit.subscriptions.leadership import Lead, Leads
from eventkit.telemetry import Metrics

log = structlog.get_logger(__name__)

NAME = "relay"
LOOK_SECONDS = 10.0
PAGE = 1_000
"""Events that are published together when many wait."""
SCHEMA = (
    'create table if not exists relay(partition int primary key, position bigint not null, "offset" bigint not null)'
)


@dataclass(frozen=True, slots=True)
class Relay:
    """Publishes one context's log."""

    context: str
    log: EventLog
    pool: asyncpg.Pool
    leads: Leads
    topics: Topics
    metrics: Metrics
    look_seconds: float = LOOK_SECONDS
    """How often an idle relay looks whether the topic still is what it published."""

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever; any failed page means a new producer and a new look at the topic."""
        backoff = Backoff()
        while True:
            try:
                async with self.leads.lead(NAME, beat) as lead:
                    await self._fit()
                    with kafka.own_cancellation():
                        of = str(self.topics.incarnations.own) if self.topics.incarnations else ""
                        async with kafka.TopicWriter(self.topics.cluster, self.context, of) as writer:
                            await self._publish(writer, lead, backoff, beat)
            except kafka.FAULTS as error:
                self.metrics.retries.labels(NAME).inc()
                log.warning("relay.retry", context=self.context, error=type(error).__name__)
                beat()
                await backoff.pause()

    async def _publish(self, writer: kafka.TopicWriter, lead: Lead, backoff: Backoff, beat: Callable[[], None]) -> None:
        """While a page is acknowledged, the next one is read and sent. What is acknowledged is remembered in order, so
        that whatever fails is published again from there."""
        start = await self._start(writer)
        looked = time.monotonic()
        noting: asyncio.Task[None] | None = None
        async with aclosing(one_ahead(self.log.feed(start, page=PAGE))) as feed:
            try:
                async for page in feed:
                    lead.check()
                    self.topics.check(self.context)
                    if page:
                        sent = await writer.send(page)
                        if noting:
                            await noting
                        noting = asyncio.create_task(self._note(writer, lead, sent, page))
                    if noting and len(page) < PAGE:  # nothing more is there yet
                        await noting
                        noting = None
                    if not page and time.monotonic() - looked > self.look_seconds:
                        looked = time.monotonic()
                        await self._fit()
                        if self._lost(await self._remembered(), await writer.look(await self._remembered())):
                            return  # begin again, with the topic as it is
                    backoff.succeeded()
                    beat()
            finally:
                if noting:
                    noting.cancel()
                    await asyncio.wait([noting])
                    if not noting.cancelled():
                        noting.exception()  # whatever it is: all of it is published again

    async def _note(
        self, writer: kafka.TopicWriter, lead: Lead, sent: Sequence[kafka.Sent], page: Sequence[Recorded]
    ) -> None:
        kept = await writer.acknowledged(sent)
        lead.check()
        await self._remember(kept)
        self.metrics.relay_published.labels(self.context).inc(len(page))
        self.metrics.subscription_position.labels(NAME).set(page[-1].position)

    async def _fit(self) -> None:
        await self.topics.fit(self.context, within=min(self.look_seconds, FRESH_SECONDS))

    async def _start(self, writer: kafka.TopicWriter) -> int:
        """Behind which position to publish. The writer passes over what a partition has already."""
        remembered = await self._remembered()
        reach = await writer.look(remembered)
        if lost := self._lost(remembered, reach):
            log.error("relay.topic_lost_records", context=self.context, partitions=lost)
            return min(reach[partition] for partition in lost)
        return max((kept.position for kept in remembered.values()), default=0)

    def _lost(self, remembered: Mapping[int, Kept], reach: Mapping[int, int]) -> list[int]:
        """The partitions where a reader does not come as far as was acknowledged."""
        return [partition for partition, kept in remembered.items() if reach.get(partition, 0) < kept.position]

    async def _remembered(self) -> dict[int, Kept]:
        async with connection(self.pool) as con:
            rows = await con.fetch(
                'select partition, position, "offset" from relay where partition < $1', self.topics.cluster.partitions
            )
        return {row["partition"]: Kept(row["position"], row["offset"]) for row in rows}

    async def _remember(self, kept: Mapping[int, Kept]) -> None:
        """Without waiting for the disk: where a crash of the database takes it, the topic is looked at from the one
        before."""
        async with connection(self.pool) as con:
            await con.execute(
                "insert into relay select kept.* from unnest($1::int[], $2::bigint[], $3::bigint[]) kept, "
                "(select set_config('synchronous_commit', 'off', true)) soon on conflict (partition) "
                'do update set position = excluded.position, "offset" = excluded."offset" '
                "where relay.position <= excluded.position",
                list(kept),
                [k.position for k in kept.values()],
                [k.offset for k in kept.values()],
            )
