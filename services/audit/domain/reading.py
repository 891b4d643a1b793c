"""The record of who read the ledger: a reading is an event like any other, and so in the ledger itself."""

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from nhip.audit.v1 import types_pb2 as t
from nhip.audit.v1.events_pb2 import LedgerRead


def evolve(readings: int, event: LedgerRead) -> int:
    """How often somebody read."""
    match event:
        case LedgerRead():
            return readings + 1
        case _:
            refuse_unknown(event)


READING = Aggregate("reading", 0, evolve)


def read(
    reader: Actor,
    kind: t.ReadingKind.ValueType,
    filter: t.Filter,
    format: t.ExportFormat.ValueType = t.EXPORT_FORMAT_UNSPECIFIED,
) -> Decision:
    person = reader.id if reader.kind == "person" else ""
    return [StreamEvent(READING(reader.id), LedgerRead(reader_id=person, kind=kind, filter=filter, format=format))]
