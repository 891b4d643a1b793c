"""`nhip provision`: makes what services need in their engines, for those who may not make it themselves."""

import asyncio
from collections.abc import Callable

from cli.catalog import SERVICES
from cli.running import WRONG_USE, Failed, run, say
from eventkit import kafka, telemetry
from eventkit.process import provision
from eventkit.settings import Settings, load


def provision_() -> None:
    """Make databases and topics that are missing. Safe to repeat."""
    run(_provision())


async def _provision() -> None:
    settings = load()
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service="provision")
    if not settings.postgres or not settings.kafka:
        raise Failed(
            "NHIP_POSTGRES and NHIP_KAFKA must be set: where databases and topics are to be made", code=WRONG_USE
        )
    await databases_and_topics(settings, say)
    say(f"databases: {', '.join(f'nhip_{name}' for name in (*SERVICES, provision.KEYS))}")
    say(f"topics: {', '.join(map(kafka.topic, SERVICES))}")


async def databases_and_topics(settings: Settings, say: Callable[[str], None]) -> None:
    """What every service would make for itself, before any of them looks for what another makes.

    An engine that is away is waited for.

    Raises SettingsError for what waiting would not mend.
    """

    async def databases() -> None:
        try:
            await provision.databases(settings.postgres, SERVICES)
        except provision.NotProvisioned as error:
            raise provision.EngineRefused(str(error)) from error  # whose work is it, if not ours

    async def topics() -> None:
        try:
            await kafka.ensure_topics(
                settings.kafka, SERVICES, partitions=settings.kafka_partitions, replication=settings.kafka_replication
            )
        except kafka.REFUSALS as error:
            why = ": ".join((type(error).__name__, *map(str, error.args)))
            raise provision.EngineRefused(
                f"Kafka at {settings.kafka} does not make a topic that it is asked for ({why})"
            ) from error

    await asyncio.gather(
        provision.waited_for(provision.postgres_of(settings.postgres), databases, provision.POSTGRES_FAULTS, say),
        provision.waited_for(f"Kafka at {settings.kafka}", topics, kafka.FAULTS, say),
    )
