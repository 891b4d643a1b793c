"""What a company aims at, written down: a strategic goal, a success factor. KPIs are in `kpis`."""

from decimal import Decimal
from functools import partial
from urllib.parse import quote

from google.protobuf.message import Message
from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1 import words_pb2
from nhip.goals.v1 import goals_pb2
from services.gateway.console.computed import not_computed_words
from services.gateway.console.deeds import carry_out
from services.gateway.console.forms import Form, date_message, decimal_message, sent
from services.gateway.console.language import decimal_of
from services.gateway.console.routes import Routes
from services.gateway.console.strategy import every_csf, every_goal
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.strategy import kpis

routes = Routes(kpis.routes)

_BACK = "/first-steps"
GOALS = 50
"""On a page, each with its success factors."""


# --- goals and success factors ---


def _page(visit: Visit) -> str:
    """The page of what the address is about, whatever is done to it."""
    return visit.request.url.path.removesuffix("/withdrawal")


def _known(visit: Visit) -> bool:
    """It is about something that stands, not about a new one."""
    return bool(visit.request.path_params)


@routes.page("/goals/new")
async def new_goal(visit: Visit) -> Response:
    """`GET /goals/new`."""
    visit.must("goals.SetStrategicGoal")
    return await _goal(visit, Form({"year": str(visit.today.year)}))


async def _goal(
    visit: Visit, filled: Form, status: int = 200, *, withdrawn: Form | None = None, value: Form | None = None
) -> Response:
    stands = await _goal_of(visit) if _known(visit) else goals_pb2.StrategicGoal()
    share = decimal_of(stands, "progress")
    return visit.render(
        "strategy/goal.html",
        status,
        here=_page(visit),
        stands=visit.language.amount(decimal_of(stands, "value"), stands.unit) if stands.HasField("value") else "",
        stands_share=visit.language.amount(share * 100, "%", places=1) if share is not None else "",
        why_not=not_computed_words(stands.not_computed, visit.language) if stands.HasField("not_computed") else "",
        value_form=value or Form({"on": visit.today.isoformat()}),
        known=_known(visit),
        form=filled,
        withdrawn=withdrawn or Form(),
    )


@routes.form("/goals/new")
async def set_goal(visit: Visit) -> Response:
    """`POST /goals/new`."""
    filled = await sent(visit.request)
    wrong, (year, target) = _read_goal(visit, filled)
    if wrong or target is None:
        return await _goal(visit, filled.wrong(wrong, visit.language), 422)
    command = goals_pb2.SetStrategicGoal(
        name=filled.text("name"), year=year, target=decimal_message(target), unit=filled.text("unit")
    )
    said = visit.language.gettext("The strategic goal is set: %(name)s.") % {"name": filled.text("name")}
    return await _send(visit, filled, "SetStrategicGoal", command, said, partial(_goal, visit))


@routes.page("/csfs/new")
async def new_csf(visit: Visit) -> Response:
    """`GET /csfs/new`."""
    visit.must("goals.ChooseCsf")
    return await _csf(visit, Form())


async def _csf(visit: Visit, filled: Form, status: int = 200, *, withdrawn: Form | None = None) -> Response:
    return visit.render(
        "strategy/csf.html",
        status,
        here=_page(visit),
        known=_known(visit),
        form=filled,
        goals=await every_goal(visit),
        withdrawn=withdrawn or Form(),
    )


@routes.form("/csfs/new")
async def choose_csf(visit: Visit) -> Response:
    """`POST /csfs/new`."""
    filled = await sent(visit.request)
    wrong, chosen = _read_csf(filled)
    if wrong:
        return await _csf(visit, filled.wrong(wrong, visit.language), 422)
    command = goals_pb2.ChooseCsf(name=filled.text("name"), goal_ids=chosen, why=filled.text("why"))
    said = visit.language.gettext("The success factor is chosen: %(name)s.") % {"name": filled.text("name")}
    return await _send(visit, filled, "ChooseCsf", command, said, partial(_csf, visit))


# --- put right ---


@routes.page("/strategy")
async def strategy(visit: Visit) -> Response:
    """`GET /strategy`: goals with the success factors that support them, a page at a time."""
    asked = goals_pb2.ListStrategicGoals(page_size=GOALS, page_token=visit.request.query_params.get("after", ""))
    page = await visit.caller.query("goals", "ListStrategicGoals", asked, goals_pb2.StrategicGoals)
    csfs = await every_csf(visit, [goal.goal_id for goal in page.goals]) if page.goals else ()
    rows = [
        (
            goal,
            visit.language.amount(decimal_of(goal, "target"), goal.unit),
            [csf for csf in csfs if goal.goal_id in csf.goal_ids],
        )
        for goal in page.goals
    ]
    more = f"/strategy?after={quote(page.next_page_token)}" if page.next_page_token else ""
    return visit.render("strategy/strategy.html", rows=rows, more=more)


@routes.page("/goals/{goal}")
async def one_goal(visit: Visit) -> Response:
    """`GET /goals/<id>`: to be put right."""
    visit.must("goals.CorrectStrategicGoal")
    return await _goal(visit, await _goal_as_it_stands(visit))


async def _goal_as_it_stands(visit: Visit) -> Form:
    goal = await _goal_of(visit)
    shown = {"name": goal.name, "year": str(goal.year), "unit": goal.unit}
    return Form(shown | {"target": visit.language.number(decimal_of(goal, "target"))})


@routes.form("/goals/{goal}/value", page="/goals/{goal}")
async def record_goal_value(visit: Visit) -> Response:
    """`POST /goals/<id>/value`: what it has come to."""
    filled, wrong = await sent(visit.request), list[Violation]()
    number, on = filled.number("value", wrong, visit.language), filled.day("on", wrong)

    async def again(filled: Form, status: int) -> Response:
        return await _goal(visit, await _goal_as_it_stands(visit), status, value=filled)

    if number is None and not wrong:
        wrong.append(Violation("value", "MISSING"))
    if wrong or number is None:
        return await again(filled.wrong(wrong, visit.language), 422)
    id = visit.request.path_params["goal"]
    command = goals_pb2.RecordGoalValue(
        goal_id=id, value=decimal_message(number), occurred_on=date_message(on) if on else None
    )
    said = visit.language.gettext("The value of the goal was recorded.")
    return await carry_out(
        visit, filled, "goals", "RecordGoalValue", command, said,
        to=lambda _: f"/goals/{quote(id, safe='')}", again=again, fields={"value": "value", "occurred_on": "on"},
    )  # fmt: skip


@routes.form("/goals/{goal}/withdrawal", page="/goals/{goal}")
async def withdraw_goal(visit: Visit) -> Response:
    """`POST /goals/<id>/withdrawal`."""
    filled = await sent(visit.request)

    async def again(filled: Form, status: int) -> Response:
        return await _goal(visit, await _goal_as_it_stands(visit), status, withdrawn=filled)

    command = goals_pb2.WithdrawStrategicGoal(goal_id=visit.request.path_params["goal"], reason=_reason(filled))
    said = visit.language.gettext("The strategic goal is withdrawn. Past days still show it.")
    return await _take_back(visit, filled, "WithdrawStrategicGoal", command, said, again)


@routes.form("/goals/{goal}")
async def correct_goal(visit: Visit) -> Response:
    """`POST /goals/<id>`."""
    filled = await sent(visit.request)
    wrong, (year, target) = _read_goal(visit, filled)
    if wrong or target is None:
        return await _goal(visit, filled.wrong(wrong, visit.language), 422)
    command = goals_pb2.CorrectStrategicGoal(
        goal_id=visit.request.path_params["goal"],
        name=filled.text("name"),
        year=year,
        target=decimal_message(target),
        unit=filled.text("unit"),
    )
    said = visit.language.gettext("The strategic goal is put right: %(name)s.") % {"name": filled.text("name")}
    return await _send(visit, filled, "CorrectStrategicGoal", command, said, partial(_goal, visit), to="/strategy")


@routes.page("/csfs/{csf}")
async def one_csf(visit: Visit) -> Response:
    """`GET /csfs/<id>`: to be put right."""
    visit.must("goals.CorrectCsf")
    return await _csf(visit, await _csf_as_it_stands(visit))


async def _csf_as_it_stands(visit: Visit) -> Form:
    csf = await _csf_of(visit)
    chosen = {f"goal.{goal}": "1" for goal in csf.goal_ids}
    return Form({"name": csf.name, "why": csf.why, **chosen})


@routes.form("/csfs/{csf}/withdrawal", page="/csfs/{csf}")
async def withdraw_csf(visit: Visit) -> Response:
    """`POST /csfs/<id>/withdrawal`."""
    filled = await sent(visit.request)

    async def again(filled: Form, status: int) -> Response:
        return await _csf(visit, await _csf_as_it_stands(visit), status, withdrawn=filled)

    command = goals_pb2.WithdrawCsf(csf_id=visit.request.path_params["csf"], reason=_reason(filled))
    said = visit.language.gettext("The success factor is withdrawn. Past days still show it.")
    return await _take_back(visit, filled, "WithdrawCsf", command, said, again)


def _reason(filled: Form) -> words_pb2.PersonalText | None:
    text = filled.text("withdraw-reason")
    return words_pb2.PersonalText(plain=text) if text else None


async def _take_back(
    visit: Visit, filled: Form, method: str, command: Message, said: str, again: kpis.Again
) -> Response:
    fields = {"reason": "withdraw-reason"}
    return await carry_out(
        visit, filled, "goals", method, command, said, to=lambda _: "/strategy", again=again, fields=fields
    )


@routes.form("/csfs/{csf}")
async def correct_csf(visit: Visit) -> Response:
    """`POST /csfs/<id>`."""
    filled = await sent(visit.request)
    wrong, chosen = _read_csf(filled)
    if wrong:
        return await _csf(visit, filled.wrong(wrong, visit.language), 422)
    command = goals_pb2.CorrectCsf(
        csf_id=visit.request.path_params["csf"], name=filled.text("name"), goal_ids=chosen, why=filled.text("why")
    )
    said = visit.language.gettext("The success factor is put right: %(name)s.") % {"name": filled.text("name")}
    return await _send(visit, filled, "CorrectCsf", command, said, partial(_csf, visit), to="/strategy")


async def _goal_of(visit: Visit) -> goals_pb2.StrategicGoal:
    """The goal that the address names. Raises Failure for one that is not there."""
    id = visit.request.path_params["goal"]
    found = next((goal for goal in await every_goal(visit) if goal.goal_id == id), None)
    if found is None:
        raise Failure("NOT_FOUND", "GOAL_UNKNOWN", f"there is no goal {id!r}")
    return found


async def _csf_of(visit: Visit) -> goals_pb2.Csf:
    """The success factor that the address names. Raises Failure for one that is not there."""
    id = visit.request.path_params["csf"]
    found = next((csf for csf in await every_csf(visit) if csf.csf_id == id), None)
    if found is None:
        raise Failure("NOT_FOUND", "CSF_UNKNOWN", f"there is no success factor {id!r}")
    return found


def _read_goal(visit: Visit, filled: Form) -> tuple[list[Violation], tuple[int, Decimal | None]]:
    wrong = _missing(filled, "name", "year", "target")
    target, year = filled.number("target", wrong, visit.language), filled.text("year")
    if year and not (year.isascii() and year.isdigit() and len(year) == 4):
        wrong.append(Violation("year", "NOT_A_YEAR"))
    return wrong, (0 if wrong else int(year), target)


def _read_csf(filled: Form) -> tuple[list[Violation], list[str]]:
    chosen = [name.removeprefix("goal.") for name in filled.values if name.startswith("goal.")]
    wrong = _missing(filled, "name")
    if not chosen:
        wrong.append(Violation("goals", "GOAL_MISSING"))
    return wrong, chosen


def _missing(filled: Form, *fields: str) -> list[Violation]:
    return [Violation(field, "MISSING") for field in fields if not filled.text(field)]


async def _send(
    visit: Visit, filled: Form, method: str, command: Message, said: str, again: kpis.Again, *, to: str = _BACK
) -> Response:
    fields = {name: name for name in ("name", "year", "target", "unit", "why")}
    fields["goal_ids"] = "goals"
    return await carry_out(visit, filled, "goals", method, command, said, to=lambda _: to, again=again, fields=fields)
