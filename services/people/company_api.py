"""gRPC of people, as far as it is about the company itself: its profile and its settings."""

from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.database import connection
from eventkit.directory.facts import TENANT, Tenant
from eventkit.directory.quotas import quotas_message
from eventkit.directory.tenant_settings import SETTINGS, THE_SETTINGS, catalogue
from eventkit.errors import Kind, Rejected, tenant_deleted, unknown
from eventkit.rpc.access import AUDITOR, Allow, anyone, roles, services
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import settings_pb2 as s
from services.people.domain import deletion, quota, settings, table_mapping, tenant
from services.people.position_api import PositionApi
from services.people.queries import settings as pages
from services.people.queries.logo import logo
from services.people.queries.table_mapping import table_mapping as kept_mapping
from services.people.queries.tenants import lapsed_approval, tenants

_ADMIN = roles("admin", services=("operator",))
_READ = anyone(services=("importer", "operator", "gateway"))
_HISTORY = roles(
    "admin", "manager", "department_head", "executive", "okr_master", AUDITOR, services=("importer", "operator")
)
# Who may bring in some table.
_IMPORTS = roles("admin", "manager", "department_head", "executive", "okr_master", services=("importer",))
ACCESS: Mapping[str, Allow] = {
    "SuspendTenant": services("operator"),
    "ResumeTenant": services("operator"),
    "RequestTenantDeletion": services("operator"),
    "ApproveTenantDeletion": services("operator"),
    "KeepTenant": services("operator"),
    "SetTenantQuotas": services("operator"),
    "ListTenants": services("operator"),
    "ChangeCompany": _ADMIN,
    "ChangeLogo": _ADMIN,
    "ChangeSettings": _ADMIN,
    "GetTenant": _READ,
    "GetLogo": _READ,
    "KeepTableMapping": _IMPORTS,
    "GetTableMapping": _IMPORTS,
    # What everybody is judged by, everybody may read; who changed it, and why, those who lead or audit.
    "GetSettings": _READ,
    "ListSettingChanges": _HISTORY,
}


@dataclass(frozen=True, slots=True)
class CompanyApi(PositionApi):
    """The part of `nhip.people.v1.People` that is about the tenant. One part stands on the other, for a service has one
    implementation."""

    async def suspend_tenant(self, command: pb.SuspendTenant, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, TENANT, ctx.tenant, lambda state: tenant.suspend(state, command, ctx.tenant), answers=ctx.tenant
        )

    async def resume_tenant(self, command: pb.ResumeTenant, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, TENANT, ctx.tenant, lambda state: tenant.resume(state, command, ctx.tenant), answers=ctx.tenant
        )

    async def request_tenant_deletion(self, command: pb.RequestTenantDeletion, ctx: Context) -> Accepted:
        def decide(state: Tenant | None) -> Decision:
            return deletion.request(state, command, ctx.tenant, ctx.actor)

        return await self.resources.commands.on(ctx, TENANT, ctx.tenant, decide, answers=ctx.tenant)

    async def approve_tenant_deletion(self, command: pb.ApproveTenantDeletion, ctx: Context) -> Accepted:
        days, restored_at = self.resources.settings.deletion_days, self.resources.incarnations.own.after
        lapsed = await lapsed_approval(self.resources.pool, ctx.tenant, restored_at)

        def decide(state: Tenant | None) -> Decision:
            return deletion.approve(state, command, ctx.tenant, ctx.actor, ctx.at, days, lapsed)

        return await self.resources.commands.on(ctx, TENANT, ctx.tenant, decide, answers=ctx.tenant)

    async def keep_tenant(self, command: pb.KeepTenant, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, TENANT, ctx.tenant, lambda state: deletion.keep(state, command, ctx.tenant), answers=ctx.tenant
        )

    async def set_tenant_quotas(self, command: pb.SetTenantQuotas, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, TENANT, ctx.tenant, lambda state: quota.change(state, command, ctx.tenant), answers=ctx.tenant
        )

    async def list_tenants(self, request: pb.ListTenants, ctx: Context) -> pb.TenantList:
        async with connection(self.resources.pool) as con:  # of all tenants, so not as one's reader
            return await tenants(con, ctx.tenant, request, self.resources.incarnations.own.after)

    async def get_tenant(self, request: pb.GetTenant, ctx: Context) -> pb.Tenant:
        org = await self.resources.directory.org_chart(ctx.tenant)
        if org.deleted:
            raise tenant_deleted(ctx.tenant)
        if not org.company:
            raise unknown("tenant", ctx.tenant)
        return pb.Tenant(
            tenant_id=ctx.tenant,
            name=org.company,
            time_zone=org.time_zone.key,
            language=org.language,
            logo=org.logo,
            quotas=quotas_message(org.quotas),
        )

    async def change_company(self, command: s.ChangeCompany, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, TENANT, ctx.tenant, lambda state: tenant.change(state, command, ctx.tenant)
        )

    async def change_logo(self, command: s.ChangeLogo, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, TENANT, ctx.tenant, lambda state: tenant.change_logo(state, command, ctx.tenant)
        )

    async def get_logo(self, request: s.GetLogo, ctx: Context) -> s.Logo:
        async with reading(self.resources.pool, ctx.tenant) as con:
            found = await logo(con, ctx.tenant)
        if found is None:
            raise unknown("logo", ctx.tenant)
        return found

    async def keep_table_mapping(self, command: s.KeepTableMapping, ctx: Context) -> Accepted:
        id = table_mapping.mapping_id(command.table, (column.heading for column in command.columns))
        return await self.resources.commands.on(
            ctx, table_mapping.MAPPING, id, lambda kept: table_mapping.keep(kept, command, id)
        )

    async def get_table_mapping(self, request: s.GetTableMapping, ctx: Context) -> s.TableMapping:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await kept_mapping(con, ctx.tenant, table_mapping.mapping_id(request.table, request.headings))

    async def change_settings(self, command: s.ChangeSettings, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            company = await load(TENANT, ctx.tenant)
            if company is None:
                raise unknown("tenant", ctx.tenant)
            today = company.today(ctx.at)
            return settings.change(await load(SETTINGS, THE_SETTINGS), command, ctx.tenant, today)

        return await self.resources.commands.execute(ctx, settings.HERE, decide)

    async def get_settings(self, request: s.GetSettings, ctx: Context) -> s.SettingsPage:
        return pages.page(request, await self.resources.directory.org_chart(ctx.tenant), ctx.at)

    async def list_setting_changes(self, request: s.ListSettingChanges, ctx: Context) -> s.SettingChanges:
        if request.name and request.name not in catalogue():
            wanted = f"name one of {', '.join(catalogue())}, or none"
            raise Rejected("SETTING_UNKNOWN", wanted, kind=Kind.INVALID, field="name")
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await pages.changes(con, ctx.tenant, request)
