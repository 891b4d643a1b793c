"""Makes what a service needs in its engines: databases, the reader role, tables.

Safe to repeat, from several processes at once.
"""

import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog

from eventkit.database import SharedConnection, connect, refuse_shared, transaction
from eventkit.engine_settings import KEYS
from eventkit.kafka import relay
from eventkit.log import incarnations
from eventkit.log.faults import TRANSIENT, Backoff
from eventkit.privacy import ledger
from eventkit.process import use
from eventkit.settings import Settings, SettingsError, masked
from eventkit.subscriptions import checkpoint, parking, readers
from eventkit.subscriptions.projection import AnyView
from eventkit.subscriptions.readers import Reader
from eventkit.subscriptions.table import READER

log = structlog.get_logger(__name__)

SAY_SECONDS = 20.0
MAY_QUERY = "select exists(select from pg_roles where rolname = $1 and pg_has_role(oid, 'set'))"
"""Whether this login may take a role."""

Outcome = TypeVar("Outcome")
Say = Callable[[str], None]


class EngineRefused(SettingsError):
    """An engine is there and does not take what the settings say: waiting would not help."""


class NotProvisioned(Exception):
    """Something is missing that this login may not make."""


def _nobody(_: str) -> None:
    """Nobody looks on."""


POSTGRES_FAULTS: tuple[type[Exception], ...] = (*TRANSIENT, NotProvisioned)
"""What passes by itself, or when somebody else has made what is missing."""


class ShapeChanged(Exception):
    """A table is there already, in another shape than the code's: tables of views are never altered."""


def kurrentdb_of(url: str) -> str:
    """Where it is, without login and options."""
    return f"KurrentDB at {urlsplit(url).netloc.rpartition('@')[2]}"


def postgres_of(server: str) -> str:
    return f"PostgreSQL at {masked(server)}"


async def waited_for(
    what: str, work: Callable[[], Awaitable[Outcome]], faults: tuple[type[Exception], ...], say: Say = _nobody
) -> Outcome:
    """What some work comes to, as soon as what it needs is there.

    Says in the log for what it waits, and at first and now and then to who looks on.
    """
    backoff, told = Backoff(), 0.0
    while True:
        try:
            return await work()
        except faults as error:
            why = str(error) if isinstance(error, NotProvisioned) else type(error).__name__
            log.warning("engine.waited_for", engine=what, why=why)
            if not told or time.monotonic() - told > SAY_SECONDS:
                told = time.monotonic()
                say(f"Waiting for {what} ({why})…")
            await backoff.pause()


async def databases(settings: Settings, services: Iterable[str]) -> None:
    """The services' databases, the key store's, and the role that queries run as.

    Needs a login that may create them, or finds them.

    Raises NotProvisioned, EngineRefused, and what the connection raises.
    """
    server = settings.server()
    try:
        await _databases(server, [settings.database_name(name) for name in (*services, KEYS)])
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotProvisioned(
            f"the databases, or the role {READER}, are not there, and this login may not make them: run `nhip "
            "provision` with one that may"
        ) from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
        raise EngineRefused(
            f"{postgres_of(server)} does not take this login, or has no such database ({type(error).__name__}): put "
            "NHIP_POSTGRES right"
        ) from error
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        raise EngineRefused(
            f"{postgres_of(server)} cannot be connected to ({type(error).__name__}): put NHIP_POSTGRES right"
        ) from error


@asynccontextmanager
async def rights_waited_for() -> AsyncGenerator[None]:
    """Raises NotProvisioned where a login lacks a right inside: who provisions gives it."""
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise NotProvisioned(
            f"{error}: this login may not, so run `nhip provision --logins` of this version"
        ) from error


async def not_shared(settings: Settings, name: str) -> None:
    """Raises EngineRefused for a pooler in transaction mode, and what the connection raises."""
    try:
        await refuse_shared(settings.database(name))
    except SharedConnection as error:
        raise EngineRefused(f"{postgres_of(settings.postgres)}: {error}") from error


async def _databases(server: str, names: Iterable[str]) -> None:
    con = await connect(server, "nhip provision")
    try:
        await con.execute("select pg_advisory_lock(hashtext('nhip provision'))")
        if not await con.fetchval("select exists (select from pg_roles where rolname = $1)", READER):
            await con.execute(f"create role {READER} nologin")
            await con.execute(f"grant {READER} to current_user")  # so that queries may take the role
        for name in names:
            if not await con.fetchval("select exists (select from pg_database where datname = $1)", name):
                await con.execute(f"create database {name} template template0 encoding 'UTF8'")
                log.info("provision.database", database=name)
    finally:
        await con.close()


def _not_made(table: str) -> NotProvisioned:
    return NotProvisioned(
        f"the table {table} is not there, and this login may not make it: run `nhip provision` of this version"
    )


async def tables(
    pool: asyncpg.Pool, views: Sequence[AnyView], reader: Reader | None = None, beside: Sequence[str] = ()
) -> None:
    """The tables of subscriptions and of views that are not there yet, and who reads them from now on, if anybody.

    A table that is there is never altered.
    """
    async with transaction(pool) as con:
        await con.execute(readers.LOCK)
        if not await con.fetchval(MAY_QUERY, READER):
            raise NotProvisioned(
                f"this login may not take the role {READER}, as which queries run: run `nhip provision --logins`, or "
                f"grant {READER} to it"
            )
        may_make = await con.fetchval("select has_schema_privilege(current_schema(), 'create')")
        statements = (
            checkpoint.SCHEMA,
            parking.SCHEMA,
            relay.SCHEMA,
            readers.SCHEMA,
            use.SCHEMA,
            incarnations.SCHEMA,
            ledger.WITNESS,
            *beside,
        )
        if may_make:
            await con.execute(";".join(statements))
            await con.execute(
                f"grant select on checkpoint, refolded to {READER}"
            )  # an answer says how far what it shows had been applied
            await con.execute(
                f"grant select (subscription, position) on parked to {READER}"
            )  # what is remembered of rows holds until something parked is brought back
        else:
            for name in re.findall(r"create table if not exists (\w+)", ";".join(statements)):
                if await con.fetchval("select to_regclass($1)", name) is None:
                    raise _not_made(name)
        for view in views:
            if await con.fetchval("select to_regclass($1)", view.table.name) is None:
                if await con.fetchval(
                    "select exists (select from checkpoint where subscription = $1 and position > 0)", view.subscription
                ):
                    raise ShapeChanged(
                        f"{view.table.name} is missing, but {view.subscription} has begun: "
                        f"{type(view).__name__} and its group take the next version"
                    )
                if not may_make:
                    raise _not_made(view.table.name)
                await con.execute(view.table.ddl())
                log.info("provision.view", table=view.table.name)
            columns = await con.fetch(
                "select column_name from information_schema.columns where table_schema = current_schema() and "
                "table_name = $1",
                view.table.name,
            )
            if {row["column_name"] for row in columns} != set(view.table.columns):
                raise ShapeChanged(
                    f"{view.table.name} has other columns than {type(view).__name__}: a view that changes its row "
                    "takes the next version"
                )
        if reader:
            await readers.register(con, reader, views)
