"""`nhip check`: whether the engines are as a service needs them, without changing anything."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID

import asyncpg
import typer

from cli.catalog import SERVICES
from cli.running import WRONG_USE, Failed, run, say
from eventkit import kafka, telemetry
from eventkit.database import connect, pool
from eventkit.log.faults import TRANSIENT
from eventkit.log.incarnations import Incarnations
from eventkit.log.port import Recorded
from eventkit.log.postgres import FIND
from eventkit.log.rows import event_of
from eventkit.privacy.installation import known_installation
from eventkit.privacy.ledger import standing_of
from eventkit.process import provision
from eventkit.process.assembly import planned
from eventkit.settings import Settings, load
from eventkit.subscriptions.table import READER

PATIENCE = 10.0
"""Seconds in which PostgreSQL has to answer who connects."""


def check(
    services: Annotated[
        list[str] | None, typer.Argument(help="The services whose engines are looked at, by this login; unset: all.")
    ] = None,
) -> None:
    """Say whether PostgreSQL and Kafka are as services need them. Changes nothing; exit code 1 when something is
    wrong."""
    run(_check(services or list(SERVICES)))


async def _check(services: Sequence[str]) -> None:
    if unknown := [name for name in services if name not in SERVICES]:
        raise Failed(f"there is no service {unknown[0]!r}: give one of {', '.join(SERVICES)}", code=WRONG_USE)
    settings = load(log_level="error")
    if not (settings.postgres or settings.kafka):
        raise Failed("there is nothing to look at: set NHIP_POSTGRES and NHIP_KAFKA", code=WRONG_USE)
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service="check")
    wrong: list[str] = []
    installation = ""
    if settings.postgres:
        found, installation = await _postgres(settings)
        wrong += found or [line for name in services if (line := await _database(settings, name))]
    else:
        say("PostgreSQL is not looked at: NHIP_POSTGRES is not set")
    if settings.kafka:
        wrong += await _kafka(settings, services, installation)
    else:
        say("Kafka is not looked at: NHIP_KAFKA is not set")
    if wrong:
        raise Failed("\n".join(wrong))


async def _postgres(settings: Settings) -> tuple[list[str], str]:
    """What is wrong, and the installation's id as far as it is known."""
    where = provision.postgres_of(settings.postgres)
    try:
        installation = await known_installation(settings.database(provision.KEYS), patience=PATIENCE)
        found = (await standing_of(settings.database(provision.KEYS), patience=PATIENCE)).sentences()
    except asyncpg.InvalidCatalogNameError:
        return [f"{where}: the database of keys is not there: `nhip provision` makes it"], ""
    except (*TRANSIENT, asyncpg.PostgresError, ValueError) as error:
        return [f"{where}: the database of keys cannot be looked at ({type(error).__name__})"], ""
    if not installation:
        return [f"{where}: the database of keys is empty: `nhip provision` fills it"], ""
    say(f"{where}: this is the installation {settings.installation} ({installation})")
    return [f"{where}: {sentence}" for sentence in found], installation


async def _database(settings: Settings, service: str) -> str:
    """What is wrong with a service's own database; empty: nothing."""
    where = f"{provision.postgres_of(settings.postgres)}: the database of {service}"
    try:
        con = await connect(settings.database(service), "nhip check", patience=PATIENCE)
        try:
            if not await con.fetchval(provision.MAY_QUERY, READER):
                return f"{where}: this login may not take the role {READER}, as which queries run: run `nhip provision`"
        finally:
            await con.close()
    except asyncpg.InvalidCatalogNameError:
        return f"{where} is not there: `nhip provision` makes it"
    except (*TRANSIENT, asyncpg.PostgresError, ValueError) as error:
        return f"{where} cannot be looked at ({type(error).__name__})"
    return ""


async def _kafka(settings: Settings, services: Sequence[str], installation: str) -> list[str]:
    cluster = kafka.Cluster.of(settings, installation)
    contexts = sorted(
        {
            name
            for service in services
            for name in (service, *planned(service, SERVICES[service].build, settings).sources)
        }
    )
    try:
        looked = await kafka.look(cluster, contexts, make=False)
        problems = dict(looked.problems)
        if settings.postgres and installation:
            problems |= await _other_logs(settings, services, cluster, looked)
    except kafka.FAULTS as error:
        return [await cluster.refusal() or f"Kafka at {cluster.servers} does not answer ({type(error).__name__})"]
    if not problems:
        say(f"Kafka at {cluster.servers}: {len(contexts)} topics are what they must be ({', '.join(sorted(contexts))})")
    return list(problems.values())


async def _other_logs(
    settings: Settings, services: Sequence[str], cluster: kafka.Cluster, looked: kafka.Looked
) -> dict[str, str]:
    """Of each service, which topics are of another log than its database has, or follows."""
    found: dict[str, str] = {}
    for service in services:
        try:
            async with pool(settings.database(service), "nhip check", 1) as own:
                if await own.fetchval("select to_regclass('followed')") is None:
                    continue  # nothing ran here yet, or nothing but a version before

                async def stored(ids: Collection[UUID], own: asyncpg.Pool = own) -> Mapping[UUID, Recorded]:
                    return {event.id: event for event in map(event_of, await own.fetch(FIND, list(ids)))}

                incarnations = Incarnations(service, own, stored)
                await incarnations.read()
                if settings.log:  # whose events are not in this database
                    looked = replace(looked, last={c: r for c, r in looked.last.items() if c != service})
                for context, why in (await kafka.other_logs(cluster, looked, incarnations)).items():
                    found[f"{service} {context}"] = why
        except (*TRANSIENT, asyncpg.PostgresError):
            continue  # said above, where databases are looked at
    return found
