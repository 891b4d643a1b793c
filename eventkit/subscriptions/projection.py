"""Views: read models that are folded from one context's events, and can be folded again from the first.

A view is a table of frozen rows and a `fold` that moves rows by one event; where an aggregate folds the same events,
`expected` says by its states which rows there should be. A row is written by events of one stream only. Where one event
writes a row whole, a view is `WrittenWhole`, and says no more than how.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar, cast

import asyncpg
from google.protobuf.message import Message

from eventkit.log import Recorded
from eventkit.subscriptions.table import Key, Table

Row = TypeVar("Row")


class Rows(Generic[Row]):
    """The rows that a page of events touches: loaded before, written after."""

    def __init__(self, table: Table[Row], loaded: Mapping[Key, Row]):
        self._table, self._rows, self._changed = table, dict(loaded), dict[Key, Row]()

    def get(self, *key: Any) -> Row | None:
        return self._rows.get(key)

    def __getitem__(self, key: Key) -> Row:
        """Raises KeyError for a row that is not there: an event without its predecessor, which cannot be handled."""
        return self._rows[key]

    def put(self, row: Row) -> None:
        key = self._table.key_of(row)
        self._rows[key] = self._changed[key] = row

    @property
    def changed(self) -> list[Row]:
        return list(self._changed.values())


class View(Generic[Row]):
    """A read model of one context's events; subclass it in a module of `views/`."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Part of the table's name.

    A view that changes its row or its fold takes the next one, with those that share its subscription, and fills its
    own table.
    """
    source: ClassVar[str]
    """The context whose events it folds: the service's own, or another's by its topic."""
    categories: ClassVar[tuple[str, ...]]
    """The streams that it is folded from; none named: all of them."""
    group: ClassVar[str] = ""
    """Who shares a subscription: one consumer, one checkpoint, one transaction for a page.

    Empty: all of a service's views of one source, so that what an answer joins of them is of one moment. A view names
    another only if nothing is joined with it.
    """
    folds: ClassVar[tuple[type[Message], ...]] = ()
    """The types of events that `fold` takes; it sees no other."""
    passes_over: ClassVar[tuple[type[Message], ...]] = ()
    """The other types of its categories: that they change nothing here is said, so that no new type is forgotten."""
    raw: ClassVar[bool] = False
    """It folds events whatever their type, also those that are not known here and have no `message`."""
    outlives: ClassVar[bool] = False
    """It keeps its rows of tenants that were deleted, by which that is known; every other view has none of them."""
    blanks: ClassVar[tuple[str, ...]] = ()
    """Columns of text that are empty in those rows: also in tables of versions that knew of no deletion."""
    row: type[Row]
    key: ClassVar[tuple[str, ...]]
    indexes: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def table(self) -> Table[Row]:
        return Table(f"{self.name}_v{self.version}", self.row, self.key, self.indexes)

    @property
    def subscription(self) -> str:
        """The name of its checkpoint."""
        return f"{self.group or self.source}_v{self.version}"

    def touches(self, event: Recorded) -> Iterable[Key]:
        """The keys of the rows that `fold` will want to see for this event; none for a row that one event writes
        whole."""
        return ()

    def fold(self, rows: Rows[Row], event: Recorded) -> None:
        """Move the rows by one event, whose `message` is one of `folds`. What it raises parks the event."""
        raise NotImplementedError

    def expected(self, events: Sequence[Recorded]) -> Iterable[Row]:
        """The rows that one whole stream should have led to.

        A view overrides it where an aggregate says so independently, by its `evolve`. This one has nothing but the view
        itself: a fresh fold finds rows that were lost, falsified or folded twice, and no fault of `fold`.
        """
        rows = Rows(self.table, {})
        for event in filter(self.concerned, events):
            self.fold(rows, event)
        return rows.changed

    def concerned(self, event: Recorded) -> bool:
        """Whether `fold` takes it."""
        return self._is_of_mine(event) and (self.raw or type(event.message) in self._folds)

    @cached_property
    def _folds(self) -> frozenset[type]:
        return frozenset(self.folds)

    def _is_of_mine(self, event: Recorded) -> bool:
        return not self.categories or event.stream.category in self.categories

    @property
    def independent(self) -> bool:
        """`expected` is more than a fresh fold."""
        return type(self).expected is not View[Any].expected

    def not_known(self, events: Iterable[Recorded]) -> int:
        """How many events of its streams are of types that are not known here, and passed over: a producer may be newer
        than its consumer."""
        return 0 if self.raw else sum(event.message is None and self._is_of_mine(event) for event in events)

    async def apply(self, con: asyncpg.Connection, events: Sequence[Recorded]) -> Sequence[Row]:
        """Fold a page into the table, inside the caller's transaction.

        Answers the rows that changed.
        """
        concerned = [event for event in events if self.concerned(event)]
        if not concerned:
            return ()
        changed = self.folded(concerned, await self.table.load(con, self.touched(concerned)))
        await self.table.save(con, changed)
        return changed

    def touched(self, concerned: Iterable[Recorded]) -> Collection[Key]:
        """The keys of all rows that the fold of these events will want to see."""
        return dict.fromkeys(key for event in concerned for key in self.touches(event))

    def folded(self, concerned: Iterable[Recorded], loaded: Mapping[Key, Row]) -> list[Row]:
        """The rows that these events change. `loaded`: those of `touched` that exist."""
        rows = Rows(self.table, loaded)
        for event in concerned:
            self.fold(rows, event)
        return rows.changed


Written = TypeVar("Written", bound=Message)


class WrittenWhole(View[Row], Generic[Row, Written]):
    """A view whose rows are written whole, each by one event; a later one for the same key replaces it."""

    def written(self, event: Recorded, e: Written) -> Row:
        """The row that an event writes; `e` is its message, one of `folds`."""
        raise NotImplementedError

    def fold(self, rows: Rows[Row], event: Recorded) -> None:
        rows.put(self.written(event, cast(Written, event.message)))


AnyView = View[Any]
"""A view whose rows matter to nobody but itself."""


def by_subscription(views: Sequence[AnyView]) -> dict[str, list[AnyView]]:
    """Views with those that they share a subscription with.

    Raises ValueError when what a group shares is not the same, and for a view that folds nothing.
    """
    groups: dict[str, list[AnyView]] = {}
    for view in views:
        if not (view.folds or view.raw):
            raise ValueError(f"the view {view.name} folds nothing: name the types of events that its rows are made of")
        groups.setdefault(view.subscription, []).append(view)
    for name, group in groups.items():
        if len({view.source for view in group}) > 1:
            raise ValueError(f"the views of {name} have several sources: a subscription has one")
    versions: dict[str, set[int]] = {}
    for view in views:
        versions.setdefault(view.group or view.source, set()).add(view.version)
    for name, found in versions.items():
        if len(found) > 1:
            raise ValueError(f"the views of {name} have versions {sorted(found)}: a group takes a new one together")
    return groups


def messages(events: Iterable[Recorded]) -> list[Message]:
    """The events themselves, unknown types left out."""
    return [event.message for event in events if event.message is not None]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One row that is not what its stream says: one column of it, or, with no column, the whole row."""

    key: str
    column: str
    expected: str
    found: str


class Expected(Generic[Row]):
    """The rows that there should be, gathered stream by stream."""

    def __init__(self, view: View[Row]):
        self._view = view
        self.rows: dict[Key, Row] = {}
        self.shared: list[Mismatch] = []
        """Rows that a second stream writes: nothing orders the events of two, so a rebuild may end otherwise."""

    def add(self, events: Sequence[Recorded]) -> None:
        """One whole stream. Raises what the view raises."""
        if not events:
            return
        rows = {self._view.table.key_of(row): row for row in self._view.expected(events)}
        for key in sorted(rows.keys() & self.rows.keys(), key=str):
            self.shared.append(Mismatch(f"stream={events[0].stream}", "", "rows of its own", f"another's {key[1:]}"))
        self.rows |= rows


@dataclass(slots=True)
class Comparison:
    """A view held against the fold of its streams."""

    rows: int = 0
    mismatches: list[Mismatch] = field(default_factory=list[Mismatch])


def compare(table: Table[Row], expected: Mapping[Key, Row], found: Mapping[Key, Row]) -> Comparison:
    """Every row that is missing, should not be there, or differs.

    Personal words are sealed in rows, so nothing is given away.
    """
    result = Comparison(rows=len(found))
    for key in sorted(expected.keys() | found.keys(), key=str):
        named = ", ".join(f"{c}={v}" for c, v in zip(table.key, key, strict=True) if c != "tenant")
        want, have = expected.get(key), found.get(key)
        if want is None or have is None:
            result.mismatches.append(
                Mismatch(
                    named, "", "a row" if want is not None else "no row", "a row" if have is not None else "no row"
                )
            )
            continue
        for f in fields(want):  # type: ignore[arg-type] # rows are dataclasses
            a, b = getattr(want, f.name), getattr(have, f.name)
            if a != b:
                result.mismatches.append(Mismatch(named, f.name, str(a), str(b)))
    return result
