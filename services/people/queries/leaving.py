"""What somebody's leaving would lead to: the decision itself, on the people as they are known now."""

from dataclasses import replace

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.directory.facts import Organisation, OrgChart
from eventkit.errors import Rejected, unknown
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import PlaceAssigned, UnitHeadAppointed
from services.people.domain import person
from services.people.domain.needed import fills

LISTED = 100


def leaving(org: OrgChart, request: pb.PreviewLeaving, actor: Actor) -> pb.Leaving:
    """Raises `Rejected` for who is not there, and for a successor who is none."""
    leaver, successor = org.people.get(request.person_id), request.successor_id
    if leaver is None:
        raise unknown("person", request.person_id, "person_id")
    if successor and successor not in org.people:
        raise unknown("person", successor, "successor_id")
    refusal, decision = "", Decision()
    try:
        decision = person.deactivate(
            leaver,
            Organisation(units=org.units, places=org.places),
            org.people[successor] if successor else None,
            pb.DeactivatePerson(person_id=leaver.id, successor_id=successor),
            actor,
            others=frozenset(role for other in org.people.values() if other.id != leaver.id for role in fills(other)),
        )
    except Rejected as refused:
        refusal = refused.reason
    heads = {e.unit_id: e.after for _, e in decision if isinstance(e, UnitHeadAppointed)}
    managers = {e.person_id: e.after.manager_id for _, e in decision if isinstance(e, PlaceAssigned)}
    units = [unit.id for unit in org.units.values() if unit.head_id == leaver.id and not unit.closed]
    managed = [id for id in org.places if org.manager(id) == leaver.id and org.is_active(id)]
    gone = replace(org, people={**org.people, leaver.id: replace(leaver, active=False, successor_id=successor)})
    return pb.Leaving(
        refusal=refusal,
        answers_id=gone.standing_in(leaver.id),
        units=[pb.HeldUnit(unit_id=id, head_id=heads.get(id, "")) for id in units[:LISTED]],
        unit_count=len(units),
        people=[pb.ManagedPerson(person_id=id, manager_id=managers.get(id, "")) for id in managed[:LISTED]],
        people_count=len(managed),
    )
