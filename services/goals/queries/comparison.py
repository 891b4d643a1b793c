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
from services.goals.domain.alignment import target_of
from services.goals.queries import cycles, strategy
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.named_links import named_links
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
        then_called, now_called = [
            _Side(state, await strategy.names(con, tenant, state.when.known, state.when.on))
            for state in (before, after)
        ]
    return pb.MapComparison(
        cycle=cycles.cycle_message(after.cycle),
        before=before.when.message(at),
        after=after.when.message(at),
        kpis=[
            pb.ComparedKpi(
                before=before.kpi(before.kpis[id]) if id in before.kpis else None,
                after=after.kpi(after.kpis[id]) if id in after.kpis else None,
                served_before=then_called.served(id),
                served_after=now_called.served(id),
                **_linked(id, then_called, now_called),
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


class _Side(NamedTuple):
    """One of the moments, with what goals and success factors were called then."""

    state: CycleState
    names: Mapping[str, str]

    def served(self, kpi_id: str) -> str:
        """What it serves first is called."""
        stub = self.state.outline.stubs.get(kpi_id)
        return self.called(stub.parent_id) if stub else ""

    def called(self, id: str) -> str:
        stub = self.state.outline.stubs.get(id)
        return stub.name if stub else self.names.get(id, "")

    def links(self, kpi_id: str) -> list[pb.NamedLink]:
        return named_links(self.state.further.get(kpi_id, ()), lambda to: self.called(target_of(to)))


def _linked(kpi_id: str, before: _Side, after: _Side) -> dict[str, Sequence[pb.NamedLink]]:
    """The further links of both, where they lead elsewhere, or count otherwise, than before."""
    if list(before.state.further.get(kpi_id, ())) == list(after.state.further.get(kpi_id, ())):
        return {}
    return {"further_before": before.links(kpi_id), "further_after": after.links(kpi_id)}
