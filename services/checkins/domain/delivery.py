"""What a source sends by itself: a JSON text with values, in one documented shape.

    {"type": "values.recorded", "data": {"values": [
        {"kpi": "Demo khách mới", "value": 44, "day": "2025-03-20", "reference": "crm-889", "note": "…"}]}}

`kpi` is an id, or what the source calls it. Of `value` and `kpi` alone there is no doing without.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import cast

from eventkit.directory.integrations import Integration
from eventkit.errors import Kind, Rejected
from eventkit.values import from_date, plain
from nhip.checkins.v1.checkins_pb2 import BatchRecordProgress, ProgressItem, RecordProgress
from nhip.common.v1.words_pb2 import PersonalText

MOST, LONGEST = 500, 200
"""Values of one delivery; characters of what names something."""
_KNOWN = frozenset({"kpi", "value", "day", "confidence", "note", "reference", "confirmed"})


def values(content: bytes, delivery_id: str, integration: Integration) -> BatchRecordProgress:
    """The values of a delivery, each with the key under which it is recorded once. Raises Rejected, with the path."""
    try:
        body = cast(object, json.loads(content, parse_float=Decimal, parse_int=Decimal))
    except (ValueError, RecursionError, InvalidOperation):
        raise _wrong("", "NOT_JSON", "send a JSON text") from None
    data = _object(_object(body, "").get("data"), "data")
    found = data.get("values")
    if not isinstance(found, list) or not found:
        raise _wrong("data.values", "MISSING", "must be a list that is not empty")
    listed = cast(list[object], found)
    if len(listed) > MOST:
        raise _wrong("data.values", "TOO_MANY", f"must have at most {MOST} items", most=str(MOST))
    return BatchRecordProgress(items=_items(listed, delivery_id, integration))


def _items(listed: list[object], delivery_id: str, integration: Integration) -> Iterator[ProgressItem]:
    for number, one in enumerate(listed):
        at = f"data.values[{number}]"
        said = _object(one, at)
        if unknown := sorted(said.keys() - _KNOWN):
            raise _wrong(f"{at}.{unknown[0][:60]}", "UNKNOWN_FIELD", f"give {', '.join(sorted(_KNOWN))}")
        value = said.get("value")
        if isinstance(value, str):
            value = _number(value)
        # Written out, a short text as 1e999999999 would be a long one.
        if not isinstance(value, Decimal) or not value.is_finite() or not -30 < value.adjusted() < 30:
            raise _wrong(f"{at}.value", "NO_NUMBER", 'must be a number, or a text as "44" or "67.5"')
        confidence, confirmed = said.get("confidence"), said.get("confirmed", False)
        whole = isinstance(confidence, Decimal) and 1 <= confidence <= 10 and confidence == int(confidence)
        if confidence is not None and not whole:
            raise _wrong(f"{at}.confidence", "OUT_OF_RANGE", "must be from 1 to 10", least="1", most="10")
        if not isinstance(confirmed, bool):
            raise _wrong(f"{at}.confirmed", "NOT_ONE_OF", "must be true or false")
        day, note = _day(said.get("day"), f"{at}.day"), _text(said, "note", at)
        command = RecordProgress(
            kpi_id=integration.named(_text(said, "kpi", at, required=True)),
            confidence=None if confidence is None else int(cast(Decimal, confidence)),
            note=PersonalText(plain=note) if note else None,
            occurred_on=from_date(day) if day else None,
            confirmed=confirmed,
        )
        command.value.value = plain(value)
        yield ProgressItem(progress=command, key=_text(said, "reference", at) or f"{delivery_id}/{number}")


def _object(value: object, at: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _wrong(at, "MISSING", "must be an object")
    return cast(Mapping[str, object], value)


def _text(said: Mapping[str, object], name: str, at: str, *, required: bool = False) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or (required and not value.strip()):
        raise _wrong(f"{at}.{name}", "MISSING", "must be a text")
    if name != "note" and len(value) > LONGEST:
        raise _wrong(f"{at}.{name}", "TOO_LONG", f"must have at most {LONGEST} characters", most=str(LONGEST))
    return value.strip()


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _day(value: object, at: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(cast(str, value))
    except (TypeError, ValueError):
        raise _wrong(at, "NO_DAY", 'must be a day, as "2025-03-20"') from None


def _wrong(field: str, reason: str, message: str, **parameters: str) -> Rejected:
    return Rejected(reason, message, kind=Kind.INVALID, field=field or "content", rule="X-07", parameters=parameters)
