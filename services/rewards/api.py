"""gRPC of rewards: request → command or query, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import IMPORTER, Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone, roles
from eventkit.subscriptions.table import reading
from eventkit.values import from_date, to_date
from nhip.common.v1.command_pb2 import Accepted
from nhip.rewards.v1 import rewards_pb2 as pb
from services.rewards.domain import core_value, gift, points, praise, redemption, rise, wallet
from services.rewards.domain.core_value import ALL, CORE_VALUES
from services.rewards.domain.gift import GIFT
from services.rewards.domain.praise import PRAISE, Circumstances
from services.rewards.domain.redemption import REDEMPTION, STEWARDS, is_steward
from services.rewards.domain.wallet import WALLET
from services.rewards.queries import core_values, gifts, movements, praises, redemptions, wallets
from services.rewards.queries.known import is_known
from services.rewards.views.wallet import lots_of

_STEWARDS = roles(*STEWARDS)
ACCESS: Mapping[str, Allow] = {
    "NameCoreValue": roles(*STEWARDS, services=(IMPORTER,)),
    "ListCoreValues": anyone(services=(IMPORTER,)),
    "GivePraise": anyone(services=(IMPORTER,)),
    "CheckPraise": anyone(),
    "ListPraises": anyone(),
    # Another person's wallet or redemptions: the query checks who may see them.
    "GetWallet": anyone(),
    "CorrectPoints": _STEWARDS,
    "OfferGift": roles(*STEWARDS, services=(IMPORTER,)),
    "ChangeGiftStock": _STEWARDS,
    "WithdrawGift": _STEWARDS,
    "ListGifts": anyone(services=(IMPORTER,)),
    "RedeemGift": anyone(),
    "HandOverGift": _STEWARDS,
    # By whom, the decision checks.
    "RefundRedemption": anyone(),
    "ListRedemptions": anyone(),
}


@dataclass(frozen=True, slots=True)
class RewardsApi:
    """Implements `nhip.rewards.v1.Rewards`."""

    resources: Resources

    # -- praise

    async def name_core_value(self, command: pb.NameCoreValue, ctx: Context) -> Accepted:
        value_id = ctx.new_id("value")

        async with reading(self.resources.pool, ctx.tenant) as con:
            names = await core_values.names(con, ctx.tenant)
        return await self.resources.commands.on(
            ctx,
            CORE_VALUES,
            ALL,
            lambda state: core_value.name(state, command, value_id, others=names),
            answers=value_id,
        )

    async def list_core_values(self, request: pb.ListCoreValues, ctx: Context) -> pb.CoreValues:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await core_values.core_values(con, ctx.tenant, request)

    async def give_praise(self, command: pb.GivePraise, ctx: Context) -> Accepted:
        praise_id, org = ctx.new_id("praise"), await self.resources.directory.org_chart(ctx.tenant)
        today = org.today(ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            kpi_exists = await is_known(con, ctx.tenant, command.kpi_id)

        async def decide(load: Load) -> Decision:
            await load(PRAISE, praise_id)
            giver_id = praise.giver(command, ctx.actor, org)
            shares = praise.shares(command, giver_id, org, today)
            circumstances = Circumstances(
                giver_id=giver_id,
                shares=shares,
                value_exists=bool(command.value_id) and await _is_value(load, command.value_id),
                kpi_exists=kpi_exists,
                wallets={person: await load(WALLET, person) for person in praise.moved(command, giver_id, shares)},
                org=org,
                today=today,
            )
            return praise.give(command, circumstances, praise_id)

        # Praise of one person takes turns with other praise of them, a unit's with its giver's: these are the wallets
        # that many move.
        turn = WALLET(command.receiver_id or command.giver_id or ctx.actor.id)
        return await self.resources.commands.execute(ctx, turn, decide, answers=praise_id)

    async def check_praise(self, request: pb.CheckPraise, ctx: Context) -> pb.PraiseHints:
        org = await self.resources.directory.org_chart(ctx.tenant)
        today, me = org.today(ctx.at), ctx.actor.id
        shares = praise.shares(request, me, org, today) if request.receiver_id or request.unit_id else None
        async with reading(self.resources.pool, ctx.tenant) as con:
            held = await wallets.wallet(con, ctx.tenant, me)
            last = (
                await praises.last_given(con, ctx.tenant, me, request.receiver_id, request.unit_id) if shares else None
            )
        deed_on = to_date(request.deed_on)
        hints = rise.hints(
            request.words.plain,
            org.settings.on(today),
            serves_kpi=bool(request.kpi_id),
            since_deed=today - deed_on if deed_on else None,
            since_last=ctx.at - last if last else None,
        )
        allowance, _ = wallets.left_to_give(held, points.monthly_allowance(org, me, today), today)
        return pb.PraiseHints(hints=hints, points=shares.points if shares else 0, allowance=allowance)

    async def list_praises(self, request: pb.ListPraises, ctx: Context) -> pb.Praises:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await praises.feed(con, ctx.tenant, request, ctx.actor.id)

    # -- points

    async def get_wallet(self, request: pb.GetWallet, ctx: Context) -> pb.Wallet:
        org = await self.resources.directory.org_chart(ctx.tenant)
        person_id = _whose(request.person_id or ctx.actor.id, org, ctx)
        today = org.today(ctx.at)
        async with reading(self.resources.pool, ctx.tenant) as con:
            held = await wallets.wallet(con, ctx.tenant, person_id)
            moved, token = await movements.movements(con, ctx.tenant, person_id, request, ctx.actor.id)
        allowance, monthly = wallets.left_to_give(held, points.monthly_allowance(org, person_id, today), today)
        lots = [lot for lot in lots_of(held.lots) if lot.expires_on >= today]
        return pb.Wallet(
            person_id=person_id,
            allowance=allowance,
            monthly_allowance=monthly,
            allowance_until=from_date(points.last_of_month(today)),
            received=points.total(lots),
            next_to_expire=points.message(lots[0]) if lots else None,
            movements=moved,
            next_page_token=token,
            months_to_spend=org.settings.on(today).months_to_spend,
        )

    async def correct_points(self, command: pb.CorrectPoints, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        today = org.today(ctx.at)
        return await self.resources.commands.on(
            ctx, WALLET, command.person_id, lambda state: wallet.correct(state, command, ctx.actor, org, today=today)
        )

    # -- gifts

    async def offer_gift(self, command: pb.OfferGift, ctx: Context) -> Accepted:
        gift_id = ctx.new_id("gift")
        return await self.resources.commands.on(ctx, GIFT, gift_id, lambda _: gift.offer(command, gift_id))

    async def change_gift_stock(self, command: pb.ChangeGiftStock, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, GIFT, command.gift_id, lambda state: gift.change_stock(state, command)
        )

    async def withdraw_gift(self, command: pb.WithdrawGift, ctx: Context) -> Accepted:
        return await self.resources.commands.on(
            ctx, GIFT, command.gift_id, lambda state: gift.withdraw(state, command.gift_id)
        )

    async def list_gifts(self, request: pb.ListGifts, ctx: Context) -> pb.Gifts:
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await gifts.shop(con, ctx.tenant, request)

    async def redeem_gift(self, command: pb.RedeemGift, ctx: Context) -> Accepted:
        redemption_id = ctx.new_id("redemption")
        today = (await self.resources.directory.org_chart(ctx.tenant)).today(ctx.at)

        async def decide(load: Load) -> Decision:
            await load(REDEMPTION, redemption_id)
            wanted, held = await load(GIFT, command.gift_id), await load(WALLET, ctx.actor.id)
            return redemption.redeem(wanted, held, command, ctx.actor, redemption_id, today=today)

        return await self.resources.commands.execute(ctx, GIFT(command.gift_id), decide, answers=redemption_id)

    async def hand_over_gift(self, command: pb.HandOverGift, ctx: Context) -> Accepted:
        ctx = await self.resources.commands.answering(ctx, REDEMPTION(command.redemption_id))
        return await self.resources.commands.on(
            ctx,
            REDEMPTION,
            command.redemption_id,
            lambda state: redemption.hand_over(state, command, ctx.actor),
        )

    async def refund_redemption(self, command: pb.RefundRedemption, ctx: Context) -> Accepted:
        org = await self.resources.directory.org_chart(ctx.tenant)
        ref, today = REDEMPTION(command.redemption_id), org.today(ctx.at)

        async def decide(load: Load) -> Decision:
            known = redemption.existing(await load(REDEMPTION, command.redemption_id), command.redemption_id)
            given = gift.existing(await load(GIFT, known.gift_id), known.gift_id)
            held = await load(WALLET, known.person_id)
            return redemption.refund(known, given, held, command, ctx.actor, org, today=today)

        return await self.resources.commands.execute(await self.resources.commands.answering(ctx, ref), ref, decide)

    async def list_redemptions(self, request: pb.ListRedemptions, ctx: Context) -> pb.Redemptions:
        org = await self.resources.directory.org_chart(ctx.tenant)
        person_id = request.person_id or ("" if _sees_everybodys(org, ctx.actor.id) else ctx.actor.id)
        if person_id:
            _whose(person_id, org, ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await redemptions.redemptions(con, ctx.tenant, request, person_id)


async def _is_value(load: Load, value_id: str) -> bool:
    return any([value_id in await load(CORE_VALUES, stream) for stream in (ALL, value_id)])


def _sees_everybodys(org: OrgChart, person_id: str) -> bool:
    return is_steward(org, person_id) or org.has_role(person_id, "auditor")


def _whose(person_id: str, org: OrgChart, ctx: Context) -> str:
    """The person whose points or gifts are asked for, if the actor may see them."""
    if person_id != ctx.actor.id and not _sees_everybodys(org, ctx.actor.id):
        raise Rejected(
            "NOT_YOURS",
            "points and gifts are seen by whose they are, and by who looks after or audits them",
            kind=Kind.FORBIDDEN,
        )
    if person_id not in org.people:
        raise unknown("person", person_id, "person_id")
    return person_id
