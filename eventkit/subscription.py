"""Subscriptions: source → handler → checkpoint, whatever the handler is.

A projection writes its rows and its checkpoint in one transaction. A reactor handles each event before the checkpoint moves, so it may see one
again. Either way an event that cannot be handled is parked with what follows it on its stream, and a rival finds the checkpoint moved and stops.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import asyncpg
import structlog

from eventkit import checkpoint, parking
from eventkit.checkpoint import OWN_FEED, Checkpoint, Fenced
from eventkit.faults import TRANSIENT, Backoff
from eventkit.log import EventLog, Recorded
from eventkit.projection import AnyView
from eventkit.telemetry import Metrics, span

log = structlog.get_logger(__name__)


class Subscription(Protocol):
    """What the runners of the own feed and of topics need to know of a handler."""

    name: str
    source: str

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        """Handle a page and move the checkpoint. Raises `Fenced`, or a transient fault: nothing was moved then."""
        ...

    async def retry(self, events: Sequence[Recorded]) -> None:
        """Handle events that had been parked. Raises what handling them raises."""
        ...


class Projecting:
    """Keeps a view up to date: exactly once in effect."""

    def __init__(self, view: AnyView, pool: asyncpg.Pool, metrics: Metrics):
        self.view, self.name, self.source, self._pool, self._metrics = view, view.subscription, view.source, pool, metrics

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        async with self._pool.acquire() as con, con.transaction():
            await checkpoint.move(con, self.name, partition, at=at, to=to)
            waiting = await parking.parked_streams(con, self.name)
            flowing, behind = parking.split(events, waiting)
            for event in behind:
                await parking.park(con, self.name, self.source, event, None)
            await self._apply(con, flowing)
        for append in {event.append_id: event for event in events}.values():
            with span(f"project {self.name}", append.origin.traceparent, subscription=self.name, position=append.position):
                pass  # marks, in the trace of the RPC that recorded it, that the view has it
        if events:
            log.info("subscription.page", subscription=self.name, partition=partition, events=len(events), position=to.position)

    async def _apply(self, con: asyncpg.Connection, events: Sequence[Recorded]) -> None:
        """The page at once; only if that fails, event by event to find the guilty ones."""
        try:
            async with con.transaction():
                self._metrics.unknown_events.labels(self.name).inc(await self.view.apply(con, events))
            return
        except TRANSIENT:
            raise
        except Exception as error:
            log.warning("subscription.page_failed", subscription=self.name, events=len(events), error=parking.describe(error))
        waiting = set[object]()
        for event in events:
            failure: Exception | None = None
            if event.stream not in waiting:
                try:
                    async with con.transaction():
                        await self.view.apply(con, [event])
                    continue
                except TRANSIENT:
                    raise
                except Exception as error:
                    failure = error
            waiting.add(event.stream)
            await set_aside(con, self._metrics, self.name, self.source, event, failure)

    async def retry(self, events: Sequence[Recorded]) -> None:
        async with self._pool.acquire() as con, con.transaction():
            await self.view.apply(con, events)
            await parking.remove(con, self.name, events)


React = Callable[[Recorded], Awaitable[None]]


class Reacting:
    """Does something about events of one source: at least once, so what it does carries an id made from the event's."""

    def __init__(self, name: str, source: str, react: React, pool: asyncpg.Pool, metrics: Metrics):
        self.name, self.source, self._react, self._pool, self._metrics = name, source, react, pool, metrics

    async def take(self, partition: int, at: Checkpoint, to: Checkpoint, events: Sequence[Recorded]) -> None:
        async with self._pool.acquire() as con:
            waiting = await parking.parked_streams(con, self.name)
        for event in events:
            failure: Exception | None = None
            if event.stream not in waiting:
                try:
                    with span(self.name, event.origin.traceparent):
                        await self._react(event)
                    continue
                except TRANSIENT:
                    raise
                except Exception as error:
                    failure = error
            waiting.add(event.stream)
            async with self._pool.acquire() as con:
                await set_aside(con, self._metrics, self.name, self.source, event, failure)
        await checkpoint.move(self._pool, self.name, partition, at=at, to=to)

    async def retry(self, events: Sequence[Recorded]) -> None:
        for event in events:
            await self._react(event)
        async with self._pool.acquire() as con:
            await parking.remove(con, self.name, events)


async def set_aside(
    con: asyncpg.Connection, metrics: Metrics, subscription: str, source: str, event: Recorded, failure: Exception | None
) -> None:
    """Park an event, and say so: somebody has to look at it."""
    await parking.park(con, subscription, source, event, failure)
    metrics.parked_events.labels(subscription).set(await parking.count(con, subscription))
    if failure:
        log.error(
            "subscription.parked",
            subscription=subscription,
            stream=str(event.stream),
            event=str(event.id),
            type=event.type,
            error=parking.describe(failure),
        )


async def follow(
    subscription: Subscription, event_log: EventLog, pool: asyncpg.Pool, dsn: str, metrics: Metrics, beat: Callable[[], None]
) -> None:
    """Run a subscription to the own log, for ever: in one process at a time, again after every fault."""
    backoff = Backoff()
    while True:
        try:
            async with leadership(dsn, subscription.name) as lead:
                if not lead:
                    beat()
                    await asyncio.sleep(1)
                    continue
                at = await checkpoint.load(pool, subscription.name, OWN_FEED)
                async for page in event_log.feed(at.position):
                    if page:
                        to = Checkpoint(page[-1].position)
                        await subscription.take(OWN_FEED, at, to, page)
                        at = to
                    else:
                        await checkpoint.check(pool, subscription.name, OWN_FEED, at)
                    metrics.subscription_position.labels(subscription.name).set(at.position)
                    backoff.succeeded()
                    beat()
        except (*TRANSIENT, Fenced) as error:
            metrics.retries.labels(subscription.name).inc()
            log.warning("subscription.retry", subscription=subscription.name, error=type(error).__name__)
            beat()
            await backoff.pause()


@asynccontextmanager
async def leadership(dsn: str, name: str):
    """True while this process holds the advisory lock of that name; it is lost with the connection, so nobody has to give it back."""
    con = await asyncpg.connect(dsn, server_settings={"application_name": f"nhip lead {name}"[:63]}, command_timeout=30)
    try:
        yield await con.fetchval("select pg_try_advisory_lock(hashtext('subscription'), hashtext($1))", name)
    finally:
        con.terminate()
