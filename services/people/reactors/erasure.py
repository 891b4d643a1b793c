"""Carries out an approved erasure: destroys the key, then says so.

Killed in between, it begins again and ends the same.
"""

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.directory.facts import ORGANISATION, PERSON, THE_ORGANISATION
from eventkit.log import Recorded
from eventkit.process.service import Reaction, Resources, reacting_to
from nhip.people.v1.events_pb2 import ErasureApproved
from services.people.domain.erasure import ERASURE, complete


def erasing(resources: Resources) -> Reaction:
    async def react(event: Recorded) -> None:
        match event.message:
            case ErasureApproved(person_id=person_id):
                await resources.words.destroy(event.tenant, person_id)

                async def decide(load: Load) -> Decision:
                    await load(PERSON, person_id)
                    organisation = await load(ORGANISATION, THE_ORGANISATION)
                    return complete(await load(ERASURE, person_id), organisation, person_id)

                await resources.commands.execute(
                    reacting_to(event, resources.name, "erasing"), ERASURE(person_id), decide
                )
            case _:
                pass

    return Reaction("erasing", "people", react)
