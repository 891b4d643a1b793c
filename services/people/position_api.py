"""gRPC of people about positions: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import ORGANISATION, PERSON, THE_ORGANISATION
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.people.v1 import positions_pb2 as pb
from services.people.domain import position
from services.people.integration_api import IntegrationApi
from services.people.queries import positions

_ADMIN = roles("admin", services=("operator",))
ACCESS: Mapping[str, Allow] = {
    "OpenPosition": _ADMIN,
    "ChangePosition": _ADMIN,
    "ClosePosition": _ADMIN,
    "AssignPosition": _ADMIN,
    "ListPositions": anyone(),
    "GetPosition": anyone(),
}


@dataclass(frozen=True, slots=True)
class PositionApi(IntegrationApi):
    """The part of `nhip.people.v1.People` that is about positions (G-79)."""

    async def open_position(self, command: pb.OpenPosition, ctx: Context) -> Accepted:
        id = ctx.new_id("position")

        async def decide(load: Load) -> Decision:
            state, organisation = (
                await load(position.POSITIONS, position.ALL),
                await load(ORGANISATION, THE_ORGANISATION),
            )
            return position.open_position(state, organisation, command.position, id)

        return await self.resources.commands.execute(ctx, position.HERE, decide, answers=id)

    async def change_position(self, command: pb.ChangePosition, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            state, organisation = (
                await load(position.POSITIONS, position.ALL),
                await load(ORGANISATION, THE_ORGANISATION),
            )
            return position.change(state, organisation, command)

        return await self.resources.commands.execute(ctx, position.HERE, decide, answers=command.position_id)

    async def close_position(self, command: pb.ClosePosition, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            state = await load(position.POSITIONS, position.ALL)
            people = [await load(PERSON, person) for person in position.holders(state, command.position_id)]
            return position.close(state, command.position_id, people)

        return await self.resources.commands.execute(ctx, position.HERE, decide, answers=command.position_id)

    async def assign_position(self, command: pb.AssignPosition, ctx: Context) -> Accepted:
        async def decide(load: Load) -> Decision:
            person = await load(PERSON, command.person_id)
            return position.assign(await load(position.POSITIONS, position.ALL), person, command)

        return await self.resources.commands.execute(ctx, position.HERE, decide, answers=command.person_id)

    async def list_positions(self, request: pb.ListPositions, ctx: Context) -> pb.Positions:
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await positions.positions(con, ctx.tenant, request, org)

    async def get_position(self, request: pb.GetPosition, ctx: Context) -> pb.Position:
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await positions.position(con, ctx.tenant, request, org)
