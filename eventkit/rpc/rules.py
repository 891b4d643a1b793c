"""Field rules: what a contract demands of a caller (`nhip.common.v1.rules`), and what every value must be anyway.

Anyway: decimals are plain, dates exist, instants are within the calendar, enums are known, text is what it looks like
(no controls, nothing that turns its direction, no towers of marks), personal words come in plain. A value that is not
given is bound by nothing but `required`.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import cast
from zoneinfo import available_timezones

import regex
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from eventkit.errors import Violation
from eventkit.values import FRACTION_DIGITS, WHOLE_DIGITS
from nhip.common.v1 import options_pb2

MISSING = "MISSING"
"""The reason of what is required and not given, or blank."""
MOST = 1000
"""Violations that are looked for: a request of four million wrong bytes shall not cost more than that."""

YEARS = 1900, 2200
"""Days and instants outside mean nothing to a company; who reckons with one never meets the end of the calendar."""
_FIRST_SECOND, _END_SECOND = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (YEARS[0], YEARS[1] + 1))

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TAKEN = re.compile(rf"-?[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{FRACTION_DIGITS}}})?")
_STORED_LENGTH = 1000
"""Longest number that a caller may repeat as it is stored."""
_ID = re.compile(r"[a-z0-9_.-]{1,64}")
_CLUSTER = regex.compile(r"\X")
# Embeddings, overrides and isolates show words in another order than they are in; line and paragraph separators are
# neither.
_CONTROLS = r"\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029"
_NOT_IN_LINES = regex.compile(rf"[{_CONTROLS}--\n\r\t]", regex.VERSION1)
# In a name also nothing that is not seen: two names that look the same are the same. Joiners stay where scripts and
# emoji need them.
_NOT_IN_NAMES = regex.compile(
    rf"[{_CONTROLS}[\p{{Cf}}--[\u200c\u200d\U000e0020-\U000e007f]]]"
    r"|(?<![^\p{Latin}\p{Greek}\p{Cyrillic}\p{Han}\p{Nd}\s])[\u200c\u200d]",
    regex.VERSION1,
)
_TOWER = regex.compile(r"\p{M}{31}")  # Unicode's stream-safe text (UAX 15) has at most 30
_INTEGERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)

Check = Callable[[object], Iterator[Violation]]
"""Looks at one given value; answers what is wrong, with paths below the value."""


def violations(message: Message) -> tuple[Violation, ...]:
    """Everything that is wrong with `message`, in the order of its contract, each with its field's path; at most MOST
    of them."""
    return tuple(islice(_message(message), MOST))


def compile_rules(descriptor: Descriptor) -> None:
    """Reads the rules of a contract, so that mistakes in them show at the start. Raises ValueError naming the field."""
    pending, seen = [descriptor], {descriptor.full_name}
    while pending:
        for field in _fields(pending.pop()):
            inner = field.descriptor.message_type
            if inner is not None and inner.full_name not in seen and inner.full_name not in _WELL_KNOWN:
                seen.add(inner.full_name)
                pending.append(inner)


# --- one field -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Field:
    descriptor: FieldDescriptor
    required: str
    """What to say when it is not given; empty: it need not be."""
    max_items: int
    checks: tuple[Check, ...]

    def violations(self, message: Message) -> Iterator[Violation]:
        name = self.descriptor.name
        value = cast(object, getattr(message, name))
        if self.descriptor.is_repeated:
            items = _items(value)
            if not items:
                if self.required:
                    yield Violation(name, MISSING, self.required)
                return
            if self.max_items and len(items) > self.max_items:
                yield Violation(
                    name,
                    "TOO_MANY_ITEMS",
                    f"must have at most {self.max_items} items",
                    {"most": str(self.max_items)},
                )
                return  # not one line for each of a million items
            for at, item in enumerate(items):
                yield from self._judge(f"{name}[{at}]", item)
        elif not self._given(message, value):
            if self.required:
                yield Violation(name, MISSING, self.required)
        elif self.required and isinstance(value, str) and _blank(value):
            yield Violation(name, MISSING, self.required)
        else:
            yield from self._judge(name, value)

    def _given(self, message: Message, value: object) -> bool:
        if self.descriptor.has_presence:
            return message.HasField(self.descriptor.name)
        return bool(value)  # proto3: zero and not given look the same

    def _judge(self, path: str, value: object) -> Iterator[Violation]:
        for check in self.checks:
            for wrong in check(value):
                yield replace(wrong, field=f"{path}.{wrong.field}" if wrong.field else path)


def _items(value: object) -> Sequence[object]:
    """The items of a repeated field; of a map its values, in the order of the keys (keys may be words: a path does not
    show them)."""
    keys = cast(Callable[[], Sequence[str]] | None, getattr(value, "keys", None))
    if keys is None:
        return cast(Sequence[object], value)
    entries = cast("dict[str, object]", value)
    return [entries[key] for key in sorted(keys())]


@cache
def _fields(descriptor: Descriptor) -> tuple[_Field, ...]:
    return tuple(field for field in map(_field, descriptor.fields) if field.required or field.max_items or field.checks)


def _field(field: FieldDescriptor) -> _Field:
    rules = field.GetOptions().Extensions[options_pb2.rules]
    if rules.max_items and not field.is_repeated:
        raise ValueError(f"{field.full_name}: max_items is for lists")
    return _Field(
        field, _missing(field) if rules.required else "", rules.max_items, tuple(_checks(_valued(field), rules))
    )


def _valued(field: FieldDescriptor) -> FieldDescriptor:
    """The field whose values are judged: of a map, that of its values."""
    entry = field.message_type
    return entry.fields_by_name["value"] if entry is not None and entry.GetOptions().map_entry else field


def _missing(field: FieldDescriptor) -> str:
    if field.is_repeated:
        return "must have at least one item"
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING if field.type == FieldDescriptor.TYPE_STRING:
            return "must be given and not blank"
        case FieldDescriptor.CPPTYPE_ENUM if field.enum_type is not None:
            return f"must be one of {_names(field.enum_type)}"
        case FieldDescriptor.CPPTYPE_BOOL if not field.has_presence:
            raise ValueError(f"{field.full_name}: a bool cannot be required unless it is optional")
        case _:
            return "must be given"


def _checks(field: FieldDescriptor, rules: options_pb2.Rules) -> Iterator[Check]:
    """What to hold against a value of this field. Raises ValueError for a rule that says nothing about such a field."""
    low, high = _bound(field, rules.min), _bound(field, rules.max)
    text_rules = bool(rules.max_length or rules.id or rules.time_zone or rules.lines)
    if rules.stored and not (field.message_type is not None and field.message_type.full_name == "google.type.Decimal"):
        raise ValueError(f"{field.full_name}: its rules are not for a field of this type")
    if rules.max_bytes and field.type != FieldDescriptor.TYPE_BYTES:
        raise ValueError(f"{field.full_name}: its rules are not for a field of this type")
    number_rules = low is not None or high is not None
    inner = field.message_type.full_name if field.message_type is not None else ""
    if field.type == FieldDescriptor.TYPE_STRING:
        yield lambda value: _shown(cast(str, value), rules.lines)
        if rules.id:
            yield _id
        if rules.time_zone:
            yield _time_zone
        if rules.max_length:
            yield lambda value: _length(cast(str, value), rules.max_length)
        text_rules = False
    elif rules.max_bytes:
        yield lambda value: _size(cast(bytes, value), rules.max_bytes)
    elif inner == "nhip.common.v1.PersonalText":
        if rules.id or rules.time_zone:
            raise ValueError(f"{field.full_name}: personal words are no id and no time zone")
        yield lambda value: _words(cast(Message, value), rules)
        text_rules = False
    elif inner == "google.type.Decimal":
        yield lambda value: _decimal(cast(Message, value), low, high, stored=rules.stored)
        number_rules = False
    elif inner in _WELL_KNOWN:
        yield _WELL_KNOWN[inner]
    elif inner:
        yield lambda value: _message(cast(Message, value))
    elif field.enum_type is not None:
        numbers, names = frozenset(field.enum_type.values_by_number), _names(field.enum_type)
        yield (
            lambda value: (
                iter(()) if value in numbers else iter([Violation("", "NOT_ONE_OF", f"must be one of {names}")])
            )
        )
    elif field.cpp_type in _INTEGERS and number_rules:
        yield lambda value: _range(Decimal(cast(int, value)), low, high)
        number_rules = False
    if text_rules or number_rules:
        raise ValueError(f"{field.full_name}: its rules are not for a field of this type")


def _bound(field: FieldDescriptor, text: str) -> Decimal | None:
    if not text:
        return None
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{field.full_name}: the rule's bound {text!r} is no plain decimal")
    return Decimal(text)


def _names(enum: EnumDescriptor) -> str:
    return ", ".join(value.name for value in enum.values if value.number != 0)


# --- one value -------------------------------------------------------------------------------------------------------


def _message(message: Message) -> Iterator[Violation]:
    for field in _fields(message.DESCRIPTOR):
        yield from field.violations(message)


def _blank(text: str) -> bool:
    """Nothing to be seen in it: only spaces, controls and invisible formatting (a zero-width space is no name)."""
    return all(unicodedata.category(char) in ("Zs", "Zl", "Zp", "Cc", "Cf") for char in text)


def _shown(text: str, lines: bool) -> Iterator[Violation]:
    """Text is what is seen of it. PostgreSQL, for one, cannot store U+0000 at all."""
    if match := (_NOT_IN_LINES if lines else _NOT_IN_NAMES).search(text):
        character = f"U+{ord(match[0]):04X}"
        yield Violation(
            "", "CHARACTER_REFUSED", f"must not contain the character {character}", {"character": character}
        )
    if _TOWER.search(text):
        yield Violation("", "TOO_MANY_MARKS", "must have at most 30 marks on a letter", {"most": "30"})


def _id(value: object) -> Iterator[Violation]:
    if not _ID.fullmatch(cast(str, value)):
        yield Violation("", "ID_MALFORMED", "must be an id: 1 to 64 of a-z, 0-9, '-', '_' and '.'")


def _time_zone(value: object) -> Iterator[Violation]:
    if value not in time_zones():
        yield Violation("", "TIME_ZONE_UNKNOWN", "must be a zone of the IANA time zone database, as Asia/Ho_Chi_Minh")


_OTHERWISE_READ = {"CET", "EET", "MET", "WET", "localtime"}
"""Names that PostgreSQL reads as another zone: the old ones as abbreviations, without summer time; the machine's own,
which some have among their zones, not at all."""


@cache
def time_zones() -> frozenset[str]:
    """The names of zones that a contract takes."""
    return frozenset(available_timezones() - _OTHERWISE_READ)


def _length(text: str, most: int) -> Iterator[Violation]:
    # A cluster of many code points is still one character, but not without end: 16 are more than any script or emoji
    # needs. Composing (NFC) would change no cluster, and takes quadratic time where marks pile up.
    if len(text) > most and (len(text) > 16 * most or len(_CLUSTER.findall(text)) > most):
        yield Violation("", "TOO_LONG", f"must have at most {most} characters", {"most": str(most)})


def _size(content: bytes, most: int) -> Iterator[Violation]:
    if len(content) > most:
        yield Violation("", "TOO_MANY_BYTES", f"must have at most {most} bytes", {"most": str(most)})


def _words(words: Message, rules: options_pb2.Rules) -> Iterator[Violation]:
    form = words.WhichOneof("form")
    # The others are said in replies, whatever they will be: taken, they would be stored.
    if form not in (
        None,
        "plain",
    ):
        yield Violation(form, "WORDS_NOT_PLAIN", "must not be given: send the words as `plain`")
        return
    plain = cast(str, getattr(words, "plain"))  # noqa: B009  # a Message by descriptor, its class is not at hand
    if rules.required and _blank(plain):
        yield Violation("", MISSING, "must be given and not blank")
        return
    yield from _shown(plain, rules.lines)
    if rules.max_length:
        yield from _length(plain, rules.max_length)


def _decimal(value: Message, low: Decimal | None, high: Decimal | None, *, stored: bool = False) -> Iterator[Violation]:
    text = cast(str, getattr(value, "value"))  # noqa: B009
    if stored:
        if len(text) > _STORED_LENGTH or not _DECIMAL.fullmatch(text):
            yield Violation("", "NOT_A_NUMBER", "must be a plain decimal, as -12.5")
            return
    elif not _TAKEN.fullmatch(text):
        yield Violation(
            "",
            "TOO_MANY_DIGITS" if _DECIMAL.fullmatch(text) else "NOT_A_NUMBER",
            f"must be a plain decimal of at most {WHOLE_DIGITS} digits before and {FRACTION_DIGITS} behind the point, "
            "as -12.5",
            {"whole": str(WHOLE_DIGITS), "fraction": str(FRACTION_DIGITS)},
        )
        return
    yield from _range(Decimal(text), low, high)


def _range(value: Decimal, low: Decimal | None, high: Decimal | None) -> Iterator[Violation]:
    if (low is not None and value < low) or (high is not None and value > high):
        if low is not None and high is not None:
            ends = {"least": str(low), "most": str(high)}
            yield Violation("", "OUT_OF_RANGE", f"must be from {low} to {high}", ends)
        elif low is not None:
            yield Violation("", "TOO_SMALL", f"must be at least {low}", {"least": str(low)})
        else:
            yield Violation("", "TOO_LARGE", f"must be at most {high}", {"most": str(high)})


def _date(value: object) -> Iterator[Violation]:
    parts = [cast(int, getattr(value, name)) for name in ("year", "month", "day")]
    try:
        within = YEARS[0] <= date(*parts).year <= YEARS[1]
    except (ValueError, OverflowError):
        within = False
    if not within:
        yield Violation("", "NOT_A_DAY", f"must be a day of the years {YEARS[0]} to {YEARS[1]}: year, month and day")


def _timestamp(value: object) -> Iterator[Violation]:
    seconds, nanos = (cast(int, getattr(value, name)) for name in ("seconds", "nanos"))
    if not (_FIRST_SECOND <= seconds < _END_SECOND and 0 <= nanos < 1_000_000_000):
        yield Violation("", "NOT_AN_INSTANT", f"must be an instant of the years {YEARS[0]} to {YEARS[1]}")


_WELL_KNOWN: dict[str, Check] = {
    "google.type.Date": _date,
    "google.protobuf.Timestamp": _timestamp,
    "google.type.Decimal": lambda value: _decimal(cast(Message, value), None, None),
    "nhip.common.v1.PersonalText": lambda value: _words(cast(Message, value), options_pb2.Rules()),
}
"""Messages that are values: judged as a whole, not field by field."""
