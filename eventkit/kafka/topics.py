"""An installation's topics: made where they are missing, held against what they must be, and looked at outside of any
group."""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from eventkit.kafka.cluster import Cluster
from eventkit.kafka.faults import FAULTS, TopicUnfit, close
from eventkit.kafka.records import ForeignRecord, Received, received
from eventkit.log.incarnations import Incarnation, Incarnations
from eventkit.telemetry import Metrics

log = structlog.get_logger(__name__)

KEEPS = {"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
"""Topics keep everything, so that a new reader can begin at the first event."""
LARGEST_RECORD = 1_000_000
"""Bytes that a topic must take in one batch: relays send up to a quarter of that together, and larger events alone."""
LOOK_SECONDS = 15.0
"""How often a process looks whether its topics still are what they must be."""
FRESH_SECONDS = 2.0
"""For how long a look holds for who is about to read or write."""


class Topics:
    """The topics that one process writes and reads.

    Nothing is read or written before its topic was seen to be fit: a reader that joined the group of a topic of
    somebody else would take partitions from whoever belongs there. With `incarnations`, a topic must be of those that
    the service knows, and the own one must hold nothing that the own log does not.
    """

    def __init__(
        self,
        cluster: Cluster,
        contexts: Iterable[str],
        metrics: Metrics,
        incarnations: Incarnations | None = None,
    ):
        self.cluster, self._contexts, self._metrics = cluster, tuple(dict.fromkeys(contexts)), metrics
        self.incarnations = incarnations
        self._problems: Mapping[str, str] = {}
        self._foreign: dict[str, str] = {}
        """What readers came upon in the middle of a topic: it stands until the process ends."""
        self._refused = ""
        self._looked, self._away = -1e9, False
        self._looking = asyncio.Lock()
        self.first_look = asyncio.Event()
        """Set when the first look has ended, whatever it found; an absent Kafka ends it, too."""
        metrics.unfit_topics.set(0)
        metrics.other_logs.set(0)

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong, by topic, as sentences; under "kafka" what is wrong with all of it."""
        found = {self.cluster.topic(context): why for context, why in {**self._problems, **self._foreign}.items()}
        return found | ({"kafka": self._refused} if self._refused else {})

    async def fit(self, context: str, *, within: float = FRESH_SECONDS) -> None:
        """Returns when the context's topic is there and what it must be, by a look of the last `within` seconds.

        Raises TopicUnfit with a sentence, or what Kafka raises.
        """
        async with self._looking:
            if time.monotonic() - self._looked > within:
                await self._look()
            elif self._away:  # who waited here for the look of somebody else does not try it once more
                raise KafkaConnectionError(f"Kafka at {self.cluster.servers} was away a moment ago")
        self.check(context)

    def check(self, context: str) -> None:
        """Raises TopicUnfit when the last look found a fault with the context's topic."""
        if why := {**self._problems, **self._foreign}.get(context):
            raise TopicUnfit(why)

    def foreign(self, context: str, belongs_to: str) -> TopicUnfit:
        """Remembers that a record of another installation was found, and answers the error to raise."""
        self._foreign[context] = _belongs_elsewhere(self.cluster, context, belongs_to)
        self._metrics.unfit_topics.set(len(self.problems))
        log.error("kafka.unfit", topic=self.cluster.topic(context), why=self._foreign[context])
        return TopicUnfit(self._foreign[context])

    async def is_followed(self, context: str, incarnation: Incarnation) -> bool:
        """Whether a record of that incarnation is to be read. False for one of an earlier: a process from before a
        restore still wrote. The first that is heard of is the one that is followed.

        Raises TopicUnfit for one that began since.
        """
        if not self.incarnations:
            return True
        if (known := self.incarnations.of(context)) is None:
            await self.incarnations.adopt(context, incarnation)
            known = self.incarnations.of(context)
        if known is None or known == incarnation:
            return True
        if incarnation.number < known.number:
            return False
        self._looked = -1e9
        raise TopicUnfit(_begun_anew(self.cluster, self.incarnations.name, context, known, incarnation))

    async def run(self, beat: Callable[[], None]) -> None:
        """For ever: looks, says what is wrong, and looks again. A Kafka that is away changes nothing."""
        while True:
            try:
                async with self._looking:
                    await self._look()
            except FAULTS as error:
                log.warning("topics.retry", error=type(error).__name__)
            for name, why in self.problems.items():
                log.error("kafka.unfit", topic=name, why=why)
            self.first_look.set()
            beat()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        self._away = True
        try:
            looked, others = await look(self.cluster, self._contexts), dict[str, str]()
            if self.incarnations:
                await self.incarnations.read()  # an operator may have brought it over
                others = await other_logs(self.cluster, looked, self.incarnations)
            self._problems = {**looked.problems, **others}
            self._away, self._refused = False, ""
            self._metrics.other_logs.set(len(others))
        except FAULTS:
            self._refused = await self.cluster.refusal()
            raise
        finally:
            self._looked = time.monotonic()
            self._metrics.unfit_topics.set(len(self.problems))


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found of some contexts' topics."""

    problems: Mapping[str, str]
    """What is not what it must be, by context, as a sentence."""
    last: Mapping[str, Sequence[Received]]
    """The last records of their partitions."""


async def ensure_topics(cluster: Cluster, contexts: Iterable[str], *, make: bool = True) -> Mapping[str, str]:
    """Make the topics of contexts that are missing, and say of each that is not what it must be, by context, why.

    Unless it is to `make` them, one that is missing is not what it must be. Raises what Kafka raises; what it does not
    allow is a sentence as well.
    """
    return (await look(cluster, contexts, make=make)).problems


async def look(cluster: Cluster, contexts: Iterable[str], *, make: bool = True) -> Looked:
    """As `ensure_topics`, with what the topics end with, for who has an id."""
    names = {cluster.topic(context): context for context in contexts}
    problems: dict[str, list[str]] = {context: [] for context in names.values()}
    async with _admin(cluster) as admin:
        described = {one["topic"]: one for one in await admin.describe_topics()}
        missing = [name for name in names if name not in described]
        refused = await _make(admin, cluster, missing) if make else {name: _missing(name) for name in missing}
        for name, why in refused.items():
            problems[names[name]].append(why)
        there = [name for name in names if name in described]
        for name in there:
            problems[names[name]] += _layout(cluster, described[name])
        for name, why in (await _configured(admin, cluster, there, described)).items():
            problems[names[name]] += why
    last = await _last(cluster, {name: len(described[name]["partitions"]) for name in there}) if cluster.id else {}
    for name, records in last.items():
        for owner in {record.installation for record in records} - {"", cluster.id}:
            problems[names[name]].append(_belongs_elsewhere(cluster, names[name], owner))
    return Looked(
        {context: "; ".join(found) for context, found in problems.items() if found},
        {names[name]: records for name, records in last.items()},
    )


async def other_logs(cluster: Cluster, looked: Looked, incarnations: Incarnations) -> dict[str, str]:
    """Of the topics that are of another log than the one that the service has, or follows, what to do about it."""
    service, found = incarnations.name, dict[str, str]()
    for context, records in looked.last.items():
        if context in looked.problems:
            continue
        known = incarnations.of(context)
        for incarnation in sorted({record.incarnation for record in records if record.incarnation}):  # last the latest
            if known and incarnation != known:
                found[context] = (_own_differs if context == service else _begun_anew)(
                    cluster, service, context, known, incarnation
                )
    own = looked.last.get(service, ())
    if own and service not in found and service not in looked.problems:
        stored = await incarnations.stored([record.event.id for record in own])
        for event in (record.event for record in own):
            there = stored.get(event.id)
            if there is None or there.position != event.position:
                found[service] = (
                    f"{cluster.topic(service)} has an event at position {event.position} that the log of {service} "
                    f"does not have there: the log was restored to an earlier moment, so stop {service} and call "
                    f"`nhip log restored {service}`; or somebody else writes to the topic"
                )
    return found


async def ensure_topic(cluster: Cluster, context: str) -> None:
    """The same of one. Raises TopicUnfit where it is not what it must be."""
    if why := (await ensure_topics(cluster, [context])).get(context):
        raise TopicUnfit(why)


@asynccontextmanager
async def free_consumer(cluster: Cluster) -> AsyncGenerator[AIOKafkaConsumer]:
    """A consumer in no group, for a look at a topic. Raises ConnectionError where the broker is away, which callers of
    an RPC are told as what passes."""
    consumer = AIOKafkaConsumer(
        **cluster.client(), enable_auto_commit=False, auto_offset_reset="earliest", request_timeout_ms=15_000
    )
    try:
        try:
            async with asyncio.timeout(20):
                await consumer.start()
        except KafkaConnectionError as error:
            raise ConnectionError(f"Kafka at {cluster.servers} does not answer") from error
        yield consumer
    finally:
        await close(consumer.stop())


@asynccontextmanager
async def _admin(cluster: Cluster) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**cluster.client(), request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(20):
            await admin.start()
            yield admin
    finally:
        await close(admin.close())


async def _make(admin: AIOKafkaAdminClient, cluster: Cluster, names: Sequence[str]) -> dict[str, str]:
    """Makes topics; of those that this login may not make, why that matters."""
    if not names:
        return {}
    # Records have the broker's time: a relay whose clock is wrong is no reason to refuse them.
    configs = {**KEEPS, "message.timestamp.type": "LogAppendTime"}
    if cluster.replication > 2:
        configs["min.insync.replicas"] = "2"
    answer: Any = await admin.create_topics(
        [NewTopic(name, cluster.partitions, cluster.replication, topic_configs=configs) for name in names]
    )
    refused: dict[str, str] = {}
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if error in (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
            refused[name] = (
                f"the topic {name} is not there for this login, which may not make it either: run `nhip provision` "
                "with one that may, and grant what `nhip provision --print-acls` prints"
            )
        elif code and error is not TopicAlreadyExistsError:
            raise error(name)
        elif not code:
            log.info("kafka.topic_created", topic=name, partitions=cluster.partitions)
    return refused


def _missing(name: str) -> str:
    return f"the topic {name} is not there, or not for this login: `nhip provision` makes it"


def _layout(cluster: Cluster, described: Mapping[str, Any]) -> list[str]:
    """What is wrong with a topic's partitions and their copies."""
    name, partitions = described["topic"], described["partitions"]
    wrong: list[str] = []
    if len(partitions) != cluster.partitions:
        wrong.append(
            f"{name} has {len(partitions)} partitions and NHIP_KAFKA_PARTITIONS is {cluster.partitions}: set that to "
            f"{len(partitions)}, for every service, or make the topic with {cluster.partitions} while it is empty"
        )
    copies = min((len(partition["replicas"]) for partition in partitions), default=0)
    if copies < cluster.replication:
        wrong.append(
            f"{name} has {_several(copies, 'copy', 'copies')} of a partition and NHIP_KAFKA_REPLICATION asks for "
            f"{cluster.replication}: reassign its partitions, or ask for fewer"
        )
    return wrong


async def _configured(
    admin: AIOKafkaAdminClient, cluster: Cluster, names: Sequence[str], described: Mapping[str, Any]
) -> dict[str, list[str]]:
    """What is wrong with how topics are configured."""
    if not names:
        return {}
    answer: Any
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    wrong: dict[str, list[str]] = {}
    for code, message, _, name, entries in answer.resources:
        if code:
            wrong[name] = [
                f"how {name} is configured is not shown to this login ({message or for_code(code).__name__}): grant it "
                "DescribeConfigs, as `nhip provision --print-acls` prints"
            ]
            continue
        copies = min((len(partition["replicas"]) for partition in described[name]["partitions"]), default=0)
        wrong[name] = _misconfigured(name, {entry[0]: entry[1] for entry in entries}, copies)
    return wrong


def _misconfigured(name: str, has: Mapping[str, str], copies: int) -> list[str]:
    wrong: list[str] = []
    if has["cleanup.policy"] != KEEPS["cleanup.policy"]:
        wrong.append(
            f"{name} is cleaned up by {has['cleanup.policy']!r}, which drops events that others follow on: set "
            "cleanup.policy=delete"
        )
    for key in ("retention.ms", "retention.bytes"):
        if has[key] != KEEPS[key]:
            wrong.append(
                f"{name} has {key}={has[key]} and would forget: a new reader begins with the first event, so set "
                f"{key}=-1"
            )
    in_sync = int(has["min.insync.replicas"])
    if in_sync > copies:
        wrong.append(
            f"{name} has min.insync.replicas={in_sync} and {_several(copies, 'copy', 'copies')}, so nothing can be "
            "published: set it to one less than the copies"
        )
    elif copies > 2 and in_sync < 2:
        wrong.append(
            f"{name} has min.insync.replicas={in_sync}, so one broker's lost disk loses what was acknowledged: set it "
            "to 2"
        )
    if int(has["max.message.bytes"]) < LARGEST_RECORD:
        wrong.append(
            f"{name} takes batches of max.message.bytes={has['max.message.bytes']} only: set it to {LARGEST_RECORD} or "
            "more"
        )
    return wrong


async def _last(cluster: Cluster, partitions: Mapping[str, int]) -> dict[str, list[Received]]:
    """The last record of each partition of some topics, of which so many there are."""
    last: dict[str, list[Received]] = {topic: [] for topic in partitions}
    if not partitions:
        return last
    async with free_consumer(cluster) as consumer, asyncio.timeout(20):
        all_of_them = [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
        first, end = await consumer.beginning_offsets(all_of_them), await consumer.end_offsets(all_of_them)
        unread = {partition for partition in all_of_them if end[partition] > first[partition]}
        consumer.assign(list(unread))
        for partition in unread:
            consumer.seek(partition, end[partition] - 1)
        while unread:
            for partition, records in (await consumer.getmany(timeout_ms=1_000)).items():
                unread.discard(partition)
                with suppress(ForeignRecord):
                    last[partition.topic].append(received(records[-1]))
        return last


async def empty_topics(cluster: Cluster, contexts: Sequence[str]) -> None:
    """Delete topics and make them anew: relays then publish their logs from the first event.

    Raises what Kafka raises, and TopicUnfit where one cannot be made as it must be.
    """
    names = [cluster.topic(context) for context in contexts]
    async with _admin(cluster) as admin:
        answer: Any = await admin.delete_topics([name for name in names if name in await admin.list_topics()])
        for name, code, *_ in answer.topic_error_codes:
            if code:
                raise for_code(code)(name)
        async with asyncio.timeout(60):
            while set(names) & set(await admin.list_topics()):
                await asyncio.sleep(0.1)
    if problems := await ensure_topics(cluster, contexts):
        raise TopicUnfit("; ".join(problems.values()))


def _own_differs(cluster: Cluster, service: str, context: str, known: Incarnation, incarnation: Incarnation) -> str:
    """An earlier incarnation is left in the topic. One that the log never had was there before the log went back."""
    why = (
        f"{cluster.topic(context)} holds records of another incarnation of its log ({incarnation}; the log is {known})"
    )
    if incarnation.number < known.number:
        return f"{why}: stop {service}, and publish it anew (`nhip log publish {context}`)"
    return (
        f"{why}, which began later: the log was restored to an earlier moment, so stop {service} and call `nhip log "
        f"restored {context}`"
    )


def _begun_anew(cluster: Cluster, service: str, context: str, known: Incarnation, incarnation: Incarnation) -> str:
    return (
        f"{cluster.topic(context)} is of another incarnation of the log of {context} ({incarnation}) than the one that "
        f"{service} follows ({known}): {context} was restored from a backup, so stop {service}, and bring {service} "
        f"over (`nhip log follow {service} {context}`)"
    )


def _belongs_elsewhere(cluster: Cluster, context: str, owner: str) -> str:
    return (
        f"{cluster.topic(context)} belongs to another installation ({owner}; this one is {cluster.id}): give this one "
        "a name of its own by NHIP_INSTALLATION, or its own Kafka"
    )


def _several(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"
