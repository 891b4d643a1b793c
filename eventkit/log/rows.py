"""Events as rows of a table: the log's own, and others that keep whole events."""

import asyncpg

from eventkit.log.port import Origin, Recorded, StreamId


def event_of(row: asyncpg.Record) -> Recorded:
    """The event of a row. A table that keeps no digest of its command has no such column.

    Its ids are asyncpg's own kind of UUID, which equals the standard one and is one.
    """
    return Recorded(
        row["id"],
        row["type"],
        row["data"],
        StreamId.parse(row["stream"]),
        row["version"],
        row["position"],
        row["append_id"],
        row["append_index"],
        row["append_size"],
        row["occurred_at"],
        row["recorded_at"],
        Origin(
            row["actor"],
            row.get("command_digest", b""),
            row["correlation_id"],
            row["causation_id"],
            row["traceparent"],
        ),
    )
