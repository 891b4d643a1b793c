"""Which incarnation of each log a service's database is of: of its own, and of those that it follows.

A log that was restored from a backup goes on from an earlier moment, and gives positions a second time. So a restore
begins a new incarnation. It is named in every record of the log's topic and in positions that callers are told; what a
service keeps of another's log is of one incarnation, and what is of another is not read (decision 44).
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg

from eventkit.database import connection
from eventkit.log.port import Recorded

SCHEMA = """
create table if not exists incarnation(
  number int primary key, after bigint not null, id text not null, began_at timestamptz not null default now()
);
create table if not exists followed(
  context text primary key, incarnation text not null, since timestamptz not null default now()
)
"""
CURRENT = "select number, after, id from incarnation order by number desc limit 1"
INSERT = "insert into incarnation(number, after, id) values ($1, $2, $3)"
FOLLOW = (
    "insert into followed(context, incarnation) values ($1, $2) on conflict (context) do update set incarnation = "
    "excluded.incarnation, since = now()"
)
_TEXT = re.compile(r"(\d{1,9})-(\d{1,18})-([0-9a-f]{8})")


class Incarnation(NamedTuple):
    """A log from one restore to the next."""

    number: int
    """1 for a log that was never restored."""
    after: int
    """The position at which it began: up to there the log is the one that the incarnation before had."""
    id: str
    """Tells it from another that began from the same backup: eight hexadecimal digits."""

    def __str__(self) -> str:
        return f"{self.number}-{self.after}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Incarnation | None":
        """None for an empty text: versions up to 0.2 named no incarnation. Raises ValueError for any other text."""
        if not text:
            return None
        if not (match := _TEXT.fullmatch(text)):
            raise ValueError(f"{text[:40]!r} is no incarnation of a log")
        return cls(int(match[1]), int(match[2]), match[3])

    @classmethod
    def begun(cls, number: int, after: int) -> "Incarnation":
        return cls(number, after, uuid4().hex[:8])

    @property
    def mark(self) -> str:
        """What stands behind a position, so that one of another incarnation is told: nothing for a log that was never
        restored."""
        return f"@{self.id}" if self.number > 1 else ""


Stored = Callable[[Collection[UUID]], Awaitable[Mapping[UUID, Recorded]]]
"""The events of the own log among some ids."""


class Incarnations:
    """Those that the service `name` knows, by context, as its database has them."""

    def __init__(self, name: str, pool: asyncpg.Pool, stored: Stored):
        self.name, self.stored, self._pool = name, stored, pool
        self._known: dict[str, Incarnation] = {}

    @property
    def own(self) -> Incarnation:
        """Raises KeyError before `begin`."""
        return self._known[self.name]

    def of(self, context: str) -> Incarnation | None:
        """None: nothing that names one has been received of that context."""
        return self._known.get(context)

    async def begin(self) -> None:
        """Read what is known; a log that has no incarnation yet, as of a version before, begins its first."""
        first = Incarnation.begun(1, 0)
        async with connection(self._pool) as con:
            await con.execute(f"{INSERT} on conflict do nothing", *first)
        await self.read()

    async def read(self) -> None:
        """What an operator brought over counts from now on."""
        async with connection(self._pool) as con:
            row = await con.fetchrow(CURRENT)
            followed = await con.fetch("select context, incarnation from followed")
        known = {each["context"]: Incarnation.parse(each["incarnation"]) for each in followed}
        self._known = {context: each for context, each in known.items() if each}
        if row:
            self._known[self.name] = Incarnation(*row)

    async def adopt(self, context: str, incarnation: Incarnation) -> None:
        """Follow the first incarnation of a context that is heard of. What was received before named none: it is of the
        same one."""
        async with connection(self._pool) as con:
            await con.execute(
                "insert into followed(context, incarnation) values ($1, $2) on conflict do nothing",
                context,
                str(incarnation),
            )
        await self.read()
