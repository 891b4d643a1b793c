"""Who must say yes themselves before KPIs become theirs: collaboration and co-ownership (G-64, G-65)."""

from collections.abc import Iterable, Sequence

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.changing import KpisById


def invited(
    changes: Iterable[t.TargetChange],
    additions: Sequence[t.KpiDraft],
    known: KpisById,
    proposer: str,
    org: OrgChart,
) -> list[t.Invitation]:
    """Whoever would answer for a KPI that they did not answer for, but who proposes it; of KPIs that are added those
    who stand neither above nor below the proposer."""
    found: list[t.Invitation] = []
    for change in changes:
        kpi = known.get(change.kpi_id)
        if kpi is None or not change.said.after.HasField("owners"):
            continue
        after = change.said.after.owners.ids
        kind = t.INVITATION_KIND_CO_OWNERSHIP if len(after) > 1 else t.INVITATION_KIND_TAKING_OVER
        new = [person for person in after if person not in kpi.owners and person != proposer]
        found += [t.Invitation(person_id=person, kind=kind, kpi_id=kpi.id) for person in new]
    for index, draft in enumerate(additions):
        for person in answerable(draft.owner_ids, draft.unit_id, org):
            if person != proposer and not _in_line(person, proposer, org):
                kind = t.INVITATION_KIND_COLLABORATION
                found.append(t.Invitation(person_id=person, kind=kind, addition=index))
    return found


def _in_line(person: str, other: str, org: OrgChart) -> bool:
    return person in org.managers(other) or other in org.managers(person)
