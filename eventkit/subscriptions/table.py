"""Tables of read models, from the dataclass of a row.

A table's name carries its view's version and its shape is never altered. Queries run as a reader role that sees one
tenant's rows only (row-level security); the writer, who owns the tables, sees all.
"""

import types
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg

from eventkit.database import snapshot

READER = "nhip_reader"
"""The role that queries run as: it may read views and nothing else."""

Row = TypeVar("Row")
Key = tuple[Any, ...]

TYPES: dict[type, str] = {
    str: "text",
    int: "bigint",
    bool: "boolean",
    bytes: "bytea",
    Decimal: "numeric",
    date: "date",
    datetime: "timestamptz",
    UUID: "uuid",
}
LIST = "text[]"
"""The type of a column that is a `list[str]`."""


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A read model's table: `row` is a frozen dataclass whose fields are the columns, the first of them `tenant`."""

    name: str
    row: type[Row]
    key: tuple[str, ...]
    indexes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if next(iter(self.columns)) != "tenant" or self.key[0] != "tenant":
            raise TypeError(f"{self.name}: the first column of a row, and of its key, is the tenant")

    def __str__(self) -> str:
        """The name, as SQL says it: `f"select … from {TABLE}"`. It carries the view's version, so nobody writes it by
        hand."""
        return self.name

    @cached_property
    def columns(self) -> dict[str, str]:
        """PostgreSQL's type of each column."""
        hints = get_type_hints(self.row)
        return {f.name: _sql_type(hints[f.name]) for f in fields(self.row)}  # type: ignore[arg-type] # rows are dataclasses

    def key_of(self, row: Row) -> Key:
        return self._key(row)

    @cached_property
    def _key(self) -> Callable[[Row], Key]:
        return _several(attrgetter, self.key)

    @cached_property
    def _row_values(self) -> Callable[[Row], tuple[Any, ...]]:
        return _several(attrgetter, tuple(self.columns))

    @cached_property
    def _fields(self) -> Callable[[asyncpg.Record], tuple[Any, ...]]:
        return _several(itemgetter, tuple(self.columns))

    @cached_property
    def _lists(self) -> list[int]:
        """Which columns are lists, by number."""
        return [number for number, sql in enumerate(self.columns.values()) if sql == LIST]

    @cached_property
    def _load(self) -> str:
        columns = ", ".join(f"t.{c}" for c in self.columns)
        keys = ", ".join(f"${n}::{self.columns[c]}[]" for n, c in enumerate(self.key, 1))
        on = " and ".join(f"t.{c} = k.{c}" for c in self.key)
        return f"select {columns} from unnest({keys}) k({', '.join(self.key)}) join {self.name} t on {on}"

    @cached_property
    def _save(self) -> str:
        return self._saving(1)

    @cached_property
    def save_with_move(self) -> str:
        """`save` as a part of the statement that moves a checkpoint (`checkpoint.move_with`)."""
        return self._saving(7, ", moved")

    def _saving(self, first: int, provided: str = "") -> str:
        """Takes its values as parameters from the `first` on, and saves them where `provided` has a row.

        `unnest` would take lists apart too: they come as text, each in one piece.
        """
        columns = ", ".join(self.columns)
        arrays = ", ".join(
            f"${n}::{'text' if sql == LIST else sql}[]" for n, sql in enumerate(self.columns.values(), first)
        )
        selected = ", ".join(f"v.{c}::{LIST}" if sql == LIST else f"v.{c}" for c, sql in self.columns.items())
        rest = [c for c in self.columns if c not in self.key]
        update = "update set " + ", ".join(f"{c} = excluded.{c}" for c in rest) if rest else "nothing"
        return (
            f"insert into {self.name}({columns}) select {selected} from unnest({arrays}) v({columns}){provided} "
            f"on conflict ({', '.join(self.key)}) do {update}"
        )

    def ddl(self) -> str:
        columns = ", ".join(f"{name} {sql}" for name, sql in self.columns.items())
        indexes = "".join(f"create index on {self.name}({columns});" for columns in self.indexes)
        return f"""
            create table {self.name}({columns}, primary key ({", ".join(self.key)}));
            {indexes}
            alter table {self.name} enable row level security;
            create policy tenant on {self.name} for select to {READER} using (tenant = current_setting('nhip.tenant',
                true));
            grant select on {self.name} to {READER};
        """

    async def load(self, con: asyncpg.Connection, keys: Iterable[Key]) -> dict[Key, Row]:
        """The rows of some keys, those that exist."""
        wanted = list(zip(*keys, strict=True))
        if not wanted:
            return {}
        rows = [self.row(*record) for record in await con.fetch(self._load, *wanted)]
        return {self.key_of(row): row for row in rows}

    async def save(self, con: asyncpg.Connection, rows: Sequence[Row]) -> None:
        """Insert or replace rows, in one statement."""
        if rows:
            await con.execute(self._save, *self.values(rows))

    def values(self, rows: Sequence[Row]) -> list[Sequence[Any]]:
        """The parameters by which rows are saved: an array for each column. There is at least one row."""
        columns: list[Sequence[Any]] = list(zip(*map(self._row_values, rows), strict=True))
        for number in self._lists:
            columns[number] = list(map(_list, columns[number]))
        return columns

    def of(self, record: asyncpg.Record) -> Row:
        return self.row(*self._fields(record))  # a row's fields are its columns, in this order


def _sql_type(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):  # only `X | None`
        return _sql_type(next(a for a in get_args(hint) if a is not type(None)))
    if hint == list[str]:
        return LIST
    return TYPES[hint]


def _several(getter: Callable[..., Callable[[Any], Any]], names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of some names, as a tuple also where it is one name only."""
    get = getter(*names)
    return get if len(names) > 1 else lambda of: (get(of),)


def _list(values: list[str] | None) -> str | None:
    """A list of texts as PostgreSQL writes it."""
    if values is None:
        return None
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


@asynccontextmanager
async def reading(pool: asyncpg.Pool, tenant: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that sees one tenant's rows of the views, all as of one moment.

    The tenant is set in the transaction only, so that no later user of the connection inherits it.
    """
    as_reader = f"set local role {READER}; set local nhip.tenant = {_quoted(tenant)}"
    async with snapshot(pool, as_reader) as con:
        yield con


def _quoted(text: str) -> str:
    """A text as a literal of SQL, whatever is set. Raises ValueError for one that PostgreSQL cannot hold."""
    if "\0" in text:
        raise ValueError("a text with a zero byte")
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
