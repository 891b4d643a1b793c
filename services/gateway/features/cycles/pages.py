"""Cycles: a calendar, one with its way from planning to closing, and the KPIs that it hands on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from functools import partial
from urllib.parse import urlencode

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2
from services.gateway.console.cards import owner_avatar
from services.gateway.console.deeds import carry_out
from services.gateway.console.events import event_rows
from services.gateway.console.forms import Form, date_message, sent
from services.gateway.console.language import day_of
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.features.cycles import following
from services.gateway.features.cycles.shown import PLANNED, cycle_card, years

routes = Routes()

MONTHS = 3
"""Of the cycle that a new one is offered as."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a cycle's page: as they are first shown, but for the one that was sent."""

    sent: str = ""
    form: Form = field(default_factory=Form)

    def __getitem__(self, name: str) -> Form:
        return self.form if name == self.sent else Form()


async def cycles_of(visit: Visit) -> list[goals_pb2.Cycle]:
    """The latest first."""
    return list((await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)).cycles)


@routes.page("/cycles")
async def calendar(visit: Visit) -> Response:
    """`GET /cycles`: years with their quarters, or whatever the company plans in."""
    return visit.render("cycles/cycles.html", years=years(await cycles_of(visit), visit))


# --- a new one ---


@routes.page("/cycles/new")
async def new_cycle(visit: Visit) -> Response:
    """`GET /cycles/new`: the quarter that today lies in, or the first of a year that has none yet, to start from."""
    visit.must("goals.OpenCycle")
    within = visit.request.query_params.get("within", "")
    starts, ends = _free(within, await cycles_of(visit), quarter(visit.today))
    name = visit.language.gettext("Quarter %(n)s/%(year)s") % {"n": (starts.month + 2) // MONTHS, "year": starts.year}
    shown = {"name": name, "starts_on": starts.isoformat(), "ends_on": ends.isoformat()}
    return await _new(visit, Form(shown | {"within": within}))


def _free(within: str, cycles: Sequence[goals_pb2.Cycle], usual: tuple[date, date]) -> tuple[date, date]:
    """The quarter that follows the last one in a cycle, as far as its days go; else the usual one."""
    outer = next((one for one in cycles if one.cycle_id == within), None)
    last = max((day_of(one.ends_on) for one in cycles if within and one.within_id == within), default=None)
    if outer is None:
        return usual
    first = last + timedelta(days=1) if last else day_of(outer.starts_on)
    month = first.month - 1 + MONTHS
    following = date(first.year + month // 12, month % 12 + 1, min(first.day, 28))
    ends = min(following - timedelta(days=1), day_of(outer.ends_on))
    return (first, ends) if first < ends else usual


def quarter(day: date) -> tuple[date, date]:
    """The first and the last day of the quarter of a year that a day lies in."""
    first = (day.month - 1) // MONTHS * MONTHS + 1
    following = date(day.year + (first + MONTHS > 12), (first + MONTHS - 1) % 12 + 1, 1)
    return date(day.year, first, 1), following - timedelta(days=1)


async def _new(visit: Visit, filled: Form, status: int = 200) -> Response:
    around = [cycle_card(cycle, visit) for cycle in await cycles_of(visit)]
    return visit.render("cycles/new.html", status, here="/cycles/new", form=filled, around=around)


@routes.form("/cycles/new")
async def open_cycle(visit: Visit) -> Response:
    """`POST /cycles/new`."""
    filled = await sent(visit.request)
    wrong, (starts, ends) = _read_days(filled)
    if wrong or starts is None or ends is None:
        return await _new(visit, filled.wrong(wrong, visit.language), 422)
    command = goals_pb2.OpenCycle(
        name=filled.text("name"),
        starts_on=date_message(starts),
        ends_on=date_message(ends),
        within_id=filled.text("within"),
    )
    said = visit.language.gettext("%(name)s is open.") % {"name": filled.text("name")}
    fields = {**_DAYS, "within_id": "within"}
    return await carry_out(
        visit, filled, "goals", "OpenCycle", command, said, to=_url, again=partial(_new, visit), fields=fields
    )


_DAYS = {name: name for name in ("name", "starts_on", "ends_on")}


def _read_days(filled: Form) -> tuple[list[Violation], tuple[date | None, date | None]]:
    wrong = [Violation(name, "MISSING") for name in _DAYS if not filled.text(name)]
    return wrong, (filled.day("starts_on", wrong), filled.day("ends_on", wrong))


# --- one, and what is done with it ---


def _id(visit: Visit) -> str:
    return visit.request.path_params["cycle"]


def _url(cycle_id: str) -> str:
    return f"/cycles/{cycle_id}"


@routes.page("/cycles/{cycle}")
async def one_cycle(visit: Visit) -> Response:
    """`GET /cycles/<id>`."""
    return await _page(visit, Forms())


async def _page(visit: Visit, forms: Forms, status: int = 200) -> Response:
    request = goals_pb2.GetCycle(cycle_id=_id(visit))
    page = await visit.caller.query("goals", "GetCycle", request, goals_pb2.CyclePage)
    rows, language = event_rows(visit.language), visit.language
    steps = [
        (
            rows[step.what].words if step.what in rows else step.what,
            owner_avatar(step.actor, language),
            language.instant(step.recorded_at.ToDatetime(UTC), visit.zone),
            language.words(step.reason),
        )
        for step in reversed(page.steps)
    ]
    said = {"name": page.cycle.name, "starts_on": _iso(page.cycle.starts_on), "ends_on": _iso(page.cycle.ends_on)}
    outer = page.enclosing[0] if page.enclosing else None
    cycles = await cycles_of(visit)
    beside = [one for one in reversed(cycles) if outer is not None and one.within_id == outer.cycle_id]
    return visit.render(
        "cycles/cycle.html",
        status,
        here=_url(_id(visit)),
        page=page,
        cycle=cycle_card(page.cycle, visit),
        enclosing=[cycle_card(one, visit) for one in reversed(page.enclosing)],
        inner=bool(page.inner),
        strip=[cycle_card(one, visit) for one in page.inner or beside],
        last_day=language.day(day_of(page.cycle.ends_on)),
        first_day=language.day(day_of(page.cycle.starts_on)),
        early=visit.today < day_of(page.cycle.starts_on),
        outer=outer,
        planned=page.cycle.state == PLANNED,
        obstacle=words(page.obstacle, {}, language) if page.obstacle else "",
        steps=steps,
        forms=forms,
        correcting=forms.form if forms.sent == "correct" else Form(said),
        follow_ups=await following.shown_with(visit, page, cycles),
    )


def _iso(day: object) -> str:
    return day_of(day).isoformat()  # type: ignore[arg-type] # a date of the contract


async def _do(
    visit: Visit, filled: Form, name: str, method: str, command: Message, said: str, fields: Mapping[str, str]
) -> Response:
    def again(form: Form, status: int = 422):
        return _page(visit, Forms(name, form), status)

    to = "/cycles" if method == "WithdrawCycle" else _url(_id(visit))
    return await carry_out(visit, filled, "goals", method, command, said, to=lambda _: to, again=again, fields=fields)


@routes.form("/cycles/{cycle}/start", page="/cycles/{cycle}")
async def start(visit: Visit) -> Response:
    """`POST /cycles/<id>/start`."""
    filled = await sent(visit.request)
    command = goals_pb2.StartCycle(cycle_id=_id(visit), with_uneven_weights=bool(filled["uneven"]))
    said = visit.language.gettext("The cycle runs: from now on its KPIs change by proposals.")
    return await _do(visit, filled, "start", "StartCycle", command, said, {"with_uneven_weights": "uneven"})


@routes.form("/cycles/{cycle}/close", page="/cycles/{cycle}")
async def close(visit: Visit) -> Response:
    """`POST /cycles/<id>/close`."""
    filled = await sent(visit.request)
    said = visit.language.gettext("The cycle is being closed: nothing of it changes any more.")
    return await _do(visit, filled, "close", "CloseCycle", goals_pb2.CloseCycle(cycle_id=_id(visit)), said, {})


@routes.form("/cycles/{cycle}/reopen", page="/cycles/{cycle}")
async def reopen(visit: Visit) -> Response:
    """`POST /cycles/<id>/reopen`."""
    filled = await sent(visit.request)
    if refused := await _reason_missing(visit, filled, "reopen"):
        return refused
    command = goals_pb2.ReopenCycle(cycle_id=_id(visit), reason=PersonalText(plain=filled.text("reason")))
    said = visit.language.gettext("The cycle runs again.")
    return await _do(visit, filled, "reopen", "ReopenCycle", command, said, {"reason": "reason"})


@routes.form("/cycles/{cycle}/withdraw", page="/cycles/{cycle}")
async def withdraw(visit: Visit) -> Response:
    """`POST /cycles/<id>/withdraw`."""
    filled = await sent(visit.request)
    if refused := await _reason_missing(visit, filled, "withdraw"):
        return refused
    command = goals_pb2.WithdrawCycle(cycle_id=_id(visit), reason=PersonalText(plain=filled.text("reason")))
    said = visit.language.gettext("The cycle is withdrawn.")
    return await _do(visit, filled, "withdraw", "WithdrawCycle", command, said, {"reason": "reason"})


async def _reason_missing(visit: Visit, filled: Form, name: str) -> Response | None:
    if filled.text("reason"):
        return None
    return await _page(visit, Forms(name, filled.wrong([Violation("reason", "MISSING")], visit.language)), 422)


@routes.form("/cycles/{cycle}/correct", page="/cycles/{cycle}")
async def correct(visit: Visit) -> Response:
    """`POST /cycles/<id>/correct`."""
    filled = await sent(visit.request)
    wrong, (starts, ends) = _read_days(filled)
    if wrong or starts is None or ends is None:
        return await _page(visit, Forms("correct", filled.wrong(wrong, visit.language)), 422)
    command = goals_pb2.CorrectCycle(
        cycle_id=_id(visit), name=filled.text("name"), starts_on=date_message(starts), ends_on=date_message(ends)
    )
    said = visit.language.gettext("The cycle is put right.")
    return await _do(visit, filled, "correct", "CorrectCycle", command, said, _DAYS)


@routes.form("/cycles/{cycle}/carry-on", page="/cycles/{cycle}")
async def carry_on(visit: Visit) -> Response:
    """`POST /cycles/<id>/carry-on`: what becomes of its KPIs in another cycle."""
    filled = await sent(visit.request)
    here = f"{_url(_id(visit))}?{urlencode({'next': filled['next']})}#follow-ups"
    done = await following.carried_on(visit, filled, here)
    if isinstance(done, Response):
        return done
    return await _page(visit, Forms("carry-on", done), 422)
