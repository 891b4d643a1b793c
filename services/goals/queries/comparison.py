"""Two moments of a map beside each other: what was otherwise, by the outlines of both."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.queries import cycles, strategy
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.outline import Stub
from services.goals.queries.outlines import Outlines

PAGE = 50


async def compared(
    pool: asyncpg.Pool,
    outlines: Outlines,
    tenant: str,
    request: pb.CompareMaps,
    people: tuple[OrgChart, OrgChart],
    at: datetime,
) -> pb.MapComparison:
    """`people`: who is shown as answering at each of the moments."""
    page = asked(request, tenant, int, int, str, size=PAGE)
    async with reading(pool, tenant) as con:
        before, after = [
            await read_cycle(con, outlines, tenant, request.cycle_id, org, moment(as_of, org, at))
            for as_of, org in ((request.before, people[0]), (request.after, people[1]))
        ]
        then, now = before.outline.own, after.outline.own
        found = await asyncio.to_thread(_differing, then, now)
        rest = [at for at in found.places if page.after is None or at > page.after]
        cut, token = page.cut(rest[: page.limit], lambda at: at)
        shown = [id for _, _, id in cut]
        for state in (before, after):
            await state.load(con, shown)
        names = await strategy.names(con, tenant, after.when.known, after.when.on)
    return pb.MapComparison(
        cycle=cycles.cycle_message(after.cycle),
        before=before.when.message(at),
        after=after.when.message(at),
        kpis=[
            pb.ComparedKpi(
                before=before.kpi(before.kpis[id]) if id in before.kpis else None,
                after=after.kpi(after.kpis[id]) if id in after.kpis else None,
                served_before=_served(id, before, names),
                served_after=_served(id, after, names),
            )
            for id in shown
        ],
        next_page_token=token,
        gone=found.gone,
        added=found.added,
        changed=found.changed,
        same=len(now) - found.added - found.changed,
    )


class _Differing(NamedTuple):
    places: Sequence[tuple[int, int, str]]
    """Of each KPI that differs, in the order of the map: its level, its position, its id."""
    gone: int
    added: int
    changed: int


def _differing(then: Mapping[str, Stub], now: Mapping[str, Stub]) -> _Differing:
    """Twenty thousand KPIs take some tenths of a second: beside the event loop."""
    gone, added = then.keys() - now.keys(), now.keys() - then.keys()
    changed = {id for id in then.keys() & now.keys() if then[id]._replace(position=0) != now[id]._replace(position=0)}
    places = sorted((*(now.get(id) or then[id]).place, id) for id in gone | added | changed)
    return _Differing(places, len(gone), len(added), len(changed))


def _served(kpi_id: str, state: CycleState, names: Mapping[str, str]) -> str:
    """What it serves is called."""
    stub = state.outline.stubs.get(kpi_id)
    if stub is None:
        return ""
    parent = state.outline.stubs.get(stub.parent_id)
    return parent.name if parent else names.get(stub.parent_id, "")
