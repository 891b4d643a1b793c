"""Entries as lines of a file: JSON Lines, or CSV by RFC 4180."""

import csv
import io
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence

from eventkit.values import to_datetime
from nhip.audit.v1 import audit_pb2 as pb
from nhip.audit.v1 import types_pb2 as t
from nhip.common.v1.words_pb2 import PersonalText

BOM = "\ufeff"
"""By it spreadsheets know that a file is UTF-8; without it they show Vietnamese as anything."""
COLUMNS = (
    "context",
    "position",
    "event_id",
    "type",
    "stream",
    "version",
    "actor",
    "recorded_at",
    "occurred_at",
    "subjects",
    "values",
    "append_id",
    "append_index",
    "append_size",
    "correlation_id",
    "cause",
    "data",
)


def lines(
    entries: Sequence[pb.Entry], data: Sequence[bytes], format: t.ExportFormat.ValueType, *, first: bool
) -> bytes:
    """The entries, each with its event's bytes as they were recorded (base64, words sealed); `first`: with a header,
    where there is one."""
    rows = [_row(entry, raw) for entry, raw in zip(entries, data, strict=True)]
    if format == t.EXPORT_FORMAT_CSV:
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        if first:
            out.write(BOM)
            writer.writerow(COLUMNS)
        writer.writerows([_cell(row[column]) for column in COLUMNS] for row in rows)
        return out.getvalue().encode()
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _row(entry: pb.Entry, data: bytes) -> Mapping[str, object]:
    values = {value.path: _words(value.words) if value.HasField("words") else value.text for value in entry.values}
    return {
        "context": entry.context,
        "position": entry.position,
        "event_id": entry.event_id,
        "type": entry.type,
        "stream": entry.stream,
        "version": entry.version,
        "actor": entry.actor,
        "recorded_at": to_datetime(entry.recorded_at).isoformat(),
        "occurred_at": to_datetime(entry.occurred_at).isoformat(),
        "subjects": [f"{subject.kind}/{subject.id}" for subject in entry.subjects],
        "values": values,
        "append_id": entry.append_id,
        "append_index": entry.append_index,
        "append_size": entry.append_size,
        "correlation_id": entry.correlation_id,
        "cause": entry.cause.event_id,
        "data": b64encode(data).decode(),
    }


def _words(words: PersonalText) -> object:
    """The words; of those that cannot be read, why not."""
    form = words.WhichOneof("form")
    return words.plain if form == "plain" else {str(form): True}


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
