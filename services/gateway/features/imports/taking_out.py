"""Taking tables out, as CSV that grows while it is sent, or XLSX: people, units, strategy, a cycle's KPIs, one's own
check-ins."""

from collections.abc import AsyncIterator
from datetime import UTC

from starlette.responses import Response, StreamingResponse

from eventkit.values import to_date, to_decimal
from nhip.checkins.v1 import check_ins_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2, types_pb2
from services.gateway.console.directory import Directory, directory
from services.gateway.console.routes import Routes
from services.gateway.console.sheet_words import field_words
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.imports import taking_out_goals
from services.gateway.features.imports.files import TYPES, Rows, Value, csv_line, named, workbook

routes = Routes()
FIELDS = {
    "units": ("name", "parent", "head"),
    "people": ("code", "name", "email", "title", "unit", "manager", "joined_on"),
    "goals": ("name", "year", "target", "measured_in"),
    "csfs": ("name", "supports", "why"),
    "kpis": (
        "name", "statement", "owners", "unit", "level", "kind", "direction", "measured_in", "baseline", "target",
        "floor", "stretch", "weight", "parent", "why",
    ),
    "links": ("kpi", "owner", "parent", "effect", "share", "why"),
    "values": ("kpi", "owner", "day", "value", "confidence"),
    "check_ins": (
        "person", "day", "made_on", "mood", "done", "not_done", "planned", "blockers", "learnings", "kpi", "value",
        "confidence", "note",
    ),
}  # fmt: skip
"""What a table has when it is taken out: as it is brought in, so that it can be changed and brought in again."""
TABLES_OUT = tuple(FIELDS)


@routes.page("/import/export/{table}.{format}")
async def export(visit: Visit) -> Response:
    """`GET /import/export/people.csv`, `…/kpis.xlsx?cycle=…`. The first page is asked for before anything is sent, so
    that a refusal is a page and no file."""
    name, format = visit.request.path_params["table"], visit.request.path_params["format"]
    if name not in TABLES_OUT or format not in TYPES:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such file")
    words = field_words(visit.language)
    heading = [words[field] for field in FIELDS[name]]
    tables = {"units": _units, "people": _people, "check_ins": _check_ins, **taking_out_goals.TABLES}
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


async def _check_ins(visit: Visit) -> Rows:
    """The reader's own, the newest first: a row for each KPI of it, the words beside the first."""
    token, words, kpis = "", visit.language.words, dict[str, str]()
    me = _person(await directory(visit, ids=(visit.person,)), visit.person)
    while True:
        asked = check_ins_pb2.ListCheckIns(page_token=token)
        page = await visit.caller.query("checkins", "ListCheckIns", asked, check_ins_pb2.CheckInList)
        for line in page.check_ins:
            one = check_ins_pb2.GetCheckIn(due_on=line.due_on)
            said = (await visit.caller.query("checkins", "GetCheckIn", one, check_ins_pb2.CheckIn)).submitted
            if not said.number:
                continue
            lists = ["\n".join(map(words, told)) for told in (said.done, said.not_done, said.planned, said.blockers)]
            # Of what came from elsewhere only that is known when it came.
            made_on = None if said.brought_in else said.at.ToDatetime(UTC).astimezone(visit.zone).date()
            text = (words(said.mood), *lists, words(said.learnings))
            for index, value in enumerate(said.values or [None]):
                told = text if index == 0 else ("",) * len(text)
                number: tuple[Value, ...] = ("", None, None, "")
                if value:
                    kpi = await _kpi_name(visit, value.kpi_id, kpis)
                    number = (kpi, to_decimal(value.value), value.confidence or None, words(value.note))
                yield me, to_date(line.due_on), made_on, *told, *number
        token = page.next_page_token
        if not token:
            return


async def _kpi_name(visit: Visit, id: str, known: dict[str, str]) -> str:
    if id not in known:
        page = await or_none(visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage))
        known[id] = page.kpi.name if page else id
    return known[id]


def _person(who: Directory, id: str) -> str:
    """By the code where there is one, for names may be shared."""
    if not id:
        return ""
    known = who.people.get(id)
    return (known.employment.employee_code if known else "") or who.person(id).name
