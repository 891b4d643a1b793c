"""Group commit, decided: which appends of a group are accepted, as if they ran one after the other. Pure."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from eventkit.log.port import Appended, IdReused, NewEvent, Origin, Recorded, StreamId, Write, WrongVersion

MAX_STREAM_NAME = 500
"""Bytes in UTF-8.

An index holds a name beside the tenant and category that it begins with: twice this must fit a btree entry.
"""
MAX_EVENT = 512 << 10
"""Bytes of one event.

Whatever a log takes in must fit a Kafka record (1 MB by default), or the relay would stand still for ever.
"""


class Part(NamedTuple):
    """What readers see as one append."""

    append_id: UUID
    origin: Origin
    writes: Sequence[Write]
    events: int


def part(append_id: UUID, writes: Sequence[Write], origin: Origin) -> Part:
    return Part(append_id, origin, writes, sum(len(write.events) for write in writes))


@dataclass(slots=True)
class Pending:
    """An append, or several that are stored as one, waiting for a verdict."""

    writes: Sequence[Write]
    parts: Sequence[Part]
    """Whose events they are, in the order of the writes."""
    verdict: Appended | Exception | None = None
    events: int = field(init=False)
    bytes: int = field(init=False)
    caller: "asyncio.Task[Any] | None" = None
    told: "asyncio.Future[Appended]" = field(init=False)
    """What its caller waits for."""

    def __post_init__(self) -> None:
        self.events, self.bytes = check(self.writes, [part.origin for part in self.parts])


def pending(append_id: UUID, writes: Sequence[Write], origin: Origin) -> Pending:
    """One append."""
    return Pending(writes, [part(append_id, writes, origin)])


@dataclass(slots=True)
class Accepted:
    """One event of an accepted append, with what the database stores beside it."""

    event: NewEvent
    stream: StreamId
    version: int
    pending: Pending
    part: Part
    index: int
    """Of the events of its part."""


def check(writes: Sequence[Write], origins: Iterable[Origin]) -> tuple[int, int]:
    """Refuse what no database could store, since one bad append would fail its whole group.

    Answers the number of events and bytes.
    """
    ids: set[UUID] = set()
    events = size = 0
    texts = [
        text
        for origin in origins
        for text in (origin.actor, origin.correlation_id, origin.causation_id, origin.traceparent)
    ]
    for stream, expected, batch in writes:
        name = str(stream)
        if not all(stream) or name.count("/") != 2 or len(name.encode("utf-8", "replace")) > MAX_STREAM_NAME:
            raise ValueError(
                f"a stream is named tenant/category/id in at most {MAX_STREAM_NAME} bytes, not {name[:600]!r}"
            )
        if expected < 0:
            raise ValueError(f"{name}: an expected version is 0 (no stream yet) or more, not {expected}")
        texts.append(name)
        for event in batch:
            if len(event.data) > MAX_EVENT:
                raise ValueError(f"{name}: an event has at most {MAX_EVENT} bytes, not {len(event.data)}")
            if event.occurred_at is not None and event.occurred_at.tzinfo is None:
                raise ValueError(f"{name}: an instant without a time zone is none")
            ids.add(event.id)
            events, size = events + 1, size + len(event.data)
            texts.append(event.type)
    reached: dict[StreamId, int] = {}
    for stream, expected, batch in writes:
        if reached.setdefault(stream, expected) != expected:
            raise ValueError(
                f"{stream} is written to again, at version {expected} and not where the append left it: "
                f"{reached[stream]}"
            )
        reached[stream] = expected + len(batch)
    if not events:
        raise ValueError("an append needs events; guards alone record nothing")
    if len(ids) < events:
        raise ValueError("each event of an append needs an id of its own")
    text = "".join(texts)
    if "\0" in text or (not text.isascii() and text.encode("utf-8", "replace").decode() != text):
        raise ValueError("text in a log has no NUL and no lone surrogates")
    return events, size


def decide(group: Iterable[Pending], versions: dict[StreamId, int], stored_ids: frozenset[UUID]) -> list[Accepted]:
    """Give each append its verdict in turn, and answer the events to store.

    `versions` has every stream that the group names, and is moved on. An accepted append's position counts from the
    log's last event. An append with an id in `stored_ids`, or one that an earlier append of the group
    stores, gets none: it repeats something, to be looked up once the group is stored.
    """
    accepted: list[Accepted] = []
    taken = set(stored_ids)
    for pending in group:
        pending.verdict = None
        ids = [event.id for write in pending.writes for event in write.events]
        if not taken.isdisjoint(ids):
            continue
        if lost := _lost(pending.writes, versions):
            pending.verdict = WrongVersion(lost.stream, lost.expected, versions[lost.stream])
            continue
        parts, index = iter(pending.parts), 0
        now = next(parts)
        for stream, expected, events in pending.writes:
            for version, event in enumerate(events, expected + 1):
                if index == now.events:
                    now, index = next(parts), 0
                accepted.append(Accepted(event, stream, version, pending, now, index))
                index += 1
                versions[stream] = version
        taken.update(ids)
        pending.verdict = Appended(len(accepted), {w.stream: versions[w.stream] for w in pending.writes if w.events})
    return accepted


def _lost(writes: Sequence[Write], versions: Mapping[StreamId, int]) -> Write | None:
    """The first write whose stream is elsewhere; one that is named again goes on where the append left it."""
    reached: dict[StreamId, int] = {}
    for write in writes:
        if write.expected != reached.get(write.stream, versions[write.stream]):
            return write
        reached[write.stream] = write.expected + len(write.events)
    return None


def proved(group: Iterable[Pending]) -> bool:
    """Whether what was decided on beliefs is certain once the accepted events are stored.

    So is a loser that came too late on a stream that an accepted append proves: versions only grow. One that knows more
    than is believed, or whose ids an earlier one has, is not.
    """
    lost: list[WrongVersion] = []
    proven: set[StreamId] = set()
    for pending in group:
        if isinstance(pending.verdict, Appended):
            proven.update(w.stream for w in pending.writes)
        elif isinstance(pending.verdict, WrongVersion) and pending.verdict.expected < pending.verdict.actual:
            lost.append(pending.verdict)
        else:
            return False
    return all(verdict.stream in proven for verdict in lost)


def guards(group: Iterable[Pending], believed: Mapping[StreamId, int]) -> dict[StreamId, int]:
    """The streams that a group only guards, at the version it believes them to have: nothing is inserted there that
    would prove it."""
    written = {a.stream for p in group for a in p.writes if a.events and isinstance(p.verdict, Appended)}
    guarded = {w.stream for p in group for w in p.writes if isinstance(p.verdict, Appended)}
    return {stream: believed[stream] for stream in guarded - written}


def repeated(pending: Pending, stored: Mapping[UUID, Recorded]) -> Appended | IdReused:
    """What the append that stored just these events was told; `IdReused` if no such append did."""
    versions: dict[StreamId, int] = {}
    position = 0
    first: Recorded | None = None
    index = 0
    for stream, _, events in pending.writes:
        for event in events:
            earlier = stored.get(event.id)
            first = first or earlier
            if (
                earlier is None
                or first is None
                or earlier.stream != stream
                or earlier.append_id != first.append_id
                or earlier.index != index
            ):
                return IdReused(f"event id {event.id} is stored by another append")
            position, versions[stream], index = earlier.position, earlier.version, index + 1
    if first is None or first.size != index:
        return IdReused("some of these events are stored by an append of more events")
    return Appended(position, versions, repeated=True)
