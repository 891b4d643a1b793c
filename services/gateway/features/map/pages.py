"""The goal map: where are we? Of the cycle that runs, now or as of any day."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from eventkit.names import plain_letters
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console import kpis
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import ShortfallFoot, shortfall_foot
from services.gateway.console.cycles import choose_cycle, newest_first
from services.gateway.console.language import date_of, day_of
from services.gateway.console.past import PastBar, nothing_yet, past_bar
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.map import compare
from services.gateway.features.map.timeline import Timeline, timeline
from services.gateway.features.map.tree import Forest, Planting

routes = Routes(compare.routes)

MOST_QUERY, MOST_OPEN = 100, 100
"""Letters of a search, and KPIs that a reader unfolded: more is not asked for."""


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
    whole: bool
    """Nothing is folded away: what is looked for is on the page or nowhere."""
    warning_count: int


@routes.page("/map")
async def goal_map(visit: Visit) -> Response:
    """`/map`: the whole map."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    wanted = visit.request.query_params.get("cycle", "")
    cycle = choose_cycle(cycles.cycles, wanted, visit.today)
    if cycle is None:
        return visit.render("empty.html")
    today = Moment().url("/map", cycle=wanted)
    parameters = visit.request.query_params
    opened, closed = _ids(parameters.get("open", "")), _ids(parameters.get("closed", ""))
    query, focus = parameters.get("q", "").strip()[:MOST_QUERY], parameters.get("focus", "")
    mine = parameters.get("mine") == "1"
    try:
        found = await _found(visit, cycle.cycle_id, query) if query else frozenset[str]()
        own = await kpis.found(visit, cycle.cycle_id, "", [visit.person]) if mine else frozenset[str]()
        sought = [*({focus.removeprefix("kpi-")} - {""}), *found, *own]
        reply = await _ask(visit, cycle.cycle_id, open_ids=_kpi_ids(opened), focus_ids=sought[: kpis.FOUND])
    except Failure as failure:
        if failure.status != "NOT_FOUND" or visit.moment.is_now:
            raise
        return nothing_yet(visit, today)
    if reply.past and not (reply.kpis or reply.goals or reply.csfs):
        return nothing_yet(visit, today)
    kept = {name: value for name in ("cycle", "view", "mine", "q", "focus") if (value := parameters.get(name))}

    def url(**more: str) -> str:
        return visit.moment.url("/map", **(kept | more))

    def toggle(id: str, opens: bool) -> str:
        to_open, to_close = (opened | {id}, closed - {id}) if opens else (opened - {id}, closed | {id})
        return url(open=",".join(sorted(to_open)), closed=",".join(sorted(to_close)))

    sought_text = searched(query) if query else None
    forest = Planting(reply, visit.language, visit.moment, visit.person, sought_text, found, closed, toggle).forest()
    shown = date_of(reply.as_of, "effective_on") or visit.today

    def at(moment: Moment) -> str:
        return moment.url("/map", cycle=wanted)

    page = MapPage(
        cycle=reply.cycle,
        cycles=tuple(
            CycleChoice(c.cycle_id, c.name, Moment().url("/map", cycle=c.cycle_id), c.cycle_id == cycle.cycle_id)
            for c in newest_first(cycles.cycles)
        ),
        forest=forest,
        warnings=tuple(_warnings(visit, reply, url)),
        timeline=timeline(
            day_of(reply.cycle.starts_on),
            day_of(reply.cycle.ends_on),
            shown,
            visit.today,
            reply.changes,
            at,
            visit.language,
        ),
        past=past_bar(visit, reply.past, today, compare_url(visit.moment, reply.cycle.cycle_id)),
        shown=shown,
        is_today=visit.moment.is_now,
        view=parameters.get("view", "") if parameters.get("view") in ("map", "tree") else "",
        query=query,
        mine=mine,
        focus=focus,
        whole=reply.whole,
        warning_count=reply.shortfall_count,
    )
    return visit.render("map/map.html", page=page, url=url)


def compare_url(moment: Moment, cycle_id: str) -> str:
    """The day that is looked back at beside today; empty for an instant, which is no day."""
    if moment.on is None:
        return ""
    return Moment().url("/map/compare", cycle=cycle_id, a=moment.on.isoformat(), clock=moment.clock)


@routes.page("/map/branch/{node}")
async def branch(visit: Visit) -> Response:
    """`/map/branch/<node>`: what hangs directly below one node, for a map that is already shown; `after`: the next page
    of it."""
    parameters = visit.request.query_params
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, parameters.get("cycle", ""), visit.today)
    node = visit.request.path_params["node"]
    under = node.partition("-")[2]
    if cycle is None:
        raise Failure("NOT_FOUND", "CYCLE_UNKNOWN", "there is no cycle yet")
    reply = await _ask(visit, cycle.cycle_id, under_id=under, page_token=parameters.get("after", ""))
    nodes = Planting(reply, visit.language, visit.moment, visit.person).branch(under)
    more = (
        visit.moment.url(f"/map/branch/{node}", cycle=cycle.cycle_id, after=reply.next_page_token)
        if reply.next_page_token
        else ""
    )
    return visit.render("map/branch.html", nodes=nodes, more=more)


async def _ask(visit: Visit, cycle_id: str, **part: object) -> goals_pb2.GoalMap:
    as_of = None if visit.moment.is_now else visit.moment.message(visit.zone)
    request = goals_pb2.GetMap(cycle_id=cycle_id, as_of=as_of, **part)  # type: ignore[arg-type] # fields of the request by name
    return await visit.caller.query("goals", "GetMap", request, goals_pb2.GoalMap)


async def _found(visit: Visit, cycle_id: str, query: str) -> frozenset[str]:
    """The KPIs that a search finds by their own words, by their unit's, and by whose they are."""
    named = people_pb2.ListPeople(text=query, page_size=kpis.FOUND)
    people = await or_none(visit.caller.query("people", "ListPeople", named, people_pb2.PeopleList))
    return await kpis.found(visit, cycle_id, query, [person.person_id for person in people.people] if people else [])


def _kpi_ids(nodes: Iterable[str]) -> list[str]:
    """The KPIs among the nodes of a map."""
    return sorted(node.removeprefix("kpi-") for node in nodes if node.startswith("kpi-"))[:MOST_OPEN]


def searched(query: str) -> Callable[[str], bool]:
    """Whether a text has what is searched for: without regard to case and marks, as people type."""
    wanted = plain_letters(query)
    return lambda text: wanted in plain_letters(text)


def _ids(text: str) -> frozenset[str]:
    return frozenset(id for id in text.split(",") if id)


def _warnings(visit: Visit, reply: goals_pb2.GoalMap, url: Callable[..., str]) -> Iterator[Warning]:
    for shortfall in reply.shortfalls:
        node = f"kpi-{shortfall.kpi_id}"
        foot = shortfall_foot(shortfall, visit.language)
        yield Warning(shortfall.kpi_name or shortfall.kpi_id, foot, node, f"{url(focus=node)}#{node}")
