"""A core value: what the company stands for, so that praise can name it (R-03)."""

from collections.abc import Iterable, Mapping

from google.protobuf.message import Message

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, UnknownEvent
from eventkit.errors import Rejected
from eventkit.names import name_key, tidy
from nhip.rewards.v1.events_pb2 import CoreValueNamed
from nhip.rewards.v1.rewards_pb2 import NameCoreValue

CoreValues = Mapping[str, str]
"""The names of core values by their ids."""


def evolve(values: CoreValues | None, event: Message) -> CoreValues:
    match event:
        case CoreValueNamed():
            return {**(values or {}), event.value_id: event.name}
        case _:
            raise UnknownEvent(event)


CORE_VALUES = Aggregate("value", evolve)
ALL = "all"
"""The id of a tenant's one stream of core values, so that no two at once get one name.

Those named first had each a stream of its own.
"""


def name(values: CoreValues | None, command: NameCoreValue, value_id: str, *, known: Iterable[str]) -> Decision:
    """`known`: the names of those that are not in that stream."""
    wanted = tidy(command.name)
    if name_key(wanted) in map(name_key, (*(values or {}).values(), *known)):
        raise Rejected("VALUE_EXISTS", f"there is a core value named {wanted!r} already", field="name", rule="R-03")
    return [StreamEvent(CORE_VALUES(ALL), CoreValueNamed(value_id=value_id, name=wanted))]
