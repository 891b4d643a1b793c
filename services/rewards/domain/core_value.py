"""A core value: what the company stands for, so that praise can name it (R-03)."""

from dataclasses import dataclass

from google.protobuf.message import Message

from eventkit.aggregate import Aggregate, Decision, Happened, UnknownEvent
from nhip.rewards.v1.events_pb2 import CoreValueNamed
from nhip.rewards.v1.rewards_pb2 import NameCoreValue


@dataclass(frozen=True, slots=True)
class CoreValue:
    id: str
    name: str


def evolve(value: CoreValue | None, event: Message) -> CoreValue:
    match event:
        case CoreValueNamed():
            return CoreValue(event.value_id, event.name)
        case _:
            raise UnknownEvent(event)


CORE_VALUE = Aggregate("value", evolve)


def name(command: NameCoreValue, value_id: str) -> Decision:
    return [Happened(CORE_VALUE(value_id), CoreValueNamed(value_id=value_id, name=command.name.strip()))]
