"""Taking tables out: people, units, and a cycle's KPIs and values, as CSV that grows while it is sent, or XLSX."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from starlette.responses import Response, StreamingResponse

from eventkit.values import to_date, to_decimal
from nhip.goals.v1 import goals_pb2
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1 import people_pb2, types_pb2
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.directory import Directory, directory
from services.gateway.console.routes import Routes
from services.gateway.console.sheet_words import choice_words, field_words
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.imports.files import TYPES, Value, csv_line, named, workbook

routes = Routes()
TABLES_OUT = ("units", "people", "kpis", "values")
FIELDS = {
    "units": ("name", "parent", "head"),
    "people": ("code", "name", "email", "title", "unit", "manager", "joined_on"),
    "kpis": (
        "name", "statement", "owners", "unit", "level", "kind", "direction", "measured_in", "baseline", "target",
        "floor", "stretch", "weight", "parent", "why",
    ),
    "values": ("kpi", "owner", "day", "value", "confidence"),
}  # fmt: skip
"""What a table has when it is taken out: as it is brought in, so that it can be changed and brought in again."""
Rows = AsyncIterator[Sequence[Value]]


@routes.page("/import/export/{table}.{format}")
async def export(visit: Visit) -> Response:
    """`GET /import/export/people.csv`, `…/kpis.xlsx?cycle=…`. The first page is asked for before anything is sent, so
    that a refusal is a page and no file."""
    name, format = visit.request.path_params["table"], visit.request.path_params["format"]
    if name not in TABLES_OUT or format not in TYPES:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such file")
    words = field_words(visit.language)
    heading = [words[field] for field in FIELDS[name]]
    tables = {"units": _units, "people": _people, "kpis": _kpis, "values": partial(_kpis, values=True)}
    rows = aiter(tables[name](visit))
    begun = await anext(rows, None)
    headers = named(f"nhip-{name}-{visit.today.isoformat()}.{format}")
    if format == "xlsx":
        found = [begun, *[row async for row in rows]] if begun is not None else []
        return Response(await workbook(name, heading, found), headers=headers, media_type=TYPES[format])

    async def lines() -> AsyncIterator[bytes]:
        yield csv_line(heading, first=True)
        if begun is not None:
            yield csv_line(begun)
        async for row in rows:
            yield csv_line(row)

    return StreamingResponse(lines(), headers=headers, media_type=TYPES[format])


async def _units(visit: Visit) -> Rows:
    token = ""
    while True:
        asked = people_pb2.ListUnits(page_token=token)
        page = await visit.caller.query("people", "ListUnits", asked, people_pb2.Units)
        who = await directory(visit, page)
        for unit in page.units:
            if not unit.closed:
                yield unit.name, who.unit(unit.parent_id).name if unit.parent_id else "", _person(who, unit.head_id)
        token = page.next_page_token
        if not token:
            return


async def _people(visit: Visit) -> Rows:
    """Those who are active; e-mails as far as the reader may see them."""
    token, words = "", visit.language.words
    while True:
        asked = people_pb2.ListPeople(active=True, page_size=500, page_token=token)
        page = await visit.caller.query("people", "ListPeople", asked, people_pb2.PeopleList)
        who = await directory(visit, page)
        for person in page.people:
            place: types_pb2.Place = person.place
            yield (
                person.employment.employee_code,
                words(person.name),
                words(person.email),
                words(person.title),
                who.unit(place.unit_id).name if place.unit_id else "",
                _person(who, place.manager_id),
                to_date(person.employment.joined_on),
            )
        token = page.next_page_token
        if not token:
            return


async def _kpis(visit: Visit, *, values: bool = False) -> Rows:
    """A cycle's KPIs; or, with `values`, the value that each has."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, visit.request.query_params.get("cycle", ""), visit.today)
    if cycle is None:
        return
    top = goals_pb2.GetMap(cycle_id=cycle.cycle_id, page_size=300)
    strategy = await visit.caller.query("goals", "GetMap", top, goals_pb2.GoalMap)
    names = {goal.goal_id: goal.name for goal in strategy.goals} | {csf.csf_id: csf.name for csf in strategy.csfs}
    token = ""
    while True:
        asked = goals_pb2.ListKpis(cycle_id=cycle.cycle_id, page_size=200, page_token=token)
        page = await visit.caller.query("goals", "ListKpis", asked, goals_pb2.Kpis)
        names |= {kpi.kpi_id: kpi.name for kpi in page.kpis}  # what is served comes before what serves it
        for kpi in page.kpis:
            if values:
                if (row := _value(visit, kpi)) is not None:
                    yield row
            else:
                yield _kpi(visit, kpi, names)
        token = page.next_page_token
        if not token:
            return


def _kpi(visit: Visit, kpi: goals_pb2.Kpi, names: dict[str, str]) -> Sequence[Value]:
    words, measure = choice_words(visit.language), kpi.measure
    parent = kpi.parent.kpi_id or kpi.parent.csf_id or kpi.parent.goal_id
    weight = to_decimal(kpi.exact_weight) or kpi.weight
    return (
        kpi.name,
        kpi.statement,
        "; ".join(visit.language.words(owner.name) for owner in kpi.owners),
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
        names.get(parent, ""),
        kpi.why,
    )


def _value(visit: Visit, kpi: goals_pb2.Kpi) -> Sequence[Value] | None:
    standing = kpi.standing
    value = to_decimal(standing.current)
    if value is None:
        return None
    owners = "; ".join(visit.language.words(owner.name) for owner in kpi.owners)
    return kpi.name, owners, to_date(standing.occurred_on), value, standing.confidence or None


def _person(who: Directory, id: str) -> str:
    """By the code where there is one, for names may be shared."""
    if not id:
        return ""
    known = who.people.get(id)
    return (known.employment.employee_code if known else "") or who.person(id).name
