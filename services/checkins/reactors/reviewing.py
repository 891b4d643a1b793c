"""Opens the reviews of a cycle on its last day: one for everybody who answers for a KPI of it (C-40)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid5

from eventkit.commands.aggregate import Decision
from eventkit.commands.batch import Item
from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.process.service import Due, Resources, Timer
from eventkit.subscriptions.table import reading
from services.checkins.domain import review
from services.checkins.domain.reporting import direct_manager
from services.checkins.domain.review import CYCLE_REVIEWS, REVIEW, review_id
from services.checkins.queries import reviews
from services.checkins.queries.known import cycle_end
from services.checkins.reviews_api import as_they_stand

LOOK_EVERY = timedelta(minutes=1)
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Reviewing:
    resources: Resources

    @property
    def timer(self) -> Timer:
        return Timer("reviews_open", self.due, self.act, LOOK_EVERY)

    async def due(self, at: datetime, most: int) -> Sequence[Due]:
        return await reviews.over(self.resources.pool, at, most)

    async def act(self, due: Due, ctx: Context) -> None:
        """In parts; when it is interrupted, those that are open already stay as they are."""
        cycle_id, commands = due.thing, self.resources.commands
        org = await self.resources.directory.org_chart(due.tenant)
        async with reading(self.resources.pool, due.tenant) as con:
            people = list((await reviews.answering(con, due.tenant, cycle_id, org)).items())
            ends_on = await cycle_end(con, due.tenant, cycle_id)
        if ends_on is None or ends_on > org.today(ctx.at):
            return

        def item(person: str, kpi_ids: Sequence[str]) -> Item:
            id = review_id(cycle_id, person)

            async def decide(load: Load) -> Decision:
                state = await load(REVIEW, id)
                kpis = () if state else await as_they_stand(load, kpi_ids, ends_on)
                return review.open_review(state, cycle_id, person, direct_manager(person, org), kpis)

            own = replace(ctx, command_id=uuid5(ctx.command_id, person))
            return Item(own, REVIEW(id), decide, id, [(REVIEW, id)])

        for start in range(0, len(people), AT_ONCE):
            done = await commands.batch([item(*one) for one in people[start : start + AT_ONCE]])
            if refused := [verdict for verdict in done.verdicts if verdict.HasField("refused")]:
                raise RuntimeError(f"a review of {cycle_id} was not opened: {refused[0].refused.reason}")
        await commands.on(
            ctx,
            CYCLE_REVIEWS,
            cycle_id,
            lambda state: review.cycle_opened(state, cycle_id, len(people)),
        )
