"""The KPIs of a cycle as a list to choose from, and those that a search finds."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nhip.goals.v1 import goals_pb2
from services.gateway.console.visit import Visit, or_none

MOST = 200
"""On a page to choose from; who looks for another one searches for it."""
FOUND = 50
"""KPIs that one search finds, at most: as many as a map can be unfolded to."""


async def listed(visit: Visit, cycle_id: str, **wanted: object) -> Sequence[goals_pb2.Kpi]:
    """The first KPIs of a cycle, as of the moment that is looked at: all, or those that are `wanted`, as in
    `ListKpis`."""
    as_of = None if visit.moment.is_now else visit.moment.message(visit.zone)
    request = goals_pb2.ListKpis(cycle_id=cycle_id, as_of=as_of, **{"page_size": MOST, **wanted})  # type: ignore[arg-type] # fields by name
    return (await visit.caller.query("goals", "ListKpis", request, goals_pb2.Kpis)).kpis


@dataclass(frozen=True, slots=True)
class Servable:
    """What a KPI of a cycle may serve: the first of its own cycle, then of those around it, which say whose they are.
    By id and name. `more`: there are others."""

    kpis: Sequence[tuple[str, str]]
    more: bool


async def servable(visit: Visit, cycle_id: str) -> Servable:
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    known = {cycle.cycle_id: cycle for cycle in cycles.cycles}
    way = [cycle_id]
    while (around := known[way[-1]].within_id if way[-1] in known else "") and around not in way:
        way.append(around)
    pages = await asyncio.gather(
        *(
            visit.caller.query("goals", "ListKpis", goals_pb2.ListKpis(cycle_id=id, page_size=MOST), goals_pb2.Kpis)
            for id in way
        )
    )
    named = [
        (kpi.kpi_id, kpi.name if id == cycle_id else f"{kpi.name} · {known[id].name}")
        for id, page in zip(way, pages, strict=True)
        for kpi in page.kpis
    ]
    return Servable(named, any(page.next_page_token for page in pages))


async def named(visit: Visit, ids: Iterable[str]) -> dict[str, str]:
    """What KPIs of any cycle are called, as far as they are there, by their ids."""
    asked = sorted(filter(None, ids))
    if not asked:
        return {}
    request = goals_pb2.ListNames(kpi_ids=asked)
    reply = await visit.caller.query("goals", "ListNames", request, goals_pb2.Names)
    return {one.id: one.name for one in reply.names}


async def own_and_others(
    visit: Visit, cycle_id: str, text: str = ""
) -> tuple[Sequence[goals_pb2.Kpi], Sequence[goals_pb2.Kpi]]:
    """What the viewer answers for, and what others do; none while goals is away."""
    own, every = await asyncio.gather(
        or_none(listed(visit, cycle_id, owner_ids=[visit.person], text=text)),
        or_none(listed(visit, cycle_id, text=text)),
    )
    mine = {kpi.kpi_id for kpi in own or ()}
    return own or (), [kpi for kpi in every or () if kpi.kpi_id not in mine]


async def found(visit: Visit, cycle_id: str, text: str, people: Iterable[str]) -> frozenset[str]:
    """The ids of the KPIs that have a text in their name, statement or unit's name, or that one of some people answers
    for."""
    owners = list(people)[:FOUND]
    answers = await asyncio.gather(
        *([listed(visit, cycle_id, text=text, page_size=FOUND)] if text else []),
        *([listed(visit, cycle_id, owner_ids=owners, page_size=FOUND)] if owners else []),
    )
    return frozenset([kpi.kpi_id for kpis in answers for kpi in kpis][:FOUND])
