"""People, and programs, as the contract shows them."""

from eventkit.context import acting_id, behind
from eventkit.directory.facts import OrgChart
from nhip.goals.v1 import goals_pb2 as pb


def owner(org: OrgChart, person_id: str, *, stands_in_for: str = "") -> pb.Owner:
    """A person by the name of now; sealed until the reply leaves. Of a service only its id is known."""
    person, leaver = org.people.get(person_id), org.people.get(stands_in_for)
    return pb.Owner(
        person_id=person_id,
        name=person.name if person else None,
        stands_in_for_id=stands_in_for,
        stands_in_for=leaver.name if leaver else None,
    )


def actor(org: OrgChart, recorded: str) -> pb.Owner:
    """Who an event names as its actor: `person:<id>` or `service:<id>`."""
    kind, _, id = acting_id(recorded).partition(":")
    if kind == "integration":
        account = org.people.get(behind(recorded).removeprefix("person:"))
        known = org.integrations.get(id)
        return pb.Owner(
            person_id=acting_id(recorded),
            name=account.name if account else None,
            integration_name=known.name if known else id,
        )
    return owner(org, acting_id(recorded))
