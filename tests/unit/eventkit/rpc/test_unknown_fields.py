"""What reaches a service is exactly what its contract names."""

from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from cli.catalog import OPERATIONS, SERVICES
from eventkit.rpc.call import read

RPCS = [method for known in SERVICES.values() for method in known.api.methods] + list(OPERATIONS.methods)
UNKNOWN = b"\xfa\xff\x7f\x06hidden"
"""A field of a number that no contract uses, with words in it."""


def filled(message: Message) -> Message:
    """With every field set, at every level."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.message_type is not None:
            filled(value.add() if field.is_repeated else value)
            value.SetInParent() if not field.is_repeated else None
        elif field.is_repeated:
            value.append(sample(field))
        elif field.containing_oneof is None or message.WhichOneof(field.containing_oneof.name) is None:
            setattr(message, field.name, sample(field))
    return message


def sample(field: Any) -> object:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return "x" if field.type == FieldDescriptor.TYPE_STRING else b"x"
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case _:
            return 1


def burdened(message: Message) -> None:
    """With an unknown field at every level."""
    for field, value in message.ListFields():
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for item in value if field.is_repeated else [value]:
                burdened(item)
    message.MergeFromString(UNKNOWN)


@pytest.mark.parametrize("method", RPCS, ids=lambda method: method.full_name)
def test_what_no_contract_names_does_not_get_in(method: MethodDescriptor):
    kind = GetMessageClass(method.input_type)
    clean, sent = filled(kind()), filled(kind())
    burdened(sent)
    data = sent.SerializeToString(deterministic=True)
    assert b"hidden" in data
    got = read(kind, data).SerializeToString(deterministic=True)
    assert b"hidden" not in got
    assert got == clean.SerializeToString(deterministic=True)
