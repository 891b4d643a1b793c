"""Contract values as Python's own: exact decimals and days."""

import decimal
import unicodedata
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal as PbDecimal

WHOLE_DIGITS, FRACTION_DIGITS = 18, 6
"""Most digits of a number that is taken, before and behind the point.

Logs may hold longer ones, and every read carries them.
"""

# Python's own 28 digits are fewer than logs may hold. Set for the whole process, whatever thread or task computes, so
# that no sum can forget it: products of the longest stored numbers stay exact, a share keeps more digits than anybody
# is shown.
decimal.DefaultContext.prec = 100
decimal.setcontext(decimal.Context())
_EXACT = decimal.Context(prec=decimal.MAX_PREC, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)

PERCENT = "%"
_DONG = frozenset({"vnd", "vnđ", "đ", "₫", "đồng"})
_PERCENT_WORDS = ("%", "phần trăm", "percent", "per cent")


def to_date(value: Date) -> date | None:
    """None for a day that was not given."""
    return date(value.year, value.month, value.day) if value.year else None


def required_date(value: Date) -> date:
    """A day that is always given."""
    return date(value.year, value.month, value.day)


def from_date(value: date) -> Date:
    return Date(year=value.year, month=value.month, day=value.day)


def to_decimal(value: PbDecimal) -> Decimal | None:
    """None for a number that was not given."""
    return Decimal(value.value) if value.value else None


def from_decimal(value: Decimal | int) -> PbDecimal:
    return PbDecimal(value=plain(Decimal(value)))


def plain(value: Decimal) -> str:
    """A decimal in digits, without an exponent and without zeros that say nothing: 55, 67.5."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_taken(value: Decimal) -> bool:
    """Whether it is short enough to be taken anew."""
    whole, _, decimals = format(value.copy_abs(), "f").partition(".")
    return len(whole) <= WHOLE_DIGITS and len(decimals) <= FRACTION_DIGITS


def rounded(value: Decimal, places: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """To so many places behind the point, however long it is."""
    return value.quantize(Decimal(1).scaleb(-places), rounding, _EXACT)


@lru_cache(4096)  # thousands of KPIs count in a few units
def unit_key(unit: str) -> str:
    """A unit as people read it: the same for "Hợp đồng" and "hợp  đồng", composed or not; "%" for per cent in words."""
    key = " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", unit).casefold()).split())
    return PERCENT if key in _PERCENT_WORDS else key


def is_percent(unit: str) -> bool:
    return unit_key(unit) == PERCENT


def is_dong(unit: str) -> bool:
    """Vietnamese money, of which there is no part."""
    return unit_key(unit) in _DONG


def same(a: PbDecimal, b: PbDecimal) -> bool:
    """As numbers: 55 and 55.0 are the same."""
    return to_decimal(a) == to_decimal(b)


def packed(message: Message) -> bytes:
    """A message as a column of a row: the same bytes for the same message, none for one in which nothing is set."""
    return message.SerializeToString(deterministic=True)


def to_datetime(value: Timestamp) -> datetime:
    return value.ToDatetime(tzinfo=UTC)


def from_datetime(value: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(value)
    return stamp
