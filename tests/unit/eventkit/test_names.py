"""Names as people read them."""

import unicodedata

import pytest

from eventkit.names import finds, name_key, plain_letters, searchable, sought, tidy

ACCOUNTS = "Phòng Kế toán"


@pytest.mark.parametrize(
    "spelt",
    [
        ACCOUNTS,
        unicodedata.normalize("NFD", ACCOUNTS),
        f" {ACCOUNTS} ",
        "phòng kế toán",
        "Phòng  Kế toán",
        "PHÒNG KẾ TOÁN",
        "Phòng\u00a0Kế\ttoán",
    ],
)
def test_names_that_look_the_same_are_the_same(spelt: str):
    assert name_key(spelt) == name_key(ACCOUNTS)


def test_other_diacritics_are_another_name():
    assert name_key("Phòng Kế toán") != name_key("Phong Ke toan")


def test_a_name_keeps_its_case():
    assert tidy(unicodedata.normalize("NFD", "  Phòng  Kế toán ")) == ACCOUNTS


@pytest.mark.parametrize(
    ("text", "searched"), [("Đặng Phúc", "dang phuc"), ("NGUYỄN  Thị Ánh", "nguyen thi anh"), ("Straße", "strasse")]
)
def test_a_search_needs_no_vietnamese_keyboard(text: str, searched: str):
    assert plain_letters(text) == searched


@pytest.mark.parametrize(
    ("search", "there"),
    [("demo khach", True), ("KHÁCH demo", True), ("kh", True), ("hach", False), ("demo cũ", False), ("·", False)],
)
def test_a_search_finds_how_words_begin_in_any_order(search: str, there: bool):
    assert finds(sought(search), searchable("Demo · khách mới")) is there
