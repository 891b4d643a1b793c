"""Spreadsheets as they are found: every kind of file is read into the same rows, and what can be two things is asked
about."""

import io
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from importing.sheets.dry_run import seen
from importing.sheets.grid import Percent, Unreadable, letter, packed, read, unpacked
from importing.sheets.mapping import Reading, guess, headings_of
from importing.sheets.rows import AIM, Rows, rows_of
from importing.sheets.staff_tables import PEOPLE, UNITS
from importing.sheets.table import Table
from importing.sheets.tables import GOALS, KPIS, VALUES

SHEETS = Path(__file__).parents[2] / "sheets"


def table_of(content: bytes, table: Table, name: str = "a.csv", **reading: Any) -> Rows:
    grid = read(content, name).grids[0]
    guessed = guess(grid, table).mapping
    said: dict[str, Any] = {"numbers": guessed.numbers, "days": guessed.days, **reading}
    return rows_of(grid, table, Reading(guessed.header, guessed.columns, said.pop("fixed", {}), **said))


def column(rows: Rows, name: str) -> list[Any]:
    return [row.get(name, None) for row in rows.rows]


def reasons(rows: Rows) -> list[tuple[int, str, str, str]]:
    return [(fault.row, letter(fault.column), fault.value, fault.reason) for fault in rows.faults]


def workbook(write: Callable[[Any], None]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        write(book)
    return content.getvalue()


# --- files


def test_codes_keep_their_leading_zeros_and_columns_are_told_by_their_headings():
    grid = read((SHEETS / "staff.csv").read_bytes(), "staff.csv").grids[0]
    guessed = guess(grid, PEOPLE)
    assert {name: letter(at) for name, at in guessed.mapping.columns.items()} == {
        "code": "A", "name": "B", "email": "C", "unit": "D", "title": "F", "manager": "H", "joined_on": "J",
    }  # fmt: skip
    assert set(guessed.whys.values()) == {"name"}
    rows = rows_of(grid, PEOPLE, guessed.mapping)
    assert column(rows, "code") == ["0101", "0102", "0103", "0100"]
    assert column(rows, "joined_on")[0] == date(2023, 3, 1)
    assert rows.faults == []


def test_a_mark_at_the_beginning_and_banners_between_rows_are_passed_over_and_told():
    rows = table_of((SHEETS / "banners.csv").read_bytes(), PEOPLE)
    assert column(rows, "name") == ["Vũ Gia Khôi", "Tạ Minh Lan", "Bùi Hữu Mạnh"]
    assert (list(rows.passed_over), seen(rows.passed_over)) == ([2, 3, 5], "2–3, 5")
    assert rows.faults == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1258"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_whatever_the_encoding_and_separator_the_names_are_the_same(encoding: str, separator: str):
    text = "\n".join(separator.join(row) for row in (("Mã NV", "Họ và tên"), ("007", "Nguyễn Đức Hải"), ("8", "Lê Ấu")))
    content = in_1258(text) if encoding == "cp1258" else text.encode(encoding)
    rows = table_of(content, PEOPLE)
    assert column(rows, "name") == ["Nguyễn Đức Hải", "Lê Ấu"]
    assert column(rows, "code") == ["007", "8"]


def in_1258(text: str) -> bytes:
    """As Windows of Vietnam writes it: letters composed as far as it has them, tones behind."""
    found = b""
    for char in unicodedata.normalize("NFC", text):
        try:
            found += char.encode("cp1258")
        except UnicodeEncodeError:
            apart = unicodedata.normalize("NFD", char)
            tone = next(mark for mark in apart if mark in "\u0300\u0301\u0303\u0309\u0323")
            letter = unicodedata.normalize("NFC", apart.replace(tone, ""))
            found += (letter + tone).encode("cp1258")
    return found


def test_the_encoding_that_was_told_is_said():
    assert read(in_1258("Tên\nNguyễn Thị Hậu"), "a.csv").encoding == "Windows-1258"
    assert read("Name\nJosé Müller".encode("cp1252"), "a.csv").encoding == "Windows-1252"


def test_decomposed_letters_become_composed_ones():
    rows = table_of(unicodedata.normalize("NFD", "Họ và tên,Chức vụ\nĐỗ Hải,Kỹ sư").encode(), PEOPLE)
    assert column(rows, "title") == [unicodedata.normalize("NFC", "Kỹ sư")]


def test_a_workbook_has_cached_values_days_shares_and_codes_as_they_are_shown():
    def write(book: Any) -> None:
        sheet, other = book.add_worksheet("KPI Q1"), book.add_worksheet("Ghi chú")
        other.write("A1", "chỉ là ghi chú")
        share, day = book.add_format({"num_format": "0.0%"}), book.add_format({"num_format": "dd/mm/yyyy"})
        sheet.merge_range("A1:D1", "KẾ HOẠCH QUÝ 1")
        sheet.write_row("A3", ["Tên KPI", "Trọng số", "Mục tiêu", "Người chịu trách nhiệm"])
        sheet.write("A4", "Doanh thu")
        sheet.write("B4", 0.125, share)
        sheet.write_formula("C4", "=6*2", None, 12)
        sheet.merge_range("D4:D5", "Hoàng Thu An")
        sheet.write_row("A5", ["Đơn hàng"])
        sheet.write("B5", 0.2, share)
        sheet.write("C5", 3.5)
        sheet.write("E4", date(2026, 3, 1), day)

    book = read(workbook(write), "k.xlsx")
    assert [grid.name for grid in book.grids] == ["KPI Q1", "Ghi chú"]
    assert (book.grids[0].cell(4, 2), book.grids[0].cell(4, 5)) == (Percent(Decimal("12.5")), date(2026, 3, 1))
    guessed = guess(book.grids[0], KPIS)
    assert guessed.mapping.header == 3
    rows = rows_of(book.grids[0], KPIS, guessed.mapping)
    assert column(rows, "weight") == [Decimal("12.5"), Decimal(20)]
    assert column(rows, "target") == [Decimal(12), Decimal("3.5")]
    assert column(rows, "owners") == [("Hoàng Thu An",), ("Hoàng Thu An",)]
    assert unpacked(packed(book)) == book


# --- five more, made after sheets that are in use


def test_headings_with_marks_of_what_is_needed_are_headings_and_who_leads_is_no_role():
    grid = read((SHEETS / "required-marks.csv").read_bytes(), "a.csv").grids[0]
    guessed = guess(grid, PEOPLE)
    assert {name: letter(at) for name, at in guessed.mapping.columns.items()} == {
        "name": "A", "email": "B", "roles": "D", "unit": "E",
    }  # fmt: skip
    rows = rows_of(grid, PEOPLE, guessed.mapping)
    assert column(rows, "roles")[:3] == [("employee",), ("employee",), ("admin",)]
    assert reasons(rows) == [(5, "D", "THỦ KHO", "NO_CHOICE")]


def test_a_name_in_two_columns_is_one_in_their_order():
    rows = table_of((SHEETS / "names-in-two-columns.csv").read_bytes(), PEOPLE)
    assert column(rows, "name") == ["Tôn Nữ Thị Ninh", "Hoa", None]
    assert reasons(rows) == [(4, "D", "", "MISSING")]
    english = table_of(b"employeeId,firstName,lastName,hireDate\n7,Ada,Byron,2024-05-01\n", PEOPLE)
    assert column(english, "name") == ["Ada Byron"]


def test_a_scorecard_says_by_its_values_which_way_is_good_and_how_it_is_counted():
    grid = read((SHEETS / "scorecard.csv").read_bytes(), "a.csv").grids[0]
    guessed = guess(grid, KPIS)
    assert (guessed.whys["direction"], guessed.whys["kind"]) == ("shape", "shape")
    rows = rows_of(grid, KPIS, guessed.mapping)
    assert column(rows, "direction") == ["increase", "decrease", "increase", "keep"]
    assert column(rows, "kind") == ["cumulative", "cumulative", "level", "level"]
    assert (column(rows, "measured_in"), rows.faults) == (["Ton", "case", "%", "Days"], [])


def test_a_target_has_its_sign_and_unit_in_the_same_cell():
    content = (SHEETS / "targets-with-signs.csv").read_bytes()
    assert reasons(table_of(content, KPIS)) == [(4, "B", "< 10.000đ", "TWO_READINGS")]
    rows = table_of(content, KPIS, numbers="vi")
    assert rows.faults == []
    found = [(row.get("target", None), row.get(AIM).direction, row.get(AIM).unit) for row in rows.rows]
    assert found == [
        (Decimal(85), "increase", "%"),
        (Decimal(20), "decrease", "ngày"),
        (Decimal(10_000), "decrease", ""),
        (Decimal(300_000_000), "", ""),
        (Decimal(80), "increase", "cuộc"),
        (Decimal("4.2"), "increase", "/5"),
    ]


def test_headings_of_groups_and_totals_are_passed_over_and_told():
    rows = table_of((SHEETS / "plan-with-totals.csv").read_bytes(), KPIS)
    assert column(rows, "name") == ["Doanh thu thuần", "Chi phí bán hàng", "Khách hàng mới"]
    assert column(rows, "target") == [Decimal("12.5"), Decimal(2), Decimal(300)]
    assert (list(rows.passed_over), rows.faults) == ([2, 5, 7], [])


def test_a_kpi_that_begins_like_a_total_is_none():
    rows = table_of("Tên KPI,Chỉ tiêu\nTổng số 100 khách hàng mới,100\nTổng 5 sản phẩm ra mắt,5\n".encode(), KPIS)
    assert (column(rows, "target"), rows.passed_over) == ([Decimal(100), Decimal(5)], [])


@pytest.mark.parametrize("total", ["Tổng cộng: 40 người", "TỔNG CỘNG", "Tổng số 40", "Grand total"])
def test_a_total_in_the_column_of_names_is_nobody(total: str):
    rows = table_of(f"STT,Họ tên,Đơn vị\n1,Đỗ Ánh,Kho\n2,Cao Tổng,Kho\n,{total},\n".encode(), PEOPLE)
    assert (column(rows, "name"), list(rows.passed_over)) == (["Đỗ Ánh", "Cao Tổng"], [4])


@pytest.mark.parametrize(
    ("said", "target", "unit", "reason"),
    [
        ("1,2 tỉ/tháng", None, "", "PER_TIME"),
        ("600 triệu / quý", None, "", "PER_TIME"),
        ("1,5 tỷ VND/năm", None, "", "PER_TIME"),
        ("1,2 tỷ mỗi tháng", None, "", "PER_TIME"),
        ("1,5 tỷ doanh thu", Decimal(1_500_000_000), "doanh thu", ""),
        ("8 cuộc/tuần", Decimal(8), "cuộc/tuần", ""),
        ("20ngày", Decimal(20), "ngày", ""),
        ("12 tỷ 5", None, "", "NO_NUMBER"),
    ],
)
def test_an_amount_keeps_its_scale_and_one_of_each_month_is_asked_about(
    said: str, target: Decimal | None, unit: str, reason: str
):
    rows = table_of(f'Tên KPI,Chỉ tiêu\nA,"{said}"\n'.encode(), KPIS, numbers="vi")
    assert [fault.reason for fault in rows.faults] == ([reason] if reason else [])
    aims = [(row.get("target", None), row.get(AIM).unit) for row in rows.rows if row.get(AIM)]
    assert aims == ([] if reason else [(target, unit)])


# --- what cells say


def test_numbers_are_read_as_vietnamese_people_write_them():
    said = ["12 tỷ", "1,2 triệu", "600 triệu ₫", "12.000.000", "20%", "-3,5", "08"]
    rows = table_of(
        "\n".join(["Tên,Chỉ tiêu,Năm", *(f'n,"{text}",2026' for text in said)]).encode(), GOALS, numbers="vi"
    )
    assert column(rows, "target") == [
        Decimal(12_000_000_000), Decimal(1_200_000), Decimal(600_000_000), Decimal(12_000_000), Decimal(20),
        Decimal("-3.5"), Decimal(8),
    ]  # fmt: skip


def test_a_number_that_can_be_two_is_asked_about_unless_another_one_tells_the_language():
    two = table_of(b"name,target,year\na,1.200,2026\n", GOALS)
    assert reasons(two) == [(2, "B", "1.200", "TWO_READINGS")]
    assert dict(two.faults[0].parameters) == {"vi": "1200", "en": "1.2"}
    told = table_of(b'name,target,year\na,1.200,2026\nb,"4,6",2026\n', GOALS)
    assert column(told, "target") == [Decimal(1200), Decimal("4.6")]


def test_days_come_in_three_forms_and_what_can_be_two_is_asked_about():
    content = b"kpi,day,value\na,2026-03-04,1\na,25/12/2025,1\na,46000,1\na,03/04/2026,1\na,31/02/2026,1\n"
    rows = table_of(content, VALUES, days="")
    assert column(rows, "day")[:3] == [date(2026, 3, 4), date(2025, 12, 25), date(2025, 12, 9)]
    assert reasons(rows) == [(5, "B", "03/04/2026", "TWO_DAYS"), (6, "B", "31/02/2026", "NO_DAY")]
    assert column(table_of(content, VALUES), "day")[3] == date(2026, 4, 3)  # 25/12 tells which comes first
    assert column(table_of(content, VALUES, days="mdy"), "day")[3] == date(2026, 3, 4)


def test_every_wrong_cell_is_told_with_its_row_and_column():
    content = (
        "Tên KPI;Mục tiêu;Trọng số;Cấp;Người chịu trách nhiệm\n"
        "A;nhiều;20%;cá nhân;An\n"
        ";5;20%;cá nhân;An\n"
        "C;5;0,2;cá nhân;An\n"
        "D;5;130;cá nhân;An\n"
        "E;5;20;vũ trụ;An\n"
        "F;1234567890123456789;20;công ty;An\n"
    )
    assert reasons(table_of(content.encode(), KPIS)) == [
        (2, "B", "nhiều", "NO_NUMBER"),
        (3, "A", "", "MISSING"),
        (4, "C", "0,2", "FRACTION"),
        (5, "C", "130", "OUT_OF_RANGE"),
        (6, "D", "vũ trụ", "NO_CHOICE"),
        (7, "B", "1234567890123456789", "TOO_MANY_DIGITS"),
    ]


def test_what_a_file_does_not_say_may_be_said_once_for_all_rows():
    rows = table_of(b"kpi,value\na,1\nb,2\n", VALUES, fixed={"day": "2026-03-31"})
    assert column(rows, "day") == [date(2026, 3, 31)] * 2


def test_a_guess_says_why():
    grid = read("Tên đầy đủ;Cột 2;Trưởng đơn vị phụ trách\nA;a@b.vn;C\nD;d@b.vn;C\n".encode(), "a.csv").grids[0]
    guessed = guess(grid, PEOPLE)
    assert (guessed.mapping.columns["email"], guessed.whys["email"]) == (2, "shape")
    assert guess(grid, UNITS).whys["head"] == "words"
    assert headings_of(grid, 1)[2] == "Cột 2"


# --- limits


def rows_far_down(book: Any) -> None:
    book.add_worksheet().write(1_000_000, 0, "x")


def far_down_and_right(book: Any) -> None:
    book.add_worksheet().write(150_000, 700, "x")


def columns_far_right(book: Any) -> None:
    book.add_worksheet().write(0, 16_000, "x")


def bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<row>" + b" " * (30 << 20))
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "FILE_EMPTY"),
        (b" \n \n", "FILE_EMPTY"),
        (b"x" * (11 << 20), "FILE_TOO_LARGE"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "FILE_OLD_OR_LOCKED"),
        (b"PK\x03\x04 and no more", "FILE_UNREADABLE"),
        (b"a,b\n" * 50_001, "TOO_MANY_ROWS"),
        (b"a," * 201 + b"a\n", "TOO_MANY_COLUMNS"),
        (b"a" * 10_001, "CELL_TOO_LONG"),
        (b"\x81\x8d\x8f\xff", "ENCODING_UNKNOWN"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, reason: str):
    with pytest.raises(Unreadable) as error:
        read(content, "a.csv")
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: workbook(rows_far_down), "TOO_MANY_ROWS"),
        (lambda: workbook(columns_far_right), "TOO_MANY_COLUMNS"),
        (lambda: workbook(far_down_and_right), "TOO_MANY_CELLS"),
        (bomb, "FILE_TOO_LARGE_INSIDE"),
        (lambda: workbook(lambda book: book.add_worksheet()), "FILE_EMPTY"),
    ],
)
def test_a_workbook_that_is_too_much_is_refused_before_it_is_built(content: Callable[[], bytes], reason: str):
    with pytest.raises(Unreadable) as error:
        read(content(), "a.xlsx")
    assert error.value.reason == reason


def test_what_comes_back_from_a_browser_is_read_like_any_file():
    for content in (b"", b"nonsense", packed(read(b"a,b\n1,2\n", "a.csv"))[:-3]):
        with pytest.raises(Unreadable):
            unpacked(content)
