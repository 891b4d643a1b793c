"""What a service is made of, and what it is made from: the vocabulary of every `service.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from eventkit.checkpoint import OWN_FEED
from eventkit.decider import Commands
from eventkit.directory.directory import Directory
from eventkit.kafka import partition_of
from eventkit.log import EventLog
from eventkit.privacy import Words
from eventkit.projection import AnyView
from eventkit.rpc.server import Api
from eventkit.settings import Settings
from eventkit.subscription import React


@dataclass(frozen=True, slots=True)
class Kit:
    """What a service is built from; opened and closed by the host."""

    name: str
    settings: Settings
    log: EventLog
    pool: asyncpg.Pool
    commands: Commands
    words: Words
    directory: Directory

    def partition(self, context: str) -> Callable[[str], int]:
        """Under which partition the checkpoints of a subscription to `context` are kept, by tenant."""
        if context == self.name:
            return lambda _: OWN_FEED
        return lambda tenant: partition_of(tenant, self.settings.kafka_partitions)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a service does when something happened in a context; never run by a rebuild."""

    name: str
    source: str
    react: React


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its APIs, its read models, its reactions."""

    apis: Sequence[Api]
    views: Sequence[AnyView] = ()
    reactions: Sequence[Reaction] = ()


Build = Callable[[Kit], Service]
