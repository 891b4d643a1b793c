"""gRPC of people about who signs in: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eventkit.commands.aggregate import Decision
from eventkit.context import Actor, Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.identities import IDENTITY
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import identities_pb2 as pb
from nhip.people.v1 import people_pb2
from services.people.domain import identity
from services.people.queries.identities import identities

ACCESS: Mapping[str, Allow] = {
    "LinkIdentity": anyone(own=True).and_guests(),
    "UnlinkIdentity": roles("admin", services=("operator",)),
    # One's own, or for administrators anybody's.
    "ListIdentities": anyone(services=("operator",), others=("admin",)),
}


@dataclass(frozen=True, slots=True)
class IdentityApi:
    """Implements `nhip.people.v1.Identities`."""

    resources: Resources

    async def link_identity(self, command: pb.LinkIdentity, ctx: Context) -> Accepted:
        guest = ctx.actor
        if guest.kind != "guest":
            return Accepted(id=guest.id, unchanged=True)
        org = await self.resources.directory.org_chart(ctx.tenant)
        found = await self._with_address(org, guest) if guest.email else []
        means = ""

        def decide(linked: str) -> Decision:
            nonlocal means
            means, decision = identity.link(linked, guest.id, guest.email, found)
            return decision

        # Who links themself does it as who they are.
        as_person = replace(ctx, actor=Actor(ctx.tenant, found[0])) if found else ctx
        accepted = await self.resources.commands.on(as_person, IDENTITY, guest.id, decide)
        accepted.id = means
        return accepted

    async def _with_address(self, org: OrgChart, guest: Actor) -> list[str]:
        """The active people who have the guest's address, as mail goes: whatever its case."""
        listed = people_pb2.PeopleList(
            people=[
                people_pb2.Person(person_id=one.id, email=one.email)
                for one in org.people.values()
                if one.active and one.email.WhichOneof("form")
            ]
        )
        await self.resources.words.open(listed, tenant=guest.tenant)
        wanted = guest.email.casefold()
        return [one.person_id for one in listed.people if one.email.plain.strip().casefold() == wanted]

    async def unlink_identity(self, command: pb.UnlinkIdentity, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, IDENTITY, command.identity_id, lambda linked: identity.unlink(linked, command)
        )

    async def list_identities(self, request: pb.ListIdentities, ctx: Context) -> pb.IdentityList:
        org = await self.resources.directory.org_chart(ctx.tenant)
        if ctx.actor.kind == "person" and request.person_id != ctx.actor.id and not org.has_role(ctx.actor.id, "admin"):
            raise Rejected("NOT_YOURS", "who signs in how is for themselves and administrators", kind=Kind.FORBIDDEN)
        if request.person_id not in org.people:
            raise unknown("person", request.person_id, "person_id")
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await identities(con, ctx.tenant, request)
