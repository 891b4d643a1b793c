"""What tables for spreadsheets say, and that nothing in them is computed."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import importing
from importing.sheets.cells import value_of
from importing.sheets.grid import Cell, Grid, read
from importing.sheets.mapping import guess
from importing.sheets.tables import TABLES
from services.gateway.console.language import Language
from services.gateway.console.refusals import reasons
from services.gateway.console.sheet_words import choice_words, fault_words, field_words, file_words
from services.gateway.features.imports.files import csv_line, marked
from services.gateway.features.imports.taking_out import FIELDS

RAISED = re.compile(r'(?:fault\(\s*"[a-z_]+",|Wrong\(|Unreadable\(|Names\(|NOT_BY_FILE =|, "")\s*"([A-Z_]{5,})"')
ROOM = Path(importing.__file__).parent / "sheets"


@pytest.mark.parametrize("code", ["vi", "en"])
@pytest.mark.parametrize("name", list(TABLES))
def test_what_we_head_a_column_with_is_what_it_is_taken_for(name: str, code: str):
    words, table = field_words(Language(code)), TABLES[name]
    fields = [field.name for field in table.fields]
    guessed = guess(Grid("x", [[words[field] for field in fields]]), table).mapping.columns
    assert guessed == {field: column for column, field in enumerate(fields, 1)}
    assert set(FIELDS.get(name, ())) <= set(fields)


@pytest.mark.parametrize("code", ["vi", "en"])
def test_what_we_write_for_a_choice_is_read_as_it(code: str):
    words = choice_words(Language(code))
    for field in TABLES["kpis"].fields:
        if field.kind == "choice":
            assert [value_of(words[value], field, "", "") for value in field.among or ()] == list(field.among or ())


def test_everything_that_is_wrong_with_a_sheet_has_words():
    known = {**fault_words(Language("en")), **file_words(Language("en")), **reasons(Language("en"))}
    raised = {reason for file in ROOM.glob("*.py") for reason in RAISED.findall(file.read_text("utf-8"))}
    assert len(raised) > 25
    assert {reason for reason in raised if reason not in known} == set()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", " =1", "=HYPERLINK(0)"])
def test_no_text_is_a_formula_for_a_spreadsheet(text: str):
    line = csv_line([text]).decode()
    assert line.lstrip('"').startswith("'")
    assert csv_line([Decimal("-3.5")]) == b"-3.5\r\n"


async def test_a_sheet_with_its_faults_marked_is_the_sheet_with_a_column_that_nothing_is_read_from():
    rows: list[list[Cell]] = [
        ["Danh sách", None, None],
        ["Mã NV", "Họ và tên", "Ngày vào làm"],
        ["001", "Đỗ Ánh", date(2024, 4, 3)],
        ["002", "=HYPERLINK(1)", "32/13/2024"],
    ]
    grid = Grid("x", rows)
    told = {4: [(3, "Ngày vào làm: không phải là ngày"), (0, "Trùng")]}
    [back] = read(await marked(grid, 2, "Chỗ cần sửa", told), "marked.xlsx").grids
    assert [[*row, *[None] * (3 - len(row))][:3] for row in back.rows] == rows
    assert (back.cell(2, 4), back.cell(4, 4)) == ("Chỗ cần sửa", "Ngày vào làm: không phải là ngày; Trùng")
    before, after = (guess(one, TABLES["people"]).mapping for one in (grid, back))
    assert (after.header, after.columns) == (before.header, before.columns)
