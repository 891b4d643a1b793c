"""A published table as values: its columns by their headings, each row a value or what is wrong with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from hashlib import sha256

from eventkit.directory.integrations import Integration
from eventkit.values import from_date, from_decimal, plain
from importing.sheets.cells import Wrong, value_of
from importing.sheets.csv_text import read_text
from importing.sheets.grid import Cell, Unreadable, shown
from importing.sheets.table import Field, heading
from nhip.checkins.v1.checkins_pb2 import RecordProgress
from nhip.common.v1.words_pb2 import PersonalText
from nhip.people.v1.integrations_pb2 import PolledTable

MOST_ROWS, HEADED_WITHIN = 5_000, 20
"""Rows of a table; within how many its headings are looked for."""
_VALUE, _DAY = Field("value", "number"), Field("day", "day")


@dataclass(frozen=True, slots=True)
class Said:
    """A row that can be taken."""

    row: int
    called: str
    command: RecordProgress
    key: str
    """What it is about: a KPI and a day."""
    digest: str
    """Of all that it says."""


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A row that cannot, and why."""

    row: int
    called: str
    reason: str
    parameters: dict[str, str] = field(default_factory=dict[str, str])


def rows(content: bytes, integration: Integration) -> Iterator[Said | Unsaid]:
    """Raises Unreadable for what is no such table."""
    polled = integration.facts.polled
    grid, _ = read_text(content)
    if len(grid) > MOST_ROWS:
        raise Unreadable("TOO_MANY_ROWS", most=str(MOST_ROWS))
    head, columns = _columns(grid, polled)
    for number, row in enumerate(grid[head + 1 :], head + 2):
        cells = {name: row[at] if at < len(row) else None for name, at in columns.items()}
        if cells["kpi"] is not None or cells["value"] is not None:
            yield _row(number, cells, polled, integration)


def _columns(grid: Sequence[Sequence[Cell]], polled: PolledTable) -> tuple[int, dict[str, int]]:
    """Where the headings are, and by what they stand for the columns."""
    wanted = {
        "kpi": polled.kpi_column,
        "value": polled.value_column,
        "day": polled.day_column,
        "note": polled.note_column,
    }
    wanted = {name: heading(text) for name, text in wanted.items() if text.strip()}
    missing = ""
    for number, row in enumerate(grid[:HEADED_WITHIN]):
        headed = [heading(shown(cell)) if cell is not None else "" for cell in row]
        found = {name: headed.index(text) for name, text in wanted.items() if text in headed}
        if len(found) == len(wanted):
            return number, found
        if found:
            missing = missing or next(name for name in wanted if name not in found)
    column = {"kpi": polled.kpi_column, "value": polled.value_column, "day": polled.day_column}.get(
        missing or "kpi", polled.note_column
    )
    raise Unreadable("COLUMN_MISSING", column=column[:80])


def _row(number: int, cells: dict[str, Cell], polled: PolledTable, integration: Integration) -> Said | Unsaid:
    called = "" if cells["kpi"] is None else shown(cells["kpi"])[:80]
    if not called or cells["value"] is None:
        return Unsaid(number, called, "MISSING", {"field": "kpi" if not called else "value"})
    try:
        value: Decimal = value_of(cells["value"], _VALUE, polled.numbers, polled.days)
        day: date | None = None
        if polled.day_column:
            if (cell := cells.get("day")) is None:
                return Unsaid(number, called, "MISSING", {"field": "day"})
            day = value_of(cell, _DAY, polled.numbers, polled.days)
    except Wrong as wrong:
        return Unsaid(number, called, wrong.reason, dict(wrong.parameters))
    noted = cells.get("note")
    note = shown(noted)[:2000] if noted is not None else ""
    command = RecordProgress(
        kpi_id=integration.named(shown(cells["kpi"])),
        value=from_decimal(value),
        occurred_on=from_date(day) if day else None,
        note=PersonalText(plain=note) if note else None,
    )
    told = "\0".join((plain(value), note))
    key = f"{command.kpi_id}|{day.isoformat() if day else ''}"
    return Said(number, called, command, key, sha256(told.encode()).hexdigest()[:16])
