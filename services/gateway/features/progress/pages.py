"""Recording where a KPI stands: a value, how sure one is, a note, the day it is for."""

import asyncio
from dataclasses import replace
from datetime import date

from starlette.responses import PlainTextResponse, Response

from eventkit.errors import Violation
from nhip.checkins.v1 import checkins_pb2
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2
from nhip.people.v1 import settings_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import kpi_card
from services.gateway.console.doubts import REASON, question
from services.gateway.console.forms import Form, date_message, decimal_message, sent
from services.gateway.console.language import day_of, decimal_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.progress import correcting, evidence, values

routes = Routes(values.routes, correcting.routes)

_FIELDS = {
    "value": "value",
    "confidence": "confidence",
    "note": "note",
    "occurred_on": "occurred_on",
    **evidence.FIELDS,
}


@routes.page("/kpi/{kpi}/progress")
async def form(visit: Visit) -> Response:
    """`GET /kpi/<id>/progress`."""
    reply, settings = await asyncio.gather(
        _kpi(visit),
        or_none(visit.caller.query("people", "GetSettings", settings_pb2.GetSettings(), settings_pb2.SettingsPage)),
    )
    day = min(visit.today, day_of(reply.cycle.ends_on))
    # Where that cannot be had none is chosen, which the service takes for the same.
    usual = str(settings.in_force.usual_confidence) if settings else ""
    return _show(visit, reply, Form({"confidence": usual, "occurred_on": day.isoformat()}))


@routes.form("/kpi/{kpi}/progress")
async def record(visit: Visit) -> Response:
    """`POST /kpi/<id>/progress`."""
    id = visit.request.path_params["kpi"]
    filled = await sent(visit.request)
    wrong: list[Violation] = []
    value = filled.number("value", wrong, visit.language)
    if value is None and not wrong:
        wrong.append(Violation("value", "MISSING"))
    day = filled.day("occurred_on", wrong)
    if not filled.text("occurred_on"):
        wrong.append(Violation("occurred_on", "MISSING"))
    confidence = filled["confidence"]
    if wrong or value is None:
        return _show(visit, await _kpi(visit), filled.wrong(wrong, visit.language), 422)
    request = checkins_pb2.RecordProgress(
        kpi_id=id,
        value=decimal_message(value),
        confidence=int(confidence) if confidence.isascii() and confidence.isdigit() else None,
        note=words_pb2.PersonalText(plain=note) if (note := filled.text("note")) else None,
        occurred_on=date_message(day) if day else None,
        evidence=evidence.evidence_of(filled),
        confirmed=filled["confirmed"] == "1",
    )
    try:
        accepted, position = await visit.caller.ask(
            "checkins", "RecordProgress", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        reply, refused = await _kpi(visit), filled.refused(failure, visit.language, _FIELDS)
        if failure.reason == REASON:
            asked = question(failure.parameters, decimal_of(reply.kpi.measure, "target"), visit.language)
            refused = replace(refused, errors={**refused.errors, "confirmed": f"{asked.asked} {asked.why}"})
        return _show(visit, reply, refused, failure.http)
    return visit.done(
        f"/kpi/{id}",
        accepted,
        position,
        visit.language.gettext("Progress saved: %(value)s.") % {"value": visit.language.number(value)},
    )


@routes.page("/number", everybody=True)
async def said_back(visit: Visit) -> Response:
    """`GET /number?text=…`: what a number that is being typed is read as, so that nobody takes one mark for another."""
    return PlainTextResponse(
        visit.language.said_back(visit.request.query_params.get("text", "")), headers={"Cache-Control": "no-store"}
    )


async def _kpi(visit: Visit) -> goals_pb2.KpiPage:
    return await visit.caller.query(
        "goals", "GetKpi", goals_pb2.GetKpi(kpi_id=visit.request.path_params["kpi"]), goals_pb2.KpiPage
    )


def _show(visit: Visit, reply: goals_pb2.KpiPage, filled: Form, status: int = 200) -> Response:
    card = kpi_card(reply.kpi, visit.language, Moment())
    starts, ends = day_of(reply.cycle.starts_on), day_of(reply.cycle.ends_on)
    latest: date = min(ends, visit.today)
    day = filled.text("occurred_on") or latest.isoformat()
    last = reply.trend[-1] if reply.trend else None
    return visit.render(
        "progress/progress.html",
        status,
        card=card,
        unit=reply.kpi.measure.unit,
        form=filled,
        day=day,
        starts=starts.isoformat(),
        latest=latest.isoformat(),
        last_day=visit.language.day(day_of(last.occurred_on)) if last else "",
        last_confidence=last.confidence if last else 0,
    )
