"""A core value: what the company stands for, so that praise can name it (R-03)."""

from collections.abc import Iterable, Mapping

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.errors import Rejected
from eventkit.names import name_key, tidy
from nhip.rewards.v1.events_pb2 import CoreValueNamed
from nhip.rewards.v1.rewards_pb2 import NameCoreValue

CoreValues = Mapping[str, str]
"""The names of core values by their ids."""


def evolve(values: CoreValues, event: CoreValueNamed) -> CoreValues:
    match event:
        case CoreValueNamed():
            return {**values, event.value_id: event.name}
        case _:
            refuse_unknown(event)


CORE_VALUES = Aggregate[CoreValues]("value", {}, evolve)
ALL = "all"
"""The id of a tenant's one stream of core values, so that no two at once get one name.

Those named first had each a stream of its own.
"""


def name(values: CoreValues, command: NameCoreValue, value_id: str, *, others: Iterable[str]) -> Decision:
    """`others`: the names of those that are not in that stream."""
    wanted = tidy(command.name)
    if name_key(wanted) in map(name_key, (*values.values(), *others)):
        raise Rejected("VALUE_EXISTS", f"there is a core value named {wanted!r} already", field="name", rule="R-03")
    return [StreamEvent(CORE_VALUES(ALL), CoreValueNamed(value_id=value_id, name=wanted))]
