"""How a table with the same headings was read last time, as the company keeps it: a start for the next file."""

from collections import defaultdict
from collections.abc import Sequence

from eventkit.names import plain_words
from importing.sheets.grid import Grid
from importing.sheets.mapping import Reading, headings_of
from importing.sheets.table import Table
from nhip.people.v1 import settings_pb2 as pb

_MOST = 200
_SAID_AGAIN = ("owners", "year")
"""What names people or the time is said anew each time."""


def headings(grid: Grid, header: int) -> Sequence[tuple[int, str]]:
    return [(column, text[:_MOST]) for column, text in headings_of(grid, header).items()]


def to_ask(table: Table, grid: Grid, header: int) -> pb.GetTableMapping:
    return pb.GetTableMapping(table=table.name, headings=[text for _, text in headings(grid, header)])


def as_kept(kept: pb.TableMapping, table: Table, grid: Grid, header: int) -> Reading | None:
    """None: nothing is kept of such a table."""
    if not kept.columns:
        return None
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for one in kept.columns:
        fields[plain_words(one.heading)].append(one.field)
    columns: dict[str, int] = {}
    for column, text in headings(grid, header):
        name = fields[plain_words(text)].pop(0)
        if name in table:
            columns.setdefault(name, column)
    fixed = {one.field: one.value for one in kept.fixed if one.field in table and one.field not in columns}
    return Reading(header, columns, fixed, kept.numbers, kept.days)


def to_keep(table: Table, grid: Grid, reading: Reading) -> pb.KeepTableMapping:
    by_column = {column: name for name, column in reading.columns.items()}
    return pb.KeepTableMapping(
        table=table.name,
        columns=[
            pb.MappedColumn(heading=text, field=by_column.get(column, ""))
            for column, text in headings(grid, reading.header)
        ],
        fixed=[
            pb.FixedValue(field=name, value=text)
            for name, text in sorted(reading.fixed.items())
            if name not in _SAID_AGAIN
        ],
        numbers=reading.numbers,
        days=reading.days,
    )
