"""Putting a recorded value right, or taking it back: what stood there stays in the history."""

from datetime import date
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import checkins_pb2, types_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import kpi_card
from services.gateway.console.deeds import carry_out
from services.gateway.console.events import choice_word
from services.gateway.console.forms import Form, date_message, decimal_message, sent
from services.gateway.console.language import day_of, decimal_of
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.progress import evidence

routes = Routes()
_FIELDS = {
    "after": "value",
    "moved_to": "day",
    "occurred_on": "",
    "before": "",
    "confidence": "confidence",
    "reason_class": "reason_class",
    "reason": "reason",
    **evidence.FIELDS,
}


@routes.page("/kpi/{kpi}/progress/{day}")
async def form(visit: Visit) -> Response:
    """`GET /kpi/<id>/progress/<day>`."""
    reply = await _kpi(visit)
    stands = _stands(reply, _day(visit))
    return _show(
        visit,
        reply,
        Form(
            {
                "value": visit.language.number(decimal_of(stands, "value")) if stands else "",
                "before": stands.value.value if stands else "",
                "confidence": str(stands.confidence) if stands else "",
                "day": _day(visit).isoformat(),
            }
        ),
    )


@routes.form("/kpi/{kpi}/progress/{day}")
async def correct(visit: Visit) -> Response:
    """`POST /kpi/<id>/progress/<day>`: another value, another day, or with `do=retract` none."""
    id, day = visit.request.path_params["kpi"], _day(visit)
    filled = await sent(visit.request)
    wrong: list[Violation] = []
    retracts = filled["do"] == "retract"
    value = None if retracts else filled.number("value", wrong, visit.language)
    moved_to = None if retracts else filled.day("day", wrong)
    if not retracts and value is None and not wrong:
        wrong.append(Violation("value", "MISSING"))
    if not filled.text("reason"):
        wrong.append(Violation("reason", "MISSING"))
    if filled["reason_class"] not in _classes():
        wrong.append(Violation("reason_class", "MISSING"))
    if wrong:
        return _show(visit, await _kpi(visit), filled.wrong(wrong, visit.language), 422)
    command: checkins_pb2.CorrectProgress | checkins_pb2.RetractProgress
    if value is None:
        command = checkins_pb2.RetractProgress()
        said = visit.language.gettext("The value was taken back. The history keeps it.")
    else:
        confidence = filled["confidence"]
        command = checkins_pb2.CorrectProgress(
            after=decimal_message(value),
            moved_to=date_message(moved_to) if moved_to and moved_to != day else None,
            confidence=int(confidence) if confidence.isascii() and confidence.isdigit() else None,
            evidence=evidence.evidence_of(filled),
            confirmed=filled["confirmed"] == "1",
        )
        said = visit.language.gettext("Put right: %(value)s. The history keeps what stood there.") % {
            "value": visit.language.number(value)
        }
    command.kpi_id, command.before.value = id, filled["before"]
    command.occurred_on.CopyFrom(date_message(day))
    command.reason_class = types_pb2.CorrectionReason.Value(f"CORRECTION_REASON_{filled['reason_class']}")
    command.reason.plain = filled.text("reason")

    async def again(filled: Form, status: int) -> Response:
        return _show(visit, await _kpi(visit), filled, status)

    return await carry_out(
        visit,
        filled,
        "checkins",
        "RetractProgress" if value is None else "CorrectProgress",
        command,
        said,
        to=lambda _: f"/kpi/{quote(id, safe='')}",
        again=again,
        fields=_FIELDS,
    )


def _classes() -> list[str]:
    names = types_pb2.CorrectionReason.keys()[1:]
    return [name.removeprefix("CORRECTION_REASON_") for name in names]


def _day(visit: Visit) -> date:
    try:
        return date.fromisoformat(visit.request.path_params["day"])
    except ValueError:
        raise Failure("NOT_FOUND", "PATH_UNKNOWN", "there is no such page") from None


def _stands(reply: goals_pb2.KpiPage, day: date) -> goals_pb2.TrendPoint | None:
    return next((point for point in reply.trend if day_of(point.occurred_on) == day), None)


async def _kpi(visit: Visit) -> goals_pb2.KpiPage:
    asked = goals_pb2.GetKpi(kpi_id=visit.request.path_params["kpi"])
    return await visit.caller.query("goals", "GetKpi", asked, goals_pb2.KpiPage)


def _show(visit: Visit, reply: goals_pb2.KpiPage, filled: Form, status: int = 200) -> Response:
    day = _day(visit)
    stands = _stands(reply, day)
    card = kpi_card(reply.kpi, visit.language, Moment())
    return visit.render(
        "progress/correcting.html",
        status,
        card=card,
        unit=reply.kpi.measure.unit,
        form=filled,
        stands=visit.language.amount(decimal_of(stands, "value"), reply.kpi.measure.unit) if stands else "",
        day=visit.language.day(day),
        starts=day_of(reply.cycle.starts_on).isoformat(),
        latest=min(day_of(reply.cycle.ends_on), visit.today).isoformat(),
        classes=[(name, choice_word(f"CORRECTION_REASON_{name}", visit.language)) for name in _classes()],
    )
