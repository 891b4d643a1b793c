"""One's own check-ins over time: mood, confidence, and what became of each."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from starlette.responses import Response

from nhip.checkins.v1 import check_ins_pb2
from services.gateway.console.cards import StateMark
from services.gateway.console.language import day_of, decimal_of
from services.gateway.console.moods import Mood, mood_of
from services.gateway.console.routes import Routes
from services.gateway.console.sparks import Spark, spark
from services.gateway.console.states import check_in_mark
from services.gateway.console.visit import Visit

routes = Routes()


@dataclass(frozen=True, slots=True)
class Line:
    day: str
    url: str
    mark: StateMark
    late: bool
    mood: Mood | None
    confidence: str


@routes.page("/checkin/trend")
async def trend(visit: Visit) -> Response:
    """`GET /checkin/trend`."""
    asked = check_ins_pb2.ListCheckIns(page_token=visit.request.query_params.get("after", ""))
    reply = await visit.caller.query("checkins", "ListCheckIns", asked, check_ins_pb2.CheckInList)
    language = visit.language
    lines = [
        Line(
            language.day(day_of(one.due_on)),
            f"/checkin?day={day_of(one.due_on).isoformat()}",
            check_in_mark(one.state, language),
            one.late,
            mood_of(one.mood.plain, language) if one.HasField("mood") else None,
            language.number(decimal_of(one, "confidence")) if one.HasField("confidence") else "",
        )
        for one in reply.check_ins
    ]
    oldest_first = list(reversed(reply.check_ins))
    moods = [Decimal(one.mood.plain) for one in oldest_first if one.mood.plain.isdigit()]
    sure = [value for one in oldest_first if (value := decimal_of(one, "confidence")) is not None]
    charts: list[tuple[str, Spark, str]] = []
    for name, values, most in (
        (language.gettext("Mood"), moods, Decimal(5)),
        (language.gettext("Confidence"), sure, Decimal(10)),
    ):
        if len(values) > 1:
            said = " → ".join(language.number(value) for value in values)
            charts.append((name, spark(values, Decimal(1), most), said))
    after = f"/checkin/trend?after={quote(reply.next_page_token)}" if reply.next_page_token else ""
    return visit.render("checkin/trend.html", lines=lines, charts=charts, more=after)
