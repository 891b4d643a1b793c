"""The KPIs of a cycle as a list to choose from, and those that a search finds."""

import asyncio
from collections.abc import Iterable, Sequence

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


async def servable(visit: Visit, cycle_id: str) -> Sequence[tuple[str, str]]:
    """The first KPIs that one of a cycle may serve, by id and name: its own, and those of the cycles around it, which
    say whose they are."""
    kpis, cycles = await asyncio.gather(
        listed(visit, cycle_id, enclosing=True),
        visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles),
    )
    named = {cycle.cycle_id: cycle.name for cycle in cycles.cycles}
    return [
        (kpi.kpi_id, kpi.name if kpi.cycle_id == cycle_id else f"{kpi.name} · {named.get(kpi.cycle_id, '')}")
        for kpi in kpis
    ]


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
