"""What bringing a table in would do: every row as new, different, unchanged or wrong, and the commands behind them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from google.protobuf.message import Message

from importing.sheets.faults import Fault

Ids = Callable[[str, str], str]
"""The id of a thing by kind and reference. What is there already is its own reference; of what is not there yet ("#"
and its row) it is empty while things are only checked."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One command, which may rest on what others make."""

    row: int
    kind: str
    """Of what it makes or changes: "person", "unit", …"""
    ref: str
    build: Callable[[Ids], Message]
    key: str = ""
    """Of what it makes: the same whenever the same row comes again. Empty: a change, done once for each time it is
    ticked."""
    after: tuple[str, ...] = ()
    """References that must be there before it."""
    field: str = ""
    """What it changes."""
    lines: tuple[int, ...] = ()
    """Of what has values: the row of each."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that stands otherwise in Nhip than in the file."""

    row: int
    field: str
    before: str
    after: str
    obstacle: str = ""
    """Why no file changes it, as a stable reason; empty: it can be ticked."""

    @property
    def name(self) -> str:
        """By which it is ticked."""
        return f"{self.row}.{self.field}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one row means. A row that is one KPI for each of many people has an entry for each."""

    row: int
    label: str
    new: Deed | None = None
    more: tuple[Deed, ...] = ()
    """What else belongs to what is new, as the head of a unit."""
    differences: tuple[Difference, ...] = ()
    change: Callable[[frozenset[str]], Sequence[Deed]] | None = None
    """What changes the fields that were ticked."""
    understood: str = ""
    """What was made of it, where that is not what stands there."""
    ref: str = ""
    """Of what is not there yet and can only be proposed."""
    others: tuple[int, ...] = ()
    """Further rows that say a part of it."""

    @property
    def state(self) -> str:
        return "new" if self.new else "different" if self.differences else "unchanged"


@dataclass(slots=True)
class Plan:
    entries: list[Entry] = field(default_factory=list[Entry])
    faults: list[Fault] = field(default_factory=list[Fault])
    passed_over: Sequence[int] = ()
    over_full: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    """By the name of who answers for them, weights in the cycle that make more than 100 per cent: allowed, and worth a
    look (G-45)."""
    changing: Callable[[Sequence[Difference]], Sequence[Deed]] | None = None
    """What changes, or asks for, the ticked differences together, where it is not each row's own."""

    @property
    def wrong(self) -> frozenset[int]:
        return frozenset(fault.row for fault in self.faults)

    def right(self) -> list[Entry]:
        """What is left when wrong rows are left out."""
        wrong = self.wrong
        return [entry for entry in self.entries if wrong.isdisjoint((entry.row, *entry.others))]

    def count(self, state: str) -> int:
        """Of right rows; of new ones what they make."""
        return sum(entry.state == state for entry in self.right())

    def differences(self) -> list[Difference]:
        return [difference for entry in self.right() for difference in entry.differences]

    def deeds(self, ticked: frozenset[str]) -> list[Deed]:
        """The commands for everything new and the differences that were ticked, each behind what it rests on."""
        entries = self.right()
        found = [deed for entry in entries if entry.new for deed in (entry.new, *entry.more)]
        wanted = [d for entry in entries for d in entry.differences if d.name in ticked and not d.obstacle]
        if self.changing is not None:
            found += self.changing(wanted) if wanted else ()
        else:
            names = {d.name for d in wanted}
            for entry in entries:
                fields = frozenset(d.field for d in entry.differences if d.name in names)
                found += entry.change(fields) if fields and entry.change else ()
        return in_order(found)


def in_order(deeds: Iterable[Deed]) -> list[Deed]:
    """Each behind what it rests on, else as they come."""
    waiting, done = list(deeds), list[Deed]()
    made = {deed.ref for deed in waiting if deed.key}
    there = set[str]()
    while waiting:
        ready = [deed for deed in waiting if all(ref in there or ref not in made for ref in deed.after)]
        if not ready:
            raise ValueError("circles are found before anything is put in order")
        done += ready
        there |= {deed.ref for deed in ready if deed.key}
        chosen = set(map(id, ready))
        waiting = [deed for deed in waiting if id(deed) not in chosen]
    return done


def key_of(kind: str, *parts: str) -> str:
    """The idempotency key of a row: the same for the same thing in whatever file."""
    text = "\0".join(parts)
    return f"import:{kind}:{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def circle(before: Mapping[str, str]) -> set[str]:
    """Of things that name what is above them, those that are in a circle."""
    found, seen = set[str](), set[str]()
    for start in before:
        way: list[str] = []
        at = start
        while at in before and at not in seen:
            seen.add(at)
            way.append(at)
            at = before[at]
        if at in way:
            found.update(way[way.index(at) :])
    return found
