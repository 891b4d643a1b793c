"""Topics made by others, and topics of others: what does not fit is a sentence, and is neither read nor written."""

from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from eventkit.kafka import Cluster, Topics, TopicUnfit, ensure_topics
from eventkit.telemetry import Metrics
from tests.integration.eventkit.topics import PARTITIONS, running, until, world


async def made(cluster: Cluster, context: str, partitions: int, **configs: str) -> None:
    """A topic as somebody else makes it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.servers)
    await admin.start()
    try:
        named = {name.replace("_", "."): value for name, value in configs.items()}
        await admin.create_topics([NewTopic(cluster.topic(context), partitions, 1, topic_configs=named)])
    finally:
        await admin.close()


async def test_what_a_topic_of_others_lacks_is_said_in_one_sentence_each(kafka: str):
    cluster, context = Cluster(kafka, 4, 1), f"test-{uuid4().hex[:8]}"
    await made(
        cluster, context, 3, cleanup_policy="compact", retention_ms="604800000", min_insync_replicas="2",
        max_message_bytes="4096",
    )  # fmt: skip
    told = (await ensure_topics(cluster, [context]))[context].split("; ")
    topic = cluster.topic(context)
    assert [sentence.removeprefix(topic).split(":")[0] for sentence in told] == [
        " has 3 partitions and NHIP_KAFKA_PARTITIONS is 4",
        " is cleaned up by 'compact', which drops events that others follow on",
        " has retention.ms=604800000 and would forget",
        " has min.insync.replicas=2 and 1 copy, so nothing can be published",
        " takes batches of max.message.bytes=4096 only",
    ]
    few = replace(cluster, partitions=3, replication=3)
    assert (
        "1 copy of a partition and NHIP_KAFKA_REPLICATION asks for 3" in (await ensure_topics(few, [context]))[context]
    )


async def test_a_topic_that_does_not_fit_is_not_published_to_until_it_does(kafka: str, postgres: str):
    async with world(postgres, Cluster(kafka, PARTITIONS, 1)) as there:
        await made(there.kafka, there.context, PARTITIONS + 1, retention_ms="-1")
        await there.append(5)
        async with running(there.relay().run):

            async def it_is_said() -> bool:
                return there.count("nhip_unfit_topics") == 1

            await until(it_is_said)
            assert await there.relayed() == 0
            await there.delete_topic()
            await there.until_relayed()
    assert there.count("nhip_unfit_topics") == 0


async def test_a_topic_of_another_installation_is_neither_read_nor_written(kafka: str, postgres: str):
    ours = Cluster(kafka, PARTITIONS, 1, id="staging-id")
    theirs = replace(ours, id="production-id")
    async with world(postgres, theirs) as there:
        await there.append(10, tenants=["acme"])
        async with running(there.relay().run):
            await there.until_relayed()
        before = await there.published()
        there.kafka = ours
        await there.pool.execute("truncate relay")
        topics = Topics(ours, [there.context], Metrics())
        with pytest.raises(TopicUnfit, match=r"another installation \(production-id; this one is staging-id"):
            await topics.fit(there.context)
        async with running(there.relay().run, there.reader().run):

            async def both_were_refused() -> bool:
                return all(there.count("nhip_subscription_retries_total", subscription=x) for x in ("relay", "notes"))

            await until(both_were_refused)
        assert (await there.published(), await there.noted()) == (before, {})
        there.kafka = replace(ours, installation="staging")  # with a name of its own it has topics of its own
        async with running(there.relay().run, there.reader().run):
            await there.until_all_is_noted()


async def test_a_record_of_another_installation_in_the_middle_of_a_topic_stops_its_reader(kafka: str, postgres: str):
    """As when both wrote before either had an id that the other could see."""
    async with world(postgres, Cluster(kafka, PARTITIONS, 1, id="theirs")) as there:
        await there.append(4, tenants=["acme"])
        async with running(there.relay().run):
            await there.until_relayed()
            there.kafka = replace(there.kafka, id="")
        async with running(there.relay().run):
            await there.append(4, tenants=["acme"])
            await there.until_relayed()
        there.kafka = replace(there.kafka, id="ours")
        async with running(there.reader().run):

            async def it_is_said() -> bool:
                return there.count("nhip_unfit_topics") == 1

            await until(it_is_said)
        assert await there.noted() == {}
