"""How a table with the same headings was read last time: what its columns are is guessed from that."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from eventkit.names import plain_words
from importing.sheets.mapping import Reading, headings_of
from nhip.people.v1 import settings_pb2 as pb
from services.gateway.console.visit import Visit
from services.gateway.features.imports.received import Received
from services.gateway.features.imports.sending import Sending

_MOST = 200
_SAID_AGAIN = ("owners", "year")
"""What names people or the time is said anew each time."""


def _headings(it: Received) -> Sequence[tuple[int, str]]:
    return [(column, text[:_MOST]) for column, text in headings_of(it.grid, it.reading.header).items()]


async def as_kept(visit: Visit, it: Received) -> tuple[Received, pb.TableMapping | None]:
    """With the columns as they were, where something is kept of such a table."""
    headings = _headings(it)
    if it.said or not headings or not visit.may("people.GetTableMapping"):
        return it, None
    asked = pb.GetTableMapping(table=it.table.name, headings=[text for _, text in headings])
    kept = await visit.caller.query("people", "GetTableMapping", asked, pb.TableMapping)
    if not kept.columns:
        return it, None
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for one in kept.columns:
        fields[plain_words(one.heading)].append(one.field)
    columns: dict[str, int] = {}
    for column, text in headings:
        name = fields[plain_words(text)].pop(0)
        if name in it.table:
            columns.setdefault(name, column)
    fixed = {one.field: one.value for one in kept.fixed if one.field in it.table and one.field not in columns}
    reading = Reading(it.reading.header, columns, fixed, kept.numbers, kept.days)
    return replace(it, reading=reading), kept


async def keep(visit: Visit, services: Sending, it: Received) -> bool:
    """Whether it is kept for the next file; who may not keep it imports all the same. Raises `Rejected`."""
    if not visit.may("people.KeepTableMapping"):
        return False
    by_column = {column: name for name, column in it.reading.columns.items()}
    command = pb.KeepTableMapping(
        table=it.table.name,
        columns=[pb.MappedColumn(heading=text, field=by_column.get(column, "")) for column, text in _headings(it)],
        fixed=[
            pb.FixedValue(field=name, value=text)
            for name, text in sorted(it.reading.fixed.items())
            if name not in _SAID_AGAIN
        ],
        numbers=it.reading.numbers,
        days=it.reading.days,
    )
    await services.command(command, key=f"{it.run}:mapping")
    return True
