"""Runs one service: opens what it is built from, starts its subscriptions, its relay and its servers, and ends them in
order.

The same in one process that hosts every service and in a process of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg
import structlog
from google.protobuf.message import Message

from eventkit.context import Actor
from eventkit.database import connection
from eventkit.kafka import Cluster, TopicReader, Topics
from eventkit.kafka.relay import Relay
from eventkit.log import EventLog
from eventkit.log.faults import TRANSIENT
from eventkit.privacy.keys import KeyStore
from eventkit.process import keeping, lag, provision, showing
from eventkit.process.assembly import assembled, digest_secret
from eventkit.process.metrics_page import metrics_of
from eventkit.process.operations import ACCESS, LONG, OPERATIONS, Operations
from eventkit.process.recovery import refuse_past
from eventkit.process.service import Build, Resources, Service
from eventkit.process.sweeping import Sweeper
from eventkit.process.timer import Ticking
from eventkit.process.use import Use
from eventkit.rpc.access import AUDITOR
from eventkit.rpc.addresses import Addressed
from eventkit.rpc.auth import Authenticator
from eventkit.rpc.ceilings import Rates
from eventkit.rpc.health import HealthServer, Heartbeats
from eventkit.rpc.integrations import Keyed, Signatures
from eventkit.rpc.linked import Linked
from eventkit.rpc.metadata import Position
from eventkit.rpc.server import Api, Server
from eventkit.rpc.tls import Tls
from eventkit.settings import Settings, SettingsError
from eventkit.subscriptions import readers
from eventkit.subscriptions.following import follow
from eventkit.subscriptions.leadership import Leads
from eventkit.subscriptions.projection import by_subscription
from eventkit.subscriptions.readers import Reader
from eventkit.subscriptions.subscription import Projecting, Reacting, Subscription, count_parked
from eventkit.subscriptions.table import READER
from eventkit.telemetry import Metrics
from eventkit.vault import VaultAway

if TYPE_CHECKING:
    from eventkit.log.kurrentdb import KurrentLog

log = structlog.get_logger(__name__)

TOPICS_SECONDS = 5.0
"""How long a start waits to hear whether the topics are fit: an absent Kafka delays nobody longer."""
CANCELLATIONS = 5
"""How often, a second apart, a loop is asked to end at shutdown."""


@dataclass(slots=True)
class Running:
    """A service that runs, and how it is."""

    name: str
    progress: Heartbeats = field(default_factory=Heartbeats)
    host: str = ""
    port: int = 0
    health_port: int = 0
    metrics_port: int = 0
    started: bool = False
    stopping: bool = False
    may_query: bool = True
    """This login may take the role that queries run as; looked at again and again."""
    topics: Topics | None = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list["asyncio.Task[None]"])

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def ready(self) -> bool:
        """Topics that are not fit are neither read nor written: what this process would answer becomes old, and what it
        records reaches nobody."""
        fit = not (self.topics and self.topics.problems)
        return self.started and not self.stopping and self.may_query and fit

    def alive(self) -> bool:
        return self.progress.alive() and not any(task.done() for task in self.tasks if not self.stopping)


@asynccontextmanager
async def running(name: str, build: Build, settings: Settings, tokens: Authenticator) -> AsyncGenerator[Running]:
    """A service for as long as the block lasts; it is ready when the block is entered.

    Shutdown takes no more calls, lets those that run end within `settings.shutdown_seconds`, then stops the loops and
    serves what is queued for the log.
    """
    me, metrics = Running(name, host=settings.host), Metrics()
    Cluster.of(settings).security.client()  # what cannot be used is said now; later it may be on its way
    async with AsyncExitStack() as stack:
        # Before anything else: while it waits for an engine it is alive, and not ready.
        tls = Tls.of(settings)
        health = HealthServer(
            me, host=settings.host, port=settings.health_port, tls=tls if settings.health_tls else None
        )
        me.health_port = await health.start()
        stack.push_async_callback(health.stop)
        me.metrics_port = stack.enter_context(metrics_of(settings, metrics))

        if settings.vault:

            async def opening() -> None:
                await asyncio.to_thread(settings.key, "persons")

            await provision.waited_for(f"Vault at {settings.vault}", opening, (VaultAway,))
        beside: KurrentLog | None = None
        if settings.log:
            beside = await provision.waited_for(
                provision.kurrentdb_of(settings.log),
                lambda: stack.enter_async_context(_kurrent_log(name, settings, metrics)),
                TRANSIENT,
            )

        async def opened() -> _Opened:
            async with AsyncExitStack() as opening, provision.rights_waited_for():
                service = await _open(opening, name, build, settings, metrics, beside)
                await stack.enter_async_context(opening.pop_all())
                return service

        there = await provision.waited_for(provision.postgres_of(settings.postgres), opened, provision.POSTGRES_FAULTS)
        event_log, pool, own, resources, service = there.log, there.pool, there.own, there.resources, there.service
        leads, subscriptions, words = there.leads, there.subscriptions, there.resources.words
        reached = there.resources.reached
        stack.push_async_callback(_cancel, me)
        _start(me, "checkpoints", reached.run)
        me.topics = topics = there.topics
        _start(me, "topics", topics.run)
        for subscription in subscriptions.values():
            _start(me, subscription.name, _runner(subscription, resources, own, leads, metrics, topics))
        own_feeds = [each.name for each in subscriptions.values() if each.source == name]
        _start(me, "lag", lambda beat: lag.tell(event_log, own_feeds, reached, own, metrics, beat))
        _start(me, "keys", lambda beat: keeping.watch(there.store, metrics, beat))
        relay = Relay(name, event_log, own, leads, topics, metrics)
        _start(me, "relay", relay.run)
        _start(me, "reader", lambda beat: _say_what_is_read(me, own, there.reader, beat))

        async def caught_up() -> None:
            await showing.caught_up(pool, reached, service.views, name, await event_log.last_position())

        await provision.waited_for(provision.postgres_of(settings.postgres), caught_up, provision.POSTGRES_FAULTS)
        for timer in service.timers:  # not before: half-filled views do not tell yet who is suspended
            ticking = Ticking(timer, leads, metrics, still=there.resources.directory.suspended)
            _start(me, ticking.name, ticking.run)
        with suppress(TimeoutError):
            async with asyncio.timeout(TOPICS_SECONDS):
                await topics.first_look.wait()

        async def wait(tenant: str, after: Mapping[str, Position], seconds: float) -> None:
            refuse_past(resources.incarnations, after)
            async with asyncio.timeout(seconds):
                for context, position in after.items():
                    if names := showing.reading(service, context):
                        await reached.wait(names, resources.partition(context)(tenant), position)

        sources = {name: views[0].source for name, views in by_subscription(service.views).items()}

        async def applied(tenant: str) -> Mapping[str, int]:
            return await showing.applied(reached, sources, resources, tenant)

        async def finish(message: Message, reader: Actor, roles: frozenset[str]) -> None:
            await words.open(
                message,
                tenant=reader.tenant,
                auditor=reader.id if AUDITOR in roles else "",
                withheld=reader.kind in ("integration", "feed"),
            )

        _start(me, "deleted tenants", Sweeper(resources, own, leads, metrics, service, list(subscriptions)).run)
        use = Use(own)
        stack.push_async_callback(use.write)
        _start(me, "use", use.run)
        directory = there.resources.directory
        known = Keyed(Linked(tokens, directory), directory, _now)
        server = Server(
            [
                *service.apis,
                Api(OPERATIONS, Operations(resources, subscriptions, service.apis, there.reader), ACCESS, LONG),
            ],
            tokens=Addressed(known, service.feeds, directory.is_there) if service.feeds else known,
            signatures=Signatures(directory, words.signing_secret, _now),
            roles=directory,
            secret=there.secret,
            id_secret=words.id_secret,
            metrics=metrics,
            wait=wait,
            applied=applied,
            finish=finish,
            used=use.count,
            host=settings.host,
            port=settings.port,
            reflection=settings.reflection,
            tls=Tls.of(settings),
            calls_at_once=settings.calls_at_once,
            quota=directory.calls,
            rates=Rates(
                caller=settings.rate_per_caller,
                tenant=settings.rate_per_tenant,
                integration=settings.rate_per_integration,
            ),
        )
        me.port = await server.start()
        stack.push_async_callback(server.stop, settings.shutdown_seconds)
        me.started = True
        log.info("service.started", service=name, address=me.address, health=me.health_port, metrics=me.metrics_port)
        try:
            yield me
        finally:
            me.stopping = True
            log.info("service.stopping", service=name, seconds=settings.shutdown_seconds)
    log.info("service.stopped", service=name)


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a service has of its databases."""

    log: EventLog
    pool: asyncpg.Pool
    own: asyncpg.Pool
    """For what keeps the views up to date: connections that no crowd of callers can take from it."""
    resources: Resources
    service: Service
    leads: Leads
    subscriptions: Mapping[str, Subscription]
    secret: bytes
    reader: Reader
    topics: Topics
    store: KeyStore


def _kurrent_log(name: str, settings: Settings, metrics: Metrics) -> "KurrentLog":
    """Raises SettingsError where the adapter is not installed."""
    try:
        from eventkit.log.kurrentdb import KurrentLog
    except ImportError as error:
        raise SettingsError(
            "NHIP_LOG names KurrentDB, whose client is not installed: install nhip[kurrentdb]"
        ) from error
    return KurrentLog(settings.log, metrics=metrics, context=name, prefix=settings.installation.replace("-", "_"))


async def _open(
    stack: AsyncExitStack, name: str, build: Build, settings: Settings, metrics: Metrics, beside: "KurrentLog | None"
) -> _Opened:
    """Its log is in its database, unless there is one `beside`.

    Raises what its databases raise: nothing has begun yet, so it may be tried again.
    """
    await provision.databases(settings, [name])
    await provision.not_shared(settings, name)
    parts = assembled(name, settings, metrics, beside)
    if parts.log:
        await stack.enter_async_context(parts.log)
    pool = await stack.enter_async_context(parts.pool)
    own = await stack.enter_async_context(parts.own)
    store = await stack.enter_async_context(parts.store)
    # Which records are this installation's is known from its database of keys on.
    cluster = Cluster.of(settings, store.installation)
    resources, reached = replace(parts.resources, cluster=cluster), parts.resources.reached
    service = build(resources)
    reader = Reader()
    await provision.tables(pool, service.views, reader, service.beside)
    await keeping.look(store, metrics)  # before any key is made
    stack.push_async_callback(_say_no_more, own, reader)
    leads, gone = await stack.enter_async_context(Leads(settings.database(name))), resources.directory.gone
    subscriptions: dict[str, Subscription] = {
        group: Projecting(views, own, metrics, reached.moved, own=views[0].source == name, gone=gone)
        for group, views in by_subscription(service.views).items()
    }
    for r in service.reactions:
        ready = showing.ready(r, service, resources)
        subscriptions[r.name] = Reacting(r.name, r.source, r.react, own, metrics, ready, reached.moved, gone=gone)
    async with connection(own) as con:  # an alert needs the number also where nothing has happened yet
        for subscription in subscriptions.values():
            await count_parked(con, metrics, subscription.name)
            if subscription.source != name:
                metrics.topic_holes.labels(subscription.name)
    if beside:
        await beside.claim(store.installation)
    followers = [s.name for s in subscriptions.values() if s.source == name]
    await _refuse_another_log(own, resources.log, name, followers, moved_upto=beside.moved_upto if beside else None)
    await resources.incarnations.begin()
    secret = await digest_secret(store, settings)
    topics = Topics(cluster, [name, *service.sources], metrics, resources.incarnations)
    return _Opened(resources.log, pool, own, resources, service, leads, subscriptions, secret, reader, topics, store)


async def _refuse_another_log(
    own: asyncpg.Pool, event_log: EventLog, name: str, followers: Sequence[str], *, moved_upto: int | None
) -> None:
    """Raises SettingsError where it is not the log that the service's database follows: positions of two logs say
    nothing of each other, unless the one was moved to the other.

    `moved_upto`: up to where the log came from the service's own database, of one that is kept elsewhere."""
    async with connection(own) as con:
        seen = await con.fetchval(
            "select greatest((select max(position) from checkpoint where subscription = any($1::text[])), "
            "(select max(position) from relay), 0)",
            list(followers),
        )
        if moved_upto is not None and await con.fetchval("select to_regclass('log_event') is not null"):
            held = await con.fetchval("select coalesce(max(position), 0) from log_event")
            if held > moved_upto:
                raise SettingsError(
                    f"NHIP_LOG is set, and {name} has its log in its own database: move it (`nhip log copy {name} --to "
                    "kurrentdb://…`), or unset NHIP_LOG"
                )
    last = await event_log.last_position()
    if seen > last:
        raise SettingsError(
            f"what {name} keeps has come to position {seen}, and its log ends at {last}: put NHIP_LOG as it was, or "
            "restore log and database to one moment"
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _start(me: Running, name: str, run: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
    me.progress.expect(name)

    async def loop() -> None:
        try:
            await run(lambda: me.progress.beat(name))
        except asyncio.CancelledError:
            if not me.stopping:  # not ours: a library let one of its own escape
                log.error("loop.ended", service=me.name, loop=name, error="CancelledError")
            raise
        except Exception as error:  # a loop that ends makes the process unfit: liveness says so, and this says why
            log.exception("loop.ended", service=me.name, loop=name, error=type(error).__name__)
            raise

    me.tasks.append(asyncio.create_task(loop(), name=f"{me.name} {name}"))


def _runner(
    subscription: Subscription,
    resources: Resources,
    pool: asyncpg.Pool,
    leads: Leads,
    metrics: Metrics,
    topics: Topics,
) -> Callable[[Callable[[], None]], Awaitable[None]]:
    """A subscription to the own log or to another context's topic, ready to run."""
    if subscription.source == resources.name:
        return lambda beat: follow(subscription, resources.log, pool, leads, metrics, beat, resources.reached.check)
    return TopicReader(subscription, topics, pool, resources.name, metrics, look=resources.reached.check).run


async def _cancel(me: Running) -> None:
    """Ends the loops, within a few seconds: a library may swallow a cancellation, so it is asked for again."""
    running = set(me.tasks)
    for _ in range(CANCELLATIONS):
        for task in running:
            task.cancel()
        if running:
            _, running = await asyncio.wait(running, timeout=1)
    if running:
        log.error("service.loops_left", service=me.name, loops=[task.get_name() for task in running])


async def _say_what_is_read(me: Running, pool: asyncpg.Pool, reader: Reader, beat: Callable[[], None]) -> None:
    """For ever; raises `Forgotten` when this process was taken for ended, so that it ends, and starts anew."""
    while True:
        try:
            await readers.still_reads(pool, reader)
            async with connection(pool) as con:
                me.may_query = await con.fetchval(provision.MAY_QUERY, READER)
            if not me.may_query:
                log.error("reader.role_missing", service=me.name, role=READER)
        except TRANSIENT as error:
            log.warning("reader.retry", error=type(error).__name__)
        beat()
        await asyncio.sleep(readers.SAYS_SECONDS)


async def _say_no_more(pool: asyncpg.Pool, reader: Reader) -> None:
    try:
        await readers.reads_no_more(pool, reader)
    except TRANSIENT as error:  # it is taken for ended a minute later
        log.warning("reader.left", error=type(error).__name__)
