"""gRPC of reviews: request → command or query, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Decision
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from eventkit.values import from_date, from_decimal
from nhip.checkins.v1 import reviews_pb2 as pb
from nhip.checkins.v1.types_pb2 import ReviewedKpi
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import action, review
from services.checkins.domain.action import ACTION
from services.checkins.domain.progress import PROGRESS
from services.checkins.domain.reporting import direct_manager
from services.checkins.domain.review import REVIEW
from services.checkins.queries import reviews
from services.checkins.queries.known import cycle_end

ACCESS: Mapping[str, Allow] = {
    # Whose review it is, and who their manager was, the decisions and the queries check.
    "OpenReview": anyone(),
    "SaveSelfPart": anyone(),
    "SendSelfPart": anyone(),
    "SaveManagerPart": anyone(),
    "SendManagerPart": anyone(),
    "CloseReview": anyone(),
    "GetReview": anyone(),
    "ListReviews": anyone(),
    # What is told of each KPI, the query checks.
    "ListKpiVerdicts": anyone(),
}

PartCommand = pb.SaveSelfPart | pb.SendSelfPart | pb.SaveManagerPart | pb.SendManagerPart | pb.CloseReview


async def as_they_stand(load: Load, kpi_ids: Sequence[str], day: date) -> list[ReviewedKpi]:
    """KPIs with what was recorded for them by a day; what is appended on it is guarded by that it stands so still."""
    kpis: list[ReviewedKpi] = []
    for kpi_id in kpi_ids:
        progress = await load(PROGRESS, kpi_id)
        days = [each for each in progress.days if each <= day]
        last = max(days) if days else None
        kpis.append(
            ReviewedKpi(
                kpi_id=kpi_id,
                value=from_decimal(progress.days[last].value) if last else None,
                value_on=from_date(last) if last else None,
            )
        )
    return kpis


@dataclass(frozen=True, slots=True)
class ReviewsApi:
    """Implements `nhip.checkins.v1.Reviews`."""

    resources: Resources

    async def open_review(self, command: pb.OpenReview, ctx: Context) -> Accepted:
        org, person = await self._org(ctx), command.person_id
        if not org.is_active(person) or ctx.actor.id not in {person, direct_manager(person, org)}:
            raise unknown("person", person, "person_id")
        ends_on = await self._ends_on(ctx, command.cycle_id)
        if ends_on > org.today(ctx.at):
            told = "the cycle has not come to its last day yet"
            raise Rejected("CYCLE_RUNNING", told, rule="C-40", parameters={"day": ends_on.isoformat()})
        async with reading(self.resources.pool, ctx.tenant) as con:
            kpi_ids = (await reviews.answering(con, ctx.tenant, command.cycle_id, org)).get(person, [])
        if not kpi_ids:
            raise Rejected("NO_KPI", "who had no KPI in a cycle has no review of it", kind=Kind.REFUSED, rule="C-40")
        id = review.review_id(command.cycle_id, person)

        async def decide(load: Load) -> Decision:
            state = await load(REVIEW, id)
            kpis = await as_they_stand(load, kpi_ids, ends_on)
            return review.open_review(state, command.cycle_id, person, direct_manager(person, org), kpis)

        return await self.resources.commands.execute(ctx, REVIEW(id), decide)

    async def save_self_part(self, command: pb.SaveSelfPart, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), _id(command)
        return await self.resources.commands.on(
            ctx, REVIEW, id, lambda state: review.save_self(state, command, ctx.actor, org)
        )

    async def send_self_part(self, command: pb.SendSelfPart, ctx: Context) -> Accepted:
        org, ends_on = await self._org(ctx), await self._ends_on(ctx, command.cycle_id)

        async def decide(load: Load) -> Decision:
            state = await load(REVIEW, _id(command))
            kpis = await as_they_stand(load, state.kpi_ids if state else (), ends_on)
            return review.send_self(state, command, ctx.actor, org, kpis)

        return await self.resources.commands.execute(ctx, REVIEW(_id(command)), decide)

    async def save_manager_part(self, command: pb.SaveManagerPart, ctx: Context) -> Accepted:
        org, opened_at = await self._org(ctx), await self._opened_at(ctx, command)
        return await self.resources.commands.on(
            ctx,
            REVIEW,
            _id(command),
            lambda state: review.save_manager(state, command, ctx.actor, org, opened_at, ctx.at),
        )

    async def send_manager_part(self, command: pb.SendManagerPart, ctx: Context) -> Accepted:
        org, opened_at = await self._org(ctx), await self._opened_at(ctx, command)
        ends_on, action_id = await self._ends_on(ctx, command.cycle_id), ctx.new_id("action")
        first = review.first_step(command.part, command.person_id, ctx.actor.id)

        async def decide(load: Load) -> Decision:
            state = await load(REVIEW, _id(command))
            without_self = state is not None and state.self_part is None
            kpis = await as_they_stand(load, state.kpi_ids, ends_on) if state and without_self else ()
            decision = review.send_manager(state, command, ctx.actor, org, opened_at, ctx.at, kpis, action_id)
            if first is not None:
                agreed = action.agree(await load(ACTION, action_id), first, action_id, ctx.actor, org, ctx.at)
                decision = [*agreed, *decision]
            return decision

        return await self.resources.commands.execute(ctx, REVIEW(_id(command)), decide)

    async def close_review(self, command: pb.CloseReview, ctx: Context) -> Accepted:
        org = await self._org(ctx)

        async def decide(load: Load) -> Decision:
            state = await load(REVIEW, _id(command))
            async with reading(self.resources.pool, ctx.tenant) as con:
                milestones = await reviews.milestones(con, ctx.tenant, state.kpi_ids if state else ())
            return review.close(state, command, ctx.actor, org, milestones)

        return await self.resources.commands.execute(ctx, REVIEW(_id(command)), decide)

    async def get_review(self, request: pb.GetReview, ctx: Context) -> pb.Review:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await reviews.review(con, request, org, ctx)

    async def list_reviews(self, request: pb.ListReviews, ctx: Context) -> pb.ReviewList:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await reviews.reviews(con, request, org, ctx)

    async def list_kpi_verdicts(self, request: pb.ListKpiVerdicts, ctx: Context) -> pb.VerdictList:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await reviews.verdicts(con, request, org, ctx)

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)

    async def _ends_on(self, ctx: Context, cycle_id: str) -> date:
        async with reading(self.resources.pool, ctx.tenant) as con:
            ends_on = await cycle_end(con, ctx.tenant, cycle_id)
        if ends_on is None:
            raise unknown("cycle", cycle_id, "cycle_id")
        return ends_on

    async def _opened_at(self, ctx: Context, command: pb.SaveManagerPart | pb.SendManagerPart):
        """When the review was opened. Raises `Rejected` REVIEW_UNKNOWN."""
        async with reading(self.resources.pool, ctx.tenant) as con:
            standing = await reviews.standing(con, ctx.tenant, command.cycle_id, command.person_id)
        if standing is None:
            raise unknown("review", command.person_id, "person_id")
        return standing.opened_at


def _id(command: PartCommand) -> str:
    return review.review_id(command.cycle_id, command.person_id)
