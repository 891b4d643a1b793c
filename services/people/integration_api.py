"""gRPC of people about integrations: request → command or query, nothing else."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.integrations import INTEGRATION
from eventkit.errors import Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import AUDITOR, Allow, roles
from eventkit.rpc.integrations import signing_secret
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import integrations_pb2 as pb
from services.people.domain import integration
from services.people.queries import integrations

_ADMIN = roles("admin", services=("operator",))
_READ = roles("admin", AUDITOR, services=("operator",))
ACCESS: Mapping[str, Allow] = {
    "MakeIntegration": _ADMIN,
    "ChangeIntegration": _ADMIN,
    "RotateIntegrationKey": _ADMIN,
    "StopOldIntegrationKey": _ADMIN,
    "RevokeIntegration": _ADMIN,
    "ListIntegrations": _READ,
    "GetIntegration": _READ,
    # Who has it signs as the integration.
    "GetSigningSecret": _ADMIN,
}


@dataclass(frozen=True, slots=True)
class IntegrationApi:
    """The part of `nhip.people.v1.People` that is about integrations (X-07)."""

    resources: Resources

    async def make_integration(self, command: pb.MakeIntegration, ctx: Context) -> Accepted:
        id, org = ctx.new_id("integration"), await self._org(ctx)
        await self.resources.words.signing_secret(ctx.tenant, make=True)
        return await self.resources.commands.on(
            ctx,
            INTEGRATION,
            id,
            # Who asks again under the same key is answered by what was recorded first.
            lambda state: (
                [] if state else integration.make(command.integration, command.key, id, org, org.today(ctx.at))
            ),
        )

    async def change_integration(self, command: pb.ChangeIntegration, ctx: Context) -> Accepted:
        id, org = command.integration_id, await self._org(ctx)
        return await self.resources.commands.on(
            ctx,
            INTEGRATION,
            id,
            lambda state: integration.change(state, id, command.integration, org, org.today(ctx.at)),
        )

    async def rotate_integration_key(self, command: pb.RotateIntegrationKey, ctx: Context) -> Accepted:
        id, org = command.integration_id, await self._org(ctx)
        return await self.resources.commands.on(
            ctx, INTEGRATION, id, lambda state: integration.rotate(state, id, command.key, org, ctx)
        )

    async def stop_old_integration_key(self, command: pb.StopOldIntegrationKey, ctx: Context) -> Accepted:
        id = command.integration_id
        return await self.resources.commands.on(ctx, INTEGRATION, id, lambda state: integration.stop_old_key(state, id))

    async def revoke_integration(self, command: pb.RevokeIntegration, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, INTEGRATION, command.integration_id, lambda state: integration.revoke(state, command)
        )

    async def list_integrations(self, request: pb.ListIntegrations, ctx: Context) -> pb.Integrations:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await integrations.integrations(con, ctx.tenant, request, org, ctx.at)

    async def get_integration(self, request: pb.GetIntegration, ctx: Context) -> pb.Integration:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await integrations.integration(con, ctx.tenant, request.integration_id, org, ctx.at)

    async def get_signing_secret(self, request: pb.GetSigningSecret, ctx: Context) -> pb.SigningSecret:
        id = request.integration_id
        known = (await self._org(ctx)).integrations.get(id)
        if known is None:
            raise unknown("integration", id, "integration_id")
        if known.revoked:
            raise Rejected("INTEGRATION_REVOKED", "it was revoked: nothing is taken from it", field="integration_id")
        of_tenant = await self.resources.words.signing_secret(ctx.tenant, make=True)
        secret = signing_secret(of_tenant, id, known.keys[0].sha256)
        return pb.SigningSecret(secret=f"whsec_{base64.b64encode(secret).decode()}", path=f"/hooks/{ctx.tenant}/{id}")

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)
