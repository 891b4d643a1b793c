"""Who records the values of a KPI for who answers for it. On the KPI's own stream of progress, so that nothing is
recorded by somebody whose right ended meanwhile."""

from datetime import date

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from nhip.checkins.v1.checkins_pb2 import NameDelegate, RevokeDelegate
from nhip.checkins.v1.events_pb2 import DelegateNamed, DelegateRevoked
from services.checkins.domain.progress import PROGRESS, KnownKpi, Progress

MOST = 8
"""Delegates of one KPI at a time."""


def name_delegate(
    progress: Progress, command: NameDelegate, kpi: KnownKpi, actor: Actor, org: OrgChart, today: date
) -> Decision:
    """By somebody who answers for the KPI (G-32)."""
    if actor.id not in kpi.owners:
        raise Rejected(
            "NOT_AN_OWNER", "only who answers for a KPI names who records for them", kind=Kind.FORBIDDEN, rule="G-32"
        )
    if kpi.retired_on is not None and kpi.retired_on <= today:
        raise Rejected("KPI_RETIRED", "this KPI has ended", field="kpi_id")
    person = command.person_id
    if not org.is_active(person):
        raise unknown("person", person, "person_id")
    if person in kpi.owners:
        raise Rejected(
            "ALREADY_RECORDS", "who answers for a KPI records it anyway: name somebody else", field="person_id"
        )
    if org.has_role(person, "auditor"):
        told = "auditors change nothing, so they record nothing: name somebody else"
        raise Rejected("AUDITOR_NAMED", told, kind=Kind.INVALID, field="person_id")
    holding = {one for one, owner in progress.delegates.items() if owner in kpi.owners}
    if person in holding:
        return []
    if len(holding) >= MOST:
        raise Rejected(
            "TOO_MANY_DELEGATES", f"at most {MOST} people record for others: end one first", field="person_id"
        )
    named = DelegateNamed(kpi_id=kpi.id, person_id=person, owner_id=actor.id)
    return [StreamEvent(PROGRESS(kpi.id), named)]


def revoke_delegate(progress: Progress, command: RevokeDelegate, kpi: KnownKpi, actor: Actor) -> Decision:
    """By anybody who answers for the KPI, or by the delegate."""
    if actor.id not in kpi.owners and actor.id != command.person_id:
        raise Rejected(
            "NOT_AN_OWNER", "only who answers for a KPI, or the delegate, ends this", kind=Kind.FORBIDDEN, rule="G-32"
        )
    owner = progress.delegates.get(command.person_id)
    if owner is None:
        return []
    revoked = DelegateRevoked(kpi_id=kpi.id, person_id=command.person_id, owner_id=owner)
    return [StreamEvent(PROGRESS(kpi.id), revoked)]
