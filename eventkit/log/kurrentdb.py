"""The log in KurrentDB (EventStoreDB, as it was called before).

A stream of ours is a stream there, `nhip.goals.kpi-acme/<id>`, so that its category stream is `$ce-nhip.goals.kpi`; the
feed is `$all` by that prefix, and a position is the commit position: it rises, and has gaps. A group of appends is one
AppendRecords, stored whole or not at all, with a check for every stream that it writes to or guards. Two kinds of
streams stand beside, under `nhip.goals~`: one for each event's id, so that an id is stored once, whatever process asks
for it, and is found again; and `head`, which every group moves on, so that no event has an earlier time than one before
it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from kurrentdbclient import AsyncKurrentDBClient, NewRecord, StreamState
from kurrentdbclient.events import StreamStateCheck
from kurrentdbclient.exceptions import (
    ConsistencyChecksFailedError,
    GrpcError,
    TransactionMaxSizeExceededError,
)

from eventkit.log import grouping
from eventkit.log.group_commit import GroupCommit, Limits
from eventkit.log.grouping import Accepted, Pending
from eventkit.log.kurrentdb_reading import KurrentReader, faults
from eventkit.log.kurrentdb_records import Moved, Records
from eventkit.log.moving import Unfinished
from eventkit.log.port import NO_STREAM, Appended, Origin, StreamId, Together, Write, WrongVersion
from eventkit.settings import SettingsError
from eventkit.telemetry import Metrics

NEEDED = "26.1"
"""The first version that checks streams which an append does not write to."""
NOWHERE = 1 << 62
"""A version that no stream has."""
ROUNDS = 100
"""How often a group is decided anew because other processes were faster, before its callers are told to try again."""
LIMITS = Limits(group_events=256, group_bytes=512 << 10)
"""Each event is two records there, and a server takes a megabyte in one append."""
EPOCH = datetime.fromtimestamp(0, UTC)


class ServerTooOld(SettingsError):
    """The server cannot do what this log needs."""


class OthersLog(SettingsError):
    """What is there belongs to another installation."""


class KurrentLog(KurrentReader):
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
        limits: Limits = LIMITS,
        remember: int = 200_000,
        poll_seconds: float = 2.0,
        timeout_seconds: float = 30.0,
    ):
        super().__init__(Records(prefix, context), poll_seconds)
        self._url, self._remember, self._timeout = url, remember, timeout_seconds
        self._versions: dict[StreamId, int] = {}
        self._head: _Head | None = None
        self._groups = GroupCommit(
            self._serve,
            self._disbelieve,
            metrics=metrics,
            context=context,
            limits=limits,
        )

    async def __aenter__(self) -> "KurrentLog":
        self._client = AsyncKurrentDBClient(self._url)
        try:
            with faults():
                await self._client.connect()
                await self._ask_for_guards()
                await self._ask_for_origin()
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

    async def _ask_for_origin(self) -> None:
        """Whether it was moved here, and whether all of it. Raises `Unfinished`."""
        said = [self._as.told_of_move(record) async for record in self._records(self._as.moved)]
        if said and "last" not in said[-1]:
            raise Unfinished("a log was being moved into this KurrentDB: go on with `nhip log copy`, as before")
        if said:
            marks = [(one["position"], one["commit"]) for one in said if "commit" in one]
            self._as.origin = Moved(said[-1]["last"], said[-1]["shift"], marks)

    @property
    def moved_upto(self) -> int:
        """The last position of what was moved here from another log; 0: nothing was."""
        return self._as.origin.last

    async def claim(self, installation: str) -> None:
        """Write down whose log this is, or find that it is. Raises `OthersLog`."""
        with faults():
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
        with faults():
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
        positions = {accepted[-1].event.id: last + self._as.origin.shift}
        if len({id(one.pending) for one in accepted}) > 1:
            before = self._all(commit_position=last, backwards=True, limit=len(accepted) - 1)
            positions |= {event.id: self._as.position(event) async for event in before}
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


def _state(version: int) -> StreamState | int:
    """Our version as KurrentDB counts: the number of the last event, from 0."""
    return version - 1 if version else StreamState.NO_STREAM


def _ids(pending: Pending) -> list[UUID]:
    return [event.id for write in pending.writes for event in write.events]
