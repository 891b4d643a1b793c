"""The goal map: where are we? Of the cycle that runs, now or as of any day."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import ShortfallFoot, shortfall_foot
from services.gateway.console.language import date_of, day_of
from services.gateway.console.past import PastBar, nothing_yet, past_bar
from services.gateway.console.timeline import Timeline, timeline
from services.gateway.console.tree import Forest, Planting, find, parent_id
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure


@dataclass(frozen=True, slots=True)
class CycleChoice:
    id: str
    name: str
    url: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Warning:
    """A sum that does not reach its parent, in the header's list."""

    name: str
    foot: ShortfallFoot
    node: str
    url: str


@dataclass(frozen=True, slots=True)
class MapPage:
    cycle: goals_pb2.Cycle
    cycles: tuple[CycleChoice, ...]
    forest: Forest
    warnings: tuple[Warning, ...]
    timeline: Timeline
    past: PastBar | None
    shown: date
    is_today: bool
    view: str
    query: str
    mine: bool
    focus: str


async def goal_map(visit: Visit) -> Response:
    """`/`: the whole map."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    wanted = visit.request.query_params.get("cycle", "")
    cycle = choose_cycle(cycles.cycles, wanted, visit.today)
    if cycle is None:
        return visit.render("empty.html")
    today = Moment().url("/", cycle=wanted)
    try:
        reply = await _ask(visit, cycle.cycle_id)
    except Failure as failure:
        if failure.status != "NOT_FOUND" or visit.moment.is_now:
            raise
        return nothing_yet(visit, today)
    if reply.past and not (reply.kpis or reply.goals or reply.csfs):
        return nothing_yet(visit, today)
    parameters = visit.request.query_params
    own = {name: value for name in ("cycle", "view", "mine", "q", "focus") if (value := parameters.get(name))}
    opened, closed = _ids(parameters.get("open", "")), _ids(parameters.get("closed", ""))

    def url(**more: str) -> str:
        return visit.moment.url("/", **(own | more))

    def toggle(id: str, opens: bool) -> str:
        to_open, to_close = (opened | {id}, closed - {id}) if opens else (opened - {id}, closed | {id})
        return url(open=",".join(sorted(to_open)), closed=",".join(sorted(to_close)))

    query, focus = parameters.get("q", "").strip(), parameters.get("focus", "")
    forest = Planting(
        reply,
        visit.language,
        visit.moment,
        visit.person,
        searched(query) if query else None,
        opened | path_to(reply, focus),
        closed,
        toggle,
    ).forest()
    shown = date_of(reply.as_of, "effective_on") or visit.today

    def at(moment: Moment) -> str:
        return moment.url("/", cycle=wanted)

    page = MapPage(
        cycle=reply.cycle,
        cycles=tuple(
            CycleChoice(c.cycle_id, c.name, Moment().url("/", cycle=c.cycle_id), c.cycle_id == cycle.cycle_id)
            for c in newest_first(cycles.cycles)
        ),
        forest=forest,
        warnings=tuple(_warnings(visit, reply, url)),
        timeline=timeline(
            day_of(reply.cycle.starts_on),
            day_of(reply.cycle.ends_on),
            shown,
            visit.today,
            [day_of(day) for day in reply.changed_on],
            at,
            visit.language,
        ),
        past=past_bar(visit, reply.past, today),
        shown=shown,
        is_today=visit.moment.is_now,
        view=parameters.get("view", "") if parameters.get("view") in ("map", "tree") else "",
        query=query,
        mine=parameters.get("mine") == "1",
        focus=focus,
    )
    return visit.render("map.html", page=page, url=url)


async def branch(visit: Visit) -> Response:
    """`/map/branch/<node>`: what hangs below one node, for a map that is already shown."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, visit.request.query_params.get("cycle", ""), visit.today)
    id = visit.request.path_params["node"]
    reply = await _ask(visit, cycle.cycle_id) if cycle else goals_pb2.GoalMap()
    forest = Planting(reply, visit.language, visit.moment, visit.person, opened=frozenset({id}) | path_to(reply, id)).forest()
    node = find(forest.roots, id)
    if node is None:
        raise Failure("NOT_FOUND", "KPI_UNKNOWN", f"there is no {id!r} on this map")
    return visit.render("branch.html", nodes=node.children)


async def back(visit: Visit) -> Response:
    """An address that nobody is to look at: to the map."""
    return visit.redirect("/")


async def _ask(visit: Visit, cycle_id: str) -> goals_pb2.GoalMap:
    request = goals_pb2.GetMap(cycle_id=cycle_id, as_of=None if visit.moment.is_now else visit.moment.message(visit.zone))
    return await visit.caller.query("goals", "GetMap", request, goals_pb2.GoalMap)


def newest_first(cycles: Sequence[goals_pb2.Cycle]) -> list[goals_pb2.Cycle]:
    return sorted(cycles, key=lambda cycle: day_of(cycle.starts_on), reverse=True)


def choose_cycle(cycles: Sequence[goals_pb2.Cycle], wanted: str, today: date) -> goals_pb2.Cycle | None:
    """The cycle that was asked for, else the one that today lies in (of several the one that began last), else the nearest.

    Raises Failure for one that is not there.
    """
    if wanted:
        found = next((cycle for cycle in cycles if cycle.cycle_id == wanted), None)
        if found is None:
            raise Failure("NOT_FOUND", "CYCLE_UNKNOWN", f"there is no cycle {wanted!r}")
        return found

    def away(cycle: goals_pb2.Cycle) -> int:
        """Days from today to the cycle; 0 within it."""
        return max((day_of(cycle.starts_on) - today).days, (today - day_of(cycle.ends_on)).days, 0)

    return min(newest_first(cycles), key=away, default=None)


def path_to(reply: goals_pb2.GoalMap, node: str) -> frozenset[str]:
    """The KPIs above a node: they must be open for it to be seen."""
    kpis = {kpi.kpi_id: kpi for kpi in reply.kpis}
    path: set[str] = set()
    kpi = kpis.get(node.removeprefix("kpi-"))
    while kpi is not None and (above := parent_id(kpi)) in kpis and f"kpi-{above}" not in path:
        path.add(f"kpi-{above}")
        kpi = kpis[above]
    return frozenset(path)


def searched(query: str) -> Callable[[str], bool]:
    """Whether a text has what is searched for: without regard to case and marks, as people type."""
    wanted = plain(query)
    return lambda text: wanted in plain(text)


def plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _ids(text: str) -> frozenset[str]:
    return frozenset(id for id in text.split(",") if id)


def _warnings(visit: Visit, reply: goals_pb2.GoalMap, url: Callable[..., str]) -> Iterator[Warning]:
    names = {kpi.kpi_id: kpi.name for kpi in reply.kpis}
    for shortfall in reply.shortfalls:
        node = f"kpi-{shortfall.kpi_id}"
        foot = shortfall_foot(shortfall, visit.language)
        yield Warning(names.get(shortfall.kpi_id, shortfall.kpi_id), foot, node, f"{url(focus=node)}#{node}")
