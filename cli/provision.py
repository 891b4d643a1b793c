"""`nhip provision`: makes what services need in their engines, for those who may not make it themselves."""

import asyncio

from cli.catalog import SERVICES
from cli.running import WRONG_USE, Failed, run, say
from eventkit import kafka, provision, telemetry
from eventkit.settings import Settings, load


def provision_() -> None:
    """Make databases and topics that are missing. Safe to repeat."""
    run(_provision())


async def _provision() -> None:
    settings = load()
    telemetry.set_up(level=settings.log_level, format=settings.log_format, service="provision")
    if not settings.postgres or not settings.kafka:
        raise Failed("NHIP_POSTGRES and NHIP_KAFKA must be set: where databases and topics are to be made", code=WRONG_USE)
    await databases_and_topics(settings)
    say(f"databases: {', '.join(f'nhip_{name}' for name in (*SERVICES, provision.KEYS))}")
    say(f"topics: {', '.join(map(kafka.topic, SERVICES))}")


async def databases_and_topics(settings: Settings) -> None:
    """What every service would make for itself, before any of them looks for what another makes."""

    async def topic(name: str) -> None:
        await kafka.ensure_topic(settings.kafka, name, partitions=settings.kafka_partitions, replication=settings.kafka_replication)

    await asyncio.gather(provision.databases(settings.postgres, SERVICES), *map(topic, SERVICES))
