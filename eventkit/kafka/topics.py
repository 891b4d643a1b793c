"""Topics, and a look at them outside of any group."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from eventkit.kafka.faults import close
from eventkit.kafka.records import topic

log = structlog.get_logger(__name__)


async def ensure_topic(servers: str, context: str, *, partitions: int, replication: int) -> None:
    """Make a context's topic if it is missing."""
    await ensure_topics(servers, [context], partitions=partitions, replication=replication)


async def ensure_topics(servers: str, contexts: Iterable[str], *, partitions: int, replication: int) -> None:
    """Make the topics of contexts that are missing, in one request.

    They keep everything, so that a new consumer can begin at the first event. What is raised for a topic names it.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(20):
            await admin.start()
            there = await admin.list_topics()
            missing = [name for name in map(topic, contexts) if name not in there]
            if not missing:
                return
            # Records have the broker's time: a relay whose clock is wrong is no reason to refuse them.
            configs = {
                "retention.ms": "-1",
                "retention.bytes": "-1",
                "cleanup.policy": "delete",
                "message.timestamp.type": "LogAppendTime",
            }
            answer: Any = await admin.create_topics(
                [NewTopic(name, partitions, replication, topic_configs=configs) for name in missing]
            )
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(name)
            log.info("kafka.topic_created", topic=name, partitions=partitions)
    finally:
        await close(admin.close())


@asynccontextmanager
async def free_consumer(servers: str) -> AsyncGenerator[AIOKafkaConsumer]:
    """A consumer in no group, for a look at a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest", request_timeout_ms=15_000
    )
    try:
        async with asyncio.timeout(20):
            await consumer.start()
        yield consumer
    finally:
        await close(consumer.stop())
