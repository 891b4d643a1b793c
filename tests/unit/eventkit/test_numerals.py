"""Numbers as people write them: one rule for pages, files and mails."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventkit.numerals import TwoReadings, in_full, read, short, written
from eventkit.values import is_taken, plain, rounded, unit_key

stored = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=Decimal("-1e400"), max_value=Decimal("1e400"), places=6
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1200", "1200"),
        ("12.5", "12.5"),
        ("12,5", "12.5"),
        ("0.125", "0.125"),
        ("1234.567", "1234.567"),
        ("1.200.000", "1200000"),
        ("1,200,000", "1200000"),
        ("1.234,5", "1234.5"),
        ("1,234.5", "1234.5"),
        ("1 200", "1200"),
        ("-3", "-3"),
        ("300 triệu", None),
        ("5%", None),
        ("1e3", None),
        ("٣", None),
    ],
)
def test_without_a_language_a_number_is_taken_where_both_read_it_alike(text: str, value: str | None):
    assert read(text) == (None if value is None else Decimal(value))


@pytest.mark.parametrize("text", ["1.200", "1,200", "-1.200"])
def test_without_a_language_what_can_be_read_in_two_ways_is_not_guessed(text: str):
    with pytest.raises(TwoReadings) as two:
        read(text)
    assert {abs(two.value.vi), abs(two.value.en)} == {Decimal(1200), Decimal("1.2")}
    assert read(text, "vi") == two.value.vi
    assert read(text, "en") == two.value.en


@given(stored, st.sampled_from(["vi", "en"]))
def test_whatever_was_stored_is_written_exactly_and_read_as_what_it_was(value: Decimal, language: str):
    assert read(written(value, language), language) == value
    assert short(value, language)
    assert plain(rounded(value, 4))


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        ("12000000000", "12\u00a0tỷ", "12bn"),
        ("11999999999", "11,99\u00a0tỷ", "11.99bn"),
        ("-1250000", "−1,25\u00a0triệu", "−1.25m"),
        ("999999.5", "999.999,5", "999,999.5"),
        ("2500000000000", "2.500\u00a0tỷ", "2.5tn"),
        ("9" * 30, "9,99 × 10²⁹", "9.99 × 10²⁹"),
    ],
)
def test_money_fits_on_a_card_and_nothing_is_rounded_up(value: str, vi: str, en: str):
    assert (short(Decimal(value), "vi"), short(Decimal(value), "en")) == (vi, en)


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        ("1200", "1.200 (1,2\u00a0nghìn)", "1,200 (1.2\u00a0thousand)"),
        ("1234567", "1.234.567 (khoảng 1,234\u00a0triệu)", "1,234,567 (about 1.234\u00a0million)"),
        (
            "9" * 18,
            "999.999.999.999.999.999 (khoảng 999,999\u00a0triệu tỷ)",
            "999,999,999,999,999,999 (about 999.999\u00a0quadrillion)",
        ),
        ("12", "12", "12"),
    ],
)
def test_a_number_is_said_back_so_that_its_size_can_be_read(value: str, vi: str, en: str):
    assert (in_full(Decimal(value), "vi"), in_full(Decimal(value), "en")) == (vi, en)


def test_sums_of_the_longest_stored_numbers_are_exact():
    longest = Decimal("9" * 30)
    assert longest + 1 == Decimal("1" + "0" * 30)
    assert longest * longest - 1 == Decimal(int("9" * 30) ** 2 - 1)


@pytest.mark.parametrize(
    ("value", "taken"), [("9" * 18, True), ("9" * 19, False), ("0.123456", True), ("0.1234567", False)]
)
def test_a_number_is_taken_up_to_eighteen_digits_and_six_decimals(value: str, taken: bool):
    assert is_taken(Decimal(value)) is taken


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%", "Phần trăm"),
        ("%", "per  cent"),
        ("hợp đồng", "Hợp đồng"),
        ("hợp đồng", "ho\u031b\u0323p đo\u0302\u0300ng"),
        ("", "  "),
    ],
)
def test_units_are_the_same_where_people_read_the_same(one: str, other: str):
    assert unit_key(one) == unit_key(other)
