"""All numbers of one's KPIs in one form: what looks mistyped is asked about, the rest is recorded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from eventkit.errors import Violation
from nhip.checkins.v1 import checkins_pb2
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import StatusMark, status_mark, target_text
from services.gateway.console.cycles import choose_cycle, newest_first
from services.gateway.console.directory import Directory, directory
from services.gateway.console.doubts import REASON, Question, question
from services.gateway.console.forms import Form, date_message, decimal_message, sent
from services.gateway.console.language import date_of, day_of, decimal_of
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure

routes = Routes()
PAGE = 60
"""KPIs in one form."""
KEEP = "="
"""Typed for a value: it is as it was."""


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    name: str
    url: str
    about: str
    """What it is measured by, and who answers for it beside the reader."""
    last: str
    last_typed: str
    """The same as one types it."""
    last_day: str
    last_by: str
    """Who recorded it, if somebody else."""
    last_confidence: int
    correct: str
    """Where the last value is put right; empty: there is none."""
    target: str
    unit: str
    status: StatusMark
    form: "Typed"
    moved_from: StatusMark | None = None
    """Its status before, where what was just recorded changed it."""
    recorded: str = ""
    """What was just recorded."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed for one KPI, and what is wrong with it."""

    value: str = ""
    confidence: str = ""
    note: str = ""
    confirmed: bool = False
    errors: Mapping[str, str] | None = None
    """By field."""
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Of:
    """What a page of the form is about."""

    cycle: goals_pb2.Cycle
    cycles: Sequence[goals_pb2.Cycle]
    kpis: Sequence[goals_pb2.Kpi]
    next_page_token: str
    people: Directory

    def latest(self, today: date) -> date:
        return min(today, day_of(self.cycle.ends_on))


@routes.page("/values")
async def values(visit: Visit) -> Response:
    """`GET /values`; `?cycle=` for another cycle, `?page=` for what did not fit."""
    of = await _of(visit)
    if of is None:
        return visit.render("progress/values.html", rows=(), cycle="", cycles=(), form=Form())
    return _show(visit, of, Form({"day": of.latest(visit.today).isoformat()}), {})


@routes.form("/values")
async def record(visit: Visit) -> Response:
    """`POST /values`: what was typed is recorded; what is doubtful or wrong comes back."""
    filled = await sent(visit.request)
    of = await _of(visit)
    if of is None:
        return visit.redirect("/values")
    typed, wrong = _typed(of, filled), list[Violation]()
    day = filled.day("day", wrong) or of.latest(visit.today)
    if wrong:
        return _show(visit, of, filled.wrong(wrong, visit.language), typed, status=422)
    typed, items = _items(visit, of, typed, day, filled.key)
    if not items:
        marked = any(one.errors for one in typed.values())
        form = Form(filled.values, filled.key, {} if marked else {"": visit.language.gettext("No number was typed.")})
        return _show(visit, of, form, typed, status=422)
    batch = checkins_pb2.BatchRecordProgress(items=items.values())
    try:
        accepted, position = await visit.caller.ask(
            "checkins", "BatchRecordProgress", batch, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return _show(visit, of, filled.refused(failure, visit.language), typed, status=failure.http)
    done = dict(zip(items, accepted.verdicts, strict=True))
    typed = _judged(visit, of, typed, done)
    recorded = {id: items[id] for id, verdict in done.items() if not verdict.HasField("refused")}
    return await _recorded(visit, of, typed, recorded, day, position or accepted.position)


@routes.form("/values/check", page="/values")
async def check(visit: Visit) -> Response:
    """`POST /values/check`: the same, judged and not recorded; answers what is asked about each KPI, as JSON."""
    filled = await sent(visit.request)
    of = await _of(visit)
    if of is None:
        return JSONResponse({})
    day = filled.day("day", []) or of.latest(visit.today)
    typed = {id: replace(one, confidence=one.confidence or "5") for id, one in _typed(of, filled).items()}
    typed, items = _items(visit, of, typed, day, filled.key)
    if items:
        batch = checkins_pb2.BatchRecordProgress(items=items.values())
        answer = command_pb2.Accepted
        judged, _ = await visit.caller.ask("checkins", "BatchRecordProgress", batch, answer, key=filled.key, check=True)
        typed = _judged(visit, of, typed, dict(zip(items, judged.verdicts, strict=True)))
    found = {
        id: {"asked": q.asked, "why": q.why, "likelier": q.likelier}
        for id, one in typed.items()
        if (q := one.question) is not None
    }
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


async def _of(visit: Visit) -> Of | None:
    """None: there is no cycle."""
    query = visit.request.query_params
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, query.get("cycle", ""), visit.today)
    if cycle is None:
        return None
    asked = goals_pb2.ListKpis(
        cycle_id=cycle.cycle_id, recorder_id=visit.person, page_size=PAGE, page_token=query.get("page", "")
    )
    found = await visit.caller.query("goals", "ListKpis", asked, goals_pb2.Kpis)
    others = [kpi.standing.recorded_by for kpi in found.kpis if kpi.standing.recorded_by]
    people = await directory(visit, ids=others)
    return Of(cycle, newest_first(cycles.cycles), found.kpis, found.next_page_token, people)


def _typed(of: Of, filled: Form) -> dict[str, Typed]:
    return {
        id: Typed(
            filled[f"take.{id}"] or filled.text(f"value.{id}"),
            filled.text(f"confidence.{id}"),
            filled.text(f"note.{id}"),
            filled[f"confirmed.{id}"] == "1",
        )
        for id in (kpi.kpi_id for kpi in of.kpis)
    }


def _items(
    visit: Visit, of: Of, typed: Mapping[str, Typed], day: date, key: str
) -> tuple[dict[str, Typed], dict[str, checkins_pb2.ProgressItem]]:
    """What is to be recorded of what was typed, by KPI; and what was typed, with what is wrong with it."""
    after, items = dict(typed), dict[str, checkins_pb2.ProgressItem]()
    for kpi in of.kpis:
        one, wrong = typed[kpi.kpi_id], list[Violation]()
        if not one.value:
            continue
        kept = decimal_of(kpi.standing, "current") if one.value == KEEP else None
        value = kept if kept is not None else Form({"value": one.value}).number("value", wrong, visit.language)
        confidence = _confidence(one.confidence)
        if confidence is None:
            wrong.append(Violation("confidence", "OUT_OF_RANGE" if one.confidence else "MISSING", "", _TEN))
        if wrong or value is None or confidence is None:
            said = {v.field: words(v.reason, v.parameters, visit.language) for v in wrong}
            after[kpi.kpi_id] = replace(one, errors=said)
            continue
        progress = checkins_pb2.RecordProgress(
            kpi_id=kpi.kpi_id,
            value=decimal_message(value),
            confidence=confidence,
            note=words_pb2.PersonalText(plain=one.note) if one.note else None,
            occurred_on=date_message(day),
            confirmed=one.confirmed,
        )
        items[kpi.kpi_id] = checkins_pb2.ProgressItem(progress=progress, key=f"{key}-{kpi.kpi_id}")
    return after, items


_TEN = {"least": "1", "most": "10"}


def _confidence(typed: str) -> int | None:
    """1 to 10; a single 0 is typed for 10."""
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else -1
    number = 10 if number == 0 else number
    return number if 1 <= number <= 10 else None


def _judged(
    visit: Visit, of: Of, typed: Mapping[str, Typed], done: Mapping[str, command_pb2.Verdict]
) -> dict[str, Typed]:
    """With what the service asks about, or refuses."""
    after, targets = dict(typed), {kpi.kpi_id: decimal_of(kpi.measure, "target") for kpi in of.kpis}
    for id, verdict in done.items():
        if not verdict.HasField("refused"):
            continue
        refused = verdict.refused
        if refused.reason == REASON:
            asked = question(refused.parameters, targets[id], visit.language)
            after[id] = replace(typed[id], question=asked)
        else:
            said = words(refused.reason, refused.parameters, visit.language) or refused.message
            after[id] = replace(typed[id], errors={"value": said})
    return after


async def _recorded(
    visit: Visit,
    of: Of,
    typed: Mapping[str, Typed],
    recorded: Mapping[str, checkins_pb2.ProgressItem],
    day: date,
    position: str,
) -> Response:
    """What became of it: what was recorded, what it did to the statuses, and what is still asked."""
    if position:
        visit.caller = replace(visit.caller, positions=(*visit.caller.positions, *position.split(",")))
    now = await _of(visit) or of
    before = {kpi.kpi_id: kpi.standing.status for kpi in of.kpis}
    left = {id: one for id, one in typed.items() if id not in recorded and (one.value or one.note)}
    rows: list[Row] = []
    for row, kpi in zip(_rows(visit, now, left), now.kpis, strict=True):
        if (item := recorded.get(kpi.kpi_id)) is not None:
            was = before.get(kpi.kpi_id, kpi.standing.status)
            moved = status_mark(was, visit.language) if was != kpi.standing.status else None
            value = visit.language.amount(decimal_of(item.progress, "value"), kpi.measure.unit)
            row = replace(row, recorded=value, moved_from=moved)
        rows.append(row)
    asked = any(one.errors or one.question for one in left.values())
    response = _show(visit, now, Form({"day": day.isoformat()}), left, rows=rows, status=422 if asked else 200)
    visit.remember(response, position)
    return response


def _show(
    visit: Visit, of: Of, form: Form, typed: Mapping[str, Typed], *, rows: Sequence[Row] = (), status: int = 200
) -> Response:
    rows = rows or list(_rows(visit, of, typed))
    here = f"/values?cycle={quote(of.cycle.cycle_id, safe='')}"
    day = form.text("day") or of.latest(visit.today).isoformat()
    return visit.render(
        "progress/values.html",
        status,
        here=here,
        rows=rows,
        recorded=[row for row in rows if row.recorded],
        asked=[row for row in rows if row.form.errors or row.form.question],
        cycle=of.cycle,
        cycles=of.cycles,
        form=form,
        day=day,
        starts=day_of(of.cycle.starts_on).isoformat(),
        latest=of.latest(visit.today).isoformat(),
        begun=day_of(of.cycle.starts_on) <= visit.today,
        more=f"{here}&page={quote(of.next_page_token, safe='')}" if of.next_page_token else "",
    )


def _rows(visit: Visit, of: Of, typed: Mapping[str, Typed]) -> Iterator[Row]:
    language, _ = visit.language, visit.language.gettext
    kinds = {
        types_pb2.MEASURE_KIND_CUMULATIVE: _("adds up over the cycle"),
        types_pb2.MEASURE_KIND_LEVEL: _("a level"),
        types_pb2.MEASURE_KIND_MILESTONE: _("done or not"),
    }
    for kpi in of.kpis:
        standing, measure = kpi.standing, kpi.measure
        current, on = decimal_of(standing, "current"), date_of(standing, "occurred_on")
        others = [language.words(o.name) or o.person_id for o in kpi.owners if o.person_id != visit.person]
        target = target_text(measure, standing.aim, language.short)
        url = f"/kpi/{quote(kpi.kpi_id, safe='')}"
        about = [kinds.get(measure.kind, ""), _("with %(people)s") % {"people": ", ".join(others)} if others else ""]
        by = standing.recorded_by
        yield Row(
            id=kpi.kpi_id,
            name=kpi.name,
            url=url,
            about=" · ".join(filter(None, about)),
            last="" if current is None else language.amount(current, measure.unit),
            last_typed="" if current is None else language.number(current),
            last_day=language.short_day(on) if on else "",
            last_by=of.people.person(by).name if by and by != visit.person else "",
            last_confidence=standing.confidence,
            correct=f"{url}/progress/{on.isoformat()}" if on else "",
            target=target,
            unit=measure.unit,
            status=status_mark(standing.status, language),
            form=typed.get(kpi.kpi_id, Typed()),
        )
