"""What a cell says, by the kind of its field. Nothing that can be two things is guessed: it is asked about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from eventkit import numerals
from eventkit.numerals import TwoReadings
from eventkit.values import is_taken, plain
from importing.sheets.grid import Cell, Percent, shown
from importing.sheets.table import Field, heading

_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[T ][0-9:.]+Z?)?")
_PARTS = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?: 0?0:00(?::00)?)?")
_SERIAL = (20_000, 80_000)
"""Days since 1900 that a number in a column of days may be: of the years 1954 to 2119."""
_LINES = re.compile(r"[;\n]+")
_SEPARATED = re.compile(r"[;,\n]+")
_NUMBER = r"-?[0-9](?:[0-9.,]*[0-9])?"
_LOW, _HIGH = re.compile(rf"(?:>=|≥|>|từ)\s*({_NUMBER})"), re.compile(rf"(?:<=|≤|<|dưới)\s*({_NUMBER})")
_SPAN = re.compile(rf"({_NUMBER})\s*%?\s*(?:-|–|to|đến)\s*({_NUMBER})")
_EXACTLY = re.compile(rf"=?\s*({_NUMBER})")


class Wrong(Exception):
    """A cell that cannot be taken: a stable reason, what its rule measures by, and what would be right."""

    def __init__(self, reason: str, right: str = "", **parameters: str):
        super().__init__(reason)
        self.reason, self.right, self.parameters = reason, right, parameters


@dataclass(frozen=True, slots=True)
class Threshold:
    """From where to where a level of five goes; None: there is no such edge."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Aim:
    """A target as it is written: "≥ 85%", "≤ 20 ngày", "300 triệu đồng"."""

    value: Decimal
    direction: str
    """increase or decrease, where a sign says so."""
    unit: str
    """What stands behind the number; empty: nothing, or a currency."""


_AT_LEAST = ("≥", ">=", ">", "tối thiểu", "ít nhất", "từ", "trên", "at least", "min")
_AT_MOST = ("≤", "<=", "<", "tối đa", "không quá", "nhiều nhất", "dưới", "at most", "max")
_OUT_OF = re.compile(rf"({_NUMBER})\s*/\s*([0-9]{{1,3}})")
_BEHIND = re.compile(r"[^\W\d_][^0-9]{0,29}")
"""What may stand behind the number: what is counted."""
_PER = re.compile(
    r"(?:/\s*|(?:mỗi|một|hàng|theo|per|a|each)\s+)(?:ngày|tuần|tháng|quý|năm|day|week|month|quarter|year|kỳ)\b",
    re.IGNORECASE,
)


def _aim(cell: Cell, numbers: str) -> Aim:
    if not isinstance(cell, str):
        return Aim(_number(cell, numbers), "", "%" if isinstance(cell, Percent) else "")
    text, direction = " ".join(cell.split()), ""
    for words, way in ((_AT_LEAST, "increase"), (_AT_MOST, "decrease")):
        sign = next((word for word in words if text.casefold().startswith(word)), "")
        if sign:
            text, direction = text[len(sign) :].strip(), way
            break
    if text.endswith("+") and text[:-1].strip():
        text, direction = text[:-1].strip(), direction or "increase"
    if parts := _OUT_OF.fullmatch(text):
        return Aim(_number(_amount(parts[1], numbers).value, numbers), direction or "increase", f"/{parts[2]}")
    try:
        found, unit = _amount(text, numbers), ""
    except Wrong:
        found, unit = _with_unit(text, numbers)
    return Aim(_number(found.value, numbers), direction, "%" if found.percent else unit)


def _with_unit(text: str, numbers: str) -> tuple[numerals.Amount, str]:
    """A number and what is counted. An amount of each month or year is asked about: a cycle has another one."""
    try:
        read = numerals.leading_amount(text, numbers)
    except TwoReadings as two:
        raise Wrong("TWO_READINGS", vi=plain(two.vi), en=plain(two.en)) from None
    if read is None:
        raise Wrong("NO_NUMBER")
    found, unit = read
    if _PER.match(unit):
        raise Wrong("PER_TIME", said=unit)
    if unit and not _BEHIND.fullmatch(unit):
        raise Wrong("NO_NUMBER")
    return found, unit


def value_of(cell: Cell, field: Field, numbers: str, days: str) -> Any:
    """The value of a cell that is not empty. Raises Wrong."""
    match field.kind:
        case "number":
            return _number(cell, numbers)
        case "aim":
            return _aim(cell, numbers)
        case "percent":
            return _percent(cell, numbers)
        case "whole":
            return _whole(cell)
        case "day":
            return _day(cell, days)
        case "choice":
            return _choice(shown(cell), field.among or {})
        case "choices":
            return tuple(_choice(part, field.among or {}) for part in _parts(cell))
        case "names":
            return tuple(dict.fromkeys(_parts(cell)))
        case "lines":
            return tuple(dict.fromkeys(" ".join(part.split()) for part in _LINES.split(shown(cell)) if part.strip()))
        case "threshold":
            return _threshold(shown(cell), numbers)
        case _:
            return " ".join(shown(cell).split()) if field.name not in ("note", "learnings") else shown(cell)


def _parts(cell: Cell) -> list[str]:
    return [" ".join(part.split()) for part in _SEPARATED.split(shown(cell)) if part.strip()]


def _number(cell: Cell, numbers: str) -> Decimal:
    match cell:
        case Decimal():
            value = cell
        case Percent():
            value = cell.value
        case _:
            value = _amount(shown(cell), numbers).value
    if not is_taken(Decimal(plain(value))):
        raise Wrong("TOO_MANY_DIGITS")
    return Decimal(plain(value))


def _amount(text: str, numbers: str) -> numerals.Amount:
    try:
        found = numerals.amount(text, numbers)
    except TwoReadings as two:
        raise Wrong("TWO_READINGS", vi=plain(two.vi), en=plain(two.en)) from None
    if found is None:
        raise Wrong("NO_NUMBER")
    return found


def _percent(cell: Cell, numbers: str) -> Decimal:
    """A weight: "20%" or 20. What Excel keeps of 20% where it is not shown so, 0.2, is asked about."""
    match cell:
        case Percent():
            value, said = cell.value, True
        case Decimal():
            value, said = cell, False
        case _:
            found = _amount(shown(cell), numbers)
            value, said = found.value, found.percent
    if not said and 0 < value < 1:
        raise Wrong("FRACTION", f"{plain(value * 100)}%")
    if not 0 <= value <= 100:
        raise Wrong("OUT_OF_RANGE", least="0", most="100")
    return Decimal(plain(value))


def _whole(cell: Cell) -> int:
    text = plain(cell) if isinstance(cell, Decimal) else shown(cell)
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Wrong("NOT_WHOLE")
    return int(text)


def _day(cell: Cell, days: str) -> date:
    if isinstance(cell, date):
        return cell
    text = plain(cell) if isinstance(cell, Decimal) else shown(cell)
    if text.isascii() and text.isdigit() and _SERIAL[0] <= int(text[:6]) <= _SERIAL[1]:
        return date(1899, 12, 30) + timedelta(days=int(text))
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _PARTS.fullmatch(text):
            first, second, year = (int(part) for part in match.groups())
            if first == second or first > 12:
                return date(year, second, first)
            if second > 12:
                return date(year, first, second)
            if not days:
                raise Wrong(
                    "TWO_DAYS", dmy=date(year, second, first).isoformat(), mdy=date(year, first, second).isoformat()
                )
            return date(year, second, first) if days == "dmy" else date(year, first, second)
    except ValueError:
        pass
    raise Wrong("NO_DAY")


def _choice(text: str, among: Mapping[str, tuple[str, ...]]) -> str:
    plain_text = heading(text)
    for value, words in among.items():
        if plain_text == heading(value) or plain_text in words:
            return value
    near = next((value for value, words in among.items() if any(word in plain_text for word in words)), "")
    raise Wrong("NO_CHOICE", near, choices=", ".join(among))


def _threshold(text: str, numbers: str) -> Threshold | None:
    """ ">=70 to <90", "=100", "< 5", "70-90"; None for words, as "manual"."""
    low, high = _LOW.search(text), _HIGH.search(text)
    if low or high:
        return Threshold(*(_amount(found[1], numbers).value if found else None for found in (low, high)))
    if match := _SPAN.search(text):
        return Threshold(_amount(match[1], numbers).value, _amount(match[2], numbers).value)
    if match := _EXACTLY.match(text.strip()):
        value = _amount(match[1], numbers).value
        return Threshold(value, value)
    return None
