"""Events as records of KurrentDB, and what stands beside them."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from kurrentdbclient import NewRecord, RecordedEvent

from eventkit.ids import uuid7
from eventkit.log.grouping import Accepted
from eventkit.log.port import Origin, Recorded, StreamId


class Records:
    """The names and records of one context's log: its events' streams begin with `prefix`, others beside do not."""

    def __init__(self, prefix: str, context: str):
        self.prefix, self._beside = f"{prefix}.{context}.", f"{prefix}.{context}~"
        self.head, self.probe = f"{self._beside}head", f"{self._beside}probe"
        self.owner = f"{self._beside}owner"

    def name(self, stream: StreamId) -> str:
        return f"{self.prefix}{stream.category}-{stream.tenant}/{stream.id}"

    def stream(self, name: str) -> StreamId:
        category, _, rest = name.removeprefix(self.prefix).partition("-")
        tenant, _, id = rest.partition("/")
        return StreamId(tenant, category, id)

    def id_stream(self, id: UUID) -> str:
        return f"{self._beside}event-{id}"

    def head_moved(self, at: datetime) -> NewRecord:
        told = json.dumps({"recorded-at": at.isoformat()}).encode()
        return NewRecord(self.head, "nhip.HeadMoved", b"{}", told, id=uuid7())

    def stored_at(self, one: Accepted) -> NewRecord:
        """Where an event stands; of an append's first, where all of it does. Its own id is new in each attempt: a
        server that knows ids again must not take a repeated append for this one."""
        first = next(w.events for w in one.part.writes if w.events)
        place: dict[str, Any] = {
            "stream": self.name(one.stream),
            "version": one.version,
            "first": str(first[0].id),
        }
        if one.index == 0:
            place["writes"] = [(self.name(w.stream), w.expected, len(w.events)) for w in one.part.writes if w.events]
        id = uuid5(one.part.append_id, str(one.event.id))
        return NewRecord(self.id_stream(one.event.id), "nhip.EventStored", json.dumps(place).encode(), id=id)

    def event(self, one: Accepted, at: datetime) -> NewRecord:
        """KurrentDB has keys of its own for correlation and causation; a value there is text."""
        event, part = one.event, one.part
        told = {
            "$correlationId": part.origin.correlation_id,
            "$causationId": part.origin.causation_id,
            "actor": part.origin.actor,
            "command-digest": part.origin.command_digest.hex(),
            "traceparent": part.origin.traceparent,
            "append-id": str(part.append_id),
            "append-index": str(one.index),
            "append-size": str(part.events),
            "recorded-at": at.isoformat(),
            "occurred-at": (event.occurred_at or at).isoformat(),
        }
        return NewRecord(
            self.name(one.stream),
            event.type,
            event.data,
            json.dumps(told).encode(),
            content_type="application/octet-stream",
            id=event.id,
        )

    def recorded(self, record: RecordedEvent) -> Recorded:
        told = json.loads(record.metadata)
        return Recorded(
            record.id,
            record.type,
            record.data,
            self.stream(record.stream_name),
            record.stream_position + 1,
            record.commit_position,
            UUID(told["append-id"]),
            int(told["append-index"]),
            int(told["append-size"]),
            datetime.fromisoformat(told["occurred-at"]),
            datetime.fromisoformat(told["recorded-at"]),
            Origin(
                told["actor"],
                bytes.fromhex(told["command-digest"]),
                told["$correlationId"],
                told["$causationId"],
                told["traceparent"],
            ),
        )

    def owned_by(self, installation: str) -> NewRecord:
        told = json.dumps({"installation": installation}).encode()
        return NewRecord(self.owner, "nhip.LogClaimed", told, id=uuid7())

    def owner_in(self, owned_by: RecordedEvent) -> str:
        """The installation that `owned_by` names."""
        return json.loads(owned_by.data)["installation"]

    def place(self, stored_at: RecordedEvent) -> dict[str, Any]:
        """What `stored_at` says."""
        return json.loads(stored_at.data)

    def moved_at(self, head_moved: RecordedEvent) -> datetime:
        """The time of the group that moved the head."""
        return datetime.fromisoformat(json.loads(head_moved.metadata)["recorded-at"])
