"""The deletion of a tenant: asked for by one who operates the installation, approved by another, begun after a while in
which it can be taken back, and done.

What is done is the destruction of every key of the tenant; `reactors.deletion` does it, between `begin` and `complete`.
"""

from datetime import datetime, timedelta

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Actor, acting, behind
from eventkit.directory.facts import TENANT, Tenant
from eventkit.errors import Kind, Rejected
from eventkit.values import from_datetime
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import (
    TenantDeleted,
    TenantDeletionApproved,
    TenantDeletionBegun,
    TenantDeletionRequested,
    TenantKept,
)
from services.people.domain.tenant import existing, refuse_another


def request(tenant: Tenant | None, command: pb.RequestTenantDeletion, id: str, actor: Actor) -> Decision:
    """Raises `Rejected` NOT_SUSPENDED, OPERATOR_UNNAMED, and what a deletion that has begun is refused by."""
    refuse_another(command.tenant_id, id)
    now = existing(tenant, id)
    _refuse_begun(now, id)
    by = principal(actor)
    if now.deletion:
        return []
    if not now.suspended:
        raise Rejected(
            "NOT_SUSPENDED",
            f"the tenant {id!r} is not suspended: suspend it first, and see that nobody misses it",
            field="tenant_id",
        )
    return [StreamEvent(TENANT(id), TenantDeletionRequested(tenant_id=id, requested_by=by, reason=command.reason))]


def approve(
    tenant: Tenant | None,
    command: pb.ApproveTenantDeletion,
    id: str,
    actor: Actor,
    at: datetime,
    days: float,
    lapsed: datetime | None,
) -> Decision:
    """By somebody else than who asked; `days`: how long it can be taken back. `lapsed`: when it would have begun by an
    approval from before a restore, which begins nothing; so it is given again.

    Raises `Rejected` NOT_REQUESTED, OWN_REQUEST, OPERATOR_UNNAMED, and what a deletion that has begun is refused by.
    """
    refuse_another(command.tenant_id, id)
    now = existing(tenant, id)
    _refuse_begun(now, id)
    by = principal(actor)
    if now.deletion_begins_at is not None and now.deletion_begins_at != lapsed:
        return []
    if not now.deletion:
        raise Rejected("NOT_REQUESTED", f"nobody has asked for the deletion of {id!r}", field="tenant_id")
    if by == now.deletion_asked_by:
        raise Rejected(
            "OWN_REQUEST",
            f"{by} asked for this deletion: another one of those who operate this installation approves it",
            kind=Kind.FORBIDDEN,
        )
    begins_at = from_datetime(at + timedelta(days=days))
    return [StreamEvent(TENANT(id), TenantDeletionApproved(tenant_id=id, begins_at=begins_at))]


def keep(tenant: Tenant | None, command: pb.KeepTenant, id: str) -> Decision:
    """By any who operates. Raises `Rejected` for a deletion that has begun."""
    refuse_another(command.tenant_id, id)
    now = existing(tenant, id)
    _refuse_begun(now, id)
    return [StreamEvent(TENANT(id), TenantKept(tenant_id=id))] if now.deletion else []


def begin(tenant: Tenant | None, id: str, at: datetime) -> Decision:
    """Nothing, where its time has not come."""
    if tenant is None or tenant.deletion_begins_at is None or at < tenant.deletion_begins_at:
        return []
    return [StreamEvent(TENANT(id), TenantDeletionBegun(tenant_id=id))]


def complete(tenant: Tenant | None, id: str) -> Decision:
    """Once its keys are destroyed; also where a log went back to before that."""
    if tenant is None or tenant.deleted:
        return []
    return [StreamEvent(TENANT(id), TenantDeleted(tenant_id=id))]


def principal(actor: Actor) -> str:
    """Who of those who operate the installation is at work. Raises `Rejected` where the token does not say."""
    if actor.on_behalf_of in ("", f"{actor.kind}:{actor.id}"):
        raise Rejected(
            "OPERATOR_UNNAMED",
            "two of those who operate this installation decide about this: the token must say which of them it is, by "
            "the claim `on_behalf_of` (person:<id> or service:<id>)",
            kind=Kind.FORBIDDEN,
        )
    return actor.on_behalf_of


def principal_of(recorded: str) -> str:
    """The same, of an actor as events keep it; without one who it was besides."""
    return behind(recorded) or acting(recorded)


def _refuse_begun(tenant: Tenant, id: str) -> None:
    if tenant.deletion == pb.TENANT_DELETION_STATE_BEGUN:
        raise Rejected(
            "DELETION_BEGUN",
            f"the deletion of {id!r} has begun: its keys are being destroyed, and nothing brings them back",
            field="tenant_id",
        )
