"""How the own log is followed: its feed, a page ahead of who handles it, and the loop that hands pages to a
subscription. Topics are followed by `eventkit.kafka.reading`."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import partial

import asyncpg
import structlog

from eventkit.database import connection
from eventkit.log import EventLog, Recorded
from eventkit.log.faults import TRANSIENT, Backoff
from eventkit.subscriptions import checkpoint
from eventkit.subscriptions.checkpoint import OWN_FEED, Checkpoint, Fenced
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.subscription import Look, NewerEvent, Subscription, count_parked
from eventkit.telemetry import Metrics

PAGE = 2000
"""Most events that are handled at once. Pages grow under load: a page is what came while the last one was handled."""
BREATH_SECONDS = 0.005
"""A page costs a commit, whatever is in it: under load there are no more than two hundred a second. Who comes alone
waits for nothing, one who comes again as soon as the last page was handled neither."""

log = structlog.get_logger(__name__)


async def follow(
    subscription: Subscription,
    event_log: EventLog,
    pool: asyncpg.Pool,
    leads: Leads,
    metrics: Metrics,
    beat: Callable[[], None],
    look: Look | None = None,
) -> None:
    """Run a subscription to the own log, for ever: in one process at a time, again after every fault.

    `look` is asked now and then while nothing happens; by default it asks the database.
    """
    backoff = Backoff()
    look = look or partial(checkpoint.check, pool)
    position = metrics.subscription_position.labels(subscription.name)
    while True:
        try:
            async with leads.lead(subscription.name, beat) as lead:
                async with connection(pool) as con:
                    at = await checkpoint.load(con, subscription.name, OWN_FEED)
                    await count_parked(con, metrics, subscription.name)
                async with aclosing(one_ahead(event_log.feed(at.position, page=PAGE))) as feed:
                    async for page in feed:
                        lead.check()
                        if page:
                            to = Checkpoint(page[-1].position)
                            await subscription.take(OWN_FEED, at, to, page)
                            at = to
                        else:  # a rival may have moved the checkpoint of an idle subscription
                            await look(subscription.name, {OWN_FEED: at})
                        position.set(at.position)
                        backoff.succeeded()
                        beat()
        except (*TRANSIENT, Fenced, NewerEvent) as error:
            metrics.retries.labels(subscription.name).inc()
            log.warning("subscription.retry", subscription=subscription.name, error=type(error).__name__)
            beat()
            await backoff.pause()


async def one_ahead(feed: AsyncGenerator[list[Recorded]]) -> AsyncGenerator[list[Recorded]]:
    """A feed whose next page is read while the last one is handled. Behind a page that several appends shared it is
    read no sooner than `BREATH_SECONDS` after that one: what is appended meanwhile shares a page again."""
    clock = asyncio.get_running_loop().time
    began = float("-inf")

    async def read() -> list[Recorded]:
        if (early := began + BREATH_SECONDS - clock()) > 0:
            await asyncio.sleep(early)
        return await anext(feed)

    async with aclosing(feed):
        ahead = asyncio.create_task(read())
        try:
            while True:
                page = await ahead
                shared = 0 < len(page) < PAGE and page[0].append_id != page[-1].append_id
                began = clock() if shared else float("-inf")
                ahead = asyncio.create_task(read())
                yield page
        finally:
            ahead.cancel()
            await asyncio.wait([ahead])
            if not ahead.cancelled():
                ahead.exception()  # of a page that nobody asks for any more


async def feed_upto(event_log: EventLog, position: int) -> AsyncGenerator[Sequence[Recorded]]:
    """The events of a log from the first up to a position that it has, a page at a time."""
    async with aclosing(one_ahead(event_log.feed(page=PAGE))) as pages:
        async for page in pages:
            yield [event for event in page if event.position <= position]
            if page and page[-1].position >= position:
                return
