"""What a log in KurrentDB answers: streams, the feed, and events by their ids."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from re import escape
from typing import Any, TypeVar
from uuid import UUID

from kurrentdbclient import AsyncKurrentDBClient, RecordedEvent
from kurrentdbclient.exceptions import (
    AbortedByServerError,
    DeadlineExceededError,
    DiscoveryFailedError,
    FailedPreconditionError,
    GrpcError,
    NotFoundError,
    SubscriptionConfirmationError,
    TransactionMaxSizeExceededError,
    UnknownError,
)

from eventkit.log.kurrentdb_records import Records
from eventkit.log.port import Recorded, StreamId

READS = 16
"""Reads of one question that are under way at once."""
T = TypeVar("T")
PASSING = (
    GrpcError,
    DeadlineExceededError,
    DiscoveryFailedError,
    FailedPreconditionError,
    AbortedByServerError,  # a consumer that was too slow, among others
    UnknownError,
    SubscriptionConfirmationError,
)
"""What a server says that is away, slow, busy or electing a leader."""


class KurrentReader:
    """Reads one context's log by a client of its server."""

    _client: AsyncKurrentDBClient
    """Connected by who opens the log."""

    def __init__(self, named: Records, poll_seconds: float):
        self._as, self._poll = named, poll_seconds
        self._reading = asyncio.Semaphore(READS)

    async def _records(self, name: str, **options: Any) -> AsyncIterator[RecordedEvent]:
        """A stream's records, none of one that does not exist."""
        try:
            async with await self._client.read_stream(name, **options) as records:
                async for record in records:
                    yield record
        except NotFoundError:
            return

    async def _all(self, **options: Any) -> AsyncIterator[RecordedEvent]:
        """Of `$all`, the events of this log."""
        options = {"filter_include": (self._as.prefix,), "filter_by_prefix": True} | options
        async with await self._client.read_all(filter_by_stream_name=True, **options) as records:
            async for record in records:
                yield record

    async def _together(self, questions: Sequence[Awaitable[T]]) -> list[T]:
        async def asked(question: Awaitable[T]) -> T:
            async with self._reading:
                return await question

        return await asyncio.gather(*map(asked, questions))

    async def read(self, stream: StreamId, *, after: int = 0) -> AsyncIterator[Recorded]:
        with faults():
            async for record in self._records(self._as.name(stream), stream_position=after):
                yield self._as.recorded(record)

    async def _range(self, name: str, after: int, count: int) -> list[Recorded]:
        return [self._as.recorded(r) async for r in self._records(name, stream_position=after, limit=count)]

    async def read_together(self, after: Mapping[StreamId, int]) -> list[Recorded]:
        async def events(stream: StreamId, version: int) -> list[Recorded]:
            return [event async for event in self.read(stream, after=version)]

        found = await self._together([events(*one) for one in after.items()])
        return [event for of_stream in found for event in of_stream]

    async def _place(self, id: UUID) -> dict[str, Any] | None:
        """What stands beside about an event's id; None: it is not stored."""
        async for record in self._records(self._as.id_stream(id), limit=1):
            return self._as.place(record)
        return None

    async def append_of(self, event_id: UUID) -> list[Recorded]:
        with faults():
            place = await self._place(event_id)
            if place is not None and "writes" not in place:
                place = await self._place(UUID(place["first"]))
            if place is None:
                return []
            found = await self._together([self._range(*write) for write in place["writes"]])
            return sorted((event for of_stream in found for event in of_stream), key=lambda event: event.index)

    async def stored(self, event_ids: Collection[UUID]) -> dict[UUID, Recorded]:
        with faults():
            return await self._stored(event_ids)

    async def _stored(self, event_ids: Collection[UUID]) -> dict[UUID, Recorded]:
        async def found(id: UUID) -> list[Recorded]:
            place = await self._place(id)
            return await self._range(place["stream"], place["version"] - 1, 1) if place else []

        return {event.id: event for one in await self._together([found(id) for id in event_ids]) for event in one}

    async def last_position(self) -> int:
        """The head was moved just before the last events: what is behind it is soon read, however large the server."""
        with faults():
            last = 0
            async for head in self._records(self._as.head, backwards=True, limit=1):
                async for event in self._all(commit_position=head.commit_position):
                    last = self._as.position(event)
            return last

    async def history(self, tenant: str, categories: Sequence[str], *, upto: int) -> AsyncGenerator[list[Recorded]]:
        """How long each stream was by then is counted first, so that one stream at a time is held."""
        with faults():
            if categories:
                chosen = {"filter_include": tuple(f"{self._as.prefix}{category}-{tenant}/" for category in categories)}
            else:
                pattern = f"{escape(self._as.prefix)}[^-]+-{escape(tenant)}/.*"
                chosen = {"filter_include": (pattern,), "filter_by_prefix": False}
            lengths: dict[str, int] = {}
            async for record in self._all(**chosen):
                if self._as.position(record) > upto:
                    break
                lengths[record.stream_name] = record.stream_position + 1
            for name, length in sorted(lengths.items()):
                yield await self._range(name, 0, length)

    async def feed(self, after: int = 0, *, page: int = 500) -> AsyncGenerator[list[Recorded]]:
        """See the port. Raises ConnectionError when the subscription ends: begin again behind the last position."""
        with faults():
            subscription = await self._client.subscribe_to_all(
                commit_position=self._as.origin.commit(after) or None,
                filter_include=(self._as.prefix,),
                filter_by_prefix=True,
                filter_by_stream_name=True,
            )
            arrived = asyncio.Queue[RecordedEvent | Exception](maxsize=4 * page)
            pump = asyncio.create_task(_pump(subscription, arrived))
            try:
                gathered: list[Recorded] = []
                while True:
                    try:
                        # Not wait_for: before Python 3.12 that may swallow a cancellation.
                        async with asyncio.timeout(self._poll):
                            one = await arrived.get()
                    except TimeoutError:
                        if not gathered:
                            yield []
                        continue
                    if isinstance(one, Exception):
                        raise one
                    event = self._as.recorded(one)
                    if event.position <= after <= self._as.origin.last:
                        continue  # a mark is only near where a reader stands among what was moved here
                    if event.position <= after:
                        raise RuntimeError(f"position {event.position} came behind {after}: order is lost")
                    after = event.position
                    gathered.append(event)
                    whole = event.index == event.size - 1
                    if whole and (len(gathered) >= page or arrived.empty()):
                        yield gathered
                        gathered = []
            finally:
                pump.cancel()
                await asyncio.wait([pump])
                await subscription.stop()


async def _pump(
    subscription: AsyncIterator[RecordedEvent], arrived: "asyncio.Queue[RecordedEvent | Exception]"
) -> None:
    """So that a wait for the next event can be given up without giving up the subscription."""
    try:
        async for event in subscription:
            await arrived.put(event)
    except Exception as error:
        await arrived.put(error)
    else:
        await arrived.put(ConnectionError("the server ended the subscription"))


@contextmanager
def faults() -> Generator[None]:
    """A server that is away, slow or electing a leader is a connection that failed: the same may succeed later."""
    try:
        yield
    except TransactionMaxSizeExceededError:
        raise
    except PASSING as error:
        raise ConnectionError(f"KurrentDB: {type(error).__name__}: {error}") from error
