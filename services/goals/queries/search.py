"""What a text finds: KPIs of all cycles, strategic goals, success factors and cycles."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.names import finds, searchable, sought
from eventkit.subscriptions.table import reading
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.queries import cycles, kpis, strategy
from services.goals.queries.goal_map import moment
from services.goals.views.cycle import CYCLES
from services.goals.views.kpi_words import KPI_WORDS

MOST = 10
"""Of each kind, where nobody says how many."""
CSF_IS_ALSO = "CSF CFS"
"""How people call success factors; the second one is a slip that has spread (G-03)."""

# Words have letters and digits alone, so none of them is a pattern.
_KPIS = f"""
select w.kpi_id, w.cycle_id, c.name as cycle_name from {KPI_WORDS} w join {CYCLES} c using (tenant, cycle_id)
where w.tenant = $1 and w.named || w.stated like all($2) and w.starts_on <= $3
  and (w.ends_on is null or w.ends_on > $3) and not c.withdrawn
order by w.named like all($2) desc, c.state < {t.CYCLE_STATE_CLOSING} desc, $3 between c.starts_on and c.ends_on desc,
  c.starts_on desc, w.level, w.named, w.kpi_id limit $4
"""

Found = TypeVar("Found")


async def search(
    pool: asyncpg.Pool, tenant: str, request: pb.SearchGoals, org: OrgChart, at: datetime
) -> pb.GoalsFound:
    wanted, most, when = sought(request.text), request.most or MOST, moment(AsOf(), org, at)
    if not wanted:
        return pb.GoalsFound()
    async with reading(pool, tenant) as con:
        patterns = [f"%{word}%" for word in wanted]
        hits = await con.fetch(_KPIS, tenant, patterns, when.on, most + 1)
        rows = await kpis.some(con, tenant, [hit["kpi_id"] for hit in hits], when.known, when.on)
        goals = await strategy.goals(con, tenant, when.known, when.on)
        csfs = await strategy.csfs(con, tenant, when.known, when.on)
        every = await con.fetch(f"select * from {CYCLES} where tenant = $1 and not withdrawn", tenant)
    known = {row.kpi_id: row for row in rows}
    opened = sorted(map(CYCLES.of, every), key=lambda row: (row.starts_on, row.cycle_id), reverse=True)
    found_goals, more_goals = _first(most, (goal for goal in goals if finds(wanted, searchable(goal.name))))
    found_csfs, more_csfs = _first(most, (csf for csf in csfs if finds(wanted, searchable(csf.name, CSF_IS_ALSO))))
    found_cycles, more_cycles = _first(most, (row for row in opened if finds(wanted, searchable(row.name))))
    return pb.GoalsFound(
        kpis=[
            pb.FoundKpi(
                kpi_id=row.kpi_id,
                name=row.name,
                level=row.level,  # type: ignore[arg-type] # stored as the enum's number
                owner_ids=row.owner_ids,
                unit_id=row.unit_id,
                cycle_id=hit["cycle_id"],
                cycle_name=hit["cycle_name"],
            )
            for hit in hits[:most]
            if (row := known.get(hit["kpi_id"]))
        ],
        goals=found_goals,
        csfs=found_csfs,
        cycles=map(cycles.cycle_message, found_cycles),
        more_kpis=len(hits) > most,
        more_goals=more_goals,
        more_csfs=more_csfs,
        more_cycles=more_cycles,
    )


def _first(most: int, found: Iterable[Found]) -> tuple[Sequence[Found], bool]:
    """The first ones, and whether there are more."""
    every = list(found)
    return every[:most], len(every) > most
