"""What a decision looks at, and what is appended because of it: guarded by what it rests on."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from eventkit.commands.aggregate import Aggregate, Decision
from eventkit.log import NewEvent, StreamId, Write

State = TypeVar("State")


class Load(Protocol):
    """Answers an aggregate's state, the initial one if it has no events; the append is guarded by what was loaded."""

    async def __call__(self, aggregate: Aggregate[State], id: str) -> State: ...


class NotLoaded(LookupError):
    """A decision writes to a stream that it has not looked at: a defect of whoever decides, which no repetition
    mends."""


Decide = Callable[[Load], Awaitable[Decision]]


class Loaded(NamedTuple):
    """What a decision has looked at."""

    version: int
    aggregate: Aggregate[Any]


def writes_of(
    tenant: str, decision: Decision, events: Sequence[NewEvent], versions: dict[StreamId, int]
) -> list[Write]:
    """What a decision writes, given the versions of the streams; those are moved on. Positions follow the decision, so
    that effects stand behind their causes, whatever was loaded first."""
    writes: list[Write] = []
    for (ref, _), event in zip(decision, events, strict=True):
        stream = StreamId(tenant, *ref)
        writes.append(Write(stream, versions.get(stream, 0), [event]))
        versions[stream] = writes[-1].expected + 1
    return writes


def guards_of(loaded: Mapping[StreamId, Loaded], writes: Iterable[Write]) -> list[Write]:
    """That what was only looked at is as it was."""
    written = {write.stream for write in writes}
    return [Write(stream, known.version) for stream, known in loaded.items() if stream not in written]
