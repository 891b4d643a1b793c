"""Deletions of tenants: who asked, who approved, when it begins, when it was done. It outlives the tenant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from eventkit.commands.aggregate import UnknownEvent
from eventkit.directory.facts import TENANT
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.subscriptions.table import Key
from eventkit.values import to_datetime
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1.events_pb2 import (
    CompanyRenamed,
    LanguageChanged,
    LogoChanged,
    TenantCreated,
    TenantDeleted,
    TenantDeletionApproved,
    TenantDeletionBegun,
    TenantDeletionRequested,
    TenantKept,
    TenantQuotasSet,
    TenantResumed,
    TenantSuspended,
    TimeZoneChanged,
)
from services.people.domain.deletion import principal_of


@dataclass(frozen=True, slots=True)
class DeletionRow:
    tenant: str
    state: int
    requested_by: str = ""
    requested_at: datetime | None = None
    reason: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    approved_position: int = 0
    """Of the event: whether the log went back since is told by it."""
    begins_at: datetime | None = None
    deleted_at: datetime | None = None


class DeletionView(View[DeletionRow]):
    name, source, categories, key = "deletion", "people", (TENANT.category,), ("tenant",)
    version = VERSION
    outlives = True
    row = DeletionRow
    folds = (TenantDeleted, TenantDeletionApproved, TenantDeletionBegun, TenantDeletionRequested, TenantKept)
    passes_over = (
        CompanyRenamed,
        LanguageChanged,
        LogoChanged,
        TenantCreated,
        TenantQuotasSet,
        TenantResumed,
        TenantSuspended,
        TimeZoneChanged,
    )
    indexes = ("state, begins_at",)

    def touches(self, event: Recorded) -> Iterable[Key]:
        return ((event.tenant,),)

    def fold(self, rows: Rows[DeletionRow], event: Recorded) -> None:
        by, at = principal_of(event.origin.actor), event.recorded_at
        match event.message:
            case TenantDeletionRequested() as e:
                rows.put(
                    DeletionRow(event.tenant, pb.TENANT_DELETION_STATE_REQUESTED, e.requested_by, at, reason=e.reason)
                )
            case TenantDeletionApproved() as e:
                state, begins_at = pb.TENANT_DELETION_STATE_APPROVED, to_datetime(e.begins_at)
                approved = replace(rows[event.tenant,], state=state, approved_by=by, approved_at=at)
                rows.put(replace(approved, approved_position=event.position, begins_at=begins_at))
            case TenantKept():
                rows.put(DeletionRow(event.tenant, pb.TENANT_DELETION_STATE_UNSPECIFIED))
            case TenantDeletionBegun():
                rows.put(replace(rows[event.tenant,], state=pb.TENANT_DELETION_STATE_BEGUN))
            case TenantDeleted():
                # Without a request where a log went back to before it: it is deleted again then.
                row = rows.get(event.tenant) or DeletionRow(event.tenant, pb.TENANT_DELETION_STATE_UNSPECIFIED)
                rows.put(replace(row, state=pb.TENANT_DELETION_STATE_DELETED, deleted_at=at))
            case _:
                raise UnknownEvent(event.message)

    def expected(self, events: Sequence[Recorded]) -> Iterable[DeletionRow]:
        state, concerned = TENANT.fold(messages(events)), list(filter(self.concerned, events))
        if state is None or not concerned:
            return
        kept = next((n for n, e in reversed(list(enumerate(concerned))) if isinstance(e.message, TenantKept)), -1)
        row = DeletionRow(concerned[0].tenant, state.deletion)
        for event in concerned[kept + 1 :]:
            match event.message:
                case TenantDeletionRequested() as e:
                    asked = {"requested_by": state.deletion_asked_by, "requested_at": event.recorded_at}
                    row = replace(row, reason=e.reason, **asked)
                case TenantDeletionApproved() as e:
                    row = replace(
                        row,
                        approved_by=principal_of(event.origin.actor),
                        approved_at=event.recorded_at,
                        approved_position=event.position,
                        begins_at=to_datetime(e.begins_at),
                    )
                case TenantDeleted():
                    row = replace(row, deleted_at=event.recorded_at)
                case _:
                    pass
        yield row


DELETIONS = DeletionView().table
