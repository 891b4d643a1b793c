"""Tables of read models, from the dataclass of a row.

A table's name carries its view's version and its shape is never altered. Queries run as a reader role that sees one
tenant's rows only (row-level security); the writer, who owns the tables, sees all.
"""

import json
import types
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
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
        return tuple(getattr(row, column) for column in self.key)

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
        wanted = [dict(zip(self.key, key, strict=True)) for key in keys]
        if not wanted:
            return {}
        on = " and ".join(f"t.{c} = k.{c}" for c in self.key)
        found = await con.fetch(
            f"select t.* from {self.name} t join jsonb_populate_recordset(null::{self.name}, $1) k on {on}",
            _json(wanted),
        )
        rows = [self.of(record) for record in found]
        return {self.key_of(row): row for row in rows}

    async def save(self, con: asyncpg.Connection, rows: Sequence[Row]) -> None:
        """Insert or replace rows, in one statement."""
        if not rows:
            return
        values = [{name: _plain(getattr(row, name)) for name in self.columns} for row in rows]
        rest = [c for c in self.columns if c not in self.key]
        update = "update set " + ", ".join(f"{c} = excluded.{c}" for c in rest) if rest else "nothing"
        await con.execute(
            f"insert into {self.name} select * from jsonb_populate_recordset(null::{self.name}, $1) "
            f"on conflict ({', '.join(self.key)}) do {update}",
            _json(values),
        )

    def of(self, record: asyncpg.Record) -> Row:
        return self.row(*[record[name] for name in self.columns])  # a row's fields are its columns, in this order


def _sql_type(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):  # only `X | None`
        return _sql_type(next(a for a in get_args(hint) if a is not type(None)))
    if hint == list[str]:
        return "text[]"
    return TYPES[hint]


def _plain(value: Any) -> Any:
    """A value as JSON that PostgreSQL turns into the column's type without loss."""
    match value:
        case bytes():
            return "\\x" + value.hex()
        case Decimal() | date() | UUID():
            return str(value) if not isinstance(value, datetime) else value.isoformat()
        case _:
            return value


def _json(values: list[dict[str, Any]]) -> str:
    return json.dumps(values, default=_plain)


@asynccontextmanager
async def reading(pool: asyncpg.Pool, tenant: str) -> AsyncGenerator[asyncpg.Connection]:
    """A connection that sees one tenant's rows of the views, all as of one moment.

    The tenant is set in the transaction only, so that no later user of the connection inherits it.
    """
    async with snapshot(pool) as con:
        await con.execute(f"set local role {READER}")
        await con.execute("select set_config('nhip.tenant', $1, true)", tenant)
        yield con
