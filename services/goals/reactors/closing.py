"""Closes a cycle for good, once checkins says that its values are complete (product decisions: "Closing a cycle")."""

from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from nhip.checkins.v1.events_pb2 import CycleFactsCompleted
from services.goals.domain import cycle
from services.goals.domain.cycle import CYCLE


def closing(resources: Resources) -> Reaction:
    async def react(event: Recorded) -> None:
        match event.message:
            case CycleFactsCompleted(cycle_id=cycle_id, goals_position=goals_position):
                await resources.commands.on(
                    reacting_to(event, resources.name, "closing"),
                    CYCLE,
                    cycle_id,
                    lambda state: cycle.settle(
                        cycle.there(state, cycle_id),
                        goals_position=goals_position,
                        checkins_position=f"checkins={event.position}",
                    ),
                )
            case _:
                pass

    return Reaction("closing", "checkins", react)
