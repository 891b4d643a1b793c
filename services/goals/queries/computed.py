"""Values of computed KPIs, as of any moment: what they are computed from is read, level by level, and no more."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType

import asyncpg

from eventkit.values import to_decimal
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.computing import DEEPEST, Computed, Counts, Known, compute, same_day
from services.goals.domain.standing import Value
from services.goals.queries import kpis, links, progress
from services.goals.views.cycle import CYCLES, CycleRow
from services.goals.views.kpi import KpiRow

At = tuple[str, date]
"""A KPI on a day."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of KPIs on days: the facts of `computing`."""

    rows: dict[At, KpiRow] = field(default_factory=dict[At, KpiRow])
    cycles: dict[str, CycleRow] = field(default_factory=dict[str, CycleRow])
    values: dict[At, Value] = field(default_factory=dict[At, Value])
    counts: dict[At, Counts] = field(default_factory=dict[At, Counts])
    """Of those that are shared: what they count for."""

    def kpi(self, kpi_id: str, on: date) -> Known | None:
        row = self.rows.get((kpi_id, on))
        return _known(row, self.cycles[row.cycle_id], self.counts.get((kpi_id, on), NOT_SHARED)) if row else None

    def entered(self, kpi_id: str, on: date) -> Value | None:
        return self.values.get((kpi_id, on))


@dataclass(frozen=True, slots=True)
class Trends:
    """The same on any day before: KPIs as they are now, and all of their values."""

    rows: Mapping[str, KpiRow]
    cycles: Mapping[str, CycleRow]
    values: Mapping[str, Sequence[Value]]
    counts: Mapping[str, Counts]

    def kpi(self, kpi_id: str, on: date) -> Known | None:
        row = self.rows.get(kpi_id)
        if row is None:
            return None
        known = _known(row, self.cycles[row.cycle_id], self.counts.get(kpi_id, NOT_SHARED))
        return replace(known, ended=row.retired and row.effective_on <= on)

    def entered(self, kpi_id: str, on: date) -> Value | None:
        values = self.values.get(kpi_id, ())
        before = bisect_right([value.occurred_on for value in values], on)
        return values[before - 1] if before else None


def computation(row: KpiRow) -> t.Computation | None:
    """How a KPI is computed; None: it is entered."""
    return t.Computation.FromString(row.computation) if row.computation else None


NOT_SHARED = Counts()


def _known(row: KpiRow, cycle: CycleRow, counts: Counts = NOT_SHARED) -> Known:
    return Known(row.kpi_id, computation(row), row.volume_kpi_id, row.retired, cycle.starts_on, cycle.ends_on, counts)


async def read(
    con: asyncpg.Connection,
    tenant: str,
    kpi_ids: Iterable[str],
    known: datetime,
    on: date,
    own: Mapping[str, Known] = MappingProxyType({}),
) -> Read:
    """Everything that some computed KPIs are computed from, or what is `own` and no KPI."""
    found, roots = Read(), [(id, on) for id in kpi_ids]
    looked = set[At]()
    for _ in range(2 * DEEPEST):  # of each level first the KPIs, then those of an earlier cycle on their day
        wanted = _wanted(found, roots, own) - looked
        if not wanted:
            break
        looked |= wanted
        for day in {day for _, day in wanted}:
            rows = await kpis.some(con, tenant, [id for id, of in wanted if of == day], known, day)
            found.rows.update(((row.kpi_id, day), row) for row in rows)
            counts = await _counts(con, tenant, [row.kpi_id for row in rows], known, day)
            found.counts.update(((id, day), one) for id, one in counts.items())
        missing = {row.cycle_id for row in found.rows.values()} - found.cycles.keys()
        for row in await con.fetch(
            f"select * from {CYCLES} where tenant = $1 and cycle_id = any($2::text[])", tenant, list(missing)
        ):
            found.cycles[row["cycle_id"]] = CYCLES.of(row)
    entered = [at for at, row in found.rows.items() if not row.computation]
    for day in {day for _, day in entered}:
        values = await progress.current(con, tenant, [id for id, of in entered if of == day], known, day)
        found.values.update(((id, day), value) for id, value in values.items())
    return found


async def _counts(
    con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str], known: datetime, on: date
) -> dict[str, Counts]:
    """What those of some KPIs count for that are shared."""
    further = await links.further(con, tenant, kpi_ids, known, on)
    shares = {
        id: tuple((one.to.kpi_id, share) for one in of if (share := to_decimal(one.share)))
        for id, of in further.items()
    }
    shared = [id for id, of in shares.items() if of]
    first = await links.some(con, tenant, shared, known, on) if shared else {}
    return {id: Counts(first[id].parent_id if id in first else "", shares[id]) for id in shared}


def _wanted(found: Read, roots: Sequence[At], own: Mapping[str, Known]) -> set[At]:
    """What is needed of what was read so far, whether it was read or not."""
    wanted, open_ = set[At](), list(roots)
    while open_:
        at = open_.pop()
        if at in wanted:
            continue
        wanted.add(at)
        here = own.get(at[0]) or found.kpi(*at)
        how = here.computation if here else None
        if here is None or how is None:
            continue
        for index, id in enumerate(how.kpi_ids):
            open_.append((id, at[1]))
            other = found.rows.get((id, at[1]))
            if other is None:
                continue
            if how.kind == t.COMPUTATION_KIND_WEIGHTED_RATE and other.volume_kpi_id:
                open_.append((other.volume_kpi_id, at[1]))
            if how.kind == t.COMPUTATION_KIND_GROWTH and index == 1:
                earlier = _known(other, found.cycles[other.cycle_id])
                open_.append((id, same_day(at[1], here, earlier)))
    return wanted


async def computed(
    con: asyncpg.Connection, tenant: str, rows: Iterable[KpiRow], known: datetime, on: date
) -> tuple[dict[str, Computed], Read]:
    """The values of those of some KPIs that are computed, and what they were computed from."""
    ids = [row.kpi_id for row in rows if row.computation]
    if not ids:
        return {}, Read()
    found = await read(con, tenant, ids, known, on)
    return {id: compute(id, on, found) for id in ids}, found


async def trend(
    con: asyncpg.Connection, tenant: str, kpi_id: str, found: Read, known: datetime, on: date
) -> list[Value]:
    """The value of a computed KPI on each day on which something that it is computed from got one."""
    leaves = list({id for (id, _), row in found.rows.items() if not row.computation})
    values = await progress.trends(con, tenant, leaves, known, on)
    counts = {id: of for (id, _), of in found.counts.items()}
    facts = Trends({id: row for (id, _), row in found.rows.items()}, found.cycles, values, counts)
    row = found.rows[kpi_id, on]
    starts_on = found.cycles[row.cycle_id].starts_on
    days = sorted({value.occurred_on for of in values.values() for value in of if value.occurred_on >= starts_on})
    results = ((day, compute(kpi_id, day, facts).value) for day in days)
    return [Value(value.value, value.confidence, day, value.recorded_at) for day, value in results if value is not None]
