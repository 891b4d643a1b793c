"""Subscriptions: source → handler → checkpoint, whatever the handler is.

A projection writes its rows and its checkpoint in one transaction. A reactor handles each event before the checkpoint
moves, so it may see one again. Either way an event that cannot be handled is parked with what follows it on its stream,
and a rival finds the checkpoint moved and stops.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import asyncpg
import structlog

from eventkit.database import connection, transaction
from eventkit.errors import Kind, Rejected
from eventkit.log import Recorded, StreamId, wire
from eventkit.log.faults import TRANSIENT
from eventkit.subscriptions import checkpoint, parking
from eventkit.subscriptions.checkpoint import Checkpoint, Fenced
from eventkit.subscriptions.projection import AnyView
from eventkit.subscriptions.reached import Changed, Hear, nobody_hears
from eventkit.subscriptions.table import Key
from eventkit.telemetry import Metrics, is_traced, span

EMPTYING_SECONDS = 600.0
"""How long it may take to delete the rows of a view that is folded anew."""
Pages = Callable[[int, int], AsyncGenerator[Sequence[Recorded]]]
"""`pages(partition, upto)`: the events of a partition in order, up to a position."""

Gone = Callable[[], Awaitable[Collection[str]]]
"""Answers the tenants that were deleted: nothing of them is folded any more, or acted on."""

log = structlog.get_logger(__name__)


async def nobody_gone() -> Collection[str]:
    """The `Gone` of a subscription of whose tenants none is ever deleted."""
    return ()


class NewerEvent(Exception):
    """The own log holds an event of a type that this version does not know, and a newer one, which runs beside it or
    ran, shares its views. It is that one's to fold; passed over here, it would be missing from them for ever."""


class Subscription(Protocol):
    """What the runners of the own feed and of topics need to know of a handler, and what an operator may ask of it."""

    name: str
    source: str

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        """Handle a page and move the checkpoint. Raises `Fenced`, or a transient fault: nothing was moved then."""
        ...

    async def retry(self, stream: StreamId) -> Exception | None:
        """Handle what is parked of a stream, in order, up to the first event that fails again: answers its error."""
        ...

    async def discard(self, stream: StreamId) -> Exception | None:
        """Give up the first parked event of a stream, then as `retry`."""
        ...


class Projecting:
    """Keeps a view, or a group of views, up to date: exactly once in effect.

    An event of a type that is not known here is passed over and counted: a producer may be newer than its consumer, and
    a newer version of these views has tables of its own. Of the `own` log it stops them where there is no newer version
    of them (`NewerEvent`): then the version that knows it shares their tables.
    """

    def __init__(
        self,
        views: Sequence[AnyView],
        pool: asyncpg.Pool,
        metrics: Metrics,
        hear: Hear = nobody_hears,
        *,
        own: bool = False,
        gone: Gone = nobody_gone,
    ):
        self._own, self._gone, self._left_out = own, gone, frozenset[str]()
        self.views, self.name, self.source = views, views[0].subscription, views[0].source
        self._pool, self._metrics, self._hear = pool, metrics, hear
        self._unknown = metrics.unknown_events.labels(self.name)

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        self._left_out = frozenset(await self._gone())
        newer = self._first_newer(events)
        if newer is None or not await self._is_shared():
            await self._take(partition, at, to, events)
            return
        known = [event for event in events if event.position < newer.position and event.append_id != newer.append_id]
        if known:
            await self._take(partition, at, Checkpoint(known[-1].position), known)
        log.error("subscription.newer_event", subscription=self.name, type=newer.type, position=newer.position)
        raise NewerEvent(newer.type)

    async def _is_shared(self) -> bool:
        """Whether there is no newer version of these views, so that one that knows more events has the same tables."""
        async with connection(self._pool) as con:
            return not await checkpoint.of_other_versions(con, self.name, newer=True)

    def _first_newer(self, events: Iterable[Recorded]) -> Recorded | None:
        return next(filter(self._newer, events), None) if self._own else None

    def _newer(self, event: Recorded) -> bool:
        return not wire.is_known(event.type) and any(view.not_known([event]) for view in self.views)

    async def _take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        try:
            changed = await self._in_one_statement(partition, at, to, events)
            if changed is None:
                changed = await self._page(partition, at, to, events)
        except (*TRANSIENT, Fenced):
            raise
        except Exception as error:
            log.warning(
                "subscription.page_failed", subscription=self.name, events=len(events), error=parking.describe(error)
            )
            changed = await self._one_by_one(partition, at, to, events)
        self._hear(self.name, partition, at, to, changed)
        if is_traced():
            mark(self.name, events)
        log.debug(
            "subscription.page", subscription=self.name, partition=partition, events=len(events), position=to.position
        )

    def _for(self, view: AnyView, events: Sequence[Recorded]) -> Sequence[Recorded]:
        """Without those of tenants that were deleted, but where a view says of them that they were."""
        if view.outlives or not self._left_out:
            return events
        return [event for event in events if event.tenant not in self._left_out]

    async def _in_one_statement(
        self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]
    ) -> Changed | None:
        """The page, where it writes rows of one view or of none, and needs to see no row before: instead of four round
        trips one. None: it is otherwise, or events are parked, or the checkpoint is elsewhere; nothing was done."""
        concerned = [
            (view, own) for view in self.views if (own := list(filter(view.concerned, self._for(view, events))))
        ]
        if len(concerned) > 1 or any(view.touched(own) for view, own in concerned):
            return None
        changed = {view.table: view.folded(own, {}) for view, own in concerned}
        saved = [(table.save_with_move, table.values(rows)) for table, rows in changed.items() if rows]
        writing, values = saved[0] if saved else ("", ())
        async with connection(self._pool) as con:
            moved = await checkpoint.move_with(con, self.name, partition, at=at, to=to, writing=writing, values=values)
        if not moved:
            return None
        self._count_unknown(events)
        return {table.name: rows for table, rows in changed.items()}

    async def _page(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> Changed:
        """The page at once, into every view, or into none."""
        async with transaction(self._pool) as con:
            flowing = await self._begin(con, partition, at, to, events)
            changed = {view.table.name: await view.apply(con, self._for(view, flowing)) for view in self.views}
        self._count_unknown(flowing)
        return changed

    async def _one_by_one(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> Changed:
        """What failed at once, event by event, to find the guilty ones."""
        changed: dict[str, dict[Key, Any]] = {view.table.name: {} for view in self.views}
        async with transaction(self._pool) as con:
            await self._each(con, await self._begin(con, partition, at, to, events), changed)
        return {name: list(rows.values()) for name, rows in changed.items()}

    async def _each(
        self, con: asyncpg.Connection, events: Iterable[Recorded], changed: dict[str, dict[Key, Any]]
    ) -> None:
        """Parks what fails, with what is behind it on its stream."""
        waiting = set[StreamId]()
        for event in events:
            failure = None if event.stream in waiting else await self._apply_one(con, event, changed)
            if failure:
                waiting.add(event.stream)
            if event.stream in waiting:
                await set_aside(con, self._metrics, self.name, self.source, event, failure)

    async def _begin(
        self, con: asyncpg.Connection, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]
    ) -> Sequence[Recorded]:
        """Moves the checkpoint, and parks what waits behind a parked event. Answers the events to fold."""
        if not await checkpoint.move_views(con, self.name, partition, at=at, to=to):
            return events
        return await self._flowing(con, events)

    async def _flowing(self, con: asyncpg.Connection, events: Sequence[Recorded]) -> Sequence[Recorded]:
        """Parks what waits behind a parked event; answers the others."""
        flowing, behind = parking.split(events, await parking.parked_streams(con, self.name))
        for event in behind:
            await set_aside(con, self._metrics, self.name, self.source, event, None)
        return flowing

    async def _apply_one(
        self, con: asyncpg.Connection, event: Recorded, changed: dict[str, dict[Key, Any]]
    ) -> Exception | None:
        try:
            async with con.transaction():
                applied = {view.table: await view.apply(con, self._for(view, [event])) for view in self.views}
                unknown = sum(view.not_known([event]) for view in self.views)
        except TRANSIENT:
            raise
        except Exception as error:
            return error
        self._unknown.inc(unknown)
        for table, rows in applied.items():
            changed[table.name].update((table.key_of(row), row) for row in rows)
        return None

    def _count_unknown(self, events: Sequence[Recorded]) -> None:
        if unknown := sum(view.not_known(events) for view in self.views):
            self._unknown.inc(unknown)

    async def fold_anew(self, pool: asyncpg.Pool, partitions: Iterable[int], pages: Pages) -> None:
        """Folds the views again from the first event, up to where they have come, in one transaction: until it ends
        everybody reads the rows as they were and nobody moves them; what ends it before has changed nothing.

        `pages` are asked for the events of a partition up to a position. Raises what they raise, and Rejected for an
        event of the own log that only a newer version knows, which has folded it into the same tables.
        """
        self._left_out = frozenset(await self._gone())
        shared = await self._is_shared()
        async with transaction(pool) as con:
            at = await checkpoint.hold_all(con, self.name, partitions)
            for view in self.views:
                await con.execute(f"delete from {view.table}", timeout=EMPTYING_SECONDS)
            await parking.drop_all(con, self.name)
            for partition, (position, _) in at.items():
                if position:
                    async with aclosing(pages(partition, position)) as events:
                        async for page in events:
                            if (newer := self._first_newer(page)) and shared:
                                lost = f"{self.name} would lose {newer.type} at position {newer.position}"
                                raise Rejected("NEWER_EVENT", f"{lost}: fold it anew in the version that knows it")
                            await self._fold(con, page)
            await count_parked(con, self._metrics, self.name)
            await checkpoint.was_refolded(con, self.name)

    async def _fold(self, con: asyncpg.Connection, page: Sequence[Recorded]) -> None:
        flowing = await self._flowing(con, page)
        try:
            async with con.transaction():
                for view in self.views:
                    await view.apply(con, self._for(view, flowing))
        except TRANSIENT:
            raise
        except Exception:  # whatever it is, it is told of the event that is parked for it
            await self._each(con, flowing, {view.table.name: {} for view in self.views})

    async def retry(self, stream: StreamId) -> Exception | None:
        return await self._bring_back(stream, discard=False)

    async def discard(self, stream: StreamId) -> Exception | None:
        return await self._bring_back(stream, discard=True)

    async def _bring_back(self, stream: StreamId, *, discard: bool) -> Exception | None:
        async with transaction(self._pool) as con:
            await checkpoint.hold(con, self.name)
            if discard:
                await parking.drop_first(con, self.name, stream)
            failure = None
            for event in await parking.parked_of(con, self.name, stream):
                failure = await self._apply_one(con, event, {view.table.name: {} for view in self.views})
                if failure:
                    await parking.note(con, self.name, event, failure)
                    break
                await parking.remove(con, self.name, event)
            await count_parked(con, self._metrics, self.name)
            await checkpoint.tell_changed(con)
        return failure


React = Callable[[Recorded], Awaitable[None]]


async def at_once(_: Recorded) -> None:
    """The `ready` of a reaction that reads no views."""


class Reacting:
    """Does something about events of one source: at least once, so what it does carries an id made from the event's.

    `ready` returns when what the reaction reads has come as far as the event.
    """

    def __init__(
        self,
        name: str,
        source: str,
        react: React,
        pool: asyncpg.Pool,
        metrics: Metrics,
        ready: React = at_once,
        hear: Hear = nobody_hears,
        *,
        gone: Gone = nobody_gone,
    ):
        self.name, self.source, self._react_to, self._pool, self._metrics = name, source, react, pool, metrics
        self._ready, self._hear, self._gone = ready, hear, gone

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        gone = await self._gone()
        async with connection(self._pool) as con:
            waiting = await parking.parked_streams(con, self.name)
        for event in events:
            if event.tenant in gone:
                continue
            failure = None if event.stream in waiting else await self._react(event)
            if failure:
                waiting.add(event.stream)
            if event.stream in waiting:
                async with transaction(self._pool) as con:
                    await set_aside(con, self._metrics, self.name, self.source, event, failure)
        async with connection(self._pool) as con:
            await checkpoint.move(con, self.name, partition, at=at, to=to)
        self._hear(self.name, partition, at, to, {})

    async def _react(self, event: Recorded) -> Exception | None:
        try:
            with span(self.name, event.origin.traceparent):
                await self._ready(event)
                await self._react_to(event)
        except TRANSIENT:
            raise
        except Rejected as refused:
            if refused.kind is Kind.CONFLICT:  # others were faster, again and again: that passes
                raise TimeoutError(refused.reason) from refused
            return refused
        except Exception as error:
            return error
        return None

    async def retry(self, stream: StreamId) -> Exception | None:
        return await self._bring_back(stream, discard=False)

    async def discard(self, stream: StreamId) -> Exception | None:
        return await self._bring_back(stream, discard=True)

    async def _bring_back(self, stream: StreamId, *, discard: bool) -> Exception | None:
        if discard:
            async with transaction(self._pool) as con:
                await parking.drop_first(con, self.name, stream)
        async with connection(self._pool) as con:
            events = await parking.parked_of(con, self.name, stream)
        failure = None
        for (
            event
        ) in events:  # no transaction around them: reactions reach further than the database, and may take their time
            failure = await self._react(event)
            async with transaction(self._pool) as con:
                await (
                    parking.note(con, self.name, event, failure) if failure else parking.remove(con, self.name, event)
                )
            if failure:
                break
        async with connection(self._pool) as con:
            await count_parked(con, self._metrics, self.name)
        return failure


def mark(subscription: str, events: Iterable[Recorded]) -> None:
    """Mark, in the trace of the RPC that recorded them, that the view has them."""
    for append in {event.append_id: event for event in events}.values():
        with span(
            f"project {subscription}", append.origin.traceparent, subscription=subscription, position=append.position
        ):
            pass


async def set_aside(
    con: asyncpg.Connection,
    metrics: Metrics,
    subscription: str,
    source: str,
    event: Recorded,
    failure: Exception | None,
) -> None:
    """Park an event, and say so: somebody has to look at it."""
    await parking.park(con, subscription, source, event, failure)
    await count_parked(con, metrics, subscription)
    if failure:
        log.error(
            "subscription.parked",
            subscription=subscription,
            stream=str(event.stream),
            event_id=str(event.id),
            type=event.type,
            error=parking.describe(failure),
        )


async def count_parked(con: asyncpg.Connection, metrics: Metrics, subscription: str) -> None:
    metrics.parked_events.labels(subscription).set(await parking.count(con, subscription))


Look = Callable[[str, Mapping[int, Checkpoint]], Awaitable[None]]
"""`look(subscription, where)` raises `Fenced` when checkpoints are not where they were left."""
