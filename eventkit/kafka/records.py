"""A record of a context's topic: an event as a CloudEvent 1.0 in binary mode.

A topic holds its context's log, each tenant whole in one partition. Each record also names the position before it on
its partition, so that a reader notices what is missing; a position at or below the last one is a repetition.
"""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from aiokafka import ConsumerRecord
from aiokafka.partitioner import murmur2

from eventkit.log import Origin, Recorded, StreamId
from eventkit.log.incarnations import Incarnation


@lru_cache(maxsize=100_000)
def partition_of(tenant: str, partitions: int) -> int:
    """The partition that holds all of a tenant: Kafka's own hash of the record key."""
    return (murmur2(tenant.encode()) & 0x7FFFFFFF) % partitions


class ForeignRecord(ValueError):
    """A record that no relay wrote."""


class Continuity(Enum):
    """How a record stands to what was read of its partition."""

    NEXT = "next"
    REPEATED = "repeated"
    BEHIND_A_HOLE = "behind a hole"
    """Records before it were never seen."""


class Received(NamedTuple):
    """An event as a topic delivered it."""

    event: Recorded
    previous: int
    """The position before it on its partition; 0 for the first."""
    offset: int
    installation: str = ""
    """Whose record it is; empty for one of a version that did not say."""
    incarnation: Incarnation | None = None
    """Of the log that it was published from; None for one of a version that did not say."""

    def continuity(self, position: int) -> Continuity:
        """For a reader that has all of the partition up to `position`, and nothing behind it."""
        if self.event.position <= position:
            return Continuity.REPEATED
        return Continuity.NEXT if self.previous <= position else Continuity.BEHIND_A_HOLE


def headers(
    event: Recorded, context: str, previous: int, installation: str = "", incarnation: str = ""
) -> list[tuple[str, bytes]]:
    """An event's attributes as CloudEvents headers. None of them holds a personal word.

    `installation` is the id of whose record it is, `incarnation` that of the log.
    """
    origin, tenant, recorded = event.origin, event.tenant.encode(), event.recorded_at.isoformat().encode()
    written = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event.id).encode()),
        ("ce_type", event.type.encode()),
        ("ce_source", f"/nhip/{context}".encode()),
        ("ce_subject", str(event.stream).encode()),
        ("ce_time", recorded if event.occurred_at == event.recorded_at else event.occurred_at.isoformat().encode()),
        ("ce_recordedtime", recorded),
        ("ce_sequence", b"%d" % event.position),
        ("ce_partitionkey", tenant),
        ("ce_streamversion", b"%d" % event.version),
        ("ce_appendid", str(event.append_id).encode()),
        ("ce_appendindex", b"%d" % event.index),
        ("ce_appendsize", b"%d" % event.size),
        ("ce_previous", b"%d" % previous),
        ("content-type", b"application/protobuf"),
    ]
    if installation:
        written.append(("ce_installation", installation.encode()))
    if incarnation:
        written.append(("ce_incarnation", incarnation.encode()))
    if origin.actor:
        written.append(("ce_authid", origin.actor.encode()))
    if origin.correlation_id:
        written.append(("ce_correlationid", origin.correlation_id.encode()))
    if origin.causation_id:
        written.append(("ce_causationid", origin.causation_id.encode()))
    if origin.traceparent:
        written.append(("traceparent", origin.traceparent.encode()))
    return written


def received(record: "ConsumerRecord[Any, Any]") -> Received:
    """The event of a record. Raises `ForeignRecord` for one that is none of ours."""
    try:
        return _received(record)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        # a header is missing, is not what it should be, has no value; or the record has none
        raise ForeignRecord(f"{record.topic}/{record.partition}/{record.offset}: {type(error).__name__}") from error


def _received(record: "ConsumerRecord[Any, Any]") -> Received:
    if record.value is None:  # an event without a field is of no bytes, which is something else
        raise ValueError("no value")
    written: dict[str, bytes] = dict(record.headers)
    time, recorded = written["ce_time"], written["ce_recordedtime"]
    recorded_at = datetime.fromisoformat(recorded.decode()).astimezone(UTC)
    event = Recorded(
        UUID(written["ce_id"].decode()),
        written["ce_type"].decode(),
        record.value,
        StreamId.parse(written["ce_subject"].decode()),
        int(written["ce_streamversion"]),
        int(written["ce_sequence"]),
        UUID(written["ce_appendid"].decode()),
        int(written["ce_appendindex"]),
        int(written["ce_appendsize"]),
        recorded_at if time == recorded else datetime.fromisoformat(time.decode()).astimezone(UTC),
        recorded_at,
        Origin(
            written.get("ce_authid", b"").decode(),
            b"",
            written.get("ce_correlationid", b"").decode(),
            written.get("ce_causationid", b"").decode(),
            written.get("traceparent", b"").decode(),
        ),
    )
    installation = written.get("ce_installation", b"").decode()
    incarnation = Incarnation.parse(written.get("ce_incarnation", b"").decode())
    return Received(event, int(written["ce_previous"]), record.offset, installation, incarnation)
