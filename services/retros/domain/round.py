"""The round of a cycle: on its last day everybody is told that it is time to look back, once (C-49)."""

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from nhip.retros.v1.events_pb2 import RoundBegun


def evolve(begun: bool, event: RoundBegun) -> bool:
    match event:
        case RoundBegun():
            return True
        case _:
            refuse_unknown(event)


ROUND = Aggregate("round", False, evolve)
"""By the cycle: its round has begun."""


def begin(begun: bool, cycle_id: str) -> Decision:
    return [] if begun else [StreamEvent(ROUND(cycle_id), RoundBegun(cycle_id=cycle_id))]
