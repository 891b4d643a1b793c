"""`nhip provision`: makes what services need in their engines, for those who may not make it themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from cli.catalog import SERVICES
from cli.running import WRONG_USE, Failed, run, say
from eventkit import kafka, telemetry
from eventkit.privacy.installation import installation
from eventkit.process import logins, provision
from eventkit.process.assembly import planned
from eventkit.settings import Settings, load

PRINCIPAL = "User:{installation}-{service}"


def provision_(
    print_acls: Annotated[
        bool,
        typer.Option(
            "--print-acls",
            help="Make nothing: print, as calls of kafka-acls, what each service must be allowed at Kafka.",
        ),
    ] = False,
    logins_: Annotated[
        Path | None,
        typer.Option(
            "--logins",
            help="Make tables, too, and a login for each service that opens its own database alone; in this folder a "
            "file of each service's name, and keys, holds its password.",
        ),
    ] = None,
    principal: Annotated[
        str, typer.Option(help="Of --print-acls: how Kafka names a service, as User:CN={service}.example.com.")
    ] = PRINCIPAL,
) -> None:
    """Make databases and topics that are missing. Safe to repeat."""
    run(_print_acls(principal) if print_acls else _provision(logins_))


async def _print_acls(principal: str) -> None:
    settings = load()
    if "{service}" not in principal or not principal.startswith("User:"):
        raise Failed(f"--principal {principal!r} must be User:…, with {{service}} in it", code=WRONG_USE)
    cluster = kafka.Cluster.of(settings)
    sources = {name: planned(name, known.build, settings).sources for name, known in SERVICES.items()}
    named = principal.replace("{installation}", settings.installation)
    for line in kafka.acl_commands(cluster, kafka.acls(cluster, sources), named):
        say(line)


async def _provision(folder: Path | None) -> None:
    settings = load()
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service="provision")
    if not settings.postgres or not settings.kafka:
        raise Failed(
            "NHIP_POSTGRES and NHIP_KAFKA must be set: where databases and topics are to be made", code=WRONG_USE
        )
    services = {name: planned(name, known.build, settings) for name, known in SERVICES.items()} if folder else {}
    words = logins.passwords(folder, services) if folder else {}
    await databases_and_topics(settings, say)
    if folder:
        try:
            given = await logins.give(settings, services, words)
        except asyncpg.InsufficientPrivilegeError as error:
            raise provision.EngineRefused(f"NHIP_POSTGRES must be of a login that may make roles ({error})") from error
        say(f"logins: {', '.join(given)}")
    say(f"databases: {', '.join(map(settings.database_name, (*SERVICES, provision.KEYS)))}")
    say(f"topics: {', '.join(map(kafka.Cluster.of(settings).topic, SERVICES))}")


async def databases_and_topics(settings: Settings, say: Callable[[str], None]) -> None:
    """What every service would make for itself, before any of them looks for what another makes.

    An engine that is away is waited for.

    Raises SettingsError for what waiting would not mend.
    """

    async def databases() -> None:
        try:
            await provision.databases(settings, SERVICES)
        except provision.NotProvisioned as error:
            raise provision.EngineRefused(str(error)) from error  # whose work is it, if not ours

    async def topics() -> None:
        try:
            problems = await kafka.ensure_topics(cluster, SERVICES)
        except kafka.REFUSALS as error:
            why = ": ".join((type(error).__name__, *map(str, error.args)))
            raise provision.EngineRefused(
                f"Kafka at {settings.kafka} does not make a topic that it is asked for ({why})"
            ) from error
        except kafka.FAULTS as error:
            if refusal := await cluster.refusal():
                raise provision.EngineRefused(refusal) from error
            raise
        if problems:
            raise provision.EngineRefused("\n".join(problems.values()))

    await provision.waited_for(provision.postgres_of(settings.postgres), databases, provision.POSTGRES_FAULTS, say)
    # Whose the topics are can be told by the id alone, which is kept with the keys.
    cluster = kafka.Cluster.of(settings, await installation(settings.database(provision.KEYS)))
    await provision.waited_for(f"Kafka at {settings.kafka}", topics, kafka.FAULTS, say)
