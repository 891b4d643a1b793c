"""`nhip log`: a service's log, moved from one adapter to another while the service does not run; and begun anew after a
restore (`cli.restoring`)."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import asyncpg
import typer

from cli import restoring
from cli.catalog import SERVICES
from cli.running import WRONG_USE, Failed, run, say
from eventkit.database import connect
from eventkit.log.faults import TRANSIENT
from eventkit.log.moving import Differs, Occupied, move
from eventkit.log.postgres import HOLD, PostgresLog
from eventkit.log.postgres_moving import IntoPostgres
from eventkit.process import recovery
from eventkit.settings import Settings, load

if TYPE_CHECKING:
    from eventkit.log.kurrentdb import KurrentLog
    from eventkit.log.kurrentdb_moving import IntoKurrent

OWN = "postgresql"
"""In the stead of a URL: the service's own database, as NHIP_POSTGRES says."""
EVERY = 10_000
"""Events after which it is said how far it is."""

HELP = "A service's log: moved between PostgreSQL and KurrentDB, and what is done when it was restored from a backup."

app = typer.Typer(help=HELP, no_args_is_help=True)
for command in (restoring.restored, restoring.publish, restoring.follow):
    app.command()(command)


@app.callback()
def log() -> None:
    """A service's log: moved between PostgreSQL and KurrentDB, and what is done when it was restored from a backup."""


@app.command()
def copy(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}; it must not run.")],
    to: Annotated[str, typer.Option(help="Where the log goes: kurrentdb://…, or postgresql: the service's database.")],
    from_: Annotated[
        str, typer.Option("--from", help="Where it is: postgresql: the service's own database; or kurrentdb://…")
    ] = OWN,
) -> None:
    """Copy a service's log to where it is to be kept, and compare every event. What was there stays as it was.

    Positions stay what they are, so views, topics and other services go on as they were. Stopped at any moment, it is
    called again and goes on. Then set NHIP_LOG of the service as --to says (unset for postgresql), and start it.
    """

    async def work() -> None:
        await copied(load(), service, from_, to)

    run(work())


async def copied(settings: Settings, service: str, source: str, target: str) -> None:
    """Raises `Failed` for what was given wrong, and with what to do."""
    if service not in SERVICES:
        raise Failed(f"there is no service {service!r}: give one of {', '.join(SERVICES)}", code=WRONG_USE)
    for option, place in (("--from", source), ("--to", target)):
        if place != OWN and not place.startswith(("kurrentdb://", "kurrentdb+discover://", "esdb://")):
            raise Failed(f"{option} {place!r} is no place of a log: give {OWN} or kurrentdb://…", code=WRONG_USE)
    if (source == OWN) == (target == OWN):
        raise Failed(f"a log moves between adapters: one of --from and --to is {OWN}, not both", code=WRONG_USE)
    if not settings.postgres:
        raise Failed("NHIP_POSTGRES must say where the service's database is", code=WRONG_USE)
    said = 0

    def told(position: int) -> None:
        nonlocal said
        if position - said >= EVERY:
            said = position
            say(f"up to position {position}")

    try:
        async with AsyncExitStack() as stack:
            con = await stack.enter_async_context(_held(settings.database(service), held=source == OWN))

            async def unused() -> None:
                await recovery.not_running(con, service)

            log = await stack.enter_async_context(_source(service, source, settings))
            into = await stack.enter_async_context(_target(service, target, settings))
            moved = await move(log, into, unused, told=told)
    except (Occupied, Differs, recovery.StillRuns) as refused:
        raise Failed(str(refused)) from None
    except TRANSIENT as error:
        raise Failed(f"cut off ({type(error).__name__}: {error}): call it again, and it goes on") from None
    say(f"{moved.events} events are there as they were, {moved.copied} of them copied now")
    say("Start the service with NHIP_LOG unset" if target == OWN else "Start the service with NHIP_LOG as --to says")


@asynccontextmanager
async def _held(dsn: str, *, held: bool) -> AsyncGenerator[asyncpg.Connection]:
    """A connection to the service's database; with `held`, nobody appends to the log there as long as it lives."""
    con = await connect(dsn, "nhip log copy", command_timeout=None)
    try:
        if held:
            await con.execute(HOLD)
        yield con
    finally:
        await con.close()


def _source(service: str, place: str, settings: Settings) -> "PostgresLog | KurrentLog":
    if place == OWN:
        return PostgresLog(settings.database(service))
    from eventkit.log.kurrentdb import KurrentLog

    return KurrentLog(place, context=service, prefix=_prefix(settings))


def _target(service: str, place: str, settings: Settings) -> "IntoPostgres | IntoKurrent":
    if place == OWN:
        return IntoPostgres(settings.database(service))
    from eventkit.log.kurrentdb_moving import IntoKurrent

    return IntoKurrent(place, context=service, prefix=_prefix(settings))


def _prefix(settings: Settings) -> str:
    return settings.installation.replace("-", "_")
