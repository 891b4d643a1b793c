"""XLSX: the values that were computed when it was saved, no formula is. What a file unpacks to is looked at before
anything is built of it."""

import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from eventkit.values import plain
from importing.sheets.grid import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_INSIDE,
    MOST_RATIO,
    MOST_ROWS,
    MOST_SHEETS,
    Cell,
    Grid,
    Percent,
    Unreadable,
)

_CHUNK = 1 << 20
_MOST_BUILT = 5 * MOST_CELLS
"""Cells between the edges of a sheet, filled or not."""
_OVERLAP = 300
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]{0,200})>")
_AT, _STYLE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"'), re.compile(rb'\bs="([0-9]{1,5})"')
_FORMAT = re.compile(rb'<(?:\w+:)?numFmt\b[^>]*?numFmtId="([0-9]+)"[^>]*?formatCode="([^"]*)"')
_STYLES = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_XF = re.compile(rb'<(?:\w+:)?xf\b[^>]*?numFmtId="([0-9]+)"')
_PERCENT_FORMATS = frozenset({9, 10})
"""Excel's own; others have a % in them."""
Spot = tuple[int, int]


def read_workbook(content: bytes) -> list[Grid]:
    """Its sheets in order. Raises Unreadable."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            percents = _looked_through(archive)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise Unreadable("FILE_UNREADABLE") from error
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        wanted = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet][:MOST_SHEETS]
        grids: list[Grid] = []
        for number, sheet in enumerate(wanted):
            known = percents[number] if len(percents) == len(wanted) else frozenset[Spot]()
            rows = _rows(book.get_sheet_by_name(sheet.name), known)
            grids.append(Grid(sheet.name, rows, sheet.visible != SheetVisibleEnum.Visible))
        return grids
    except (CalamineError, ValueError, OSError) as error:
        raise Unreadable("FILE_UNREADABLE") from error


def _looked_through(archive: zipfile.ZipFile) -> list[frozenset[Spot]]:
    """Which numbers of each sheet are shown in per cent: 0.2 is 20% there. Raises Unreadable for what is too much."""
    parts = [part for part in archive.infolist() if not part.is_dir()]
    if len(parts) > 2_000:
        raise Unreadable("FILE_UNREADABLE")
    inside = 0
    styles = b""
    found: dict[str, frozenset[Spot]] = {}
    for part in sorted(parts, key=lambda part: part.filename != "xl/styles.xml"):
        edges = Edges()
        is_sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
        spots, size, kept = set[Spot](), 0, b""
        percents = _percent_styles(styles) if is_sheet else frozenset[int]()
        with archive.open(part) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                inside += len(chunk)
                if inside > MOST_INSIDE or size > _CHUNK + MOST_RATIO * max(part.compress_size, 1):
                    raise Unreadable("FILE_TOO_LARGE_INSIDE", most=str(MOST_INSIDE >> 20))
                if part.filename == "xl/styles.xml":
                    styles += chunk
                if is_sheet:
                    spots.update(_percents(kept + chunk, percents, edges))
                    kept = chunk[-_OVERLAP:]
        if is_sheet and "/" not in part.filename.removeprefix("xl/worksheets/"):
            found[part.filename] = frozenset(spots)
    return [found[name] for name in sorted(found, key=_in_order)]


def _in_order(name: str) -> tuple[int, str]:
    number = re.search(r"(\d+)\.xml$", name)
    return int(number[1]) if number else 0, name


def _percent_styles(styles: bytes) -> frozenset[int]:
    formats = {int(id) for id, code in _FORMAT.findall(styles) if b"%" in code} | _PERCENT_FORMATS
    table = _STYLES.search(styles)
    return frozenset(at for at, id in enumerate(_XF.findall(table[0])) if int(id) in formats) if table else frozenset()


class Edges:
    """How far a sheet reaches, as far as it was looked through."""

    def __init__(self) -> None:
        self._rows = self._columns = self._cells = 0

    def take(self, row: int, column: int) -> None:
        """Raises Unreadable: a sheet is built from edge to edge, however few of its cells are filled."""
        self._rows, self._columns, self._cells = max(self._rows, row), max(self._columns, column), self._cells + 1
        if self._rows > 4 * MOST_ROWS:
            raise Unreadable("TOO_MANY_ROWS", most=str(MOST_ROWS))
        if self._columns > 4 * MOST_COLUMNS:
            raise Unreadable("TOO_MANY_COLUMNS", most=str(MOST_COLUMNS))
        if self._rows * self._columns > _MOST_BUILT or self._cells > _MOST_BUILT:
            raise Unreadable("TOO_MANY_CELLS", most=str(MOST_CELLS))


def _percents(xml: bytes, percents: frozenset[int], edges: Edges) -> Iterator[Spot]:
    """Of the cells in a piece of a sheet those that are shown in per cent."""
    for attributes in _CELL.findall(xml):
        at = _AT.search(attributes)
        if at is None:
            edges.take(0, 0)
            continue
        column = 0
        for char in at[1]:
            column = column * 26 + char - 64
        row = int(at[2])
        edges.take(row, column)
        style = _STYLE.search(attributes)
        if style and int(style[1]) in percents:
            yield row, column


def _rows(sheet: CalamineSheet, percents: frozenset[Spot]) -> list[list[Cell]]:
    found: Sequence[Sequence[Any]] = sheet.to_python(skip_empty_area=False)
    rows = [
        [_cell(value, (row, column) in percents) for column, value in enumerate(cells, 1)]
        for row, cells in enumerate(found, 1)
    ]
    filled = 0
    for (top, left), (bottom, _right) in sheet.merged_cell_ranges or ():
        filled += max(min(bottom, len(rows)) - top, 0)
        if filled > MOST_CELLS:
            raise Unreadable("TOO_MANY_CELLS", most=str(MOST_CELLS))
        for row in range(top + 1, min(bottom + 1, len(rows))):  # what is merged downwards is said of each row
            if left < len(rows[row]) and rows[row][left] is None:
                rows[row][left] = rows[top][left]
    return rows


def _cell(value: Any, percent: bool) -> Cell:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
            number = number.to_integral_value() if number == number.to_integral_value() else number
            return Percent(Decimal(plain(number * 100))) if percent else number
        case datetime():
            return value.date()
        case date():
            return value
        case time() | timedelta():
            return str(value)
        case _:
            return unicodedata.normalize("NFC", str(value)).strip() or None
