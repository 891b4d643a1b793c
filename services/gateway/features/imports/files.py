"""Tables as files that a spreadsheet opens: names instead of ids, and no cell that it would take for a formula."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]  # a wheel without py.typed

from importing.sheets.grid import Grid, Percent

TYPES = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
BOM = "\ufeff"
"""By which Excel knows that a CSV is UTF-8."""
_DIGITS = 15
"""As many as Excel keeps of a number; longer ones are text there."""
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

Value = str | Decimal | int | date | None
Rows = AsyncIterator[Sequence[Value]]


def harmless(text: str) -> str:
    """A text that no spreadsheet computes: what begins as a formula does is given an apostrophe, by which spreadsheets
    mark text."""
    return "'" + text if text.lstrip(" \n").startswith(_FORMULAS) or text.startswith(_FORMULAS) else text


def csv_line(values: Sequence[Value], *, first: bool = False) -> bytes:
    """Numbers and days in the plain form that Excel reads in every country."""
    line = io.StringIO()
    csv.writer(line).writerow([_text(value) for value in values])
    return ((BOM if first else "") + line.getvalue()).encode()


def _text(value: Value) -> str:
    match value:
        case None:
            return ""
        case str():
            return harmless(value)
        case date():
            return value.isoformat()
        case _:
            return format(value, "f") if isinstance(value, Decimal) else str(value)


async def workbook(name: str, heading: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    return await asyncio.to_thread(_workbook, name, heading, rows)


def _workbook(name: str, heading: Sequence[str], rows: Sequence[Sequence[Value]]) -> bytes:
    content = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    writer: Any = xlsxwriter.Workbook(content, options)
    with writer as book:
        sheet, bold = book.add_worksheet(name), book.add_format({"bold": True})
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(heading), 18)
        sheet.write_row(0, 0, heading, bold)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(number, column, value, day)
                elif isinstance(value, Decimal | int) and len(str(value)) <= _DIGITS:
                    sheet.write_number(number, column, float(value))
                elif value:
                    sheet.write_string(number, column, str(value))
    return content.getvalue()


async def marked(grid: Grid, header: int, heading: str, told: Mapping[int, Sequence[tuple[int, str]]]) -> bytes:
    """A sheet as it is, with what is wrong beside each row and in colour.

    `told`: by row, each with its column (0: of the whole row). `heading` stands over the last column.
    """
    return await asyncio.to_thread(_marked, grid, header, heading, told)


def _marked(grid: Grid, header: int, heading: str, told: Mapping[int, Sequence[tuple[int, str]]]) -> bytes:
    content = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    writer: Any = xlsxwriter.Workbook(content, options)
    with writer as book:
        sheet, last = book.add_worksheet(), grid.width
        wrong, day = {"bg_color": "#FBD9D3"}, {"num_format": "dd/mm/yyyy"}
        plain, bad = book.add_format(), book.add_format(wrong)
        days, bad_day = book.add_format(day), book.add_format({**wrong, **day})
        per_cent, bad_per_cent = (book.add_format({**style, "num_format": "0.######%"}) for style in ({}, wrong))
        sheet.set_column(0, last, 18)
        for number, row in enumerate(grid.rows, 1):
            faults = told.get(number, ())
            columns = {column for column, _ in faults}
            for column, cell in enumerate([*row, *[None] * (last - len(row))], 1):
                hit = column in columns
                at = number - 1, column - 1
                match cell:
                    case date():
                        sheet.write_datetime(*at, cell, bad_day if hit else days)
                    case Percent():
                        sheet.write_number(*at, float(cell.value / 100), bad_per_cent if hit else per_cent)
                    case Decimal() if len(str(cell)) <= _DIGITS:
                        sheet.write_number(*at, float(cell), bad if hit else plain)
                    case None:
                        sheet.write_blank(*at, None, bad if hit else plain)
                    case _:
                        sheet.write_string(*at, str(cell), bad if hit else plain)
            if number == header:
                sheet.write_string(number - 1, last, heading)
            elif faults:
                sheet.write_string(number - 1, last, "; ".join(text for _, text in faults), bad)
    return content.getvalue()


def named(name: str) -> Mapping[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
