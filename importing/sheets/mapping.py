"""Which column is which: a guess to start from, which says why, and what somebody made of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from eventkit import numerals
from importing.sheets.grid import Grid, shown
from importing.sheets.table import Field, Table, heading

LOOKED_AT = 30
"""Rows in which headings are looked for."""
SAMPLE = 200
"""Rows whose values are looked at."""
Why = Literal["name", "words", "shape"]
"""The heading is the field's; it has the field's words in it; the values look like it."""
_DAYS = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}")
_SLASHED = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-][0-9]{4}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a sheet is read as a table."""

    header: int
    """The row of the headings, from 1; what lies above it is passed over."""
    columns: Mapping[str, int]
    """By field, the number of its column."""
    fixed: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is said once for all rows."""
    numbers: str = ""
    """"vi" or "en": how numbers are written; empty: what can be read in two ways is asked about."""
    days: str = ""
    """"dmy" or "mdy": how 03/04/2025 is read; empty: it is asked about."""


@dataclass(frozen=True, slots=True)
class Guess:
    mapping: Reading
    whys: Mapping[str, Why]
    """By field, why its column is it."""


def guess(grid: Grid, table: Table, header: int = 0) -> Guess:
    """What a sheet's columns probably are. `header`: the row of the headings, where it is known."""
    at = header or header_row(grid, table)
    headings = headings_of(grid, at)
    columns: dict[str, int] = {}
    whys: dict[str, Why] = {}

    def take(name: str, column: int, why: Why) -> None:
        if name not in columns and column not in columns.values():
            columns[name], whys[name] = column, why

    for name, column, why in _by_heading(table, headings):
        take(name, column, why)
    for name, column in _by_shape(grid, at, table, headings):
        take(name, column, "shape")
    samples = [texts(grid, at, column) for column in columns.values()]
    mapping = Reading(at, columns, {}, _numbers(table, columns, grid, at), _days(samples))
    return Guess(mapping, whys)


def header_row(grid: Grid, table: Table) -> int:
    """The row whose cells are most like headings of the table; else the first with two texts."""
    known = {text for field in table.fields for text in field.headed}
    best, most = 0, 0
    for number, row in enumerate(grid.rows[:LOOKED_AT], 1):
        cells = [heading(cell) for cell in row if isinstance(cell, str)]
        score = 2 * sum(cell in known for cell in cells) + sum(bool(_within(cell, known)) for cell in cells)
        if score > most:
            best, most = number, score
    if best:
        return best
    filled = (n for n, row in enumerate(grid.rows, 1) if sum(isinstance(cell, str) for cell in row) > 1)
    return next(filled, 1)


def headings_of(grid: Grid, header: int) -> dict[int, str]:
    """By column, every heading that is there; a column without one is called by its letter on pages."""
    found = {column: shown(grid.cell(header, column)) for column in range(1, grid.width + 1)}
    return {column: text for column, text in found.items() if text or any(texts(grid, header, column, most=5))}


def texts(grid: Grid, header: int, column: int, most: int = SAMPLE) -> list[str]:
    """The first values below a heading."""
    found: list[str] = []
    for row in grid.rows[header : header + SAMPLE]:
        cell = row[column - 1] if column <= len(row) else None
        if cell not in (None, ""):
            found.append(shown(cell))
        if len(found) == most:
            break
    return found


def _by_heading(table: Table, headings: Mapping[int, str]) -> Iterator[tuple[str, int, Why]]:
    plain = {column: heading(text) for column, text in headings.items()}
    exact = [
        (field.headed.index(text), order, field.name, column)
        for column, text in plain.items()
        for order, field in enumerate(table.fields)
        if text in field.headed
    ]
    for _, _, name, column in sorted(exact):
        yield name, column, "name"
    inside = [
        (-len(longest), column, field.name)
        for column, text in plain.items()
        for field in table.fields
        if (longest := _within(text, field.headed))
    ]
    for _, column, name in sorted(inside):
        yield name, column, "words"


def _within(text: str, headed: Sequence[str] | set[str]) -> str:
    """The longest known heading of two words, or of one long one, that stands in a text as words."""
    padded = f" {text} "
    found = [known for known in headed if (" " in known or len(known) > 4) and f" {known} " in padded]
    return max(found, key=len, default="")


def _by_shape(grid: Grid, header: int, table: Table, headings: Mapping[int, str]) -> Iterator[tuple[str, int]]:
    for column in headings:
        values = texts(grid, header, column)
        if not values:
            continue
        for known in table.fields:
            if _looks_like(known, values):
                yield known.name, column


def _looks_like(field: Field, values: Sequence[str]) -> bool:
    """Nine of ten values are such as no other field of the table has."""
    match field.name, field.kind:
        case "email", _:
            fits = [bool(_EMAIL.fullmatch(value)) for value in values]
        case _, "choice":
            words = {word for value, some in (field.among or {}).items() for word in (value, *some)}
            fits = [heading(value) in words for value in values]
        case _, "percent":
            fits = [value.endswith("%") for value in values]
        case _, "day":
            fits = [bool(_DAYS.fullmatch(value)) for value in values]
        case _:
            return False
    return sum(fits) * 10 >= len(values) * 9


def _numbers(table: Table, columns: Mapping[str, int], grid: Grid, header: int) -> str:
    """The language in which alone some number of the file can be read; empty: none says, or both."""
    found: set[str] = set()
    for name, column in columns.items():
        if table.field(name).kind in ("number", "aim", "percent"):
            found |= {language for value in texts(grid, header, column) if (language := _only_in(value))}
    return found.pop() if len(found) == 1 else ""


def _only_in(text: str) -> str:
    try:
        if numerals.amount(text) is None or not re.search(r"[0-9][.,][0-9]", text):
            return ""
    except numerals.TwoReadings:
        return ""
    vi = numerals.strictly(text, "vi")
    return "vi" if vi and not numerals.strictly(text, "en") else "en" if not vi else ""


def _days(samples: Sequence[Sequence[str]]) -> str:
    """The order of day and month, where some day can be read in one way only."""
    firsts, seconds = False, False
    for values in samples:
        for value in values:
            if match := _SLASHED.fullmatch(value):
                firsts, seconds = firsts or int(match[1]) > 12, seconds or int(match[2]) > 12
    return "" if firsts == seconds else "dmy" if firsts else "mdy"
