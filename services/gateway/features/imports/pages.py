"""Bringing a table in: which file, which column is what, what would be written, and the writing itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response, StreamingResponse

from eventkit.errors import Rejected
from eventkit.values import to_datetime
from importing.sheets.dry_run import Result, Wanted, dry_run, fixed, seen
from importing.sheets.faults import Fault
from importing.sheets.grid import Unreadable, letter
from importing.sheets.mapping import headings_of, texts
from importing.sheets.plan import Deed, Difference
from importing.sheets.standing import likely
from importing.sheets.table import Table
from importing.sheets.tables import TABLES
from importing.sheets.writing import Report, write
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import people_pb2, settings_pb2
from services.gateway.console.cycles import newest_first
from services.gateway.console.directory import directory
from services.gateway.console.language import Language
from services.gateway.console.routes import Routes
from services.gateway.console.sheet_words import (
    choice_words,
    fault_text,
    field_words,
    file_words,
    kind_words,
    obstacle_text,
    refusal_text,
    table_words,
    why_words,
)
from services.gateway.console.visit import Visit
from services.gateway.features.imports import taking_out, templates_to_fill
from services.gateway.features.imports.files import TYPES, marked, named
from services.gateway.features.imports.kept import as_kept, keep
from services.gateway.features.imports.received import Received, carried, received
from services.gateway.features.imports.sending import Sending, failure_of

routes = Routes(taking_out.routes, templates_to_fill.routes)
SHOWN, FRESH = 200, 60
"""Faults and differences on one page, and what is new."""
_PROGRESS = "<!--progress-->"


@dataclass(frozen=True, slots=True)
class ColumnRow:
    number: int
    letter: str
    heading: str
    samples: Sequence[str]
    field: str
    why: str


@dataclass(frozen=True, slots=True)
class FaultRow:
    row: int
    column: int
    letter: str
    field: str
    value: str
    why: str
    right: str


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    difference: Difference
    label: str
    field: str
    obstacle: str


def may_bring_in(visit: Visit, table: Table) -> bool:
    return all(visit.may(call) for call in table.needs)


# --- the file


@routes.page("/import")
async def start(visit: Visit) -> Response:
    """`GET /import`."""
    return _start(visit, visit.request.query_params.get("table", ""))


def _start(visit: Visit, chosen: str = "", wrong: str = "", status: int = 200) -> Response:
    words = table_words(visit.language)
    outs = {name: words[name] for name in taking_out.TABLES_OUT} | {"check_ins": visit.language.gettext("My check-ins")}
    return visit.render(
        "imports/import.html",
        status,
        here="/import",
        tables=[(name, words[name], may_bring_in(visit, table)) for name, table in TABLES.items()],
        outs=outs.items(),
        chosen=chosen if chosen in TABLES else "people",
        wrong=wrong,
    )


def _unreadable(visit: Visit, error: Unreadable) -> Response:
    why = file_words(visit.language)[error.reason]
    return _start(visit, wrong=why % error.parameters if error.parameters else why, status=422)


# --- the columns


@routes.form("/import/columns", page="/import")
async def columns(visit: Visit) -> Response:
    """`POST /import/columns`: what each column is, with a guess to start from."""
    try:
        it = await received(visit.request)
    except Unreadable as error:
        return _unreadable(visit, error)
    return await _columns(visit, it)


async def _columns(visit: Visit, it: Received) -> Response:
    it, kept = await as_kept(visit, it)
    words, whys = field_words(visit.language), why_words(visit.language)
    grid, reading = it.grid, it.reading
    by_column = {column: name for name, column in reading.columns.items()}
    rows = [
        ColumnRow(
            column,
            letter(column),
            text,
            await asyncio.to_thread(texts, grid, reading.header, column, 3),
            name := by_column.get(column, ""),
            whys["kept"]
            if kept and name
            else whys[it.guessed.whys[name]]
            if it.guessed.mapping.columns.get(name) == column
            else whys["chosen"]
            if name
            else "",
        )
        for column, text in headings_of(grid, reading.header).items()
    ]
    fixable = [field for field in it.table.fields if field.fixed and field.name not in reading.columns]
    choices = choice_words(visit.language)
    return visit.render(
        "imports/columns.html",
        here="/import",
        it=it,
        kept=await _kept_words(visit, kept) if kept else "",
        title=table_words(visit.language)[it.table.name],
        rows=rows,
        fields=[(field.name, words[field.name], field.required) for field in it.table.fields],
        fixable=[(f.name, words[f.name], [(one, choices.get(one, one)) for one in f.among or ()]) for f in fixable],
        missing=[words[f.name] for f in it.table.fields if f.required and f.name not in reading.columns],
        sheets=[grid.name for grid in it.book.grids],
        cycles=likely(it.table, newest_first(await _cycles(visit))) if it.table.of_cycle else [],
        tables=[(name, words_) for name, words_ in table_words(visit.language).items()],
        hidden=[pair for pair in carried(it) if pair[0] in ("data", "run", "mapped") or pair[0].startswith("x.")],
    )


async def _kept_words(visit: Visit, kept: settings_pb2.TableMapping) -> str:
    when = visit.language.instant(to_datetime(kept.kept_at), visit.zone)
    who = (await directory(visit, ids=[kept.kept_by])).person(kept.kept_by).name
    return visit.language.gettext(
        "A table with these headings was brought in before: as last time, %(when)s, by %(who)s."
    ) % {
        "when": when,
        "who": who,
    }


async def _cycles(visit: Visit) -> Sequence[goals_pb2.Cycle]:
    return (await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)).cycles


# --- the dry run


@routes.form("/import/look", page="/import")
async def look(visit: Visit) -> Response:
    """`POST /import/look`: what would be written. Nothing is."""
    try:
        it = await received(visit.request)
    except Unreadable as error:
        return _unreadable(visit, error)
    return await _look(visit, it, await _dry_run(visit, it))


async def _dry_run(visit: Visit, it: Received) -> Result:
    _ = visit.language.gettext
    title = _("Import of %(file)s") % {"file": it.book.name[:80]}
    reason = _("These numbers stand in the file %(file)s.") % {"file": it.book.name[:200]}
    wanted = Wanted(it.table, it.grid, it.reading, it.cycle, title, reason, it.fixes)
    try:
        return await dry_run(Sending(visit.caller), wanted, it.run)
    except Rejected as refused:
        raise failure_of(refused) from None


async def _look(visit: Visit, it: Received, result: Result, *, moved: bool = False) -> Response:
    """`moved`: what was looked at before is not what is there now."""
    language, plan = visit.language, result.plan
    words = field_words(language)
    labels = {row: entry.label for entry in plan.entries for row in (entry.row, *entry.others)}
    differences = [
        DifferenceRow(
            _in_words(one, it, language),
            labels.get(one.row, ""),
            words[one.field],
            obstacle_text(one.obstacle, language) if one.obstacle else "",
        )
        for one in plan.differences()
    ]
    first_look = not it.seen
    ticked = {one.difference.name for one in differences if not one.difference.obstacle} if first_look else it.ticked
    return visit.render(
        "imports/dry_run.html",
        200 if not moved else 409,
        here="/import",
        it=it,
        title=table_words(language)[it.table.name],
        counts={state: plan.count(state) for state in ("new", "different", "unchanged")},
        wrong=len(plan.wrong),
        wrong_rows=seen(sorted(plan.wrong)),
        passed_over=seen(plan.passed_over),
        heavy=[(visit.language.amount(total, "%"), who) for who, total in plan.over_full.items()],
        faults=[_fault_row(fault, it, language) for fault in plan.faults[:SHOWN]],
        fault_count=len(plan.faults),
        differences=differences[:SHOWN],
        difference_count=len(differences),
        ticked=ticked,
        fresh=[entry for entry in plan.right() if entry.new][:FRESH],
        understood=[entry for entry in plan.right() if entry.understood][:20],
        proposing=it.table.name == "kpis",
        moved=moved,
        seen=await asyncio.to_thread(result.fingerprint),
        writable=plan.count("new") > 0 or any(not one.difference.obstacle for one in differences),
        hidden=carried(it),
    )


def _in_words(difference: Difference, it: Received, language: Language) -> Difference:
    """What is chosen among some, as the reader calls it."""
    if difference.field not in it.table or it.table.field(difference.field).kind != "choice":
        return difference
    words = choice_words(language)
    before, after = (words.get(value, value) for value in (difference.before, difference.after))
    return replace(difference, before=before, after=after)


def _fault_row(fault: Fault, it: Received, language: Language) -> FaultRow:
    column = fault.column or it.reading.columns.get(fault.field, 0)
    value = fault.value
    return FaultRow(
        fault.row,
        column,
        letter(column),
        field_words(language).get(fault.field, ""),
        value,
        fault_text(fault, language),
        fault.right,
    )


@routes.form("/import/marked", page="/import")
async def with_marks(visit: Visit) -> Response:
    """`POST /import/marked`: the sheet as a file in which all that is wrong is marked, to be put right there.

    What was typed into the dry run is in it.
    """
    try:
        it = await received(visit.request)
    except Unreadable as error:
        return _unreadable(visit, error)
    plan = (await _dry_run(visit, it)).plan
    told: dict[int, list[tuple[int, str]]] = {}
    for fault in plan.faults:
        row = _fault_row(fault, it, visit.language)
        said = f"{row.field}: {row.why}" if row.field else row.why
        told.setdefault(fault.row, []).append((row.column, f"{said} → {row.right}" if row.right else said))
    heading = visit.language.gettext("To be put right")
    content = await marked(fixed(it.grid, it.fixes), it.reading.header, heading, told)
    name = f"nhip-{it.table.name}-{visit.today.isoformat()}-marked.xlsx"
    return Response(content, headers=named(name), media_type=TYPES["xlsx"])


# --- the writing


@routes.form("/import/write", page="/import")
async def writing(visit: Visit) -> Response:
    """`POST /import/write`: what was ticked, once it is what was looked at. The answer grows while it is written."""
    try:
        it = await received(visit.request)
    except Unreadable as error:
        return _unreadable(visit, error)
    result = await _dry_run(visit, it)
    plan = result.plan
    moved = await asyncio.to_thread(result.fingerprint) != it.seen
    if moved or (plan.wrong and not it.skip):
        return await _look(visit, it, result, moved=moved)
    deeds = await asyncio.to_thread(plan.deeds, it.ticked)
    left = [difference for difference in plan.differences() if difference.name not in it.ticked]
    title = table_words(visit.language)[it.table.name]
    page = visit.render("imports/written.html", here="/import", it=it, title=title, total=len(deeds))
    head, _, tail = bytes(page.body).decode().partition(_PROGRESS)

    async def content() -> AsyncIterator[str]:
        yield head
        services, report = Sending(visit.caller), Report(len(deeds))
        async for report in write(services, deeds, it.run):
            yield "" if report.stopped else _progress(visit, report)
        kept, not_kept = False, ""
        if report.made or report.changed:
            try:
                kept = await keep(visit, services, it)
            except Rejected as refused:
                not_kept = refusal_text(refused, visit.language)
        await _until_shown(services)
        yield _report(visit, it, report, left, sorted(plan.wrong), kept=kept, not_kept=not_kept)
        yield tail

    # The answer is passed on as it grows, so it is not packed.
    headers = {"Cache-Control": "no-store", "Content-Encoding": "identity", "X-Accel-Buffering": "no"}
    return StreamingResponse(content(), headers=headers, media_type="text/html")


def _progress(visit: Visit, report: Report) -> str:
    said = (
        visit.language.gettext("%(done)s of %(total)s written") % {"done": report.done, "total": report.total}
        if report.done
        else visit.language.gettext("Being written for %(seconds)s s") % {"seconds": report.seconds}
    )
    return f"<li>{said}</li>\n"


async def _until_shown(services: Sending) -> None:
    """Until who looks next sees it. What does not answer in time shows it a little later."""
    for request, reply in ((people_pb2.GetTenant(), people_pb2.Tenant), (goals_pb2.ListCycles(), goals_pb2.Cycles)):
        try:
            await services.ask(request, reply)
        except Rejected:
            return


def _report(
    visit: Visit,
    it: Received,
    report: Report,
    left: Sequence[Difference],
    skipped: Sequence[int],
    *,
    kept: bool,
    not_kept: str,
) -> str:
    language = visit.language
    words = kind_words(language)
    stopped: tuple[Deed | None, str] | None = None
    if report.stopped:
        deed, refused = report.stopped
        stopped = deed, refusal_text(refused, language)
    return visit.html(
        "imports/report.html",
        report=report,
        made=[(words[kind], number) for kind, number in report.made.items()],
        changed=[(words[kind], number) for kind, number in report.changed.items()],
        stopped=stopped,
        left=len(left),
        skipped=seen(skipped),
        table=it.table.name,
        kept=kept,
        not_kept=not_kept,
    )
