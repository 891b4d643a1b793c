"""Contract values as Python's own: exact decimals and days."""

from datetime import UTC, date, datetime
from decimal import Decimal

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal as PbDecimal


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
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


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
