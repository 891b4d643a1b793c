"""A topic held against the log that it was published from, record by record: what is not the same, is named."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from eventkit.kafka.cluster import Cluster
from eventkit.kafka.faults import TopicChanged
from eventkit.kafka.records import ForeignRecord, Received, partition_of, received
from eventkit.kafka.topics import free_consumer
from eventkit.log import EventLog, Recorded

NAMED = 1_000
"""Differences that are named; the others are counted."""
FETCH = 2_000
"""Records that are taken from a partition at once."""
PATIENCE = 30
"""Times, a second each, that a partition is asked in vain."""
AT_ONCE = 500
"""Records that do not follow the log: so many are held, and looked up in it together."""
_COMPARED = {
    "type": attrgetter("type"),
    "data": attrgetter("data"),
    "stream": attrgetter("stream"),
    "version": attrgetter("version"),
    "append": attrgetter("append_id", "index", "size"),
    "occurred at": attrgetter("occurred_at"),
    "recorded at": attrgetter("recorded_at"),
    "actor": attrgetter("origin.actor"),
    "correlation": attrgetter("origin.correlation_id"),
    "cause": attrgetter("origin.causation_id"),
    "trace": attrgetter("origin.traceparent"),
}
"""What a record says of an event; digests of commands stay at home."""


class Difference(NamedTuple):
    """A place where a topic is not what its log says."""

    partition: int
    offset: int
    """Of the record; -1 where there is none."""
    position: int
    """In the log; 0 for a record that is no event."""
    event_id: str
    what: str


@dataclass(slots=True)
class Compared:
    """What was compared, and what is not the same."""

    events: int = 0
    """Of the log, which the topic must have."""
    records: int = 0
    repeated: int = 0
    """Records that say again what was said before, as after a relay that was killed; readers pass them over."""
    number: int = 0
    """Of differences; the first of them are named."""
    differences: list[Difference] = field(default_factory=list[Difference])

    def differs(self, difference: Difference) -> None:
        self.number += 1
        if len(self.differences) < NAMED:
            self.differences.append(difference)


Logged = AsyncGenerator[Sequence[Recorded]]


async def compare(
    cluster: Cluster, context: str, log: EventLog, published: Mapping[int, int], pages: Logged
) -> Compared:
    """Hold a context's topic against its log, both read once, a page at a time.

    `published`: how far each partition was acknowledged, as asked before; what is behind that may be on its way.
    `pages` are the log's events up to its end as asked after the topic's end is known here, and it begins with the
    first `anext`: so all that the topic has is in them.
    """
    done = Compared()
    partitions = [TopicPartition(cluster.topic(context), number) for number in range(cluster.partitions)]
    async with free_consumer(cluster) as consumer:
        consumer.assign(partitions)
        first, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        cursors = [_Cursor(consumer, partition, first[partition], end[partition]) for partition in partitions]
        held = [_Held(cluster, cursor, log, done, published.get(cursor.partition.partition, 0)) for cursor in cursors]
        async with aclosing(pages):
            async for page in pages:
                wanted: dict[int, list[Recorded]] = defaultdict(list)
                for event in page:
                    wanted[partition_of(event.tenant, cluster.partitions)].append(event)
                if page:
                    for one in held:
                        await one.against(wanted[one.number], page[-1].position)
        for one in held:
            await one.against((), None)
    return done


class _Cursor:
    """Reads a partition up to where it ended when it was begun."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, first: int, end: int):
        self.partition = partition
        self._consumer, self._end, self._next = consumer, end, first
        self._in_vain = 0
        self._ahead: deque[ConsumerRecord[bytes, bytes]] = deque()
        consumer.seek(partition, first)

    async def peek(self) -> "ConsumerRecord[bytes, bytes] | None":
        while not self._ahead and self._next < self._end:
            got = await self._consumer.getmany(self.partition, timeout_ms=1_000, max_records=FETCH)
            self._in_vain = 0 if got else self._in_vain + 1
            if self._in_vain > PATIENCE:
                raise TopicChanged(
                    f"{self.partition.topic}/{self.partition.partition} gives nothing at {self._next}, before its end "
                    f"{self._end}"
                )
            records = [record for record in got.get(self.partition, []) if record.offset < self._end]
            self._ahead.extend(records)
            self._next = records[-1].offset + 1 if records else await self._consumer.position(self.partition)
        return self._ahead[0] if self._ahead else None

    def take(self) -> None:
        self._ahead.popleft()


class _Held:
    """One partition, held against its part of the log."""

    def __init__(self, cluster: Cluster, cursor: _Cursor, log: EventLog, done: Compared, published: int):
        self.number = cursor.partition.partition
        self._cluster, self._cursor, self._log, self._done, self._published = cluster, cursor, log, done, published
        self._position = 0
        """Of the last event of the log that was looked at."""
        self._seen = 0
        """The highest position that a record had."""

    async def against(self, wanted: Sequence[Recorded], upto: int | None) -> None:
        """All records that stand before a position, against the events up to it; without one, what is left."""
        odd: list[Received] = []
        next_wanted = 0
        while (record := await self._cursor.peek()) is not None:
            if len(odd) == AT_ONCE:
                await self._again(odd)
                odd.clear()
            try:
                item = received(record)
            except ForeignRecord:
                self._cursor.take()
                self._done.records += 1
                self._done.differs(Difference(self.number, record.offset, 0, "", "no relay wrote this record"))
                continue
            if upto is not None and item.event.position > upto:
                break
            self._cursor.take()
            self._done.records += 1
            if item.event.position <= self._seen or item.event.position <= self._position:
                odd.append(item)
                continue
            while next_wanted < len(wanted) and wanted[next_wanted].position < item.event.position:
                self._missing(wanted[next_wanted])
                next_wanted += 1
            self._seen = item.event.position
            if next_wanted < len(wanted) and wanted[next_wanted].position == item.event.position:
                self._same(item, wanted[next_wanted], self._position)
                self._position = wanted[next_wanted].position
                self._done.events += 1
                next_wanted += 1
            else:
                odd.append(item)
        for event in wanted[next_wanted:]:
            self._missing(event)
        if odd:
            await self._again(odd)

    def _missing(self, event: Recorded) -> None:
        self._position = event.position
        if event.position <= self._published:
            self._done.events += 1
            self._done.differs(
                Difference(self.number, -1, event.position, str(event.id), "the topic does not have this event")
            )

    def _same(self, item: Received, logged: Recorded, before: int | None) -> None:
        event = item.event
        what = ["id"] if event.id != logged.id else []
        what += [name for name, of in _COMPARED.items() if of(event) != of(logged)]
        if before is not None and item.previous != before:
            what.append(f"the position before it ({item.previous}, and {before} in the log)")
        if (home := partition_of(event.tenant, self._cluster.partitions)) != self.number:
            what.append(f"the partition, which is {home}")
        if item.installation not in ("", self._cluster.id):
            what.append("installation")
        if what:
            told = f"not as the log has it: {', '.join(what)}"
            self._done.differs(Difference(self.number, item.offset, event.position, str(event.id), told))

    async def _again(self, odd: Sequence[Received]) -> None:
        """Records whose position came before, or is not the log's: by their ids."""
        stored = {str(id): event for id, event in (await self._log.stored([i.event.id for i in odd])).items()}
        for item in odd:
            event, there = item.event, stored.get(str(item.event.id))
            if there is None:
                told = "the log does not have this event"
            elif there.position != event.position:
                told = f"the log has this event at position {there.position}"
            else:
                self._done.repeated += 1
                self._same(item, there, None)
                continue
            self._done.differs(Difference(self.number, item.offset, event.position, str(event.id), told))
