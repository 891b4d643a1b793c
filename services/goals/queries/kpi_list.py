"""The KPIs of a cycle as a list: all of them in pages, or those that are searched for."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.names import plain_letters
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.queries import kpis
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.outline import Outlines
from services.goals.views.kpi import KpiRow

PAGE, READ = 100, 500
"""KPIs on a page without a size; KPIs that are read at once to find those that are searched for."""


async def listed(
    pool: asyncpg.Pool, outlines: Outlines, tenant: str, request: pb.ListKpis, org: OrgChart, at: datetime
) -> pb.Kpis:
    page = asked(request, tenant, int, int, size=PAGE)
    async with reading(pool, tenant) as con:
        state = await read_cycle(con, outlines, tenant, request.cycle_id, org, moment(request.as_of, org, at))
        candidates = state.outline.loose if request.unaligned else state.outline.stubs
        rest = [id for id in candidates if page.after is None or state.outline.stubs[id].place > page.after]
        found: list[str] = []
        for start in range(0, len(rest), READ):
            some = rest[start : start + READ]
            found += (
                await _found(con, state, request, some)
                if request.text or request.owner_ids or request.unit_id
                else some
            )
            if len(found) >= page.limit:
                break
        shown, token = page.cut(found[: page.limit], lambda id: state.outline.stubs[id].place)
        await state.load(con, shown)
    return pb.Kpis(kpis=state.shown(shown), next_page_token=token)


async def _found(con: asyncpg.Connection, state: CycleState, request: pb.ListKpis, ids: Sequence[str]) -> Iterable[str]:
    rows = {row.kpi_id: row for row in await kpis.some(con, state.tenant, ids, state.when.known, state.when.on)}
    wanted = plain_letters(request.text)
    return [id for id in ids if (row := rows.get(id)) and _is_meant(row, request, wanted, state.org)]


def _is_meant(row: KpiRow, request: pb.ListKpis, wanted: str, org: OrgChart) -> bool:
    unit = org.units.get(row.unit_id)
    if request.unit_id and row.unit_id != request.unit_id:
        return False
    if request.owner_ids and not {*answerable(row.owner_ids, row.unit_id, org)} & {*request.owner_ids}:
        return False
    return not wanted or wanted in plain_letters(" ".join((row.name, row.statement, unit.name if unit else "")))
