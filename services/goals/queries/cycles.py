"""Cycles, as the contract shows them, and those that belong together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import asyncpg

from eventkit.errors import unknown
from eventkit.names import name_key
from eventkit.rpc.paging import asked
from eventkit.values import from_date
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.views.cycle import CYCLE_STEPS, CYCLES, CycleRow, CycleStepRow


@dataclass(frozen=True)
class Family:
    """A cycle with the cycles around it and in it: what its KPIs may serve, and what may serve them."""

    cycle: CycleRow
    enclosing: Sequence[CycleRow]
    """Those that it lies in, the nearest first."""
    inner: Sequence[CycleRow]
    """Those that lie in it, directly or in one of them, the earliest first."""

    @cached_property
    def rows(self) -> Mapping[str, CycleRow]:
        return {row.cycle_id: row for row in (self.cycle, *self.enclosing, *self.inner)}

    @property
    def around(self) -> frozenset[str]:
        """The ids of those that it lies in."""
        return frozenset(row.cycle_id for row in self.enclosing)


async def every_id(con: asyncpg.Connection, tenant: str) -> list[str]:
    """Of all cycles that were ever opened."""
    return [
        row["cycle_id"] for row in await con.fetch(f"select distinct cycle_id from {CYCLES} where tenant = $1", tenant)
    ]


async def cycles(con: asyncpg.Connection, tenant: str, request: pb.ListCycles) -> pb.Cycles:
    """A page of the cycles, the latest first."""
    page = asked(request, tenant, date, str, size=100)
    starts_on, id = page.after or (None, None)
    rows = await con.fetch(
        f"select * from {CYCLES} where tenant = $1 and not withdrawn "
        "and ($2::date is null or (starts_on, cycle_id) < ($2, $3)) order by starts_on desc, cycle_id desc limit $4",
        tenant,
        starts_on,
        id,
        page.limit,
    )
    shown, token = page.cut([CYCLES.of(row) for row in rows], lambda row: (row.starts_on, row.cycle_id))
    return pb.Cycles(cycles=map(cycle_message, shown), next_page_token=token)


async def cycle_names(con: asyncpg.Connection, tenant: str) -> frozenset[str]:
    """As names are compared."""
    rows = await con.fetch(f"select name from {CYCLES} where tenant = $1 and not withdrawn", tenant)
    return frozenset(name_key(row["name"]) for row in rows)


async def family(con: asyncpg.Connection, tenant: str, cycle_id: str, *, withdrawn: bool = False) -> Family:
    """Raises `Rejected` CYCLE_UNKNOWN, also for one that was withdrawn unless it is asked for."""
    rows = {
        row["cycle_id"]: CYCLES.of(row)
        for row in await con.fetch(
            f"""with asked as (select enclosing from {CYCLES} where tenant = $1 and cycle_id = $2)
            select * from {CYCLES} where tenant = $1 and (not withdrawn or ($3 and cycle_id = $2))
            and (cycle_id = $2 or $2 = any(enclosing) or cycle_id = any((select enclosing from asked)::text[]))
            order by starts_on, ends_on desc, cycle_id""",
            tenant,
            cycle_id,
            withdrawn,
        )
    }
    if (cycle := rows.pop(cycle_id, None)) is None:
        raise unknown("cycle", cycle_id, "cycle_id")
    enclosing = [rows.pop(id) for id in cycle.enclosing if id in rows]
    return Family(cycle, enclosing, list(rows.values()))


async def steps(con: asyncpg.Connection, tenant: str, cycle_id: str, *, most: int) -> list[CycleStepRow]:
    """What was done with a cycle last, the first of it first."""
    rows = await con.fetch(
        f"select * from {CYCLE_STEPS} where tenant = $1 and cycle_id = $2 order by version desc limit $3",
        tenant,
        cycle_id,
        most,
    )
    return [CYCLE_STEPS.of(row) for row in reversed(rows)]


def cycle_message(row: CycleRow) -> pb.Cycle:
    return pb.Cycle(
        cycle_id=row.cycle_id,
        name=row.name,
        starts_on=from_date(row.starts_on),
        ends_on=from_date(row.ends_on),
        state=row.state,  # type: ignore[arg-type] # stored as the enum's number
        within_id=row.enclosing[0] if row.enclosing else "",
    )
