"""Every event that was ever written stays readable.

`golden/<full name>.txt` keeps, for each event type, examples as bytes in hexadecimal, a line each, made from the
contract alone: every field is set, and of a `oneof` each alternative in turn. A line is never changed or removed. When
a contract gains a field, its examples have more bytes: their lines are added below the old ones, which must still be
read as they were meant.

    python -m tests.contract.test_golden_bytes      # adds the lines that are missing
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

import nhip
from eventkit.log import wire
from eventkit.privacy.words import PERSONAL_TEXT
from nhip.common.v1.options_pb2 import event

GOLDEN = Path(__file__).parent / "golden"
DEEPEST = 6
INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
}


def event_types() -> dict[str, Descriptor]:
    """Every message of the contracts that is marked as an event."""
    found: dict[str, Descriptor] = {}
    for root in map(Path, nhip.__path__):
        for path in sorted(root.glob("*/v*/*_pb2.py")):
            module = importlib.import_module(".".join(("nhip", *path.relative_to(root).with_suffix("").parts)))
            for message in module.DESCRIPTOR.message_types_by_name.values():
                if message.GetOptions().Extensions[event]:
                    found[message.full_name] = message
    return found


def examples(kind: Descriptor) -> list[Message]:
    """As many as the largest `oneof` in it has alternatives."""
    return [
        fill(new(kind), turn) for turn in range(max((len(o.fields) for d in below(kind) for o in d.oneofs), default=1))
    ]


def below(kind: Descriptor, seen: frozenset[str] = frozenset()) -> Iterator[Descriptor]:
    """The message and all that it may hold."""
    if kind.full_name in seen:
        return
    yield kind
    for field in kind.fields:
        if field.message_type is not None:
            yield from below(field.message_type, seen | {kind.full_name})


def new(kind: Descriptor) -> Message:
    return message_factory.GetMessageClass(kind)()


def fill(message: Message, turn: int, depth: int = 0) -> Message:
    """Set every field to something that depends on nothing but its own name and number."""
    for field in message.DESCRIPTOR.fields:
        siblings = field.containing_oneof.fields if field.containing_oneof else [field]
        if siblings[turn % len(siblings)].name != field.name:
            continue
        if field.message_type is not None:
            if depth < DEEPEST:
                value = getattr(message, field.name)
                fill(value.add() if field.is_repeated else value, turn, depth + 1)
                if not field.is_repeated:
                    value.SetInParent()
        elif field.is_repeated:
            getattr(message, field.name).extend([scalar(field, 0), scalar(field, 1)])
        else:
            setattr(message, field.name, scalar(field, 0))
    return message


def scalar(field: Any, index: int) -> Any:
    number = crc32(field.name.encode()) % 100_000 + index + 1
    if field.enum_type is not None:
        return next((v.number for v in field.enum_type.values if v.number == index + 1), 0)
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return b"%d" % number if field.type == FieldDescriptor.TYPE_BYTES else f"{field.name} số {index}"
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case kind if kind in INTEGERS:
            return number
        case _:
            return number / 8


def lines_of(name: str) -> list[str]:
    path = GOLDEN / f"{name}.txt"
    return path.read_text().split() if path.exists() else []


def agrees(old: Message, today: Message) -> bool:
    """Whether what is set in an old example is set to the same today; a later contract may have more."""
    for field, value in old.ListFields():
        now = getattr(today, field.name)
        if field.message_type is None:
            if value != now:
                return False
        elif field.is_repeated:
            if len(value) != len(now) or not all(map(agrees, value, now)):
                return False
        elif not agrees(value, now):
            return False
    return True


def unknown_fields(message: Message) -> int:
    """Fields that the contract does not have any more, however deep."""
    found = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.message_type is not None:
            found += sum(map(unknown_fields, value if field.is_repeated else [value]))
    return found


EVENTS = event_types()


def test_there_are_events():
    assert {
        "nhip.goals.v1.KpiDefined",
        "nhip.people.v1.PersonRegistered",
        "nhip.common.v1.ParkedEventDiscarded",
    } <= EVENTS.keys()


def test_no_event_type_was_ever_removed():
    gone = {path.stem for path in GOLDEN.glob("*.txt")} - EVENTS.keys()
    assert not gone, f"logs hold events of these types for ever, so their contracts must stay: {sorted(gone)}"


@pytest.mark.parametrize("name", EVENTS)
def test_todays_bytes_are_golden(name: str):
    lines = lines_of(name)
    missing = [e for e in examples(EVENTS[name]) if e.SerializeToString(deterministic=True).hex() not in lines]
    assert not missing, (
        f"{name}: {len(missing)} of its examples have no golden bytes. If the event type is new, or has only gained "
        "fields, run "
        "`python -m tests.contract.test_golden_bytes` and commit what it adds; if a field changed its number or type, "
        "take a new "
        "message instead: logs hold the old one for ever."
    )


@pytest.mark.parametrize("name", EVENTS)
def test_golden_bytes_are_read_as_they_were_meant(name: str):
    today = examples(EVENTS[name])
    for line in lines_of(name):
        message = wire.decode(name, bytes.fromhex(line))
        assert message is not None
        assert not unknown_fields(message), f"{name} lost a field that logs hold: {line}"
        assert any(agrees(message, example) for example in today), f"{name}: a field is not what it was: {line}"


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_of_an_example_is_set(name: str):
    """So that golden bytes cover the whole contract."""
    kind = EVENTS[name]
    covered = {field.full_name for example in examples(kind) for field, _ in example.ListFields()}
    assert covered == {field.full_name for field in kind.fields}


@pytest.mark.parametrize("name", EVENTS)
def test_words_are_where_they_are_found(name: str):
    """Sealing looks into messages and lists, not into maps or Any."""
    for kind in below(EVENTS[name]):
        assert not kind.GetOptions().map_entry or all(f.message_type is None for f in kind.fields), (
            f"{name} has a map of messages"
        )
        assert kind.full_name != "google.protobuf.Any", f"{name} holds an Any"
        for field in kind.fields:
            about = [v for option, v in field.GetOptions().ListFields() if option.name == "about"]
            if about:
                assert field.message_type is not None
                assert field.message_type.full_name == PERSONAL_TEXT
                assert about[0] in kind.fields_by_name, (
                    f"{kind.full_name}.{field.name} is about {about[0]!r}, which is no sibling"
                )


def test_a_renumbered_retyped_or_lost_field_would_be_noticed():
    """What `agrees` and `unknown_fields` are for."""
    [kpi] = examples(EVENTS["nhip.goals.v1.KpiTargetRevised"])
    other = type(kpi)()
    other.CopyFrom(kpi)
    assert agrees(other, kpi)
    other.ClearField("before")  # type: ignore[arg-type]
    assert agrees(other, kpi)
    assert not agrees(kpi, other)
    fewer = EVENTS["nhip.people.v1.UnitCreated"]
    assert unknown_fields(message_factory.GetMessageClass(fewer).FromString(kpi.SerializeToString())) > 0


def main() -> None:
    """Add the lines that are missing; none is ever changed."""
    for name, kind in EVENTS.items():
        lines = lines_of(name)
        more = [line for e in examples(kind) if (line := e.SerializeToString(deterministic=True).hex()) not in lines]
        if more:
            (GOLDEN / f"{name}.txt").write_text("".join(f"{line}\n" for line in [*lines, *more]))
            print(f"{name}: {len(more)} added")


if __name__ == "__main__":
    main()
