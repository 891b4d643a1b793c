"""gRPC of retros: request → command or query, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from nhip.common.v1.command_pb2 import Accepted
from nhip.common.v1.words_pb2 import PersonalText
from nhip.retros.v1 import retros_pb2 as pb
from nhip.retros.v1.events_pb2 import CardsWritten
from services.retros.domain import retro, team_retro
from services.retros.domain.looking_back import KnownCycle, begun_cycle, retro_id, team_retro_id
from services.retros.domain.retro import RETRO
from services.retros.domain.team_retro import TEAM_RETRO, TeamRetro
from services.retros.queries import retros, team_retros
from services.retros.queries.cycles import known_cycle
from services.retros.reactors.revealing import read

ACCESS: Mapping[str, Allow] = {
    # What one writes for oneself is one's own, whatever one's roles.
    "WriteStarfish": anyone(own=True),
    "ShareRetro": anyone(own=True),
    "UnshareRetro": anyone(own=True),
    "GetRetro": anyone(),
    "ListRounds": anyone(),
    "ListSharedRetros": anyone(),
    # For which unit and on which board, the decision checks.
    "OpenTeamRetro": anyone(),
    "WriteCards": anyone(),
    "GroupCards": anyone(),
    "CastVotes": anyone(),
    "ChooseTrials": anyone(),
    "JudgeTrial": anyone(),
    "GetTeamRetro": anyone(),
}


@dataclass(frozen=True, slots=True)
class RetrosApi:
    """Implements `nhip.retros.v1.Retros`."""

    resources: Resources

    # -- one's own

    async def write_starfish(self, command: pb.WriteStarfish, ctx: Context) -> Accepted:
        id = retro_id(ctx.tenant, (await self._cycle(command.cycle_id, ctx)).id, ctx.actor.id)
        return await self.resources.commands.on(
            ctx, RETRO, id, lambda state: retro.write(state, command, ctx.actor, id)
        )

    async def share_retro(self, command: pb.ShareRetro, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        id = retro_id(ctx.tenant, command.cycle_id, ctx.actor.id)
        return await self.resources.commands.on(ctx, RETRO, id, lambda state: retro.share(state, ctx.actor, org))

    async def unshare_retro(self, command: pb.UnshareRetro, ctx: Context) -> Accepted:
        id = retro_id(ctx.tenant, command.cycle_id, ctx.actor.id)
        return await self.resources.commands.on(ctx, RETRO, id, retro.unshare)

    async def get_retro(self, request: pb.GetRetro, ctx: Context) -> pb.Retro:
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            known = await known_cycle(con, ctx.tenant, request.cycle_id)
            cycle = begun_cycle(known, request.cycle_id, org.today(ctx.at))
            return await retros.retro(con, ctx.tenant, cycle, request.person_id or ctx.actor.id, ctx.actor.id, org)

    async def list_rounds(self, request: pb.ListRounds, ctx: Context) -> pb.Rounds:
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await retros.rounds(con, ctx.tenant, request, ctx.actor.id, org, org.today(ctx.at))

    async def list_shared_retros(self, request: pb.ListSharedRetros, ctx: Context) -> pb.SharedRetros:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await retros.shared_retros(con, ctx.tenant, request, ctx.actor.id)

    # -- a team's

    async def open_team_retro(self, command: pb.OpenTeamRetro, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        await self._cycle(command.cycle_id, ctx)
        id, other = (
            team_retro_id(ctx.tenant, command.cycle_id, command.unit_id, anonymous=anonymous)
            for anonymous in (command.anonymous, not command.anonymous)
        )

        async def decide(load: Load) -> Decision:
            boards = await load(TEAM_RETRO, id), await load(TEAM_RETRO, other)
            return team_retro.open_board(*boards, command, ctx, org, id)

        return await self.resources.commands.execute(ctx, TEAM_RETRO(id), decide)

    async def write_cards(self, command: pb.WriteCards, ctx: Context) -> Accepted:
        return await self._on_board(
            ctx, command.team_retro_id, lambda state: team_retro.write(state, command, ctx.actor.id)
        )

    async def group_cards(self, command: pb.GroupCards, ctx: Context) -> Accepted:
        new_id = ctx.new_id("group")
        return await self._on_board(
            ctx, command.team_retro_id, lambda state: team_retro.group(state, command, ctx.actor.id, new_id)
        )

    async def cast_votes(self, command: pb.CastVotes, ctx: Context) -> Accepted:
        return await self._on_board(
            ctx, command.team_retro_id, lambda state: team_retro.vote(state, command, ctx.actor.id)
        )

    async def choose_trials(self, command: pb.ChooseTrials, ctx: Context) -> Accepted:
        return await self._on_board(ctx, command.team_retro_id, lambda state: team_retro.choose(state, command, ctx))

    async def judge_trial(self, command: pb.JudgeTrial, ctx: Context) -> Accepted:
        return await self._on_board(
            ctx, command.team_retro_id, lambda state: team_retro.judge(state, command, ctx.actor.id)
        )

    async def get_team_retro(self, request: pb.GetTeamRetro, ctx: Context) -> pb.TeamRetro:
        async with reading(self.resources.pool, ctx.tenant) as con:
            found, own = await team_retros.team_retro(con, ctx.tenant, request.team_retro_id, ctx.actor.id)
        if own is not None:
            for card in await read(self.resources.words, ctx.tenant, CardsWritten(cards=own)):
                found.own.add(column=card.column, words=PersonalText(plain=card.words))
        return found

    async def _on_board(self, ctx: Context, id: str, decide: Callable[[TeamRetro | None], Decision]) -> Accepted:
        return await self.resources.commands.on(ctx, TEAM_RETRO, id, decide)

    async def _cycle(self, cycle_id: str, ctx: Context) -> KnownCycle:
        """A cycle that has begun. Raises `Rejected` CYCLE_UNKNOWN, CYCLE_NOT_BEGUN."""
        org = await self.resources.directory.org_chart(ctx.tenant)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return begun_cycle(await known_cycle(con, ctx.tenant, cycle_id), cycle_id, org.today(ctx.at))
