"""What a history is made of: facts as they are seen from outside, a JSON line each, in the order they were seen.

A line is written before whoever saw the fact goes on, so that what a killed process said survives it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from eventkit.log import Recorded


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asks for something; every attempt has the same `key`, and at most one append may come of it."""

    fact: ClassVar = "asked"
    key: str
    what: str = ""
    by: str = ""
    """Who, as events name their actors; empty: that is not judged."""
    writes: Sequence[tuple[str, int, Sequence[str]]] = ()
    """Where the caller says it itself: streams, the versions that it counts on, and the ids of its events for each."""


@dataclass(frozen=True, slots=True)
class Told:
    """What whoever asked was told at last: where its last event stands, or why there is none."""

    fact: ClassVar = "told"
    key: str
    position: int | None = None
    refused: str = ""
    versions: Mapping[str, int] = field(default_factory=dict[str, int])
    """Of the streams that were written to, where that is told."""
    repeated: bool | None = None
    """Whether it was said to be a repetition; None: it is not said."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as the log has it, in the end.

    Things are whatever an outsider can name and see: a balance, a stock, a state.
    """

    fact: ClassVar = "stored"
    position: int
    id: str
    stream: str
    version: int
    append: str
    index: int
    size: int
    key: str = ""
    """Of whoever asked for it; empty: nobody whom this history knows."""
    by: str = ""
    """Who did it, as the event says."""
    type: str = ""
    at: str = ""
    found: Mapping[str, str] = field(default_factory=dict[str, str])
    """What things were, as the event says: what its decision counted on."""
    sets: Mapping[str, str] = field(default_factory=dict[str, str])
    """What things are from here on."""
    moves: Mapping[str, int] = field(default_factory=dict[str, int])
    """What goes from one place to another: over the events of an append it comes to nothing."""

    @classmethod
    def of(cls, event: Recorded, key: str = "", **says: Mapping[str, Any]) -> "Stored":
        """The fact that the log has this event; `says` is what it found, sets and moves."""
        return cls(
            event.position,
            str(event.id),
            str(event.stream),
            event.version,
            str(event.append_id),
            event.index,
            event.size,
            key=key,
            by=event.origin.actor,
            type=event.type,
            at=event.recorded_at.isoformat(timespec="microseconds"),
            **says,
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """How many events a log whose positions leave none out has behind one position, up to another; whoever's they
    are."""

    fact: ClassVar = "counted"
    after: int
    upto: int
    events: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """A reader was given an event."""

    fact: ClassVar = "delivered"
    reader: str
    position: int
    id: str
    page: int = 0
    """Which page it came in, of a reader that is given whole appends; 0: of one that is not."""


@dataclass(frozen=True, slots=True)
class Follows:
    """A reader that has had all the time it needs: it was given everything, of these types if any are named."""

    fact: ClassVar = "follows"
    reader: str
    types: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer to a question."""

    fact: ClassVar = "seen"
    reader: str
    shows: Mapping[str, str] = field(default_factory=dict[str, str])
    """What things it says are; "" is a thing that is not there."""
    rows: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """By stream, the ids of its last events, the newest first; none: the stream is empty."""
    behind: int = 0
    """The position that it was asked to be behind."""


@dataclass(frozen=True, slots=True)
class Differs:
    """A row of a view is not what the log says, as `nhip verify` found."""

    fact: ClassVar = "differs"
    view: str
    key: str
    column: str
    expected: str = ""
    found: str = ""


Fact = Asked | Told | Stored | Counted | Delivered | Follows | Seen | Differs
KINDS: Mapping[str, type[Fact]] = {
    kind.fact: kind for kind in (Asked, Told, Stored, Counted, Delivered, Follows, Seen, Differs)
}


UNSAID: Sequence[object] = ("", None, (), {}, [])


def line(fact: Fact) -> str:
    """As JSON, without what is not said."""
    said = {name: value for name, value in asdict(fact).items() if value not in UNSAID}
    return json.dumps({"fact": fact.fact, **said}, ensure_ascii=False)


def read(path: Path) -> Iterator[Fact]:
    """What a file says; a line that was cut off by a kill was not said."""
    text = path.read_text() if path.exists() else ""
    for said in map(json.loads, text[: text.rfind("\n") + 1].splitlines()):
        yield of(said)


def of(said: Mapping[str, Any]) -> Fact:
    return KINDS[said["fact"]](**{name: value for name, value in said.items() if name != "fact"})


class Journal:
    """A file of facts, to go on with."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = "".join(line(fact) + "\n" for fact in read(path))
        path.write_text(whole)
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def say(self, fact: Fact) -> None:
        os.write(self._file, (line(fact) + "\n").encode())

    def close(self) -> None:
        os.close(self._file)
