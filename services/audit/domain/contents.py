"""What an event says, field by field, by its contract alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.decimal_pb2 import Decimal

from eventkit.values import to_date, to_datetime
from nhip.audit.v1 import audit_pb2 as pb
from nhip.common.v1 import options_pb2 as options
from nhip.common.v1.options_pb2 import for_audit, subject
from nhip.common.v1.words_pb2 import PersonalText

REASON = "reason_class"
"""What contracts call a field that says of which class a reason is."""
MOST_BYTES = 64
"""Of longer content, as a picture, the beginning is told; exports have it whole."""


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field that is set: a message is read field by field, down to what has no fields."""

    path: str
    field: FieldDescriptor
    value: Any


def fields(message: Message, path: str = "") -> Iterator[FieldValue]:
    """Every field that is set, in the contract's order."""
    for field, value in message.ListFields():
        here = f"{path}.{field.name}" if path else field.name
        if _is_map(field):
            entries: Mapping[Any, Any] = value
            items = [(f"{here}[{key}]", entries[key]) for key in sorted(entries)]
        elif field.is_repeated:
            items = [(f"{here}[{index}]", item) for index, item in enumerate(value)]
        else:
            items = [(here, value)]
        for at, item in items:
            if isinstance(item, Message) and not isinstance(item, (Timestamp, Date, Decimal, PersonalText)):
                yield from fields(item, at)
            else:
                yield FieldValue(at, field, item)


def subjects(message: Message) -> list[pb.Subject]:
    """What the event is about: ids whose fields say of what kind they are. Each once, in the contract's order."""
    kinds_and_ids = dict.fromkeys(
        (kind, each.value)
        for each in fields(message)
        if (kind := _subject(each.field)) and isinstance(each.value, str) and each.value
    )
    return [pb.Subject(kind=kind, id=id) for kind, id in kinds_and_ids]


def concerned(message: Message | None) -> list[str] | None:
    """The people who may read an event beside auditors; None: whoever may read the ledger.

    What no contract says anything about is for auditors alone, so that no new event tells by the ledger what its pages
    keep from people.
    """
    if message is None:
        return []
    values = list(fields(message))
    audience = message.DESCRIPTOR.GetOptions().Extensions[options.audience]
    if any(_is_confidential(each) for each in values):
        audience = options.AUDIENCE_CONCERNED
    match audience:
        case options.AUDIENCE_LEDGER:
            return None
        case options.AUDIENCE_CONCERNED:
            return sorted({each.value for each in values if each.field.GetOptions().Extensions[options.concerned]})
        case _:
            return []


def _is_confidential(each: FieldValue) -> bool:
    enum = each.field.enum_type
    value = enum.values_by_number.get(each.value) if enum is not None else None
    return value is not None and value.GetOptions().Extensions[options.confidential]


def reason(message: Message) -> str:
    """The class of its reason, as its enum has it; empty for none."""
    return next((_text(each) for each in fields(message) if each.field.name == REASON), "")


def values(message: Message, *, reader: str) -> list[pb.Value]:
    """What it says. Words that are not for audits are withheld, unless they are the reader's own."""
    return [_value(each, reader) for each in fields(message)]


def _value(each: FieldValue, reader: str) -> pb.Value:
    side, changed = side_of(each.path)
    value = pb.Value(path=each.path, subject_kind=_subject(each.field), kind=_kind(each), side=side, changed=changed)
    if not isinstance(each.value, PersonalText):
        try:
            value.text = _text(each)
        except (ValueError, OverflowError):  # no row takes a page along: it is said that this cannot be shown
            value.unreadable = True
    elif each.field.GetOptions().Extensions[for_audit] or each.value.sealed.person_id == reader:
        value.words.CopyFrom(each.value)
    else:
        value.words.withheld = True
    return value


def side_of(path: str) -> tuple[pb.Side.ValueType, str]:
    """Whether a path leads into how something was or is, and what changed: of "changes[0].after" it is "changes[0]"."""
    parts = path.split(".")
    for at, part in enumerate(parts):
        match part.partition("[")[0]:
            case "before":  # as contracts call how something was
                return pb.SIDE_BEFORE, ".".join(parts[:at] + parts[at + 1 :])
            case "after":
                return pb.SIDE_AFTER, ".".join(parts[:at] + parts[at + 1 :])
            case _:
                pass
    return pb.SIDE_UNSPECIFIED, ""


def _kind(each: FieldValue) -> pb.ValueKind.ValueType:
    match each.value:
        case bool():
            return pb.VALUE_KIND_YES_NO
        case int() if each.field.enum_type is not None:
            return pb.VALUE_KIND_CHOICE
        case int() | Decimal():
            return pb.VALUE_KIND_NUMBER
        case Date():
            return pb.VALUE_KIND_DAY
        case Timestamp():
            return pb.VALUE_KIND_INSTANT
        case bytes():
            return pb.VALUE_KIND_BYTES
        case _:
            return pb.VALUE_KIND_UNSPECIFIED


def _text(each: FieldValue) -> str:
    match each.value:
        case bool():
            return "true" if each.value else "false"
        case int() if each.field.enum_type is not None:
            named = each.field.enum_type.values_by_number.get(each.value)
            return named.name if named else str(each.value)
        case bytes():
            shown = each.value[:MOST_BYTES].hex()
            return shown if len(each.value) <= MOST_BYTES else f"{shown}… ({len(each.value)} bytes)"
        case Decimal():
            return each.value.value
        case Date():
            day = to_date(each.value)
            return day.isoformat() if day else ""
        case Timestamp():
            return to_datetime(each.value).isoformat()
        case _:
            return str(each.value)


def _subject(field: FieldDescriptor) -> str:
    return field.GetOptions().Extensions[subject]


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
