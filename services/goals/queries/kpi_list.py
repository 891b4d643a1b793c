"""The KPIs of a cycle as a list: all of them in pages, or those that are searched for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.names import plain_letters
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from eventkit.values import from_decimal
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.queries import kpis, progress
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.outlines import Outlines
from services.goals.views.kpi import KpiRow

PAGE, READ = 100, 500
"""KPIs on a page without a size; KPIs that are read at once to find those that are searched for."""


async def listed(
    pool: asyncpg.Pool, outlines: Outlines, tenant: str, request: pb.ListKpis, org: OrgChart, at: datetime
) -> pb.Kpis:
    page = asked(request, tenant, int, int, size=PAGE)
    async with reading(pool, tenant) as con:
        state = await read_cycle(con, outlines, tenant, request.cycle_id, org, moment(request.as_of, org, at))
        outline = state.outline
        stubs = outline.own_and_around if request.enclosing else outline.own
        candidates = outline.answered_by(request.owner_ids, org) if request.owner_ids else list(stubs)
        if request.recorder_id:
            may = await _recorded_by(con, state, request.recorder_id)
            candidates = [id for id in candidates if id in may] if request.owner_ids else may
        loose = set(outline.loose) if request.unaligned else stubs
        rest = [
            id
            for id in candidates
            if id in stubs
            and id in loose
            and (not request.unit_id or stubs[id].unit_id == request.unit_id)
            and (page.after is None or stubs[id].place > page.after)
        ]
        found: list[str] = []
        for start in range(0, len(rest), READ):
            some = rest[start : start + READ]
            found += await _found(con, state, request.text, some) if request.text else some
            if len(found) >= page.limit:
                break
        shown, token = page.cut(found[: page.limit], lambda id: stubs[id].place)
        await state.load(con, shown)
        await state.load_trends(con, shown)
    return pb.Kpis(kpis=state.shown(shown), next_page_token=token)


async def counted(
    pool: asyncpg.Pool, outlines: Outlines, tenant: str, request: pb.CountKpis, org: OrgChart, at: datetime
) -> pb.KpiCounts:
    """How many KPIs some people answer for in a cycle (G-41), and their weights (G-45)."""
    async with reading(pool, tenant) as con:
        state = await read_cycle(con, outlines, tenant, request.cycle_id, org, moment(AsOf(), org, at))
    stubs, counts, weights = state.outline.own, Counter[str](), dict[str, Decimal]()
    for id in state.outline.answered_by(request.owner_ids, org):
        if id in stubs:
            for person in answerable(stubs[id].owner_ids, stubs[id].unit_id, org):
                counts[person] += 1
                weights[person] = weights.get(person, Decimal()) + stubs[id].weight
    return pb.KpiCounts(
        counts=[
            pb.KpiCount(person_id=person, count=counts[person], weight=from_decimal(weights[person]))
            for person in dict.fromkeys(request.owner_ids)
            if counts[person]
        ]
    )


async def _recorded_by(con: asyncpg.Connection, state: CycleState, person_id: str) -> list[str]:
    """What somebody answers for, and what they were named to record by who does, in the order of the map."""
    org, stubs = state.org, state.outline.stubs
    ids = set(state.outline.answered_by([person_id], org))
    for id, owner in (await progress.delegated(con, state.tenant, person_id)).items():
        if (stub := stubs.get(id)) and owner in answerable(stub.owner_ids, stub.unit_id, org):
            ids.add(id)
    return sorted((id for id in ids if not stubs[id].computed), key=lambda id: stubs[id].place)


async def _found(con: asyncpg.Connection, state: CycleState, text: str, ids: Sequence[str]) -> Iterable[str]:
    """Those that have a text in their own words or in their unit's name."""
    rows = {row.kpi_id: row for row in await kpis.some(con, state.tenant, ids, state.when.known, state.when.on)}
    wanted = plain_letters(text)
    return [id for id in ids if (row := rows.get(id)) and wanted in plain_letters(_words(row, state.org))]


def _words(row: KpiRow, org: OrgChart) -> str:
    unit = org.units.get(row.unit_id)
    return " ".join((row.name, row.statement, unit.name if unit else ""))
