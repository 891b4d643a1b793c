"""Single events of a context's topic for a program of one's own: a FastStream broker that loses nothing.

For integrators. Nhip's own subscriptions keep their place beside what they write (`reading`); a subscriber of this kind
keeps it in Kafka, so an event may come again and its handler has to bear that (`event.id` is the same again).

    broker = subscriber(Cluster("kafka:9092"), "goals", group="payroll", handle=handle)
    await FastStream(broker).run()
"""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaAckableMessage
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram256, SASLScram512

from eventkit.kafka.cluster import BEARER, Cluster
from eventkit.kafka.faults import FAULTS
from eventkit.kafka.records import ForeignRecord, Received, received
from eventkit.log import Recorded
from eventkit.log.faults import Backoff
from eventkit.log.incarnations import Incarnation

log = structlog.get_logger(__name__)

Handle = Callable[[Recorded], Awaitable[None]]
Anew = Callable[[Incarnation], Awaitable[None]]
SetAside = Callable[["ConsumerRecord[Any, Any]", Exception], Awaitable[None]]


_BY_PASSWORD = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}


class BegunAnew(Exception):
    """A context's log was restored from a backup, and nobody said what to do about that."""


async def stop(incarnation: Incarnation) -> None:
    """Handle nothing of the restored log: its events behind `after` stand in the place of others that were handled."""
    raise BegunAnew(str(incarnation))


async def only_say(record: "ConsumerRecord[Any, Any]", error: Exception) -> None:
    """Set nothing aside: the record stays in the topic, and the log says where."""


def subscriber(
    cluster: Cluster,
    context: str,
    *,
    group: str,
    handle: Handle,
    set_aside: SetAside = only_say,
    known: str = "",
    anew: Anew = stop,
    transient: tuple[type[Exception], ...] = FAULTS,
    graceful_timeout: float = 15.0,
) -> KafkaBroker:
    """A broker that gives every event of a context's topic to `handle`, the first one first, each tenant's in order.

    FastStream's own defaults would lose events: it commits before handling, begins at the newest, loses a message with
    a header that is no UTF-8 or whose handler raises, or hands that one out again without end. So nothing ever raises
    here: what is `transient` is tried again with growing pauses, anything else goes to `set_aside` with its error,
    records that no relay wrote too. A handler that runs when the broker is stopped has `graceful_timeout` seconds to
    end; after that its event comes again.

    A log that was restored from a backup begins a new incarnation, and its topic begins again with the first event.
    Before anything of one that is not `known` is handled, `anew` is given it, once for each partition, and again until
    it returns: what was handled of positions behind `incarnation.after` is gone from the log. By default it stops
    there, and says so. A program that keeps the last incarnation (`str(incarnation)`) and gives it as `known` notices
    also what happened while it was not there; without, the first one it meets is taken as known.
    """
    followed: dict[int, str] = {}
    broker = KafkaBroker(
        cluster.servers,
        **_security(cluster.security.client()),
        allow_auto_create_topics=False,
        metadata_max_age_ms=5_000,  # a topic that was made anew is found within seconds, not minutes
        apply_types=False,
        graceful_timeout=graceful_timeout,
    )

    async def parse(record: "ConsumerRecord[Any, Any]") -> KafkaAckableMessage:
        item: Received | ForeignRecord
        try:
            item = received(record)
        except ForeignRecord as error:
            item = error
        return KafkaAckableMessage(body=item, raw_message=record, consumer=subscription.consumer)  # type: ignore[arg-type]

    async def decode(message: KafkaAckableMessage) -> KafkaAckableMessage:
        return message

    async def wrapped(message: KafkaAckableMessage) -> None:
        item: Any = message.body
        record: Any = message.raw_message
        backoff = Backoff()
        while True:
            try:
                if isinstance(item, ForeignRecord):
                    raise item
                if item.incarnation and (of := str(item.incarnation)) != followed.get(record.partition, known or of):
                    await anew(item.incarnation)
                if item.incarnation:
                    followed[record.partition] = str(item.incarnation)
                await handle(item.event)
                return
            except BegunAnew as error:
                log.error("subscriber.begun_anew", group=group, incarnation=str(error))
                await backoff.pause()
            except transient as error:
                log.warning("subscriber.retry", group=group, offset=record.offset, error=type(error).__name__)
                await backoff.pause()
            except Exception as error:
                log.error(
                    "subscriber.set_aside",
                    group=group,
                    partition=record.partition,
                    offset=record.offset,
                    error=type(error).__name__,
                )
                if await _set_aside(set_aside, record, error):
                    return
                await backoff.pause()

    subscription: Any = broker.subscriber(
        cluster.topic(context),
        group_id=group,
        auto_offset_reset="earliest",
        # commits what was handled; nothing raises, and a cancelled handler commits nothing
        ack_policy=AckPolicy.NACK_ON_ERROR,
        parser=parse,
        decoder=decode,
    )
    subscription(wrapped)
    return broker


async def _set_aside(set_aside: SetAside, record: "ConsumerRecord[Any, Any]", error: Exception) -> bool:
    """Whether it could be set aside; until then nothing behind it is handled, for it would be lost."""
    try:
        await set_aside(record, error)
    except Exception as failure:
        log.error("subscriber.set_aside_failed", error=type(failure).__name__)
        return False
    return True


def _security(client: Mapping[str, Any]) -> Mapping[str, Any]:
    """What aiokafka's clients are given, for a broker of FastStream."""
    tls, mechanism = client["ssl_context"], client.get("sasl_mechanism")
    with_tls: dict[str, Any] = {"ssl_context": tls, "use_ssl": tls is not None}
    if mechanism == BEARER:
        tokens = client["sasl_oauth_token_provider"]
        return {"security": SASLOAuthBearer(**with_tls), "sasl_oauth_token_provider": tokens}
    if mechanism:
        user, password = client["sasl_plain_username"], client["sasl_plain_password"]
        return {"security": _BY_PASSWORD[mechanism](username=user, password=password, **with_tls)}
    return {"security": BaseSecurity(**with_tls) if tls else None}
