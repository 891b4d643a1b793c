"""Events as records of KurrentDB, and what stands beside them."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from kurrentdbclient import NewRecord, RecordedEvent

from eventkit.ids import uuid7
from eventkit.log.grouping import Accepted
from eventkit.log.port import Origin, Recorded, StreamId


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the events of a log stand that was moved here: they keep the positions that they had, and those of new
    events are commit positions, so many further that they are behind them."""

    last: int = 0
    """The last kept position; 0: the log began here."""
    shift: int = 0
    marks: Sequence[tuple[int, int]] = ()
    """Kept positions, rising, with the commit positions of their records."""

    def commit(self, position: int) -> int:
        """A commit position from which a reader behind `position` misses nothing; 0: the beginning."""
        if position > self.last:
            return position - self.shift
        known = bisect_right(self.marks, position, key=lambda mark: mark[0])
        return self.marks[known - 1][1] if known else 0


class Records:
    """The names and records of one context's log: its events' streams begin with `prefix`, others beside do not."""

    def __init__(self, prefix: str, context: str):
        self.prefix, self._beside = f"{prefix}.{context}.", f"{prefix}.{context}~"
        self.head, self.probe = f"{self._beside}head", f"{self._beside}probe"
        self.owner, self.moved = f"{self._beside}owner", f"{self._beside}moved"
        self.origin = Moved()

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

    def event(self, one: Accepted, at: datetime, position: int = 0) -> NewRecord:
        """KurrentDB has keys of its own for correlation and causation; a value there is text. `position`: one that it
        keeps."""
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
        if position:
            told["position"] = str(position)
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
            self._position(record, told),
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

    def position(self, record: RecordedEvent) -> int:
        """Of an event."""
        return self._position(record, json.loads(record.metadata)) if self.origin.last else record.commit_position

    def _position(self, record: RecordedEvent, told: dict[str, str]) -> int:
        return int(told["position"]) if "position" in told else record.commit_position + self.origin.shift

    def said_of_move(self, **said: int) -> NewRecord:
        return NewRecord(self.moved, "nhip.LogMoved", json.dumps(said).encode(), id=uuid7())

    def told_of_move(self, moved: RecordedEvent) -> dict[str, int]:
        return json.loads(moved.data)

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
