"""The event log's port: what every adapter promises, and what it is told and answers.

A log is written by appends and read by stream or as one feed. What holds for every adapter stands in `conformance`
as tests.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from google.protobuf.message import Message

from eventkit.log import wire

NO_STREAM = 0
"""The expected version of a stream that must not exist yet."""


class StreamId(NamedTuple):
    """A stream is one thing of one tenant."""

    tenant: str
    category: str
    id: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.category}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> "StreamId":
        """Raises TypeError for what is no stream's name."""
        return cls._make(text.split("/", 2))


class NewEvent(NamedTuple):
    """An event on its way into the log."""

    id: UUID
    type: str
    data: bytes
    occurred_at: datetime | None = None
    """When it happened in the business's terms; None: when it is recorded."""


class Write(NamedTuple):
    """Events for one stream, if it still has the `expected` version (its number of events).

    No events: a guard, which only demands that.

    Positions follow the order of an append's writes. One that goes back to a stream goes on where the append left it.
    """

    stream: StreamId
    expected: int
    events: Sequence[NewEvent] = ()


class Origin(NamedTuple):
    """On whose account an append is made; stored beside each of its events."""

    actor: str
    command_digest: bytes = b""
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""


class Together(NamedTuple):
    """One of several appends that are stored as one: to whoever reads them each is an append of its own."""

    writes: Sequence[Write]
    origin: Origin


class Unread(Enum):
    """In the stead of a message, which may be None."""

    YET = 0


@dataclass(slots=True)
class Recorded:
    """An event as the log keeps it; nobody changes one (that it is not frozen makes a third of the time to read it)."""

    id: UUID
    type: str
    data: bytes = field(repr=False)
    stream: StreamId
    version: int
    """1 for a stream's first event."""
    position: int
    """Where it stands in its context's log: opaque and ordered, nothing more."""
    append_id: UUID
    index: int
    size: int
    """It is number `index` (from 0) of the `size` events of its append."""
    occurred_at: datetime
    recorded_at: datetime
    origin: Origin
    _message: Message | Unread | None = field(default=Unread.YET, init=False, repr=False, compare=False)

    @property
    def tenant(self) -> str:
        return self.stream.tenant

    @property
    def message(self) -> Message | None:
        """The event itself, decoded once for all who ask; None when its type is not known here.

        Raises `DecodeError` for bytes that are no such message.
        """
        if self._message is Unread.YET:
            self._message = wire.read(self.type, self.data, self.id)
        return self._message


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append is told."""

    position: int
    """Of its last event."""
    versions: dict[StreamId, int]
    """Of each stream it wrote to, afterwards."""
    repeated: bool = False
    """The same events were stored before by such an append; this is what it was told then."""


class WrongVersion(Exception):
    """A stream was not where an append expected it: nothing of that append was stored."""

    def __init__(self, stream: StreamId, expected: int, actual: int):
        super().__init__(f"{stream} is at version {actual}, not {expected}")
        self.stream, self.expected, self.actual = stream, expected, actual


class IdReused(ValueError):
    """An event id is stored already, by another append than this one."""


class LogFull(Exception):
    """More is queued than the log takes in: try again later. Nothing was stored."""


class EventLog(Protocol):
    """One context's log."""

    async def append(self, *writes: Write, origin: Origin) -> Appended:
        """Store all of it or nothing.

        Raises `WrongVersion` when a stream is not at its expected version (guards included), `IdReused`, `LogFull`, and
        ValueError for what no log could store. After any other error, or a cancelled wait, the append may have been
        stored: ask again with the same ids.
        """
        ...

    async def append_together(self, appends: Sequence[Together]) -> Appended:
        """Store several appends, all of them or none; each goes on where those before it left the streams.

        Raises what `append` raises, with nothing stored. There is no telling that they are a repetition: where any of
        their events is stored already, that is `IdReused`.
        """
        ...

    def read(self, stream: StreamId, *, after: int = 0) -> AsyncIterator[Recorded]:
        """A stream's events of a version above `after`, in order."""
        ...

    async def read_together(self, after: Mapping[StreamId, int]) -> list[Recorded]:
        """The events of several streams, of each those of a version above the one given, each stream's in order."""
        ...

    def feed(self, after: int = 0, *, page: int = 500) -> AsyncGenerator[list[Recorded]]:
        """All events behind a position, in order, in pages of about `page`, for ever; no page ends inside an append.

        An empty page is a heartbeat: there was nothing new for a while. It holds a connection: close it (`aclosing`)
        when done.
        """
        ...

    async def append_of(self, event_id: UUID) -> list[Recorded]:
        """The events of the append that stored `event_id`; none if it is not stored."""
        ...

    async def stored(self, event_ids: Collection[UUID]) -> dict[UUID, Recorded]:
        """The events by their ids, those of them that are stored."""
        ...

    async def last_position(self) -> int:
        """Of the last event; 0 for an empty log."""
        ...

    def history(self, tenant: str, categories: Sequence[str], *, upto: int) -> AsyncGenerator[list[Recorded]]:
        """A tenant's streams of some categories, each as the list of its events up to a position."""
        ...
