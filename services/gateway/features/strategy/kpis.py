"""The editor of a KPI: letter by letter what makes it clear, and what it serves (G-20 … G-34)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.choices import Choice, people_to_choose, units_to_choose
from services.gateway.console.cycles import choose_cycle, newest_first
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, sent
from services.gateway.console.kpis import listed, servable
from services.gateway.console.language import day_of, decimal_of_text
from services.gateway.console.routes import Routes
from services.gateway.console.strategy import every_csf, every_goal
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.strategy import computed, many
from services.gateway.features.strategy.library import DEPARTMENTS, LIBRARY, template
from services.gateway.features.strategy.looking import Look, look
from services.gateway.features.strategy.reading import (
    DIRECTIONS,
    FIELDS,
    KINDS,
    LEVELS,
    OWNERS,
    PERIODS,
    draft,
    named,
    read,
)

routes = Routes()
INNER = 12
"""Of the cycles in one, whose KPIs it may be computed from: a year's months."""

Again = Callable[[Form, int], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Parents:
    """What a KPI may serve, by kind; `more`: there are other KPIs than these."""

    goals: Sequence[Choice]
    csfs: Sequence[Choice]
    kpis: Sequence[Choice]
    more: bool


@routes.page("/kpis/new")
async def new(visit: Visit) -> Response:
    """`GET /kpis/new`; `?parent=csf-…` (goal-, kpi-) names what it is to serve, `?level=` at which level it is,
    `?template=sales.0` what it starts from, `?cycle=` in which cycle."""
    visit.must("goals.DefineKpi")
    given = visit.request.query_params
    level, start = given.get("level", "").upper(), template(given.get("template", ""))
    values = {"level": level if level in LEVELS else "COMPANY", "kind": "CUMULATIVE", "direction": "INCREASE"}
    if start is not None:
        values |= start.values(visit.language.code)
        values["target"] = visit.language.number(decimal_of_text(start.target))
    chosen = {"parent": given.get("parent", ""), "cycle": given.get("cycle", "")}
    if owner := given.get("owner", "")[:64]:
        chosen |= {"level": "INDIVIDUAL", "owner.0": owner}
    return await _show(visit, Form(values | chosen), asked=start is not None)


async def _show(visit: Visit, filled: Form, status: int = 200, *, asked: bool = True) -> Response:
    """`asked`: with what is asked about it so far; of an empty form nothing is."""
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = _cycle(cycles.cycles, filled["cycle"], visit.today)
    if cycle is None:
        return visit.render("empty.html")
    chosen = cycle.cycle_id
    people_named = (*named(filled, "owner"), *named(filled, "helper"), filled["evaluator"])
    who, people, parents, so_far = await asyncio.gather(
        directory(visit),
        people_to_choose(visit, *people_named),
        _parents(visit, chosen, filled["parent"]),
        look(visit, filled, chosen) if asked else _nothing(),
    )
    at = 0 if visit.language.code == "vi" else 1
    return visit.render(
        "strategy/kpi.html",
        status,
        here="/kpis/new",
        form=filled,
        look=so_far,
        cycles=[(one.cycle_id, one.name) for one in newest_first(cycles.cycles)],
        cycle=chosen,
        days=f"{visit.language.day(day_of(cycle.starts_on))} – {visit.language.day(day_of(cycle.ends_on))}",
        planned=cycle.state == types_pb2.CYCLE_STATE_PLANNED,
        levels=LEVELS,
        kinds=KINDS,
        directions=DIRECTIONS,
        periods=PERIODS,
        owners=range(OWNERS),
        people=people,
        units=units_to_choose(who),
        parents=parents,
        volumes=[(id.removeprefix("kpi-"), name) for id, name in parents.kpis],
        computations=computed.kinds(visit.language),
        computed_places=computed.PLACES,
        computed_from=await _computed_from(visit, chosen, newest_first(cycles.cycles), parents),
        library=[
            (DEPARTMENTS[key][at], [(f"{key}.{n}", one.name[at]) for n, one in enumerate(some)])
            for key, some in LIBRARY.items()
        ],
    )


async def _computed_from(
    visit: Visit, cycle_id: str, cycles: Sequence[goals_pb2.Cycle], parents: Parents
) -> Sequence[Choice]:
    """The first KPIs of a cycle, of those in it, as of a year's quarters, and of the one that began before it."""
    inner = [cycle for cycle in reversed(cycles) if cycle.within_id == cycle_id]
    beside = [cycle for cycle in cycles if cycle not in inner]
    at = next((number for number, cycle in enumerate(beside, 1) if cycle.cycle_id == cycle_id), len(beside))
    others = [*inner[:INNER], *beside[at : at + 1]]
    found = await asyncio.gather(*(or_none(listed(visit, cycle.cycle_id)) for cycle in others))
    here = [(id.removeprefix("kpi-"), name) for id, name in parents.kpis]
    return [
        *here,
        *(
            (kpi.kpi_id, f"{kpi.name} · {of.name}")
            for of, kpis in zip(others, found, strict=True)
            for kpi in kpis or ()
        ),
    ]


def _cycle(cycles: Sequence[goals_pb2.Cycle], wanted: str, today: date) -> goals_pb2.Cycle | None:
    """The one that was chosen; else one that is planned, for KPIs are set in no other, the nearest to today."""
    planned = [cycle for cycle in cycles if cycle.state == types_pb2.CYCLE_STATE_PLANNED]
    return choose_cycle(cycles if wanted or not planned else planned, wanted, today)


async def _nothing() -> Look:
    return Look()


@routes.form("/kpis/new/look", page="/kpis/new")
async def check(visit: Visit) -> Response:
    """`POST /kpis/new/look`: what is asked about it so far, with what was taken over from that. Nothing is written."""
    filled = await sent(visit.request)
    name, _, value = filled["fix"].partition(":")
    if name in ("statement", "weight"):
        filled = Form({**filled.values, name: value}, filled.key)
    if visit.request.headers.get("x-requested-with") != "fetch":
        return await _show(visit, filled)
    return visit.render("strategy/look.html", form=filled, look=await look(visit, filled, filled["cycle"]))


async def _parents(visit: Visit, cycle_id: str, chosen: str) -> Parents:
    """The first KPIs that one of a cycle may serve, and the one that is chosen."""
    goals, csfs, some = await asyncio.gather(every_goal(visit), every_csf(visit), servable(visit, cycle_id))
    kpis = list(some.kpis)
    kind, _, id = chosen.partition("-")
    if kind == "kpi" and all(kpi_id != id for kpi_id, _ in kpis):
        page = await or_none(visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage))
        kpis += [(id, page.kpi.name)] if page else []
    return Parents(
        [(f"goal-{goal.goal_id}", goal.name) for goal in goals],
        [(f"csf-{csf.csf_id}", csf.name) for csf in csfs],
        [(f"kpi-{id}", name) for id, name in kpis],
        some.more,
    )


@routes.form("/kpis/new")
async def define(visit: Visit) -> Response:
    """`POST /kpis/new`."""
    filled = await sent(visit.request)
    language = visit.language
    wrong = [Violation(field, "MISSING") for field in ("name", "level", "kind", "direction") if not filled.text(field)]
    so_far = read(filled, wrong, language)
    if not so_far.measure.HasField("target") and not any(one.field == "target" for one in wrong):
        wrong.append(Violation("target", "MISSING"))
    if wrong:
        return await _show(visit, filled.wrong(wrong, language), 422)
    written = draft(filled, so_far)
    if filled["each"]:
        return await many.give(visit, filled, written, partial(_show, visit))
    if filled["do"] == "propose":
        return await _propose(visit, filled, written)
    command = goals_pb2.DefineKpi(cycle_id=filled["cycle"], kpi=written)
    said = language.gettext("The KPI stands: %(name)s.") % {"name": written.name}
    return await carry_out(
        visit, filled, "goals", "DefineKpi", command, said,
        to=lambda id: f"/kpi/{quote(id, safe='')}", again=partial(_show, visit), fields=FIELDS,
    )  # fmt: skip


async def _propose(visit: Visit, filled: Form, written: types_pb2.KpiDraft) -> Response:
    """As a proposal that somebody else approves: whoever may not set it, or once its cycle runs (G-77)."""
    language = visit.language
    if not filled.text("reason"):
        return await _show(visit, filled.wrong([Violation("reason", "MISSING")], language), 422)
    command = goals_pb2.ProposeChange(
        cycle_id=filled["cycle"],
        reason_class=types_pb2.REASON_CLASS_BOTTOM_UP,
        title=PersonalText(plain=language.gettext("New KPI: %(name)s") % {"name": written.name}),
        reason=PersonalText(plain=filled.text("reason")),
        additions=[written],
    )
    said = language.gettext("The KPI is proposed: %(name)s.") % {"name": written.name}
    fields = {**{path.replace("kpi", "additions[0]", 1): name for path, name in FIELDS.items()}, "reason": "reason"}
    return await carry_out(
        visit, filled, "goals", "ProposeChange", command, said,
        to=lambda id: f"/proposals/{quote(id, safe='')}", again=partial(_show, visit), fields=fields,
    )  # fmt: skip
