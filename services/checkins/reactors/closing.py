"""Confirms that the values of a cycle are complete when goals begins to close it; takes values again when it is
reopened."""

from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from nhip.goals.v1.events_pb2 import CycleClosingBegun, CycleReopened
from services.checkins.domain import cycle_facts
from services.checkins.domain.cycle_facts import CYCLE_FACTS


def closing(resources: Resources) -> Reaction:
    async def react(event: Recorded) -> None:
        ctx = reacting_to(event, resources.name, "closing")
        match event.message:
            case CycleClosingBegun(cycle_id=id):
                at = f"goals={event.position}"
                await resources.commands.on(ctx, CYCLE_FACTS, id, lambda done: cycle_facts.complete(done, id, at))
            case CycleReopened(cycle_id=id):
                await resources.commands.on(ctx, CYCLE_FACTS, id, lambda done: cycle_facts.reopen(done, id))
            case _:
                pass

    return Reaction("closing", "goals", react)
