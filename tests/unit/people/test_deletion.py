"""The deletion of a tenant: who asks, who approves, until when it can be taken back, and that it ends."""

from datetime import UTC, datetime, timedelta

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor
from eventkit.directory.facts import TENANT, Tenant
from eventkit.values import from_datetime
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import (
    TenantCreated,
    TenantDeleted,
    TenantDeletionApproved,
    TenantDeletionBegun,
    TenantDeletionRequested,
    TenantKept,
    TenantSuspended,
)
from nhip.people.v1.settings_pb2 import ChangeCompany
from services.people.domain import deletion, tenant
from tests.unit.decisions import Given

A = "acme"
LAN, MINH = (Actor(A, "operator", "service", f"person:{who}") for who in ("lan", "minh"))
NOBODY, ITSELF = Actor(A, "operator", "service"), Actor(A, "operator", "service", "service:operator")
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
OPEN = Given({("tenant", A): [TenantCreated(tenant_id=A, name="Acme", time_zone="Asia/Tokyo")]})
SUSPENDED = Given({("tenant", A): [*OPEN.events["tenant", A], TenantSuspended(tenant_id=A)]})


def now(given: Given) -> Tenant | None:
    return given.state(TENANT, A)


def ask(given: Given, by: Actor = LAN, id: str = A) -> Decision:
    return deletion.request(now(given), pb.RequestTenantDeletion(tenant_id=id, reason="Hết hợp đồng"), A, by)


def approve(given: Given, by: Actor = MINH, days: float = 7, lapsed: datetime | None = None) -> Decision:
    return deletion.approve(now(given), pb.ApproveTenantDeletion(tenant_id=A), A, by, NOW, days, lapsed)


def keep(given: Given) -> Decision:
    return deletion.keep(now(given), pb.KeepTenant(tenant_id=A), A)


def begin(given: Given, at: datetime = NOW + WEEK) -> Decision:
    return deletion.begin(now(given), A, at)


def complete(given: Given) -> Decision:
    return deletion.complete(now(given), A)


def resume(given: Given) -> Decision:
    return tenant.resume(now(given), pb.ResumeTenant(tenant_id=A), A)


ASKED = SUSPENDED.and_then(ask)
APPROVED = ASKED.and_then(approve)


def test_one_asks_another_approves_and_after_a_while_it_begins_and_ends():
    requested = TenantDeletionRequested(tenant_id=A, requested_by="person:lan", reason="Hết hợp đồng")
    asked = SUSPENDED.when(ask).then(requested)
    approved = asked.when(approve).then(TenantDeletionApproved(tenant_id=A, begins_at=from_datetime(NOW + WEEK)))
    approved.when(lambda given: begin(given, NOW + WEEK - timedelta(seconds=1))).then_nothing()
    begun = approved.when(begin).then(TenantDeletionBegun(tenant_id=A))
    gone = begun.when(complete).then(TenantDeleted(tenant_id=A))
    for again in (begin, complete):
        gone.when(again).then_nothing()


def test_what_stands_already_is_not_asked_for_or_approved_twice():
    ASKED.when(lambda given: ask(given, MINH)).then_nothing()
    APPROVED.when(lambda given: approve(given, LAN)).then_nothing()
    APPROVED.when(ask).then_nothing()


def test_who_asked_does_not_approve_and_who_is_not_named_does_neither():
    OPEN.when(ask).then_rejected("NOT_SUSPENDED", field="tenant_id")
    SUSPENDED.when(lambda given: ask(given, id="other")).then_rejected("ANOTHER_TENANT", field="tenant_id")
    SUSPENDED.when(approve).then_rejected("NOT_REQUESTED", field="tenant_id")
    ASKED.when(lambda given: approve(given, LAN)).then_rejected("OWN_REQUEST")
    for unnamed in (NOBODY, ITSELF):
        SUSPENDED.when(lambda given, by=unnamed: ask(given, by)).then_rejected("OPERATOR_UNNAMED")
        ASKED.when(lambda given, by=unnamed: approve(given, by)).then_rejected("OPERATOR_UNNAMED")


def test_an_approval_from_before_a_restore_is_given_again_and_once():
    APPROVED.when(lambda given: approve(given, LAN, lapsed=NOW + WEEK)).then_rejected("OWN_REQUEST")
    again = APPROVED.when(lambda given: approve(given, days=8, lapsed=NOW + WEEK))
    later = again.then(TenantDeletionApproved(tenant_id=A, begins_at=from_datetime(NOW + timedelta(days=8))))
    later.when(lambda given: approve(given, lapsed=NOW + WEEK)).then_nothing()
    SUSPENDED.when(lambda given: approve(given, lapsed=NOW + WEEK)).then_rejected("NOT_REQUESTED", field="tenant_id")


def test_until_it_begins_it_is_taken_back_and_until_then_nobody_is_let_in_again():
    for given in (ASKED, APPROVED):
        given.when(resume).then_rejected("DELETION_REQUESTED", field="tenant_id")
        kept = given.when(keep).then(TenantKept(tenant_id=A))
        kept.when(keep).then_nothing()
        kept.when(begin).then_nothing()  # a clock that has not heard of it
        kept.when(approve).then_rejected("NOT_REQUESTED")
        assert kept.and_then(resume) != kept
    again = ASKED.and_then(keep).and_then(lambda given: ask(given, MINH))
    again.when(approve).then_rejected("OWN_REQUEST")  # whoever asked this time
    begun = APPROVED.and_then(begin)
    for late in (keep, ask, approve):
        begun.when(late).then_rejected("DELETION_BEGUN", field="tenant_id")
    begun.when(resume).then_rejected("DELETION_REQUESTED")


def test_of_a_deleted_tenant_nothing_begins_again():
    gone = SUSPENDED.and_then(complete)  # as where its keys were destroyed, and the log went back to before that
    deeds = (
        ask,
        approve,
        keep,
        resume,
        lambda given: tenant.suspend(now(given), pb.SuspendTenant(tenant_id=A), A),
        lambda given: tenant.change(now(given), ChangeCompany(name="Acme"), A),
    )
    for deed in deeds:
        gone.when(deed).then_rejected("TENANT_DELETED")
    state = now(gone)
    assert state is not None
    assert (state.name, state.logo, state.suspended, state.deleted) == ("", "", True, True)
