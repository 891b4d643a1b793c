"""The contracts that this version knows: which contexts there are, and which types of events."""

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor

import nhip
from nhip.common.v1.options_pb2 import categories, event


@cache
def contexts() -> tuple[str, ...]:
    """Every context that has events of its own, by name."""
    contexts = {file.package.split(".")[1] for file in _files() if file.name.endswith("/events.proto")}
    return tuple(sorted(contexts))


@dataclass(frozen=True)
class Answers:
    """What a context answers: the gRPC services of its contract, whose RPCs have different names."""

    services: tuple[ServiceDescriptor, ...]

    @cached_property
    def methods(self) -> tuple[MethodDescriptor, ...]:
        return tuple(method for service in self.services for method in service.methods)

    @cached_property
    def methods_by_name(self) -> Mapping[str, MethodDescriptor]:
        return {method.name: method for method in self.methods}


@cache
def services() -> Mapping[str, Answers]:
    """What each context answers, by its name: `nhip.goals.v1.Goals` of goals."""
    found: dict[str, tuple[ServiceDescriptor, ...]] = {}
    for file in _files():
        context = file.package.split(".")[1]
        if context in contexts():
            found[context] = (*found.get(context, ()), *file.services_by_name.values())
    return {context: Answers(services) for context, services in sorted(found.items())}


@cache
def event_contracts() -> tuple[FileDescriptor, ...]:
    """The contracts that have events: one of each context, and what every service records of its operators."""
    return tuple(
        file for file in _files() if any(message.GetOptions().Extensions[event] for message in _messages(file))
    )


@cache
def event_types() -> tuple[str, ...]:
    """The full names of all types of events, by name."""
    return tuple(
        sorted(
            message.full_name
            for file in _files()
            for message in _messages(file)
            if message.GetOptions().Extensions[event]
        )
    )


@cache
def types_of(context: str, category: str) -> tuple[str, ...]:
    """The full names of the types of events that a context writes to streams of a category."""
    return tuple(
        message.full_name
        for file in _files()
        if file.package.split(".")[1] == context
        for message in _messages(file)
        if message.GetOptions().Extensions[event] and category in categories_of(message)
    )


@cache
def categories_of(descriptor: Descriptor) -> tuple[str, ...]:
    """The kinds of thing whose streams an event is on."""
    return tuple(descriptor.GetOptions().Extensions[categories])


def types_named(name: str) -> list[str]:
    """The full names that somebody means who names a type in full, or by its last part; what is not known means
    itself."""
    return [type for type in event_types() if name == type or type.endswith(f".{name}")] or [name]


@cache
def _files() -> tuple[FileDescriptor, ...]:
    """All contracts, loaded: with that their types can be read."""
    files: list[FileDescriptor] = []
    for root in map(Path, nhip.__path__):  # generated code is a namespace: folders without an __init__
        for path in sorted(root.glob("*/v*/*_pb2.py")):
            files.append(
                importlib.import_module(".".join(("nhip", *path.relative_to(root).with_suffix("").parts))).DESCRIPTOR
            )
    return tuple(files)


def _messages(file: FileDescriptor) -> Iterator[Descriptor]:
    yield from file.message_types_by_name.values()
