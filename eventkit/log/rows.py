"""Events as rows of a table: the log's own, and others that keep whole events."""

from uuid import UUID

import asyncpg

from eventkit.log.port import Origin, Recorded, StreamId


def event_of(row: asyncpg.Record) -> Recorded:
    """The event of a row. A table that keeps no digest of its command has no such column."""
    return Recorded(
        id=UUID(int=row["id"].int),
        type=row["type"],
        data=row["data"],
        stream=StreamId.parse(row["stream"]),
        version=row["version"],
        position=row["position"],
        append_id=UUID(int=row["append_id"].int),
        index=row["append_index"],
        size=row["append_size"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        origin=Origin(
            row["actor"],
            row.get("command_digest", b""),
            row["correlation_id"],
            row["causation_id"],
            row["traceparent"],
        ),
    )
