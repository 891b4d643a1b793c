"""Two languages: numbers and days as people there write them, and no text left out."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import services.gateway as gateway
from nhip.common.v1 import words_pb2
from services.gateway.console.language import LOCALES, Language, initials, load_languages, typed_decimal
from services.gateway.console.refusals import reasons

VI, EN = Language("vi"), Language("en")
ROOM = Path(gateway.__file__).parent


@pytest.mark.parametrize(
    ("said", "vi", "en"),
    [
        (lambda language: language.number(Decimal("66.2")), "66,2", "66.2"),
        (lambda language: language.number(Decimal("1200")), "1.200", "1,200"),
        (lambda language: language.amount(Decimal("25"), "%"), "25\u00a0%", "25%"),
        (lambda language: language.amount(Decimal("50"), "demo"), "50\u00a0demo", "50\u00a0demo"),
        (
            lambda language: language.amount(Decimal("80515297181964.1"), "VND"),
            "80.515.297.181.964\u00a0VND",
            "80,515,297,181,964\u00a0VND",
        ),
        (lambda language: language.brief(Decimal("999.6"), "đồng"), "1.000\u00a0đồng", "1,000\u00a0đồng"),
        (lambda language: language.signed(Decimal("-15")), "−15", "−15"),
        (
            lambda language: language.arithmetic("50 × 62.5 % + 30 × 80 %"),
            "50 × 62,5\u00a0% + 30 × 80\u00a0%",
            "50 × 62.5% + 30 × 80%",
        ),
        (lambda language: language.day(date(2025, 3, 20)), "20/03/2025", "20 Mar 2025"),
        (lambda language: language.short_day(date(2025, 3, 1)), "01/03", "1 Mar"),
        (
            lambda language: language.instant(datetime(2025, 3, 20, 2, 41, tzinfo=UTC), ZoneInfo("Asia/Ho_Chi_Minh")),
            "20/03/2025 · 09:41",
            "20 Mar 2025 · 09:41",
        ),
        (lambda language: language.words(words_pb2.PersonalText(erased=True)), "(đã xoá)", "(erased)"),
        (
            lambda language: language.words(words_pb2.PersonalText(sealed=words_pb2.Sealed(person_id="x"))),
            "(đã xoá)",
            "(erased)",
        ),
    ],
)
def test_written_as_people_write(said, vi: str, en: str):
    assert (said(VI), said(EN)) == (vi, en)


@pytest.mark.parametrize(
    ("typed", "vi", "en"),
    [
        ("1.234,5", "1234.5", None),
        ("1,234.5", None, "1234.5"),
        ("1.234", "1234", "1.234"),
        ("1,234", "1.234", "1234"),
        ("1.234.567", "1234567", None),
        ("1,5", "1.5", "1.5"),
        ("66,2", "66.2", "66.2"),
        ("66.2", "66.2", "66.2"),
        ("0.125", None, "0.125"),
        ("12.34,5", None, None),
        ("66.2.1", None, None),
        (" 1 200 ", "1200", "1200"),
        ("1 2", None, None),
        ("70 %", "70", "70"),
        ("−3", "-3", "-3"),
        ("40 tỷ", "40000000000", "40000000000"),
        ("1,2 triệu ₫", "1200000", "1200000"),
        ("3 tỷ 5", None, None),
        ("NaN", None, None),
        ("1e5", None, None),
        ("٣", None, None),
        ("", None, None),
    ],
)
def test_numbers_as_people_type_them(typed: str, vi: str | None, en: str | None):
    assert typed_decimal(typed, VI) == (None if vi is None else Decimal(vi))
    assert typed_decimal(typed, EN) == (None if en is None else Decimal(en))


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Minh", "Mi"), ("Đỗ Văn Hải", "DH"), ("Ức", "Uc"), ("CSKH", "CS"), ("", "?"), ("Nguyễn Thị Ánh", "NA")],
)
def test_avatars_carry_no_tone_marks(name: str, letters: str):
    assert initials(name) == letters


def texts() -> Iterator[Any]:
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}
    for template in [*ROOM.glob("console/**/*.html"), *ROOM.glob("features/**/*.html")]:
        with template.open("rb") as file:
            for _, _, message, _ in babel_extract(file, ("_", "gettext", "ngettext"), [], options):
                yield message[0] if isinstance(message, tuple) else message
    for module in ROOM.glob("**/*.py"):
        with module.open("rb") as file:
            for _, message, _, _ in extract("python", file, keywords={"_": None, "gettext": None, "ngettext": (1, 2)}):
                yield message[0] if isinstance(message, tuple) else message


def test_every_text_is_there_in_vietnamese():
    with (LOCALES / "vi" / "LC_MESSAGES" / "nhip.po").open("rb") as file:
        catalogue = {(m.id[0] if isinstance(m.id, tuple) else m.id): m.string for m in read_po(file, locale="vi")}
    missing = sorted({text for text in texts() if not catalogue.get(text)})
    assert missing == []
    left_over = sorted(set(catalogue) - set(texts()) - {""})
    assert left_over == []


def test_translations_keep_their_placeholders():
    for language in ("vi", "en"):
        with (LOCALES / language / "LC_MESSAGES" / "nhip.po").open("rb") as file:
            for message in read_po(file, locale=language):
                ids: Any = message.id if isinstance(message.id, tuple) else (message.id,)
                strings: Any = message.string if isinstance(message.string, tuple) else (message.string,)
                for string in strings:
                    assert not message.id or set(re.findall(r"%\(\w+\)s", string)) == set(
                        re.findall(r"%\(\w+\)s", ids[0])
                    ), message.id


def test_every_reason_has_words_in_both_languages():
    vi, en = reasons(VI), reasons(EN)
    assert vi.keys() == en.keys()
    assert all(vi[reason] != en[reason] for reason in vi)


def test_labels_are_the_glossary():
    words = {"Goal map": "Bản đồ mục tiêu", "Confidence": "Độ tự tin", "Weight": "Trọng số", "Scale": "Thang đo"}
    assert {text: VI.gettext(text) for text in words} == words
    assert set(load_languages()) == {"vi", "en"}
