"""What a service is made of, and what it is made from: the vocabulary of every `service.py`."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid5

import asyncpg

from eventkit.commands.decider import Commands
from eventkit.context import NAMESPACE, Actor, Context, acting
from eventkit.directory.directory import Directory
from eventkit.kafka import Cluster, partition_of
from eventkit.log import EventLog, Recorded
from eventkit.log.incarnations import Incarnations
from eventkit.privacy.words import Words
from eventkit.rpc.addresses import Holder
from eventkit.rpc.server import Api
from eventkit.settings import Settings
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.projection import AnyView
from eventkit.subscriptions.reached import Reached
from eventkit.subscriptions.subscription import React


@dataclass(frozen=True, slots=True)
class Resources:
    """What a service is built from; opened and closed by the host."""

    name: str
    settings: Settings
    log: EventLog
    pool: asyncpg.Pool
    commands: Commands
    words: Words
    directory: Directory
    reached: Reached
    cluster: Cluster
    incarnations: Incarnations

    def partition(self, context: str) -> Callable[[str], int]:
        """Under which partition the checkpoints of a subscription to `context` are kept, by tenant."""
        if context == self.name:
            return lambda _: OWN_FEED
        return lambda tenant: partition_of(tenant, self.settings.kafka_partitions)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a service does when something happened in a context; never run by a rebuild.

    Before it reacts, the service's own views of that context have passed the event. It may see an event again: what it
    does carries the event's id (`reacting_to`).
    """

    name: str
    source: str
    react: React


def reacting_to(event: Recorded, service: str, reaction: str) -> Context:
    """The circumstances of a service's reaction to an event: the same command id whenever it sees that event."""
    whose = acting(event.origin.actor)
    actor = Actor(event.tenant, service, "service", on_behalf_of=whose)
    return Context(
        actor=actor,
        at=datetime.now(UTC),
        command_id=uuid5(NAMESPACE, "\0".join((event.tenant, service, reaction, str(event.id)))),
        retryable=True,
        correlation_id=event.origin.correlation_id,
        causation_id=str(event.id),
        traceparent=event.origin.traceparent,
    )


@dataclass(frozen=True, slots=True)
class Due:
    """Something that falls due: `thing` is its id, `at` the instant."""

    tenant: str
    thing: str
    at: datetime


A_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Timer:
    """What a service does when something falls due; in one process at a time.

    `due(at, most)` answers what of all tenants is due at an instant, the longest due first, `most` at most: a query of
    a view. `act` issues the ordinary command, as `system:clock`. Its command id is made of the timer, the thing and the
    time, so it may be called again; what it decides, it decides by `ctx.at`, so a late timer changes nothing. What it
    did is not due any more; where it found nothing to do about what stays due, it answers how long to leave that alone.
    With nothing to do, `due` is asked again after `every`.
    """

    name: str
    due: Callable[[datetime, int], Awaitable[Sequence[Due]]]
    act: Callable[[Due, Context], Awaitable[timedelta | None]]
    every: timedelta = A_SECOND
    of_suspended: bool = False
    """It acts for tenants that are suspended, too."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its APIs, its read models, its reactions, its timers."""

    apis: Sequence[Api]
    views: Sequence[AnyView] = ()
    reactions: Sequence[Reaction] = ()
    timers: Sequence[Timer] = ()
    feeds: Holder | None = None
    """Whose a secret address is, where the service has feeds."""
    beside: Sequence[str] = ()
    """Statements that make, where they are not there yet, tables beside the log: what no decision rests on, and nobody
    minds losing."""

    @property
    def sources(self) -> frozenset[str]:
        """The contexts whose events it follows, its own among them."""
        return frozenset(each.source for each in (*self.views, *self.reactions))


Build = Callable[[Resources], Service]
