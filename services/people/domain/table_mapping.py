"""How a table with certain headings is read: kept for the tenant, for the next file that has the same."""

import hashlib
from collections.abc import Iterable

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.names import plain_words
from nhip.people.v1.events_pb2 import TableMappingKept
from nhip.people.v1.settings_pb2 import KeepTableMapping


def evolve(kept: TableMappingKept | None, event: TableMappingKept) -> TableMappingKept:
    match event:
        case TableMappingKept():
            return event
        case _:
            refuse_unknown(event)


MAPPING = Aggregate[TableMappingKept | None]("mapping", None, evolve)


def mapping_id(table: str, headings: Iterable[str]) -> str:
    """The same for the same set of headings, whatever their order, case, marks and punctuation."""
    folded = "\n".join((table, *sorted(map(plain_words, headings))))
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


def keep(kept: TableMappingKept | None, command: KeepTableMapping, id: str) -> Decision:
    event = TableMappingKept(
        mapping_id=id,
        table=command.table,
        columns=command.columns,
        fixed=command.fixed,
        numbers=command.numbers,
        days=command.days,
    )
    return [] if kept == event else [StreamEvent(MAPPING(id), event)]
