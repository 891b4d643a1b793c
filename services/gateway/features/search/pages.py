"""One field for everything that has a name: what it finds, in groups, some of each."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from eventkit.names import finds, searchable, sought
from nhip.goals.v1 import goals_pb2, types_pb2
from nhip.people.v1 import people_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Avatar, level_word
from services.gateway.console.choices import by_name
from services.gateway.console.directory import Directory, directory
from services.gateway.console.language import Language, day_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none

routes = Routes()

FEW, MANY, MOST_QUERY = 6, 50, 100
"""Of each kind among others; of one kind alone; characters."""
KINDS = ("people", "kpis", "goals", "csfs", "cycles", "units")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found: an icon or whose picture, what it is called, and what tells it from others."""

    name: str
    about: str
    url: str
    icon: str = ""
    avatar: Avatar | None = None


@dataclass(frozen=True, slots=True)
class Group:
    kind: str
    word: str
    hits: Sequence[Hit]
    more: str
    """Where there are more; empty: these are all."""


@dataclass(frozen=True, slots=True)
class Found:
    query: str
    groups: Sequence[Group]
    away: Sequence[str]
    """What could not be asked, in words."""
    only: str
    """The one kind that is shown; empty: all."""
    narrow: bool
    """Of this one kind there is more than a page holds, and no other list."""
    many: int = MANY


@routes.page("/search")
async def search(visit: Visit) -> Response:
    """`GET /search?q=`; `in=` names one kind to see more of."""
    return visit.render("search/search.html", found=await _found(visit))


@routes.page("/search/found")
async def found_so_far(visit: Visit) -> Response:
    """`GET /search/found?q=`: the same as a part of a page, while somebody types."""
    return visit.render("search/found.html", found=await _found(visit))


async def _found(visit: Visit) -> Found:
    given, language = visit.request.query_params, visit.language
    query = given.get("q", "").strip()[:MOST_QUERY]
    only = kind if (kind := given.get("in", "")) in KINDS else ""
    if not sought(query):
        return Found(query, (), (), only, narrow=False)
    most = MANY if only else FEW
    people_asked = people_pb2.ListPeople(text=query, active=True, page_size=most)
    goals_asked = goals_pb2.SearchGoals(text=query, most=most)
    people, goals = await asyncio.gather(
        or_none(visit.caller.query("people", "ListPeople", people_asked, people_pb2.PeopleList)),
        or_none(visit.caller.query("goals", "SearchGoals", goals_asked, goals_pb2.GoalsFound)),
    )
    who = await directory(visit, people, goals)
    _ = language.gettext
    away = [word for word, reply in ((_("Our people"), people), (_("Goals and KPIs"), goals)) if reply is None]
    hit = [each for each in _groups(query, most, people, goals, who, language) if each[2] and only in ("", each[0])]
    groups = [
        Group(kind, word, hits[:most], _more(query, kind, only) if more else "") for kind, word, hits, more in hit
    ]
    narrow = bool(only) and any(more and not group.more for group, (*_, more) in zip(groups, hit, strict=True))
    return Found(query, groups, away, only, narrow)


def _more(query: str, kind: str, only: str) -> str:
    """People have a list of their own, with pages; of the others there is a longer list, and then only more letters."""
    if kind == "people":
        return f"/people?text={quote(query)}"
    return "" if only else f"/search?in={kind}&q={quote(query)}"


def _groups(
    query: str,
    most: int,
    people: people_pb2.PeopleList | None,
    goals: goals_pb2.GoalsFound | None,
    who: Directory,
    language: Language,
) -> Iterator[tuple[str, str, Sequence[Hit], bool]]:
    """By kind: what it is called, what of it was found, and whether there is more."""
    _ = language.gettext
    if people:
        hits = [_person(person, who, language) for person in people.people]
        yield "people", _("People"), hits, bool(people.next_page_token)
    if goals:
        yield "kpis", "KPI", [_kpi(kpi, who, language) for kpi in goals.kpis], goals.more_kpis
        aims = [_on_map(f"goal-{one.goal_id}", one.name, str(one.year), "flag") for one in goals.goals]
        yield "goals", _("Strategic goals"), aims, goals.more_goals
        factors = [_on_map(f"csf-{one.csf_id}", one.name, "CSF", "target-arrow") for one in goals.csfs]
        yield "csfs", _("Success factors"), factors, goals.more_csfs
        yield "cycles", _("Cycles"), [_cycle(one, language) for one in goals.cycles], goals.more_cycles
    wanted = sought(query)
    named = by_name(
        [(id, unit.name) for id, unit in who.units.items() if not unit.closed and finds(wanted, searchable(unit.name))]
    )
    units = [Hit(name, _unit_about(who, id), f"/units/{quote(id, safe='')}", "building") for id, name in named[:most]]
    yield "units", _("Units"), units, len(named) > most


def _person(person: people_pb2.Person, who: Directory, language: Language) -> Hit:
    unit = who.unit(person.place.unit_id).name if person.place.unit_id else ""
    about = [language.words(person.title), unit, person.employment.employee_code, language.words(person.email)]
    shown, url = who.person(person.person_id), f"/people/{quote(person.person_id, safe='')}"
    return Hit(shown.name, " · ".join(filter(None, about)), url, avatar=shown)


def _kpi(kpi: goals_pb2.FoundKpi, who: Directory, language: Language) -> Hit:
    level = level_word(types_pb2.Level.Name(kpi.level).removeprefix("LEVEL_").lower(), language)
    owners = ", ".join(who.person(id).name for id in kpi.owner_ids) or (
        who.unit(kpi.unit_id).name if kpi.unit_id else ""
    )
    about = " · ".join(filter(None, (level, owners, kpi.cycle_name)))
    return Hit(kpi.name, about, f"/kpi/{quote(kpi.kpi_id, safe='')}", "target")


def _on_map(node: str, name: str, about: str, icon: str) -> Hit:
    return Hit(name, about, f"{Moment().url('/map', focus=node)}#{node}", icon)


def _cycle(cycle: goals_pb2.Cycle, language: Language) -> Hit:
    days = f"{language.day(day_of(cycle.starts_on))} – {language.day(day_of(cycle.ends_on))}"
    return Hit(cycle.name, days, f"/cycles/{quote(cycle.cycle_id, safe='')}", "calendar-event")


def _unit_about(who: Directory, id: str) -> str:
    """The unit that it lies in; empty: it lies in none."""
    parent = who.units[id].parent_id
    return who.unit(parent).name if parent else ""
