"""The rows of a table: values by field, and everything that is wrong with single cells."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from importing.sheets.cells import Aim, Wrong, value_of
from importing.sheets.faults import Fault
from importing.sheets.grid import Cell, Grid, shown
from importing.sheets.mapping import Reading, headings_of
from importing.sheets.table import Table, heading

AIM = "aim"
"""Under which a row has its target with the sign and unit that stand in the same cell."""
_GROUP = re.compile(r"[IVX]{1,5}\.?|[A-H]\.?")
_TOTALS = ("tong", "tong cong", "cong", "tong so", "tong diem", "tong trong so", "total", "grand total", "sum")
_TOTAL = re.compile(r"(?:tong cong|tong so|tong|cong|grand total|total)(?: \d+(?: \w+)?)?")
"""Where two words say it, or a number follows with one word at most, it is a total whatever else the row has."""
_DECORATED = re.compile(r"^\W*[═─━=_*#-]{2,}|[═─━=_*#-]{2,}\W*$")


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    values: Mapping[str, Any]
    """By field, what was said and could be read."""
    columns: Mapping[str, int]
    cells: Mapping[str, str]
    """By field, what stands there."""

    def get(self, name: str, default: Any = "") -> Any:
        return self.values.get(name, default)

    def fault(self, field: str, reason: str, right: str = "", message: str = "", **parameters: str) -> Fault:
        return Fault(
            self.number,
            self.columns.get(field, 0),
            field,
            self.cells.get(field, ""),
            reason,
            parameters,
            right,
            message,
        )


@dataclass(frozen=True, slots=True)
class Rows:
    rows: Sequence[Row]
    faults: Sequence[Fault]
    passed_over: Sequence[int]
    """Rows that are headings between others: they say nothing about anybody."""


def rows_of(grid: Grid, table: Table, reading: Reading) -> Rows:
    """Everything below the headings that is neither blank nor a heading itself."""
    found: list[Row] = []
    faults: list[Fault] = []
    passed_over: list[int] = []
    titles = [heading(text) for text in headings_of(grid, reading.header).values()]
    for number, cells in enumerate(grid.rows[reading.header :], reading.header + 1):
        filled = [shown(cell) for cell in cells if cell not in (None, "")]
        if not filled:
            continue
        if _is_heading(filled, titles, table, reading, cells):
            passed_over.append(number)
            continue
        row, wrong = _row(number, cells, table, reading)
        found.append(row)
        faults.extend(wrong)
    return Rows(found, faults, passed_over)


def _is_heading(
    filled: Sequence[str], titles: Sequence[str], table: Table, reading: Reading, cells: Sequence[Cell]
) -> bool:
    """The headings once more, a line of decoration, one text alone where more is needed; or where something needed is
    missing the heading of a group ("I", "B.") or a total."""
    if [heading(text) for text in filled] == [title for title in titles if title]:
        return True
    needed = [reading.columns[field.name] for field in table.fields if field.required and field.name in reading.columns]
    given = [column for column in needed if column <= len(cells) and cells[column - 1] not in (None, "")]
    named = {heading(text) for text in (filled[0], *(shown(cells[column - 1]) for column in given[:1]))}
    if any(" " in text and _TOTAL.fullmatch(text) for text in named):
        return True
    if len(given) < len(needed) and (_GROUP.fullmatch(filled[0]) or heading(filled[0]) in _TOTALS):
        return True
    distinct = dict.fromkeys(filled)
    if len(distinct) > 1:
        return False
    if _DECORATED.search(filled[0]):
        return True
    return len(reading.columns) > 1 and not given


def _row(number: int, cells: Sequence[Cell], table: Table, reading: Reading) -> tuple[Row, list[Fault]]:
    values, texts = dict[str, Any](), dict[str, str]()
    row = Row(number, values, reading.columns, texts)
    faults: list[Fault] = []
    for name, cell in _given(cells, table, reading):
        field = table.field(name)
        if cell in (None, ""):
            continue
        texts[name] = shown(cell)
        try:
            value = value_of(cell, field, reading.numbers, reading.days)
        except Wrong as wrong:
            faults.append(row.fault(name, wrong.reason, wrong.right, **wrong.parameters))
        else:
            values[name] = value.value if isinstance(value, Aim) else value
            if isinstance(value, Aim):
                values[AIM] = value
    _join(values, table, reading)
    for field in table.fields:
        if field.required and not texts.get(field.name) and not _made_of_others(field.name, reading):
            faults.append(row.fault(field.name, "MISSING"))
    return row, faults


def _join(values: dict[str, Any], table: Table, reading: Reading) -> None:
    """Names in two columns are one name, in the order of the columns: "Họ và tên đệm" stands before "Tên", "First name"
    before "Last name"."""
    for field in table.fields:
        if field.part_of and (part := values.pop(field.name, "")) and (whole := values.get(field.part_of, "")):
            first = reading.columns.get(field.name, 0) < reading.columns.get(field.part_of, 0)
            values[field.part_of] = f"{part} {whole}" if first else f"{whole} {part}"


def _given(cells: Sequence[Cell], table: Table, reading: Reading) -> Iterator[tuple[str, Cell]]:
    for field in table.fields:
        column = reading.columns.get(field.name, 0)
        cell = cells[column - 1] if 0 < column <= len(cells) else None
        if cell in (None, "") and reading.fixed.get(field.name):
            cell = reading.fixed[field.name]
        yield field.name, cell


def _made_of_others(name: str, reading: Reading) -> bool:
    """A target is made of thresholds where these have columns: whether it could be, the KPI's reading says."""
    return name == "target" and "level_3" in reading.columns
