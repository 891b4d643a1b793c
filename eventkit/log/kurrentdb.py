"""The log in KurrentDB (EventStoreDB, as it was called before).

A stream of ours is a stream there, `nhip.goals.kpi-acme/<id>`, so that its category stream is `$ce-nhip.goals.kpi`; the
feed is `$all` by that prefix, and a position is the commit position: it rises, and has gaps. A group of appends is one
AppendRecords, stored whole or not at all, with a check for every stream that it writes to or guards. Two kinds of
streams stand beside, under `nhip.goals~`: one for each event's id, so that an id is stored once, whatever process asks
for it, and is found again; and `head`, which every group moves on, so that no event has an earlier time than one before
it.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from re import escape
from typing import Any, TypeVar
from uuid import UUID

from kurrentdbclient import AsyncKurrentDBClient, NewRecord, RecordedEvent, StreamState
from kurrentdbclient.events import StreamStateCheck
from kurrentdbclient.exceptions import (
    AbortedByServerError,
    ConsistencyChecksFailedError,
    DeadlineExceededError,
    DiscoveryFailedError,
    FailedPreconditionError,
    GrpcError,
    NotFoundError,
    SubscriptionConfirmationError,
    TransactionMaxSizeExceededError,
    UnknownError,
)

from eventkit.log import grouping
from eventkit.log.group_commit import GroupCommit
from eventkit.log.grouping import Accepted, Pending
from eventkit.log.kurrentdb_records import Records
from eventkit.log.port import NO_STREAM, Appended, Origin, Recorded, StreamId, Together, Write, WrongVersion
from eventkit.settings import SettingsError
from eventkit.telemetry import Metrics

NEEDED = "26.1"
"""The first version that checks streams which an append does not write to."""
NOWHERE = 1 << 62
"""A version that no stream has."""
READS = 16
"""Reads of one question that are under way at once."""
ROUNDS = 100
"""How often a group is decided anew because other processes were faster, before its callers are told to try again."""
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
EPOCH = datetime.fromtimestamp(0, UTC)


class ServerTooOld(SettingsError):
    """The server cannot do what this log needs."""


class OthersLog(SettingsError):
    """What is there belongs to another installation."""


class KurrentLog:
    """A log in the KurrentDB at `url` (`kurrentdb://user:password@host:port?…`, or `kurrentdb+discover://…`, as
    KurrentDB's clients take it). Open it with `async with`: raises `ServerTooOld`.

    Streams begin with `prefix` and the name of the `context`, under which `metrics` counts what is appended.
    """

    def __init__(
        self,
        url: str,
        *,
        context: str,
        prefix: str = "nhip",
        metrics: Metrics | None = None,
        max_group_events: int = 256,
        max_group_bytes: int = 512 << 10,
        max_queue: int = 20_000,
        max_queue_bytes: int = 64 << 20,
        remember: int = 200_000,
        poll_seconds: float = 2.0,
        timeout_seconds: float = 30.0,
    ):
        self._url, self._remember, self._poll, self._timeout = url, remember, poll_seconds, timeout_seconds
        self._as = Records(prefix, context)
        self._versions: dict[StreamId, int] = {}
        self._head: _Head | None = None
        self._groups = GroupCommit(
            self._serve,
            self._disbelieve,
            metrics=metrics,
            context=context,
            max_group_events=max_group_events,
            max_group_bytes=max_group_bytes,
            max_queue=max_queue,
            max_queue_bytes=max_queue_bytes,
        )
        self._reading = asyncio.Semaphore(READS)

    async def __aenter__(self) -> "KurrentLog":
        self._client = AsyncKurrentDBClient(self._url)
        try:
            with _faults():
                await self._client.connect()
                await self._ask_for_guards()
        except BaseException:
            await self._client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Serve what is queued, then disconnect."""
        await self._groups.close()
        await self._client.close()

    async def _ask_for_guards(self) -> None:
        """By an append that no server may store."""
        probe = NewRecord(self._as.probe, "nhip.Probe", b"{}")
        try:
            await self._client.append_records(
                probe, StreamStateCheck(probe.stream_name, NOWHERE), timeout=self._timeout
            )
        except ConsistencyChecksFailedError:
            return
        except GrpcError as error:
            if "UNIMPLEMENTED" not in str(error):
                raise
        raise ServerTooOld(
            f"this KurrentDB cannot check streams beside those that it appends to; Nhip needs version {NEEDED} or newer"
        )

    async def claim(self, installation: str) -> None:
        """Write down whose log this is, or find that it is. Raises `OthersLog`."""
        with _faults():
            for _ in range(2):
                async for first in self._records(self._as.owner, limit=1):
                    if self._as.owner_in(first) != installation:
                        raise OthersLog(
                            f"the streams {self._as.prefix}… in this KurrentDB belong to another installation: give "
                            "this one another name (NHIP_INSTALLATION) or server"
                        )
                    return
                try:
                    await self._client.append_records(
                        self._as.owned_by(installation),
                        StreamStateCheck(self._as.owner, StreamState.NO_STREAM),
                        timeout=self._timeout,
                    )
                except ConsistencyChecksFailedError:
                    continue  # another process of somebody was faster
                return

    # -- writing

    async def append(self, *writes: Write, origin: Origin) -> Appended:
        _check(writes)
        return await self._groups.append(writes, origin)

    async def append_together(self, appends: Sequence[Together]) -> Appended:
        for one in appends:
            _check(one.writes)
        return await self._groups.append_together(appends)

    def _disbelieve(self) -> None:
        self._versions, self._head = {}, None

    async def _serve(self, group: list[Pending]) -> None:
        """In parts where the server takes no more in one append; of what is too large by itself its caller is told."""
        try:
            await self._serve_whole(group)
        except TransactionMaxSizeExceededError as refused:
            if len(group) == 1:
                group[0].verdict = ValueError(
                    f"KurrentDB takes {refused.max_size} bytes in one append, and this one has {refused.size}: divide "
                    "it, or raise the server's MaxAppendSize"
                )
                return
            half = len(group) // 2
            await self._serve(group[:half])
            await self._serve(group[half:])

    async def _serve_whole(self, group: list[Pending]) -> None:
        """Decide a group and store it; again, as long as other processes move its streams in between.

        `seen` are the streams of which the server said in this turn where they stand: who loses on another is asked
        about it first.
        """
        with _faults():
            rest, known, seen = group, frozenset[UUID](), set[StreamId]()
            for _ in range(ROUNDS):
                await self._look(rest, seen)
                believed = {w.stream: self._believed(w) for p in rest for w in p.writes}
                versions = dict(believed)
                accepted = grouping.decide(rest, versions, known)
                if accepted:
                    moved = await self._store(rest, accepted, believed)
                    if moved is not None:
                        known |= moved.ids
                        self._versions |= moved.versions
                        seen |= moved.versions.keys()
                        continue
                    self._versions |= versions
                    seen |= {a.stream for a in accepted} | grouping.guards(rest, believed).keys()
                known |= await self._stored_of_losers(rest)
                for pending in rest:
                    if isinstance(pending.verdict, WrongVersion) and not known.isdisjoint(_ids(pending)):
                        pending.verdict = None
                unsure = {p.verdict.stream for p in rest if isinstance(p.verdict, WrongVersion)} - seen
                if not unsure:
                    break
                for stream in unsure:
                    self._versions.pop(stream, None)
                await self._ask_versions(unsure, seen)
                rest = [p for p in rest if isinstance(p.verdict, WrongVersion)]
            else:
                raise ConnectionError("other processes were faster every time")
            await self._answer_repeats(group)
        for stream in list(self._versions)[: max(0, len(self._versions) - self._remember)]:
            del self._versions[stream]

    def _believed(self, write: Write) -> int:
        # To take NO_STREAM at its word is safe: the server checks it.
        return self._versions.get(write.stream, NO_STREAM)

    async def _look(self, group: Sequence[Pending], seen: set[StreamId]) -> None:
        """Where streams stand of which nothing is known, and the head."""
        unknown = {w.stream for p in group for w in p.writes if w.expected != NO_STREAM} - self._versions.keys()
        await self._ask_versions(unknown, seen)
        if self._head is None:
            self._head = await self._read_head()

    async def _ask_versions(self, streams: Collection[StreamId], seen: set[StreamId]) -> None:
        found = await self._together([self._version(stream) for stream in streams])
        self._versions |= dict(zip(streams, found, strict=True))
        seen |= set(streams)

    async def _version(self, stream: StreamId) -> int:
        last = await self._client.get_current_version(self._as.name(stream), timeout=self._timeout)
        return last + 1 if isinstance(last, int) else NO_STREAM

    async def _read_head(self) -> "_Head":
        async for last in self._records(self._as.head, backwards=True, limit=1):
            return _Head(last.stream_position, self._as.moved_at(last))
        return _Head(-1, EPOCH)

    async def _store(
        self, group: Sequence[Pending], accepted: list[Accepted], believed: Mapping[StreamId, int]
    ) -> "_Moved | None":
        """Store it, and tell the accepted their positions; or what stood otherwise than believed, and nothing is
        stored."""
        assert self._head is not None
        at = max(datetime.now(UTC), self._head.at)
        beside = [self._as.head_moved(at), *(self._as.stored_at(one) for one in accepted)]
        checked = {a.stream: believed[a.stream] for a in accepted} | grouping.guards(group, believed)
        names = {self._as.name(stream): stream for stream in checked}
        ids = {self._as.id_stream(a.event.id): a.event.id for a in accepted}
        checks = [
            StreamStateCheck(self._as.head, _state(self._head.version + 1)),
            *(StreamStateCheck(name, StreamState.NO_STREAM) for name in ids),
            *(StreamStateCheck(name, _state(checked[stream])) for name, stream in names.items()),
        ]
        try:
            result = await self._client.append_records(
                [*beside, *(self._as.event(one, at) for one in accepted)], checks, timeout=self._timeout
            )
        except ConsistencyChecksFailedError as refused:
            moved = _Moved({}, set())
            for failure in refused.failures:
                state = failure.stream_state_failure
                if state is None or state.actual_state < -1:
                    raise RuntimeError(f"a stream of the log was deleted from outside: {failure}") from refused
                if state.stream_name in ids:
                    moved.ids.add(ids[state.stream_name])
                elif state.stream_name in names:
                    moved.versions[names[state.stream_name]] = state.actual_state + 1
                else:
                    self._head = None
            return moved
        self._head = _Head(self._head.version + 1, at)
        await self._tell_positions(group, accepted, result.commit_position)
        return None

    async def _tell_positions(self, group: Sequence[Pending], accepted: list[Accepted], last: int) -> None:
        """The server tells the position of the last event; of those before it they are read."""
        positions = {accepted[-1].event.id: last}
        if len({id(one.pending) for one in accepted}) > 1:
            before = self._all(commit_position=last, backwards=True, limit=len(accepted) - 1)
            positions |= {event.id: event.commit_position async for event in before}
        for pending in group:
            if isinstance(pending.verdict, Appended):
                final = accepted[pending.verdict.position - 1].event.id
                if final not in positions:
                    raise RuntimeError(f"event {final} was stored, and is not where the server said")
                pending.verdict = Appended(positions[final], pending.verdict.versions)

    async def _stored_of_losers(self, group: Sequence[Pending]) -> set[UUID]:
        """Of appends that came too late: whether they are stored already."""
        first = [_ids(p)[0] for p in group if isinstance(p.verdict, WrongVersion)]
        found = await self._together([self._place(id) for id in first])
        return {id for id, place in zip(first, found, strict=True) if place}

    async def _answer_repeats(self, group: Sequence[Pending]) -> None:
        repeats = [p for p in group if p.verdict is None]
        if repeats:
            stored = await self._stored([id for p in repeats for id in _ids(p)])
            for pending in repeats:
                pending.verdict = grouping.repeated(pending, stored)

    # -- reading

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
        with _faults():
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
        with _faults():
            place = await self._place(event_id)
            if place is not None and "writes" not in place:
                place = await self._place(UUID(place["first"]))
            if place is None:
                return []
            found = await self._together([self._range(*write) for write in place["writes"]])
            return sorted((event for of_stream in found for event in of_stream), key=lambda event: event.index)

    async def stored(self, event_ids: Collection[UUID]) -> dict[UUID, Recorded]:
        with _faults():
            return await self._stored(event_ids)

    async def _stored(self, event_ids: Collection[UUID]) -> dict[UUID, Recorded]:
        async def found(id: UUID) -> list[Recorded]:
            place = await self._place(id)
            return await self._range(place["stream"], place["version"] - 1, 1) if place else []

        return {event.id: event for one in await self._together([found(id) for id in event_ids]) for event in one}

    async def last_position(self) -> int:
        """The head was moved just before the last events: what is behind it is soon read, however large the server."""
        with _faults():
            last = 0
            async for head in self._records(self._as.head, backwards=True, limit=1):
                async for event in self._all(commit_position=head.commit_position):
                    last = event.commit_position
            return last

    async def history(self, tenant: str, categories: Sequence[str], *, upto: int) -> AsyncGenerator[list[Recorded]]:
        """How long each stream was by then is counted first, so that one stream at a time is held."""
        with _faults():
            if categories:
                chosen = {"filter_include": tuple(f"{self._as.prefix}{category}-{tenant}/" for category in categories)}
            else:
                pattern = f"{escape(self._as.prefix)}[^-]+-{escape(tenant)}/.*"
                chosen = {"filter_include": (pattern,), "filter_by_prefix": False}
            lengths: dict[str, int] = {}
            async for record in self._all(**chosen):
                if record.commit_position > upto:
                    break
                lengths[record.stream_name] = record.stream_position + 1
            for name, length in sorted(lengths.items()):
                yield await self._range(name, 0, length)

    async def feed(self, after: int = 0, *, page: int = 500) -> AsyncGenerator[list[Recorded]]:
        """See the port. Raises ConnectionError when the subscription ends: begin again behind the last position."""
        with _faults():
            subscription = await self._client.subscribe_to_all(
                commit_position=after or None,
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


def _check(writes: Sequence[Write]) -> None:
    """Raises ValueError."""
    for write in writes:
        if "-" in write.stream.category:
            raise ValueError(f"{write.stream}: KurrentDB ends a category at its first hyphen; this one has one")


@dataclass(frozen=True, slots=True)
class _Head:
    """Where the head's stream stands (from 0; -1: nowhere), and the time of the last group."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Moved:
    """What stood otherwise than believed: where streams are, and ids that are stored already."""

    versions: dict[StreamId, int]
    ids: set[UUID]


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
def _faults() -> Generator[None]:
    """A server that is away, slow or electing a leader is a connection that failed: the same may succeed later."""
    try:
        yield
    except TransactionMaxSizeExceededError:
        raise
    except PASSING as error:
        raise ConnectionError(f"KurrentDB: {type(error).__name__}: {error}") from error


def _state(version: int) -> StreamState | int:
    """Our version as KurrentDB counts: the number of the last event, from 0."""
    return version - 1 if version else StreamState.NO_STREAM


def _ids(pending: Pending) -> list[UUID]:
    return [event.id for write in pending.writes for event in write.events]
