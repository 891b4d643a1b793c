"""Ends the address of the calendar of who leaves: when they come back they draw another (C-03)."""

from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from nhip.people.v1.events_pb2 import PersonDeactivated
from services.checkins.domain import calendar_feed
from services.checkins.domain.calendar_feed import CALENDAR_FEED


def leavers(resources: Resources) -> Reaction:
    async def react(event: Recorded) -> None:
        match event.message:
            case PersonDeactivated(person_id=id):
                ctx = reacting_to(event, resources.name, "leavers")
                await resources.commands.on(ctx, CALENDAR_FEED, id, lambda address: calendar_feed.end(address, id))
            case _:
                pass

    return Reaction("leavers", "people", react)
