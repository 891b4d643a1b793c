"""Whether the values of a cycle are complete: from its closing on nothing is recorded for it.

Product decisions: "Closing a cycle".
"""

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.errors import Rejected
from nhip.checkins.v1.events_pb2 import CycleFactsCompleted, CycleFactsReopened


def evolve(complete: bool, event: CycleFactsCompleted | CycleFactsReopened) -> bool:
    match event:
        case CycleFactsCompleted():
            return True
        case CycleFactsReopened():
            return False
        case _:
            refuse_unknown(event)


CYCLE_FACTS = Aggregate("cycle_facts", False, evolve)
"""By the cycle: its values are complete."""


def complete(already: bool, cycle_id: str, goals_position: str) -> Decision:
    if already:
        return []
    completed = CycleFactsCompleted(cycle_id=cycle_id, goals_position=goals_position)
    return [StreamEvent(CYCLE_FACTS(cycle_id), completed)]


def reopen(complete: bool, cycle_id: str) -> Decision:
    return [StreamEvent(CYCLE_FACTS(cycle_id), CycleFactsReopened(cycle_id=cycle_id))] if complete else []


def check_taken(complete: bool) -> None:
    """Raises `Rejected` CYCLE_CLOSED."""
    if complete:
        told = "its cycle is closed: nothing of it is recorded unless an executive reopens it"
        raise Rejected("CYCLE_CLOSED", told, field="kpi_id")
