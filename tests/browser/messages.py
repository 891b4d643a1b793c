"""Small messages that the example is full of."""

from datetime import UTC, date, datetime
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2, decimal_pb2

from nhip.common.v1 import words_pb2

NOW = datetime(2025, 3, 20, 5, tzinfo=UTC)
"""What time it is in the example: noon in Hà Nội."""


def words(text: str) -> words_pb2.PersonalText:
    return words_pb2.PersonalText(plain=text)


def number(value: Decimal | int) -> decimal_pb2.Decimal:
    return decimal_pb2.Decimal(value=format(Decimal(value), "f"))


def day(day: date) -> date_pb2.Date:
    return date_pb2.Date(year=day.year, month=day.month, day=day.day)


def at(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
