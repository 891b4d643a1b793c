"""The outlines of cycles, remembered: an outline changes when a KPI is defined, revised, aligned or retired, which is
rare beside questions about it ([decision 22](docs/decisions/022-outlines-are-remembered.md))."""

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple

import asyncpg

from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.values import to_decimal
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.alignment import target_of
from services.goals.queries.cycles import Family
from services.goals.queries.outline import Beside, DayChange, Outline, Stub
from services.goals.views.further_link import FURTHER_LINKS
from services.goals.views.kpi import KPIS, KpiView
from services.goals.views.link import LINKS

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""Whatever is known."""
REMEMBERED = 60_000
"""KPIs in all outlines that a process remembers: some 50 MB."""


# The KPIs of some cycles and what they serve, as `kpis.AS_OF` and `links.some` have them. Two statements: joined, they
# are compared row by row as long as PostgreSQL has not counted a table that was just filled.
IN_FORCE = f"""
select distinct on (kpi_id) kpi_id, name, level, kind, direction, unit, target, volume_kpi_id, owner_ids,
  unit_id, weight, cycle_id, min(position) over (partition by kpi_id) as position,
  bool_or(retired) over (partition by kpi_id) as ended, computation <> '' as computed, version
from {KPIS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3 and effective_on <= $4
order by kpi_id, version desc
"""
SERVED = f"""
select distinct on (kpi_id) kpi_id, parent_kind, parent_id
from {LINKS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3 and effective_on <= $4
order by kpi_id, version desc
"""
FURTHER = f"""
select distinct on (kpi_id) kpi_id, links
from {FURTHER_LINKS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3 and effective_on <= $4
order by kpi_id, version desc
"""
DAYS = f"""
select distinct effective_on from {KPIS} where tenant = $1 and cycle_id = any($2)
union select distinct effective_on from {LINKS} where tenant = $1 and cycle_id = any($2)
union select distinct effective_on from {FURTHER_LINKS} where tenant = $1 and cycle_id = any($2) order by 1
"""
CHANGED = f"""
select effective_on as day,
  count(*) filter (where event = 'KpiDefined') as added,
  count(*) filter (where event = 'KpiTargetRevised' and target < before) as lowered,
  count(*) filter (where event = 'KpiTargetRevised' and target > before) as raised,
  count(*) filter (where event = 'KpiChanged' or (event = 'KpiTargetRevised' and target = before)) as said,
  count(*) filter (where event = 'KpiRetired') as ended
from (
  select effective_on, event, target, lag(target) over (partition by kpi_id order by version) as before
  from {KPIS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3
) as versions group by effective_on
"""
# A KPI's first link comes with the KPI.
LINKED = f"""
select effective_on as day, count(*) as linked from (
  select effective_on, event, row_number() over (partition by kpi_id order by version) as nth
  from {LINKS} where tenant = $1 and cycle_id = any($2) and recorded_at <= $3
  union all
  select effective_on, 'KpiLinked', 2 from {FURTHER_LINKS}
  where tenant = $1 and cycle_id = any($2) and recorded_at <= $3
) as versions where nth > 1 and event <> 'KpiTakenOff' group by effective_on
"""
# As long as this stays the same, so do the rows: they and the checkpoint move together. Beside it: what was parked and
# is brought back comes behind the checkpoint, so does what is folded anew, and a table that rows were copied into by
# hand has grown.
TABLES = f"""
select (select position from checkpoint where subscription = $1 and partition = {OWN_FEED}),
  (select times from refolded where subscription = $1),
  pg_relation_size('{KPIS}') + pg_relation_size('{LINKS}') + pg_relation_size('{FURTHER_LINKS}'),
  (select count(*) from parked where subscription = $1),
  (select sum(position) from parked where subscription = $1)
"""
# The last that happened to some cycles' KPIs and to their links, which share a stream: asked only when `TABLES` moved.
LAST = f"""
select (select max(position) from {KPIS} where tenant = $1 and cycle_id = any($2)),
  (select max(version) from {LINKS} where tenant = $1 and cycle_id = any($2)),
  (select max(version) from {FURTHER_LINKS} where tenant = $1 and cycle_id = any($2))
"""
SUBSCRIPTION = KpiView().subscription


class _Tables(NamedTuple):
    position: int
    refolded: int
    size: int
    parked: int
    parked_at: int

    def same_rows(self, other: "_Tables") -> bool:
        """Nothing happened to rows that were there: what is new stands behind them."""
        return (self.refolded, self.parked, self.parked_at) == (other.refolded, other.parked, other.parked_at)


class _Last(NamedTuple):
    position: int
    version: int
    further: int


@dataclass(slots=True)
class _Cycle:
    """What is remembered of a cycle: as of which rows, on which days something changes, and its outlines by the last
    of these days and by what is known."""

    spans: Mapping[str, tuple[date, date]]
    """The days of it, of those around it and of those in it."""
    tables: _Tables
    last: _Last
    days: Sequence[date]
    outlines: dict[tuple[datetime, int], Outline]

    @property
    def size(self) -> int:
        return sum(len(outline.stubs) for outline in self.outlines.values())


class Outlines:
    """The outlines that a process has read, each for as long as nothing happens to its cycle."""

    def __init__(self, most: int = REMEMBERED):
        self._most = most
        self._cycles: OrderedDict[tuple[str, str], _Cycle] = OrderedDict()
        self._building = asyncio.Lock()

    async def read(self, con: asyncpg.Connection, tenant: str, family: Family, known: datetime, on: date) -> Outline:
        """The outline of a cycle at a moment, as the connection's snapshot has it."""
        cycle = await self._cycle(con, tenant, family)
        # Between two of its days nothing changes, so they share an outline.
        moment = known, bisect_right(cycle.days, on)
        if (found := cycle.outlines.get(moment)) is not None:
            return found
        async with self._building:  # not twice at once: of a large company it takes some tenths of a second
            if (found := cycle.outlines.get(moment)) is not None:
                return found
            outline = await _read(con, tenant, family, known, on)
            cycle.outlines[moment] = outline
            self._forget()
            return outline

    async def _cycle(self, con: asyncpg.Connection, tenant: str, family: Family) -> _Cycle:
        """What is remembered of a cycle if it still holds, else a new beginning."""
        cycle_id, spans = family.cycle.cycle_id, _spans(family)
        now = await con.fetchrow(TABLES, SUBSCRIPTION)
        assert now is not None
        tables = _Tables(*(value or 0 for value in now))
        cycle = self._cycles.get((tenant, cycle_id))
        if cycle is not None and cycle.spans != spans:
            cycle = None
        if cycle is None or cycle.tables != tables:
            then = await con.fetchrow(LAST, tenant, list(spans))
            assert then is not None
            last = _Last(*(value or 0 for value in then))
            if cycle is not None and cycle.last == last and cycle.tables.same_rows(tables):
                cycle.tables = tables
            else:
                days = [row["effective_on"] for row in await con.fetch(DAYS, tenant, list(spans))]
                cycle = _Cycle(spans, tables, last, days, {})
                if last.position:
                    self._cycles[tenant, cycle_id] = cycle
        if (tenant, cycle_id) in self._cycles:
            self._cycles.move_to_end((tenant, cycle_id))
        return cycle

    def _forget(self) -> None:
        """What was asked for least lately, when there is too much."""
        while len(self._cycles) > 1 and sum(cycle.size for cycle in self._cycles.values()) > self._most:
            self._cycles.popitem(last=False)
        for cycle in self._cycles.values():
            while len(cycle.outlines) > 1 and cycle.size > self._most:
                del cycle.outlines[next(iter(cycle.outlines))]


def _spans(family: Family) -> dict[str, tuple[date, date]]:
    return {id: (row.starts_on, row.ends_on) for id, row in family.rows.items()}


async def _read(con: asyncpg.Connection, tenant: str, family: Family, known: datetime, on: date) -> Outline:
    """Built beside the event loop: a company of twenty thousand KPIs is a normal one."""
    ids = list(family.rows)
    rows = await con.fetch(IN_FORCE, tenant, ids, known, on)
    links = await con.fetch(SERVED, tenant, ids, known, on)
    further = await con.fetch(FURTHER, tenant, ids, known, on)
    changed = {row["day"]: DayChange(**row) for row in await con.fetch(CHANGED, tenant, ids, known)}
    for day, linked in await con.fetch(LINKED, tenant, ids, known):
        changed[day] = changed.get(day, DayChange(day))._replace(linked=linked)
    changes = [changed[day] for day in sorted(changed)]
    return await asyncio.to_thread(_build, rows, links, further, changes, family)


def _build(
    rows: Sequence[asyncpg.Record],
    links: Sequence[asyncpg.Record],
    further: Sequence[asyncpg.Record],
    changes: Sequence[DayChange],
    family: Family,
) -> Outline:
    beside = {kpi_id: _beside(packed) for kpi_id, packed in further}
    serves = {kpi_id: (kind, parent) for kpi_id, kind, parent in links}
    same: dict[str, str] = {}  # ids and units are held once, however many KPIs name them
    stubs: list[Stub] = []
    for (
        kpi_id, name, level, kind, direction, unit, target, volume, owners, unit_id, weight, cycle_id, position, ended,
        computed, version,
    ) in rows:  # fmt: skip
        if not ended:
            parent_kind, parent = serves.get(kpi_id, ("", ""))
            parent, unit = same.setdefault(parent, parent), same.setdefault(unit, unit)
            name, cycle_id = same.setdefault(name, name), same.setdefault(cycle_id, cycle_id)
            owner_ids = tuple(same.setdefault(owner, owner) for owner in owners)
            unit_id = same.setdefault(unit_id, unit_id)
            measured = Stub(
                kpi_id, name, level, kind, direction, unit, target, volume,
                parent_kind, parent, position, owner_ids, unit_id, weight, cycle_id, computed, version,
                beside.get(kpi_id, ()),
            )  # fmt: skip
            stubs.append(measured)
    stubs.sort(key=lambda stub: stub.place)
    outline = Outline({stub.id: stub for stub in stubs}, changes, family.cycle.cycle_id, family.around, _spans(family))
    _ = outline.found, outline.levels, outline.below("")
    return outline


def _beside(packed: bytes) -> tuple[Beside, ...]:
    return tuple(
        Beside(target_of(link.to), link.effect, to_decimal(link.share) if link.HasField("share") else None)
        for link in t.FurtherLinks.FromString(packed).links
    )
