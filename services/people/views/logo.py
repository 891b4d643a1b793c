"""The logo of a tenant: the picture itself, which no other service keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eventkit.directory.facts import TENANT
from eventkit.directory.version import VERSION
from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
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


@dataclass(frozen=True, slots=True)
class LogoRow:
    tenant: str
    digest: str
    """Empty: it has none any more."""
    media_type: str
    image: bytes


class LogoView(WrittenWhole[LogoRow, LogoChanged]):
    name, source, categories, key = "logo", "people", (TENANT.category,), ("tenant",)
    version = VERSION
    row = LogoRow
    folds = (LogoChanged,)
    passes_over = (
        CompanyRenamed,
        LanguageChanged,
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

    def written(self, event: Recorded, e: LogoChanged) -> LogoRow:
        return LogoRow(event.tenant, e.after, e.media_type, e.image)

    def expected(self, events: Sequence[Recorded]) -> Iterable[LogoRow]:
        tenant = TENANT.fold(messages(events))
        last = next((e for e in reversed(messages(events)) if isinstance(e, LogoChanged)), None)
        if tenant and last:
            yield LogoRow(events[0].tenant, tenant.logo, last.media_type, last.image)


LOGOS = LogoView().table
