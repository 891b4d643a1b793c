"""A record of a context's topic: an event as a CloudEvent 1.0 in binary mode.

A topic holds its context's log, each tenant whole in one partition. Each record also names the position before it on
its partition, so that a reader notices what is missing; a position at or below the last one is a repetition.
"""
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from aiokafka import ConsumerRecord
from aiokafka.partitioner import murmur2

from eventkit.log import Origin, Recorded, StreamId


def topic(context: str) -> str:
    return f"nhip.{context}.v1"


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


@dataclass(frozen=True, slots=True)
class Received:
    """An event as a topic delivered it."""

    event: Recorded
    previous: int
    """The position before it on its partition; 0 for the first."""
    offset: int

    def continuity(self, position: int) -> Continuity:
        """For a reader that has all of the partition up to `position`, and nothing behind it."""
        if self.event.position <= position:
            return Continuity.REPEATED
        return Continuity.NEXT if self.previous <= position else Continuity.BEHIND_A_HOLE


def headers(event: Recorded, context: str, previous: int) -> list[tuple[str, bytes]]:
    """An event's attributes as CloudEvents headers. None of them holds a personal word."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_type": event.type,
        "ce_source": f"/nhip/{context}",
        "ce_subject": str(event.stream),
        "ce_time": event.occurred_at.isoformat(),
        "ce_recordedtime": event.recorded_at.isoformat(),
        "ce_sequence": str(event.position),
        "ce_partitionkey": event.tenant,
        "ce_correlationid": event.origin.correlation_id,
        "ce_causationid": event.origin.causation_id,
        "ce_authid": event.origin.actor,
        "ce_streamversion": str(event.version),
        "ce_appendid": str(event.append_id),
        "ce_appendindex": str(event.index),
        "ce_appendsize": str(event.size),
        "ce_previous": str(previous),
        "traceparent": event.origin.traceparent,
        "content-type": "application/protobuf",
    }
    return [(name, value.encode()) for name, value in attributes.items() if value]


def received(record: "ConsumerRecord[Any, Any]") -> Received:
    """The event of a record. Raises `ForeignRecord` for one that is none of ours."""
    try:
        return _received(record)
    except (
        KeyError,
        ValueError,
        AttributeError,
    ) as error:  # a header is missing, is not what it should be, has no value
        raise ForeignRecord(f"{record.topic}/{record.partition}/{record.offset}: {type(error).__name__}") from error


def _received(record: "ConsumerRecord[Any, Any]") -> Received:
    attributes = {
        name: value.decode() for name, value in record.headers if name.startswith("ce_") or name == "traceparent"
    }
    event = Recorded(
        id=UUID(attributes["ce_id"]),
        type=attributes["ce_type"],
        data=record.value or b"",
        stream=StreamId.parse(attributes["ce_subject"]),
        version=int(attributes["ce_streamversion"]),
        position=int(attributes["ce_sequence"]),
        append_id=UUID(attributes["ce_appendid"]),
        index=int(attributes["ce_appendindex"]),
        size=int(attributes["ce_appendsize"]),
        occurred_at=datetime.fromisoformat(attributes["ce_time"]).astimezone(UTC),
        recorded_at=datetime.fromisoformat(attributes["ce_recordedtime"]).astimezone(UTC),
        origin=Origin(
            attributes.get("ce_authid", ""),
            b"",
            attributes.get("ce_correlationid", ""),
            attributes.get("ce_causationid", ""),
            attributes.get("traceparent", ""),
        ),
    )
    return Received(event, int(attributes["ce_previous"]), record.offset)
