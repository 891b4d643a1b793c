"""Every request has an end: each text, each list and all words in it are bounded by the contract, at every depth."""

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from cli.catalog import OPERATIONS, SERVICES
from nhip.common.v1 import options_pb2

RPCS = [method for known in SERVICES.values() for method in known.api.methods] + list(OPERATIONS.methods)


def endless(descriptor: Descriptor, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The fields, by path, that a caller may make as long as they like."""
    for field in descriptor.fields:
        rules, path = field.GetOptions().Extensions[options_pb2.rules], ".".join((*above, field.name))
        inner = field.message_type
        if field.is_repeated and not rules.max_items:
            yield path
        words = inner is not None and inner.full_name == "nhip.common.v1.PersonalText"
        if (field.type == FieldDescriptor.TYPE_STRING or words) and not (
            rules.max_length or rules.id or rules.time_zone
        ):
            yield path
        if field.type == FieldDescriptor.TYPE_BYTES and not rules.max_bytes:
            yield path
        if inner is not None and not words and not inner.full_name.startswith("google."):
            assert len(above) < 10, f"{path} goes on for ever"
            yield from endless(inner, (*above, field.name))


@pytest.mark.parametrize("method", RPCS, ids=lambda method: method.full_name)
def test_every_text_and_list_of_a_request_is_bounded(method: MethodDescriptor):
    assert list(endless(method.input_type)) == []
