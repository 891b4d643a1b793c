"""What a service is built from, put together and not open yet: so that what it is made of can be told without any
engine."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
from pydantic import SecretStr

from eventkit.commands.decider import Commands
from eventkit.database import pool
from eventkit.directory.directory import Directory
from eventkit.kafka import Cluster, partition_of
from eventkit.log import EventLog
from eventkit.log.incarnations import Incarnations
from eventkit.log.postgres import PostgresLog
from eventkit.privacy.keys import KeyStore, master_id
from eventkit.privacy.ledger import Witness
from eventkit.privacy.words import Words
from eventkit.process import provision
from eventkit.process.service import Build, Resources, Service
from eventkit.settings import Settings
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.reached import Reached
from eventkit.telemetry import Metrics

QUERY_CONNECTIONS = 8
"""What a service's calls share, in one process."""
SUBSCRIPTION_CONNECTIONS = 4
"""What its subscriptions, reactions and relay share beside them."""

READING = {"jit": "off"}


@dataclass(frozen=True, slots=True)
class Assembly:
    """A service's parts; each is opened by who runs it."""

    log: PostgresLog | None
    """Its own, in its database; None where it is kept elsewhere."""
    pool: asyncpg.Pool
    """For its calls."""
    own: asyncpg.Pool
    """For what keeps the views up to date: connections that no crowd of callers can take from it."""
    store: KeyStore
    resources: Resources


def assembled(name: str, settings: Settings, metrics: Metrics, beside: EventLog | None = None) -> Assembly:
    """Its log is in its database, unless there is one `beside`.

    Raises SettingsError for what no service can be without. Needs a running event loop."""
    dsn = settings.database(name)
    own_log = None if beside else PostgresLog(dsn, metrics=metrics, context=name)
    log = beside or own_log
    assert log is not None
    for_calls = pool(dsn, "nhip views", QUERY_CONNECTIONS, settings=READING)
    own = pool(dsn, "nhip subscriptions", SUBSCRIPTION_CONNECTIONS, settings=READING)
    store = key_store(settings, Witness(name, for_calls))
    words, reached = Words(store, metrics), Reached(dsn, for_calls)
    incarnations = Incarnations(name, for_calls, log.stored)
    resources = Resources(
        name,
        settings,
        log,
        for_calls,
        Commands(name, log, words, lambda: incarnations.own.mark),
        words,
        Directory(for_calls, _partition(name, "people", settings), reached, own),
        reached,
        Cluster.of(settings),
        incarnations,
    )
    return Assembly(
        own_log,
        for_calls,
        own,
        store,
        resources,
    )


def planned(name: str, build: Build, settings: Settings) -> Service:
    """A service as it would run, to be read and never started: its views, and whom it follows."""
    # Nothing is opened, so neither has to be there.
    nowhere = {"postgres": "postgresql://nowhere", "master_key": SecretStr("A" * 43 + "="), "master_key_file": None}
    return build(assembled(name, settings.model_copy(update=nowhere), Metrics()).resources)


def key_store(settings: Settings, witness: Witness | None = None) -> KeyStore:
    """The keys of persons, not open yet."""
    dsn, master = settings.database(provision.KEYS), settings.key("persons")
    return KeyStore(dsn, master, old=settings.old_key("persons"), witness=witness)


async def digest_secret(store: KeyStore, settings: Settings) -> bytes:
    """What keys the digests of requests: the same when the master key was changed, for who repeats a request then."""
    first = {master_id(settings.key("persons")): settings.key("digests")}
    if (old := settings.old_key("persons")) and (digests := settings.old_key("digests")):
        first[master_id(old)] = digests
    return await store.secret("digests", first)


def _partition(name: str, context: str, settings: Settings) -> Callable[[str], int]:
    if context == name:
        return lambda _: OWN_FEED
    return lambda tenant: partition_of(tenant, settings.kafka_partitions)
