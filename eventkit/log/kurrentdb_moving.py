"""A log moved into KurrentDB: records that say the position that they keep, and beside them where to find it."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from kurrentdbclient import AsyncKurrentDBClient, NewRecord, StreamState
from kurrentdbclient.events import StreamStateCheck
from kurrentdbclient.exceptions import ConsistencyChecksFailedError

from eventkit.log import grouping
from eventkit.log.grouping import Accepted
from eventkit.log.kurrentdb import LIMITS
from eventkit.log.kurrentdb_reading import KurrentReader, faults
from eventkit.log.kurrentdb_records import Records
from eventkit.log.moving import Occupied
from eventkit.log.port import NewEvent, Recorded, Write

TIMEOUT = 30.0


class IntoKurrent(KurrentReader):
    """Receives a context's log in the KurrentDB at `url`; open it with `async with`."""

    def __init__(self, url: str, *, context: str, prefix: str = "nhip"):
        super().__init__(Records(prefix, context), poll_seconds=2.0)
        self._url = url

    async def __aenter__(self) -> "IntoKurrent":
        self._client = AsyncKurrentDBClient(self._url)
        with faults():
            await self._client.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def begin(self) -> int:
        with faults():
            said = [self._as.told_of_move(record) async for record in self._records(self._as.moved)]
            last, _ = await self._last()
            if (said and "last" in said[-1]) or (last and not said):
                raise Occupied(f"there is a log under {self._as.prefix}… in this KurrentDB already")
            if not said:
                await self._append([self._as.said_of_move(begun=1)], {self._as.moved: 0})
        return last

    async def take(self, events: Sequence[Recorded]) -> None:
        with faults():
            while events:
                some = _some(events)
                await self._take(some)
                events = events[len(some) :]

    async def _take(self, events: Sequence[Recorded]) -> None:
        accepted = _accepted(events)
        beside = [self._as.head_moved(events[-1].recorded_at), *map(self._as.stored_at, accepted)]
        records = [
            self._as.event(one, event.recorded_at, event.position) for one, event in zip(accepted, events, strict=True)
        ]
        # That each stream is where these events begin says that nobody else writes here.
        begins = {self._as.name(event.stream): event.version - 1 for event in reversed(events)}
        commit = await self._append([*beside, *records], begins)
        await self._append([self._as.said_of_move(position=events[-1].position, commit=commit)], {})

    async def finish(self, last: int) -> None:
        with faults():
            position, commit = await self._last()
            assert position == last, "compared by who moves it"
            await self._append([self._as.said_of_move(last=last, shift=max(0, last - commit))], {})

    async def taken(self) -> AsyncGenerator[Recorded]:
        with faults():
            async for record in self._all():
                yield self._as.recorded(record)

    async def _last(self) -> tuple[int, int]:
        """The last event's position, and its record's."""
        found = 0, 0
        async for head in self._records(self._as.head, backwards=True, limit=1):
            async for record in self._all(commit_position=head.commit_position):
                found = self._as.recorded(record).position, record.commit_position
        return found

    async def _append(self, records: Sequence[NewRecord], versions: dict[str, int]) -> int:
        checks = [
            StreamStateCheck(name, version - 1 if version else StreamState.NO_STREAM)
            for name, version in versions.items()
        ]
        try:
            return (await self._client.append_records(records, checks, timeout=TIMEOUT)).commit_position
        except ConsistencyChecksFailedError as refused:
            raise ConnectionError(f"somebody else writes to {self._as.prefix}…, or an answer was lost") from refused


def _some(events: Sequence[Recorded]) -> Sequence[Recorded]:
    """As many whole appends as a writer stores at once; one at least."""
    end = size = 0
    for number, event in enumerate(events, 1):
        size += len(event.data)
        if end and (number > LIMITS.group_events or size > LIMITS.group_bytes):
            break
        if event.index == event.size - 1:
            end = number
    return events[:end]


def _accepted(events: Sequence[Recorded]) -> list[Accepted]:
    """As a writer has them when it stores them."""
    accepted: list[Accepted] = []
    begin = 0
    while begin < len(events):
        append = events[begin : begin + events[begin].size]
        new = [NewEvent(UUID(int=e.id.int), e.type, e.data, e.occurred_at) for e in append]
        writes: list[Write] = []
        for event, one in zip(append, new, strict=True):
            if writes and writes[-1].stream == event.stream:
                writes[-1] = writes[-1]._replace(events=[*writes[-1].events, one])
            else:
                writes.append(Write(event.stream, event.version - 1, [one]))
        pending = grouping.pending(append[0].append_id, writes, append[0].origin)
        part = pending.parts[0]
        accepted += [
            Accepted(one, event.stream, event.version, pending, part, event.index)
            for event, one in zip(append, new, strict=True)
        ]
        begin += len(append)
    return accepted
