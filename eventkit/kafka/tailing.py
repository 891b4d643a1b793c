"""Looking on: the events of some contexts as they come, in no group and with nothing remembered."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from eventkit.kafka.cluster import Cluster
from eventkit.kafka.faults import close
from eventkit.kafka.records import Continuity, ForeignRecord, headers, received
from eventkit.kafka.topics import free_consumer
from eventkit.log import Recorded


class TopicMissing(LookupError):
    """There is no topic of that context; its text names it."""


@dataclass(frozen=True, slots=True)
class Tailed:
    """An event as it went by."""

    context: str
    event: Recorded
    previous: int
    """The position before it on its partition; 0 for the first."""
    missing: bool
    """Records before it, on its partition, were not there."""

    def attributes(self) -> dict[str, str]:
        """The CloudEvents attributes of its record, by name."""
        written = headers(self.event, self.context, self.previous)
        return {name.removeprefix("ce_"): value.decode() for name, value in written if name != "content-type"}


async def tail(
    cluster: Cluster, contexts: Sequence[str], *, after: Mapping[str, int], follow: bool
) -> AsyncGenerator[Tailed]:
    """Each event once, a tenant's in the order of their positions.

    `after`: by context, the position behind which to begin; a context that is not named begins with what comes from now
    on. Unless it is to `follow`, it ends with what was there at the beginning. Raises `TopicMissing`.
    """
    partitions = await _partitions(cluster, contexts)
    async with free_consumer(cluster) as consumer:
        consumer.assign(list(partitions))
        first, end = await consumer.beginning_offsets(list(partitions)), await consumer.end_offsets(list(partitions))
        for partition, context in partitions.items():
            consumer.seek(partition, first[partition] if context in after else end[partition])
        positions = {partition: after.get(context, 0) for partition, context in partitions.items()}
        begun = {partition for partition, context in partitions.items() if context in after}
        """Where what is missing would be noticed: a reader that begins at the end has seen nothing before."""
        while follow or await _left(consumer, end):
            pages = await consumer.getmany(timeout_ms=200, max_records=500)
            for partition, records in pages.items():
                for record in records:
                    with suppress(ForeignRecord):  # no relay wrote it: it is no event
                        item = received(record)
                        continuity = item.continuity(positions[partition])
                        if continuity is Continuity.REPEATED:
                            continue
                        missing = continuity is Continuity.BEHIND_A_HOLE and partition in begun
                        positions[partition] = item.event.position
                        begun.add(partition)
                        yield Tailed(partitions[partition], item.event, item.previous, missing)


async def _partitions(cluster: Cluster, contexts: Sequence[str]) -> dict[TopicPartition, str]:
    admin = AIOKafkaAdminClient(**cluster.client(), request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(20):
            await admin.start()
            described: list[dict[str, Any]] = await admin.describe_topics(list(map(cluster.topic, contexts)))
    finally:
        await close(admin.close())
    by_partition: dict[TopicPartition, str] = {}
    by_topic = {one["topic"]: one for one in described}
    for context in contexts:
        one = by_topic[cluster.topic(context)]
        if one["error_code"]:
            raise TopicMissing(cluster.topic(context))
        by_partition |= {
            TopicPartition(cluster.topic(context), partition["partition"]): context for partition in one["partitions"]
        }
    return by_partition


async def _left(consumer: AIOKafkaConsumer, end: Mapping[TopicPartition, int]) -> bool:
    """Whether anything that was there at the beginning is still to be read."""
    return any([await consumer.position(partition) < offset for partition, offset in end.items()])
