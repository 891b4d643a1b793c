"""A tenant: one company, with its name, the time zone in which its days end, the language of who chose none, and its
logo."""

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Context
from eventkit.directory.defaults import DEFAULT_TIME_ZONE, LANGUAGES
from eventkit.directory.facts import TENANT, Tenant
from eventkit.errors import Kind, Rejected, tenant_deleted, unknown
from eventkit.names import tidy
from nhip.people.v1.events_pb2 import (
    CompanyRenamed,
    LanguageChanged,
    LogoChanged,
    TenantCreated,
    TenantResumed,
    TenantSuspended,
    TimeZoneChanged,
)
from nhip.people.v1.people_pb2 import CreateTenant, ResumeTenant, SuspendTenant
from nhip.people.v1.settings_pb2 import ChangeCompany, ChangeLogo
from services.people.domain import logo


def create(tenant: Tenant | None, command: CreateTenant, ctx: Context) -> Decision:
    time_zone = command.time_zone or DEFAULT_TIME_ZONE
    if tenant:
        now = existing(tenant, ctx.tenant)
        if (now.name, now.time_zone) == (command.name, time_zone):
            return []
        raise Rejected(
            "TENANT_EXISTS",
            f"the tenant {ctx.tenant!r} exists already, as {now.name!r} in {now.time_zone}",
            field="name",
        )
    return [
        StreamEvent(TENANT(ctx.tenant), TenantCreated(tenant_id=ctx.tenant, name=command.name, time_zone=time_zone))
    ]


def suspend(tenant: Tenant | None, command: SuspendTenant, id: str) -> Decision:
    refuse_another(command.tenant_id, id)
    now = existing(tenant, id)
    return [] if now.suspended else [StreamEvent(TENANT(id), TenantSuspended(tenant_id=id))]


def resume(tenant: Tenant | None, command: ResumeTenant, id: str) -> Decision:
    refuse_another(command.tenant_id, id)
    now = existing(tenant, id)
    if now.deletion:
        raise Rejected(
            "DELETION_REQUESTED",
            f"the tenant {id!r} is to be deleted: take that back first (`nhip tenant keep`), while there is time",
            field="tenant_id",
        )
    return [StreamEvent(TENANT(id), TenantResumed(tenant_id=id))] if now.suspended else []


def change(tenant: Tenant | None, command: ChangeCompany, id: str) -> Decision:
    """Name, zone, language: what is given, and is not so already."""
    now = existing(tenant, id)
    if not any(command.HasField(field) for field in ("name", "time_zone", "language")):
        raise Rejected("NOTHING_GIVEN", "give a name, a time zone or a language", kind=Kind.INVALID, field="name")
    if command.HasField("name") and not tidy(command.name):
        raise Rejected("MISSING", "must be given and not blank", kind=Kind.INVALID, field="name")
    if command.HasField("time_zone") and not command.time_zone:
        raise Rejected("MISSING", "must be given and not blank", kind=Kind.INVALID, field="time_zone")
    if command.HasField("language") and command.language not in LANGUAGES:
        wanted = f"must be one of {', '.join(LANGUAGES)}"
        raise Rejected("LANGUAGE_UNKNOWN", wanted, kind=Kind.INVALID, field="language", rule="X-02")
    events = (
        (command.HasField("name"), now.name, tidy(command.name), CompanyRenamed),
        (command.HasField("time_zone"), now.time_zone, command.time_zone, TimeZoneChanged),
        (command.HasField("language"), now.language, command.language, LanguageChanged),
    )
    return [
        StreamEvent(TENANT(id), event(tenant_id=id, before=before, after=after))
        for given, before, after, event in events
        if given and before != after
    ]


def change_logo(tenant: Tenant | None, command: ChangeLogo, id: str) -> Decision:
    now, image = existing(tenant, id), command.image
    media_type = logo.judged(image).media_type if image else ""
    after = logo.digest(image)
    if after == now.logo:
        return []
    changed = LogoChanged(tenant_id=id, before=now.logo, after=after, media_type=media_type, image=image)
    return [StreamEvent(TENANT(id), changed)]


def refuse_another(meant: str, id: str) -> None:
    """A command names its tenant once more: nobody does it to another one than they meant."""
    if meant != id:
        raise Rejected("ANOTHER_TENANT", f"the token is of the tenant {id!r}: name that", field="tenant_id")


def existing(tenant: Tenant | None, id: str) -> Tenant:
    """Raises `Rejected` where there never was one, and TENANT_DELETED where there was."""
    if tenant is None:
        raise unknown("tenant", id)
    if tenant.deleted:
        raise tenant_deleted(id)
    return tenant
