"""A spreadsheet as rows of cells, whatever file it came in; every limit is one of what is inside, not of what a file
says of itself."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

MOST_BYTES = 10 << 20
MOST_INSIDE = 200 << 20
"""Bytes of what a workbook unpacks to."""
MOST_PACKED = 64 << 20
"""Bytes of a book that travels between the steps of an import, unpacked."""
MOST_RATIO = 300
"""How many times its size a part of a workbook may unpack to, beyond the first megabyte."""
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 50_000, 200, 1_000_000
MOST_CHARACTERS = 10_000
"""In one cell."""
MOST_SHEETS = 50


@dataclass(frozen=True, slots=True)
class Percent:
    """A number that its sheet shows in per cent: Percent(20) for what Excel keeps as 0.2."""

    value: Decimal


Cell = str | Decimal | Percent | date | None
"""A text, a number, a day, or nothing."""


class Unreadable(Exception):
    """A file that cannot be read: a stable reason, and what its rule measures by."""

    def __init__(self, reason: str, **parameters: str):
        super().__init__(reason)
        self.reason, self.parameters = reason, parameters


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet. Rows and columns are counted from 1 where people read of them, as in Excel."""

    name: str
    rows: Sequence[Sequence[Cell]]
    hidden: bool = False

    @property
    def width(self) -> int:
        return max(map(len, self.rows), default=0)

    def cell(self, row: int, column: int) -> Cell:
        """By numbers from 1; nothing beyond the edges."""
        cells = self.rows[row - 1] if 0 < row <= len(self.rows) else ()
        return cells[column - 1] if 0 < column <= len(cells) else None


@dataclass(frozen=True, slots=True)
class Book:
    """A file that was read."""

    name: str
    grids: tuple[Grid, ...]
    encoding: str = ""
    """Of a text: how it was read, as "UTF-8"."""


def letter(column: int) -> str:
    """What Excel calls a column: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def shown(cell: Cell) -> str:
    """A cell as text: days as 2025-03-31, numbers in plain digits."""
    match cell:
        case None:
            return ""
        case Decimal():
            return format(cell, "f")
        case Percent():
            return f"{cell.value:f}%"
        case date():
            return cell.isoformat()
        case _:
            return cell


def read(content: bytes, name: str) -> Book:
    """A CSV or XLSX file. Raises Unreadable."""
    from importing.sheets.csv_text import read_text
    from importing.sheets.workbook import read_workbook

    if not content.strip():
        raise Unreadable("FILE_EMPTY")
    if len(content) > MOST_BYTES:
        raise Unreadable("FILE_TOO_LARGE", most=str(MOST_BYTES >> 20))
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("FILE_OLD_OR_LOCKED")
    if content.startswith(b"PK"):
        return Book(name, bounded(read_workbook(content)))
    rows, encoding = read_text(content)
    return Book(name, bounded([Grid(name.rpartition(".")[0] or name, rows)]), encoding)


def bounded(grids: Sequence[Grid]) -> tuple[Grid, ...]:
    """Sheets within the limits, without what is empty at their ends. Raises Unreadable."""
    kept = [Grid(grid.name, _trimmed(grid.rows), grid.hidden) for grid in grids[:MOST_SHEETS]]
    kept = [grid for grid in kept if grid.rows]
    if not kept:
        raise Unreadable("FILE_EMPTY")
    for grid in kept:
        if len(grid.rows) > MOST_ROWS:
            raise Unreadable("TOO_MANY_ROWS", most=str(MOST_ROWS))
        if grid.width > MOST_COLUMNS:
            raise Unreadable("TOO_MANY_COLUMNS", most=str(MOST_COLUMNS))
        for number, row in enumerate(grid.rows, 1):
            if any(isinstance(cell, str) and len(cell) > MOST_CHARACTERS for cell in row):
                raise Unreadable("CELL_TOO_LONG", row=str(number), most=str(MOST_CHARACTERS))
    if sum(len(row) for grid in kept for row in grid.rows) > MOST_CELLS:
        raise Unreadable("TOO_MANY_CELLS", most=str(MOST_CELLS))
    return tuple(kept)


def _trimmed(rows: Sequence[Sequence[Cell]]) -> list[Sequence[Cell]]:
    kept = [_without_end(row) for row in rows]
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _without_end(row: Sequence[Cell]) -> Sequence[Cell]:
    end = len(row)
    while end and row[end - 1] in (None, ""):
        end -= 1
    return row[:end]


# --- packed: how a book travels between the steps of an import, so that no gateway has to keep it


def packed(book: Book) -> bytes:
    """A book in few bytes; `unpacked` reads them. Raises Unreadable for more than travels."""
    content: Mapping[str, Any] = {
        "name": book.name,
        "encoding": book.encoding,
        "grids": [
            {"name": grid.name, "hidden": grid.hidden, "rows": [[_kept(cell) for cell in row] for row in grid.rows]}
            for grid in book.grids
        ],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) > MOST_PACKED:
        raise Unreadable("FILE_TOO_LARGE_INSIDE", most=str(MOST_PACKED >> 20))
    return zlib.compress(text, 6)


def unpacked(content: bytes) -> Book:
    """Raises Unreadable for what `packed` did not make: it comes back from a browser, so it is read like any file."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(content, MOST_PACKED)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise Unreadable("FILE_UNREADABLE")
        found = json.loads(text)
        grids = [
            Grid(str(one["name"]), [[_found(cell) for cell in row] for row in one["rows"]], bool(one["hidden"]))
            for one in found["grids"]
        ]
        return Book(str(found["name"]), bounded(grids), str(found["encoding"]))
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise Unreadable("FILE_UNREADABLE") from error


def _kept(cell: Cell) -> Any:
    match cell:
        case Decimal():
            return {"n": str(cell)}
        case Percent():
            return {"p": str(cell.value)}
        case date():
            return {"d": cell.isoformat()}
        case _:
            return cell


def _found(cell: Any) -> Cell:
    if cell is None or isinstance(cell, str):
        return cell
    if "n" in cell or "p" in cell:
        number = Decimal(str(cell["n"] if "n" in cell else cell["p"]))
        if not number.is_finite() or abs(number.adjusted()) > 400:
            raise ValueError("no cell holds such a number")
        return number if "n" in cell else Percent(number)
    return date.fromisoformat(str(cell["d"]))
