"""Numbers as people write them, in Vietnamese and in English: one rule for pages, files and mails (D-07)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from eventkit.values import rounded

MARKS = {"vi": (",", "."), "en": (".", ",")}
"""What stands before decimals, and what groups thousands."""

_SCALES = {
    "vi": ((Decimal(10) ** 9, "\u00a0tỷ"), (Decimal(10) ** 6, "\u00a0triệu")),
    "en": ((Decimal(10) ** 12, "tn"), (Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "m")),
}
_WORDS = {
    "vi": ((15, "triệu tỷ"), (12, "nghìn tỷ"), (9, "tỷ"), (6, "triệu"), (3, "nghìn")),
    "en": ((15, "quadrillion"), (12, "trillion"), (9, "billion"), (6, "million"), (3, "thousand")),
}
_ABOUT = {"vi": "khoảng ", "en": "about "}
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


_SCALE_WORDS: Mapping[str, Decimal] = {
    **dict.fromkeys(("nghìn", "ngàn", "k", "thousand"), Decimal(10) ** 3),
    **dict.fromkeys(("triệu", "tr", "million", "mn"), Decimal(10) ** 6),
    **dict.fromkeys(("tỷ", "tỉ", "billion", "bn"), Decimal(10) ** 9),
}
_SCALE = re.compile(rf"(-?[0-9][0-9.,\s]*?)\s*({'|'.join(_SCALE_WORDS)})", re.IGNORECASE)
_CURRENCY = re.compile(
    r"(?:(?<=[\s0-9])(?:₫|đồng|đ|VNĐ|VND|USD)|\$|(?<=\w)\s*₫)$|^(?:₫|\$|VNĐ|VND|USD)\s*", re.IGNORECASE
)


_ENDS = re.compile(r"(?<=\S)[\s/]|(?<=[0-9])(?=[^\W\d_])|(?<=[%₫$])(?=[^\s/])")
"""Where an amount may end: before a blank or a stroke, and between a digit or sign and a letter."""


class TwoReadings(ValueError):
    """A text that is one number in Vietnamese and another one in English."""

    def __init__(self, text: str, vi: Decimal, en: Decimal) -> None:
        super().__init__(f"{text!r} is {vi:f} as Vietnamese writes numbers and {en:f} as English does")
        self.vi, self.en = vi, en


def read(text: str, language: str = "") -> Decimal | None:
    """The number that a text is; None when it is none.

    By its language ("vi", "en"): in Vietnamese "1.234,5" is 1234.5 and "1.234" is 1234; the other language's decimal
    mark is understood where it cannot be meant to group ("66.2" is 66.2). Without a language, what the two read
    differently raises TwoReadings.
    """
    text = text.strip().replace("−", "-")
    if language:
        value = _strictly(text, language)
        if value is None and re.fullmatch(rf"-?[0-9]+{re.escape(MARKS[language][1])}(?![0-9]{{3}}$)[0-9]+", text):
            value = Decimal(text.replace(MARKS[language][1], "."))
        return value
    vi, en = _strictly(text, "vi"), _strictly(text, "en")
    if vi is not None and en is not None and vi != en:
        raise TwoReadings(text, vi, en)
    return en if vi is None else vi


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as somebody wrote it down with what it is a number of."""

    value: Decimal
    percent: bool = False


def amount(text: str, language: str = "") -> Amount | None:
    """What a text with a scale, a currency or a per cent sign says: "1,2 triệu" is 1200000, "600 triệu ₫" 600000000,
    "20%" 20 per cent; None when it is no number. Raises TwoReadings as `read` does."""
    left = " ".join(unicodedata.normalize("NFC", text).replace("\u00a0", " ").split())
    left = _CURRENCY.sub("", left).strip()
    percent = left.endswith("%")
    left = left.removesuffix("%").strip()
    scale = Decimal(1)
    if match := _SCALE.fullmatch(left):
        left, scale = match[1], _SCALE_WORDS[match[2].casefold()]
    try:
        value = read(left, language)
    except TwoReadings as two:
        raise TwoReadings(text, two.vi * scale, two.en * scale) from None
    if value is None or (percent and scale != 1):
        return None
    return Amount(value * scale, percent)


def leading_amount(text: str, language: str = "") -> tuple[Amount, str] | None:
    """The longest beginning of a text that is an amount, and what stands behind: "1,2 tỷ/tháng" is 1.2 billion and
    "/tháng", "20 ngày" 20 and "ngày"; None where it does not begin with one. Raises TwoReadings as `read` does."""
    text = " ".join(unicodedata.normalize("NFC", text).split())
    for end in [len(text), *(found.start() for found in reversed(list(_ENDS.finditer(text))))]:
        if found := amount(text[:end], language):
            return found, text[end:].strip()
    return None


def strictly(text: str, language: str) -> bool:
    """Whether an amount is written by the marks of one language alone."""
    digits = re.sub(r"[^0-9.,\s-]", "", text).strip()
    return _strictly(digits, language) is not None


def _strictly(text: str, language: str) -> Decimal | None:
    """By the marks of one language alone."""
    point, group = MARKS[language]
    decimals = rf"(?:{re.escape(point)}[0-9]+)?"
    grouped = "|".join(rf"[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+{decimals}" for mark in (re.escape(group), r"\s"))
    if not re.fullmatch(rf"-?(?:[0-9]+{decimals}|{grouped})", text):
        return None
    return Decimal(re.sub(r"\s", "", text.replace(group, "")).replace(point, "."))


def written(value: Decimal, language: str, *, places: int = 6, rounding: str = ROUND_HALF_EVEN) -> str:
    """ "66,2" or "66.2", "−3" (a true minus): of any length, exact up to `places`."""
    point, group = MARKS[language]
    shown = rounded(value, places, rounding)
    whole, _, decimals = format(shown.copy_abs(), "f").partition(".")
    decimals = decimals.rstrip("0")
    first = len(whole) % 3
    groups = [whole[:first]] * bool(first) + [whole[at : at + 3] for at in range(first, len(whole), 3)]
    return ("−" if shown < 0 else "") + group.join(groups) + (point + decimals if decimals else "")


def in_full(value: Decimal, language: str) -> str:
    """A number said back to who typed it, so that nobody takes one mark for another: "1.200 (1,2 nghìn)",
    "1.234.567 (khoảng 1,234 triệu)", "1,2"."""
    text = written(value, language)
    size = value.copy_abs()
    for exponent, word in _WORDS[language]:
        if size >= Decimal(10) ** exponent:
            scaled = value.scaleb(-exponent)
            shortened = rounded(scaled, 3, ROUND_DOWN)
            about = "" if shortened == scaled else _ABOUT[language]
            return f"{text} ({about}{written(shortened, language)}\u00a0{word})"
    return text


def short(value: Decimal, language: str) -> str:
    """What fits on a card: "12 tỷ", "12bn"; below a million as it is. Never rounded up, so that nothing looks reached
    that is not."""
    size = value.copy_abs()
    if size.adjusted() >= 18:  # no language has a short word for it
        exponent = size.adjusted()
        mantissa = written(value.scaleb(-exponent), language, places=2, rounding=ROUND_DOWN)
        return f"{mantissa} × 10{str(exponent).translate(_RAISED)}"
    for scale, word in _SCALES[language]:
        if size >= scale:
            return written(value / scale, language, places=2, rounding=ROUND_DOWN) + word
    return written(value, language)
