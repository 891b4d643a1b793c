"""Positions, and who holds them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from eventkit.commands.aggregate import UnknownEvent
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.names import name_key
from eventkit.subscriptions.projection import Rows, View, WrittenWhole, messages
from eventkit.subscriptions.table import Key
from nhip.people.v1.events_pb2 import PositionAssigned, PositionChanged, PositionClosed, PositionOpened
from services.people.domain.position import POSITIONS, Position, of_facts


@dataclass(frozen=True, slots=True)
class PositionRow:
    tenant: str
    position_id: str
    name: str
    name_key: str
    unit_id: str
    job_description: str
    closed: bool


class PositionView(View[PositionRow]):
    name, source, categories, key = "position", "people", (POSITIONS.category,), ("tenant", "position_id")
    version = VERSION
    row = PositionRow
    indexes = ("tenant, name_key, position_id",)
    folds = (PositionChanged, PositionClosed, PositionOpened)
    passes_over = (PositionAssigned,)

    def touches(self, event: Recorded) -> Iterable[Key]:
        match event.message:
            case PositionChanged() | PositionClosed() as e:
                return ((event.tenant, e.position_id),)
            case _:
                return ()

    def fold(self, rows: Rows[PositionRow], event: Recorded) -> None:
        match event.message:
            case PositionOpened() as e:
                rows.put(_row(event.tenant, of_facts(e.position_id, e.position)))
            case PositionChanged() as e:
                closed = rows[event.tenant, e.position_id].closed
                rows.put(replace(_row(event.tenant, of_facts(e.position_id, e.after)), closed=closed))
            case PositionClosed() as e:
                rows.put(replace(rows[event.tenant, e.position_id], closed=True))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PositionRow]:
        for position in POSITIONS.fold(messages(events)).positions.values():
            yield _row(events[0].tenant, position)


def _row(tenant: str, it: Position) -> PositionRow:
    return PositionRow(tenant, it.id, it.name, name_key(it.name), it.unit_id, it.job_description, it.closed)


@dataclass(frozen=True, slots=True)
class PositionHolderRow:
    tenant: str
    person_id: str
    position_id: str
    """Empty: none any more."""


class PositionHolderView(WrittenWhole[PositionHolderRow, PositionAssigned]):
    name, source, categories, key = "position_holder", "people", (POSITIONS.category,), ("tenant", "person_id")
    version = VERSION
    row = PositionHolderRow
    indexes = ("tenant, position_id",)
    folds = (PositionAssigned,)
    passes_over = (PositionChanged, PositionClosed, PositionOpened)

    def written(self, event: Recorded, e: PositionAssigned) -> PositionHolderRow:
        return PositionHolderRow(event.tenant, e.person_id, e.after)

    def expected(self, events: Sequence[Recorded]) -> Iterable[PositionHolderRow]:
        held = POSITIONS.fold(messages(events)).held
        for person in dict.fromkeys(m.person_id for m in messages(events) if isinstance(m, PositionAssigned)):
            yield PositionHolderRow(events[0].tenant, person, held.get(person, ""))


POSITION_ROWS, HOLDERS = PositionView().table, PositionHolderView().table
