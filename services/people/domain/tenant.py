"""A tenant: one company, with the time zone in which its days end."""

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.context import Context
from eventkit.directory.facts import DEFAULT_TIME_ZONE, TENANT, Tenant
from eventkit.errors import Rejected
from nhip.people.v1.events_pb2 import TenantCreated
from nhip.people.v1.people_pb2 import CreateTenant


def create(tenant: Tenant | None, command: CreateTenant, ctx: Context) -> Decision:
    time_zone = command.time_zone or DEFAULT_TIME_ZONE
    if tenant:
        if (tenant.name, tenant.time_zone) == (command.name, time_zone):
            return []
        raise Rejected(
            "TENANT_EXISTS",
            f"the tenant {ctx.tenant!r} exists already, as {tenant.name!r} in {tenant.time_zone}",
            field="name",
        )
    return [
        StreamEvent(TENANT(ctx.tenant), TenantCreated(tenant_id=ctx.tenant, name=command.name, time_zone=time_zone))
    ]
