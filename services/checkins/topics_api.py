"""gRPC of topics: request → command or query, nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventkit.commands.aggregate import Decision
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.process.service import Resources
from eventkit.rpc.access import Allow, anyone
from eventkit.subscriptions.table import reading
from nhip.checkins.v1 import topics_pb2 as pb
from nhip.common.v1.command_pb2 import Accepted
from services.checkins.domain import topic
from services.checkins.domain.topic import TOPIC, Topic
from services.checkins.queries import topics
from services.checkins.queries.known import KnownKpis

ACCESS: Mapping[str, Allow] = {
    # Whose topic it is, and who was asked, the decisions and the queries check.
    "RaiseTopic": anyone(),
    "ForwardTopic": anyone(),
    "AnswerTopic": anyone(),
    "CloseTopic": anyone(),
    "ReopenTopic": anyone(),
    "GetTopic": anyone(),
    "ListTopics": anyone(),
}


@dataclass(frozen=True, slots=True)
class TopicsApi:
    """Implements `nhip.checkins.v1.Topics`."""

    resources: Resources
    known: KnownKpis

    async def raise_topic(self, command: pb.RaiseTopic, ctx: Context) -> Accepted:
        org, topic_id, by = await self._org(ctx), ctx.new_id("topic"), ctx.actor.id
        kpi_id = command.topic.kpi_id
        if kpi_id and await self.known.kpi(ctx.tenant, kpi_id, org) is None:
            raise unknown("kpi", kpi_id, "topic.kpi_id")
        if command.check_in_id and command.check_in_id.partition(".")[0] != by:
            raise unknown("check_in", command.check_in_id, "check_in_id")
        return await self._on(
            ctx,
            topic_id,
            lambda state: topic.raise_topic(state, topic_id, command.topic, by, org, command.check_in_id),
        )

    async def forward_topic(self, command: pb.ForwardTopic, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self._on(ctx, command.topic_id, lambda state: topic.forward(state, command, ctx.actor.id, org))

    async def answer_topic(self, command: pb.AnswerTopic, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self._on(ctx, command.topic_id, lambda state: topic.answer(state, command, ctx.actor.id, org))

    async def close_topic(self, command: pb.CloseTopic, ctx: Context) -> Accepted:
        org, id = await self._org(ctx), command.topic_id
        return await self._on(ctx, id, lambda state: topic.close(state, id, ctx.actor.id, org))

    async def reopen_topic(self, command: pb.ReopenTopic, ctx: Context) -> Accepted:
        org = await self._org(ctx)
        return await self._on(ctx, command.topic_id, lambda state: topic.reopen(state, command, ctx.actor.id, org))

    async def get_topic(self, request: pb.GetTopic, ctx: Context) -> pb.Topic:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await topics.topic(con, ctx.tenant, request.topic_id, ctx.actor.id, org)

    async def list_topics(self, request: pb.ListTopics, ctx: Context) -> pb.TopicList:
        org = await self._org(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            return await topics.topics(con, ctx.tenant, request, ctx.actor.id, org)

    async def _org(self, ctx: Context) -> OrgChart:
        return await self.resources.directory.org_chart(ctx.tenant)

    async def _on(self, ctx: Context, topic_id: str, decide: Callable[[Topic | None], Decision]) -> Accepted:
        return await self.resources.commands.on(ctx, TOPIC, topic_id, decide)
