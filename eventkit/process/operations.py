"""What is asked of any service: who may call what of it; by operators, to verify its views, bring back what is parked,
rebuild a view, drop old ones."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import asyncpg
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from eventkit import kafka
from eventkit.commands.aggregate import Aggregate, StreamEvent, refuse_unknown
from eventkit.context import OPERATOR, Context
from eventkit.database import connection, snapshot, transaction
from eventkit.errors import Kind, Rejected, unknown
from eventkit.log import EventLog, Recorded
from eventkit.process import exporting, use
from eventkit.process.service import Resources
from eventkit.process.together import Together
from eventkit.rpc.access import Allow, anyone, integration_may, may, roles, services
from eventkit.rpc.server import Api
from eventkit.subscriptions import parking, readers
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.following import feed_upto
from eventkit.subscriptions.projection import AnyView, Comparison, Expected, Mismatch, compare
from eventkit.subscriptions.readers import Reader
from eventkit.subscriptions.subscription import Projecting, Subscription
from nhip.common.v1 import operations_pb2 as pb
from nhip.common.v1.command_pb2 import Accepted

OPERATIONS = pb.DESCRIPTOR.services_by_name["Operations"]
_OPERATORS = roles("admin", services=("operator",))
ACCESS: Mapping[str, Allow] = {
    "GetAccess": anyone().and_integrations(),
    "CarryOutTogether": anyone(services=("importer", "operator")).and_integrations(),  # each step asks for itself
    "ListIntegrationUse": roles("admin", "auditor", services=("operator",)),
    "Verify": roles("admin", "auditor", "executive", services=("operator",)),
    "VerifyTopic": services("operator"),  # of all tenants
    "ExportEvents": services("operator"),
    "ListParked": roles("admin", "auditor", "executive", services=("operator",)),
    "RetryParked": _OPERATORS,
    "DiscardParked": _OPERATORS,
    "Rebuild": services("operator"),  # a view is shared by all tenants: none of them empties it
    "Prune": services("operator"),
}
LONG: frozenset[str] = frozenset(
    {"CarryOutTogether", "Verify", "VerifyTopic", "ExportEvents", "RetryParked", "Rebuild", "Prune"}
)
"""What goes through many commands, or through all of a log."""


def evolve_parked(state: int, event: pb.ParkedStreamRetried | pb.ParkedEventDiscarded) -> int:
    """What was done about a subscription's parked events; only the number of deeds matters."""
    match event:
        case pb.ParkedStreamRetried() | pb.ParkedEventDiscarded():
            return state + 1
        case _:
            refuse_unknown(event)


PARKED = Aggregate("parked", 0, evolve_parked)


@dataclass(frozen=True, slots=True)
class Operations:
    """Implements `nhip.common.v1.Operations` for one service."""

    resources: Resources
    subscriptions: Mapping[str, Subscription]
    apis: Sequence[Api]
    """Of the service, which say who may call what."""
    reader: Reader
    """This process, as others see it."""

    async def get_access(self, request: pb.GetAccess, ctx: Context) -> pb.Access:
        reply = pb.Access()
        if ctx.actor.kind == "integration":
            verbs = await self.resources.directory.verbs(ctx.tenant, ctx.actor.id) or frozenset()
            for api in self.apis:
                reply.methods.extend(name for name, allow in api.access.items() if integration_may(allow, verbs))
            return reply
        held = await self.resources.directory.roles(ctx.tenant, ctx.actor.id) or frozenset()
        for api in self.apis:
            for rpc in api.service.methods:
                allow = api.access[rpc.name]
                if may(allow, held, changes=rpc.output_type.full_name == Accepted.DESCRIPTOR.full_name):
                    reply.methods.append(rpc.name)
                    if allow.others & held:
                        reply.about_others.append(rpc.name)
        return reply

    async def list_integration_use(self, request: pb.ListIntegrationUse, ctx: Context) -> pb.IntegrationUses:
        return await use.uses(self.resources.pool, ctx.tenant, request, ctx.at)

    async def carry_out_together(self, command: pb.CarryOutTogether, ctx: Context) -> Accepted:
        together = Together(self.apis, self.resources.directory, self.resources.commands)
        return await together.carry_out(command, ctx)

    async def verify(self, request: pb.Verify, ctx: Context) -> pb.Verified:
        views = [view for view in self._views() if request.view in ("", view.name)]
        if not views:
            raise unknown("view", request.view, "view")
        tenant = request.tenant_id or ctx.tenant
        if tenant != ctx.tenant and (ctx.actor.kind, ctx.actor.id) != OPERATOR:
            raise Rejected(
                "NOT_ALLOWED",
                "only service:operator verifies another tenant than the token's",
                kind=Kind.FORBIDDEN,
                field="tenant_id",
            )
        reply, read = pb.Verified(), dict[tuple[str, int], list[Recorded]]()
        for view in views:
            comparison, position = await self._compare(view, tenant, read)
            reply.views.append(
                pb.VerifiedView(
                    view=view.name,
                    version=view.version,
                    rows=comparison.rows,
                    position=f"{view.source}={position}",
                    independent=view.independent,
                    subscription=view.subscription,
                    differences=[
                        pb.Difference(key=m.key, column=m.column, expected=m.expected, found=m.found)
                        for m in comparison.mismatches[:1000]
                    ],
                )
            )
        return reply

    async def _compare(
        self, view: AnyView, tenant: str, read: dict[tuple[str, int], list[Recorded]]
    ) -> tuple[Comparison, int]:
        """The view and its checkpoint of one moment, against its source up to that checkpoint. `read` is what was read
        of a topic last: views that follow each other, of one source and checkpoint, share it; more is not held."""
        table, partition = view.table, self.resources.partition(view.source)(tenant)
        async with snapshot(self.resources.pool) as con:
            position = await con.fetchval(
                "select position from checkpoint where subscription = $1 and partition = $2",
                view.subscription,
                partition,
            )
            records = await con.fetch(f"select * from {table.name} where tenant = $1", tenant)
            waiting = await parking.parked_streams(con, view.subscription)
        stored = {table.key_of(row): row for row in map(table.of, records)}
        expected, broken = Expected(view), list[Mismatch]()
        if not view.outlives and tenant in await self.resources.directory.gone():
            return compare(table, expected.rows, stored), position or 0  # of who was deleted nothing is kept
        async for stream in self._streams(view, tenant, position or 0, read):
            events = stream if view.raw else [event for event in stream if event.message is not None]
            try:
                expected.add(events)
            except Exception as error:  # what is parked is told below, and so is what should have been
                if events[0].stream not in waiting:
                    broken.append(Mismatch(f"stream={events[0].stream}", "", "folded", parking.describe(error)))
        comparison = compare(table, expected.rows, stored)
        comparison.mismatches.extend(expected.shared)
        comparison.mismatches.extend(broken)
        comparison.mismatches.extend(
            Mismatch(f"stream={s}", "", "handled", "parked") for s in waiting if s.tenant == tenant
        )
        return comparison, position or 0

    async def _streams(self, view: AnyView, tenant: str, upto: int, read: dict[tuple[str, int], list[Recorded]]):
        if view.source == self.resources.name:
            async for stream in self.resources.log.history(tenant, view.categories, upto=upto):
                yield stream
            return
        streams: dict[str, list[Recorded]] = defaultdict(list)
        if upto:
            if (events := read.get((view.source, upto))) is None:
                read.clear()
                try:
                    events = await kafka.tenant_events(self.resources.cluster, view.source, tenant, upto=upto)
                except kafka.TopicIncomplete as error:
                    raise _incomplete(view.source, error) from error
                read[view.source, upto] = events
            for event in events:
                if not view.categories or event.stream.category in view.categories:
                    streams[str(event.stream)].append(event)
        for stream in streams.values():
            yield stream

    async def verify_topic(self, request: pb.VerifyTopic, ctx: Context) -> pb.VerifiedTopic:
        name, event_log, cluster = self.resources.name, self.resources.log, self.resources.cluster
        async with connection(self.resources.pool) as con:  # before the topic's end is known
            published = {row[0]: row[1] for row in await con.fetch("select partition, position from relay")}
        try:
            compared = await kafka.compare(cluster, name, event_log, published, _whole(event_log))
        except kafka.FAULTS as error:
            raise Rejected(
                "TOPIC_NOT_READ", f"{cluster.topic(name)} cannot be read now ({type(error).__name__}): ask again"
            ) from error
        return pb.VerifiedTopic(
            topic=cluster.topic(name),
            events=compared.events,
            records=compared.records,
            repeated_records=compared.repeated,
            different=compared.number,
            differences=[pb.TopicDifference(**each._asdict()) for each in compared.differences],
        )

    async def export_events(self, request: pb.ExportEvents, ctx: Context) -> pb.ExportedEvents:
        return await exporting.export(self.resources, request, ctx)

    async def list_parked(self, request: pb.ListParked, ctx: Context) -> pb.Parked:
        async with connection(self.resources.pool) as con:
            parked = await parking.list_parked(con, ctx.tenant)
        reply = pb.Parked()
        for item in parked:
            at = Timestamp()
            at.FromDatetime(item.parked_at)
            event = item.event
            reply.events.append(
                pb.ParkedEvent(
                    subscription=item.subscription,
                    context=item.context,
                    stream=str(event.stream),
                    event_id=str(event.id),
                    type=event.type,
                    position=f"{item.context}={event.position}",
                    error=item.error,
                    parked_at=at,
                )
            )
        return reply

    async def retry_parked(self, request: pb.RetryParked, ctx: Context) -> Accepted:
        subscription = self._subscription(request.subscription)
        first = (await self._parked(request.subscription, request.stream, ctx))[0]
        _refuse(await subscription.retry(first.event.stream))
        return await self._record(
            ctx, request.subscription, pb.ParkedStreamRetried(subscription=request.subscription, stream=request.stream)
        )

    async def discard_parked(self, request: pb.DiscardParked, ctx: Context) -> Accepted:
        subscription = self._subscription(request.subscription)
        first = (await self._parked(request.subscription, request.stream, ctx))[0]
        if str(first.event.id) != request.event_id:
            raise Rejected(
                "NOT_THE_FIRST", f"the first parked event of this stream is {first.event.id}", field="event_id"
            )
        done = await self._record(
            ctx,
            request.subscription,
            pb.ParkedEventDiscarded(
                subscription=request.subscription, stream=request.stream, event_id=request.event_id, error=first.error
            ),
        )
        _refuse(await subscription.discard(first.event.stream))
        return done

    async def rebuild(self, request: pb.Rebuild, ctx: Context) -> Accepted:
        view = next((view for view in self._views() if view.name == request.view), None)
        if view is None:
            raise unknown("view", request.view, "view")
        subscription = self.subscriptions[view.subscription]
        assert isinstance(subscription, Projecting)
        own = view.source == self.resources.name
        partitions = [OWN_FEED] if own else range(self.resources.settings.kafka_partitions)
        pages = self._own_pages if own else partial(self._topic_pages, view.source)
        await subscription.fold_anew(self.resources.pool, partitions, pages)
        self.resources.reached.changed()
        return Accepted(id=view.name)

    def _own_pages(self, _: int, upto: int) -> AsyncGenerator[Sequence[Recorded]]:
        return feed_upto(self.resources.log, upto)

    async def _topic_pages(self, context: str, partition: int, upto: int) -> AsyncGenerator[Sequence[Recorded]]:
        """Raises Rejected where the topic lacks what its views have seen."""
        try:
            async with aclosing(kafka.partition_events(self.resources.cluster, context, partition, upto=upto)) as pages:
                async for page in pages:
                    yield page
        except kafka.TopicIncomplete as error:
            raise _incomplete(context, error) from error

    async def prune(self, request: pb.Prune, ctx: Context) -> pb.Pruned:
        await readers.still_reads(self.resources.pool, self.reader)  # whoever asks this process finds it alive
        async with transaction(self.resources.pool) as con:
            await con.execute(readers.LOCK)  # nobody begins to read what is about to go
            kept = await readers.kept(con)
            unread = [each for each in kept if not each.processes]
            if request.drop:
                try:
                    await readers.drop(con, unread)
                except readers.InUse as error:
                    raise Rejected(
                        "VIEW_IN_USE", f"a query runs on the views of {error}, which nobody said to read: try again"
                    ) from error
                except asyncpg.InsufficientPrivilegeError as error:
                    raise Rejected(
                        "NOT_THIS_LOGINS",
                        "this service's login owns no tables: drop them as the login that provisioned",
                    ) from error
        return pb.Pruned(
            views=[
                pb.ViewsInUse(
                    subscription=each.subscription,
                    tables=each.tables,
                    processes=each.processes,
                    dropped=request.drop and not each.processes,
                )
                for each in kept
            ]
        )

    def _views(self) -> Sequence[AnyView]:
        return [view for s in self.subscriptions.values() if isinstance(s, Projecting) for view in s.views]

    def _subscription(self, name: str) -> Subscription:
        if name not in self.subscriptions:
            raise unknown("subscription", name, "subscription")
        return self.subscriptions[name]

    async def _parked(self, subscription: str, stream: str, ctx: Context) -> list[parking.ParkedEvent]:
        async with connection(self.resources.pool) as con:
            parked = await parking.list_parked(con, ctx.tenant, subscription, stream)
        if not parked:
            raise unknown("parked_stream", stream, "stream")
        return parked

    async def _record(self, ctx: Context, subscription: str, event: Message) -> Accepted:
        return await self.resources.commands.on(
            ctx, PARKED, subscription, lambda _: [StreamEvent(PARKED(subscription), event)]
        )


async def _whole(event_log: EventLog) -> AsyncGenerator[Sequence[Recorded]]:
    """All of a log, up to its end as it is when the first page is asked for."""
    if last := await event_log.last_position():
        async with aclosing(feed_upto(event_log, last)) as pages:
            async for page in pages:
                yield page


def _incomplete(context: str, error: kafka.TopicIncomplete) -> Rejected:
    return Rejected(
        "TOPIC_INCOMPLETE",
        f"{error}. What is missing at the end its relay publishes again by itself; else stop {context} and publish its "
        f"topic anew (`nhip log publish {context}`)",
    )


def _refuse(failure: Exception | None) -> None:
    """Raises a refusal when a parked event failed again; it stays parked, with its error."""
    if isinstance(failure, Rejected):
        raise failure
    if failure:
        raise Rejected("STILL_FAILING", f"the event cannot be handled yet: {parking.describe(failure)}") from failure
