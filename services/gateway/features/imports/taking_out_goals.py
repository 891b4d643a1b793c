"""Taking strategy out, and a cycle's KPIs with what they serve and where they are."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

from eventkit.values import to_date, to_decimal
from nhip.goals.v1 import goals_pb2
from nhip.goals.v1 import types_pb2 as t
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.sheet_words import choice_words
from services.gateway.console.strategy import every_csf, every_goal
from services.gateway.console.visit import Visit
from services.gateway.features.imports.files import Rows, Value

Row = Callable[[Visit, goals_pb2.Kpi, Mapping[str, str]], Sequence[Value] | None]


async def _goals(visit: Visit) -> Rows:
    for goal in await every_goal(visit):
        yield goal.name, goal.year, to_decimal(goal.target), goal.unit


async def _csfs(visit: Visit) -> Rows:
    names = {goal.goal_id: goal.name for goal in await every_goal(visit)}
    for csf in await every_csf(visit):
        yield csf.name, "; ".join(names.get(id, id) for id in csf.goal_ids), csf.why


async def _each(visit: Visit, names: dict[str, str]) -> AsyncIterator[goals_pb2.Kpi]:
    """The KPIs of the cycle that is asked for, else of the one that runs; what is served before what serves it.

    `names`: of what each may serve, which is filled on the way: of goals, success factors, and KPIs up to that one,
    those of the cycles around among them.
    """
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, visit.request.query_params.get("cycle", ""), visit.today)
    if cycle is None:
        return
    names |= {goal.goal_id: goal.name for goal in await every_goal(visit)}
    names |= {csf.csf_id: csf.name for csf in await every_csf(visit)}
    token = ""
    while True:
        asked = goals_pb2.ListKpis(cycle_id=cycle.cycle_id, page_size=200, page_token=token, enclosing=True)
        page = await visit.caller.query("goals", "ListKpis", asked, goals_pb2.Kpis)
        names |= {kpi.kpi_id: kpi.name for kpi in page.kpis}
        for kpi in page.kpis:
            if kpi.cycle_id == cycle.cycle_id:
                yield kpi
        token = page.next_page_token
        if not token:
            return


async def _kpis(row: Row, visit: Visit) -> Rows:
    """What a table has of each KPI of a cycle."""
    names = dict[str, str]()
    async for kpi in _each(visit, names):
        if (found := row(visit, kpi, names)) is not None:
            yield found


async def _links(visit: Visit) -> Rows:
    """What each serves, and what it supports and hinders beside it; last what leads to a KPI that comes later."""
    names, later = dict[str, str](), list[tuple[str, str, t.FurtherLink]]()
    async for kpi in _each(visit, names):
        owners = _owners(visit, kpi)
        if parent := _parent(kpi, names):
            yield kpi.name, owners, parent, choice_words(visit.language)["serves"], None, kpi.why
        for link in kpi.further:
            if _id(link.to) in names:
                yield _further(visit, kpi.name, owners, link, names)
            else:
                later.append((kpi.name, owners, link))
    for name, owners, link in later:
        if _id(link.to) in names:
            yield _further(visit, name, owners, link, names)


def _further(visit: Visit, kpi: str, owners: str, link: t.FurtherLink, names: Mapping[str, str]) -> Sequence[Value]:
    effect = choice_words(visit.language)[t.Effect.Name(link.effect).removeprefix("EFFECT_").lower()]
    share = to_decimal(link.share) if link.HasField("share") else None
    return kpi, owners, names[_id(link.to)], effect, share, link.why


def _kpi(visit: Visit, kpi: goals_pb2.Kpi, names: Mapping[str, str]) -> Sequence[Value]:
    words, measure = choice_words(visit.language), kpi.measure
    weight = to_decimal(kpi.exact_weight) or kpi.weight
    return (
        kpi.name,
        kpi.statement,
        _owners(visit, kpi),
        kpi.unit_name,
        words[t.Level.Name(kpi.level).removeprefix("LEVEL_").lower()] if kpi.level else "",
        words[t.MeasureKind.Name(measure.kind).removeprefix("MEASURE_KIND_").lower()] if measure.kind else "",
        words[t.Direction.Name(measure.direction).removeprefix("DIRECTION_").lower()] if measure.direction else "",
        measure.unit,
        to_decimal(measure.baseline),
        to_decimal(measure.target),
        to_decimal(measure.floor),
        to_decimal(measure.stretch),
        weight or None,
        _parent(kpi, names),
        kpi.why,
    )


def _value(visit: Visit, kpi: goals_pb2.Kpi, _: Mapping[str, str]) -> Sequence[Value] | None:
    """The one that it has; None of one without."""
    standing = kpi.standing
    value = to_decimal(standing.current)
    if value is None:
        return None
    return kpi.name, _owners(visit, kpi), to_date(standing.occurred_on), value, standing.confidence or None


def _owners(visit: Visit, kpi: goals_pb2.Kpi) -> str:
    return "; ".join(visit.language.words(owner.name) for owner in kpi.owners)


def _parent(kpi: goals_pb2.Kpi, names: Mapping[str, str]) -> str:
    return names.get(_id(kpi.parent), "")


def _id(parent: t.Parent) -> str:
    return parent.kpi_id or parent.csf_id or parent.goal_id


TABLES: Mapping[str, Callable[[Visit], Rows]] = {
    "goals": _goals,
    "csfs": _csfs,
    "kpis": partial(_kpis, _kpi),
    "links": _links,
    "values": partial(_kpis, _value),
}
