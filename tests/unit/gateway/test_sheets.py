"""What tables for spreadsheets say, and that nothing in them is computed."""

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from google.type import date_pb2

import importing
from importing.sheets.cells import value_of
from importing.sheets.grid import Cell, Grid, read
from importing.sheets.mapping import guess
from importing.sheets.tables import TABLES
from nhip.checkins.v1 import check_ins_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.language import Language
from services.gateway.console.refusals import reasons
from services.gateway.console.sheet_words import choice_words, fault_words, field_words, file_words
from services.gateway.features.imports.files import csv_line, marked
from services.gateway.features.imports.taking_out import FIELDS

from .conftest import Backend

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
    for field in (*TABLES["kpis"].fields, *TABLES["links"].fields):
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


async def lines(signed_in: httpx.AsyncClient, table: str) -> list[list[str]]:
    """What a table taken out as CSV has below its headings."""
    file = await signed_in.get(f"/import/export/{table}.csv")
    assert file.status_code == 200, file.text
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))[1:]


@pytest.mark.parametrize("away", [""])
async def test_strategy_and_links_are_taken_out_with_names(signed_in: httpx.AsyncClient, backend: Backend):
    kpi = goals_pb2.Kpi(
        kpi_id="k1", cycle_id="q1", name="Demo", why="Khách thấy mới mua", parent=types_pb2.Parent(csf_id="c1")
    )
    kpi.further.add(to=types_pb2.Parent(kpi_id="k2"), effect=types_pb2.EFFECT_HINDERS, why="Hết giờ").share.value = "0"
    kpi.further.add(to=types_pb2.Parent(goal_id="g1"), effect=types_pb2.EFFECT_SUPPORTS)
    yearly = goals_pb2.Kpi(kpi_id="y1", cycle_id="year", name="Doanh thu năm")
    unlinked = goals_pb2.Kpi(kpi_id="k2", cycle_id="q1", name="Chưa nối")
    quarterly = goals_pb2.Kpi(kpi_id="k3", cycle_id="q1", name="Quý", parent=types_pb2.Parent(kpi_id="y1"))
    kpi.owners.add(person_id="minh").name.plain = "Minh"
    goal = goals_pb2.StrategicGoal(goal_id="g1", name="Doanh thu", year=2025, unit="tỷ ₫")
    goal.target.value = "12.5"
    csf = goals_pb2.Csf(csf_id="c1", name="=Dùng thử", goal_ids=["g1", "g1"], why="Vì sao")
    first, last = date_pb2.Date(year=2025, month=1, day=1), date_pb2.Date(year=2025, month=3, day=31)
    cycle = goals_pb2.Cycle(cycle_id="q1", starts_on=first, ends_on=last)
    backend.answers("ListCycles", goals_pb2.Cycles(cycles=[cycle]))
    backend.answers("ListStrategicGoals", goals_pb2.StrategicGoals(goals=[goal]))
    backend.answers("ListCsfs", goals_pb2.Csfs(csfs=[csf]))
    backend.answers("ListKpis", goals_pb2.Kpis(kpis=[yearly, kpi, quarterly, unlinked]))
    assert await lines(signed_in, "goals") == [["Doanh thu", "2025", "12.5", "tỷ ₫"]]
    assert await lines(signed_in, "csfs") == [["'=Dùng thử", "Doanh thu; Doanh thu", "Vì sao"]]
    assert await lines(signed_in, "links") == [
        ["Demo", "Minh", "'=Dùng thử", "phục vụ", "", "Khách thấy mới mua"],
        ["Demo", "Minh", "Chưa nối", "cản trở", "0", "Hết giờ"],
        ["Demo", "Minh", "Doanh thu", "hỗ trợ", "", ""],
        ["Quý", "", "Doanh thu năm", "phục vụ", "", ""],
    ]


@pytest.mark.parametrize("away", [""])
async def test_ones_own_check_ins_are_taken_out_a_row_for_each_kpi(signed_in: httpx.AsyncClient, backend: Backend):
    day = date_pb2.Date(year=2025, month=3, day=20)
    said = check_ins_pb2.Submission(number=1)
    said.at.FromDatetime(datetime(2025, 3, 20, 18, tzinfo=UTC))
    said.mood.plain, said.learnings.plain = "4", "Gọi sớm hơn"
    for done in ("Hai demo", "Một hợp đồng"):
        said.done.add(plain=done)
    for kpi, value in (("k1", "37"), ("k2", "91.5")):
        said.values.add(kpi_id=kpi, confidence=6).value.value = value
    backend.answers("ListCheckIns", check_ins_pb2.CheckInList(check_ins=[check_ins_pb2.CheckInLine(due_on=day)]))
    backend.answers("GetCheckIn", check_ins_pb2.CheckIn(due_on=day, submitted=said))
    backend.answers("GetKpi", goals_pb2.KpiPage(kpi=goals_pb2.Kpi(name="Demo")))
    first, second = await lines(signed_in, "check_ins")
    assert first == [
        "Minh", "2025-03-20", "2025-03-21", "4", "Hai demo\nMột hợp đồng", "", "", "", "Gọi sớm hơn", "Demo", "37", "6",
        "",
    ]  # fmt: skip
    assert second == ["Minh", "2025-03-20", "2025-03-21", "", "", "", "", "", "", "Demo", "91.5", "6", ""]
