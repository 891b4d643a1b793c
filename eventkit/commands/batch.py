"""Several commands that are carried out together, each on what those before it leave, and what their caller is told."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, Decision, Ref
from eventkit.commands.loading import Decide, Loaded, guards_of, writes_of
from eventkit.context import Context
from eventkit.errors import Rejected
from eventkit.log import NewEvent, StreamId, Write
from nhip.common.v1.command_pb2 import Accepted, Refusal, Verdict


class Item(NamedTuple):
    """One of several commands of a tenant: its circumstances, the aggregate that it is foremost about, and how it is
    decided."""

    ctx: Context
    ref: Ref
    decide: Decide
    id: str
    """In the reply: of what it makes or changes."""
    reads: Sequence[tuple[Aggregate[Any], str]] = ()
    """What it will load, as far as that is known: loaded in one go, for all items."""
    number: int | None = None
    """Its place in what its caller sent; None: they are carried out in that order."""


class Refused(Exception):
    """One of several commands that are carried out as one was refused, and so none was carried out."""

    def __init__(self, number: int, refusal: Rejected):
        super().__init__(f"command {number}: {refusal}")
        self.number, self.refusal = number, refusal


class Link(NamedTuple):
    """An aggregate as a batch has come to leave it, before anything of that is stored."""

    version: int
    state: Any
    aggregate: Aggregate[Any]


class Chain:
    """What a batch has loaded and decided so far."""

    def __init__(self, tenant: str):
        self.tenant = tenant
        self.known: dict[StreamId, Link] = {}
        self._unseen: dict[StreamId, list[Message]] = {}
        """What was decided for streams that nobody loaded."""

    def begin(self, stream: StreamId, link: Link) -> None:
        """A stream as the log has it: what was decided for it comes on top."""
        for message in self._unseen.pop(stream, ()):
            link = Link(link.version + 1, link.aggregate.evolve(link.state, message), link.aggregate)
        self.known[stream] = link

    def extend(self, decision: Decision, events: Sequence[NewEvent], loaded: Mapping[StreamId, Loaded]) -> list[Write]:
        """What is to be appended for a decision; those that follow see it."""
        versions = {stream: self._version(stream) for stream in (StreamId(self.tenant, *ref) for ref, _ in decision)}
        writes = writes_of(self.tenant, decision, events, versions)
        for (_, message), (stream, _, _) in zip(decision, writes, strict=True):
            if link := self.known.get(stream):
                self.begin(stream, Link(link.version + 1, link.aggregate.evolve(link.state, message), link.aggregate))
            else:
                self._unseen.setdefault(stream, []).append(message)
        return [*writes, *guards_of(loaded, writes)]

    def _version(self, stream: StreamId) -> int:
        """Of a stream that nobody loaded: what was decided for it is all that there is."""
        link = self.known.get(stream)
        return link.version if link else len(self._unseen.get(stream, ()))


def together(outcomes: Sequence[Accepted | Rejected]) -> Accepted:
    """One reply to several commands: how far the log is because of them, and a verdict on each."""
    positions = [done.position for done in outcomes if isinstance(done, Accepted) and done.position]
    last = max(positions, key=lambda position: int(position.partition("=")[2]), default="")
    return Accepted(position=last, verdicts=map(_verdict, outcomes))


def _verdict(outcome: Accepted | Rejected) -> Verdict:
    if isinstance(outcome, Accepted):
        return Verdict(id=outcome.id, repeated=outcome.repeated, unchanged=outcome.unchanged)
    field = outcome.violations[0].field if outcome.violations else ""
    refusal = Refusal(reason=outcome.reason, message=outcome.message, parameters=outcome.parameters, field=field)
    return Verdict(id=outcome.id, refused=refusal)
