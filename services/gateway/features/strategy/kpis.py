"""A KPI, written down: what it measures, whose it is, and what it serves (G-33)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.choices import Choice, people_to_choose, units_to_choose
from services.gateway.console.cycles import choose_cycle, newest_first
from services.gateway.console.deeds import carry_out
from services.gateway.console.directory import directory
from services.gateway.console.forms import Form, decimal_message, sent
from services.gateway.console.kpis import listed
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.strategy import computed

routes = Routes()

Again = Callable[[Form, int], Awaitable[Response]]
LEVELS = ("COMPANY", "DEPARTMENT", "INDIVIDUAL")
KINDS = ("CUMULATIVE", "LEVEL", "MILESTONE")
DIRECTIONS = ("INCREASE", "DECREASE", "KEEP")
OWNERS = 3
"""Whom the form names at most; the API takes eight."""
DONE = Decimal(1)
"""The target of a milestone."""
NUMBERS = ("baseline", "floor", "stretch")
FIELDS = {
    "cycle_id": "cycle",
    "effective_on": "cycle",
    "kpi.name": "name",
    "kpi.statement": "statement",
    "kpi.level": "level",
    "kpi.unit_id": "unit",
    "kpi.owner_ids": "owner.0",
    **{f"kpi.owner_ids[{n}]": f"owner.{n}" for n in range(OWNERS)},
    "kpi.exact_weight": "weight",
    "kpi.weight": "weight",
    "kpi.parent": "parent",
    "kpi.why": "why",
    "kpi.measure": "target",
    "kpi.measure.kind": "kind",
    "kpi.measure.direction": "direction",
    "kpi.measure.unit": "measured_in",
    "kpi.measure.target": "target",
    **{f"kpi.measure.{name}": name for name in NUMBERS},
    **computed.FIELDS,
}


@dataclass(frozen=True, slots=True)
class Parents:
    """What a KPI may serve, by kind; `more`: there are other KPIs than these."""

    goals: Sequence[Choice]
    csfs: Sequence[Choice]
    kpis: Sequence[Choice]
    more: bool


@routes.page("/kpis/new")
async def new(visit: Visit) -> Response:
    """`GET /kpis/new`; `?parent=csf-…` (goal-, kpi-) names what it is to serve, `?level=` at which level it is."""
    visit.must("goals.DefineKpi")
    given = visit.request.query_params
    level = given.get("level", "").upper()
    return await _show(
        visit,
        Form(
            {
                "parent": given.get("parent", ""),
                "level": level if level in LEVELS else "COMPANY",
                "kind": "CUMULATIVE",
                "direction": "INCREASE",
            }
        ),
    )


async def _show(visit: Visit, filled: Form, status: int = 200) -> Response:
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, "", visit.today)
    if cycle is None:
        return visit.render("empty.html")
    chosen = filled["cycle"] or cycle.cycle_id
    owners = [filled[f"owner.{n}"] for n in range(OWNERS)]
    who, people, parents = await asyncio.gather(
        directory(visit), people_to_choose(visit, *owners), _parents(visit, chosen, filled["parent"])
    )
    return visit.render(
        "strategy/kpi.html",
        status,
        here="/kpis/new",
        form=filled,
        cycles=[(one.cycle_id, one.name) for one in newest_first(cycles.cycles)],
        cycle=chosen,
        levels=LEVELS,
        kinds=KINDS,
        directions=DIRECTIONS,
        owners=range(OWNERS),
        people=people,
        units=units_to_choose(who),
        parents=parents,
        computations=computed.kinds(visit.language),
        computed_places=computed.PLACES,
        computed_from=await _computed_from(visit, chosen, newest_first(cycles.cycles), parents),
    )


async def _computed_from(
    visit: Visit, cycle_id: str, cycles: Sequence[goals_pb2.Cycle], parents: Parents
) -> Sequence[Choice]:
    """The first KPIs of a cycle, and of the one that began before it."""
    ids = [cycle.cycle_id for cycle in cycles]
    at = ids.index(cycle_id) + 1 if cycle_id in ids else len(ids)
    before = (await or_none(listed(visit, cycles[at].cycle_id)) or ()) if at < len(ids) else ()
    here = [(id.removeprefix("kpi-"), name) for id, name in parents.kpis]
    return [*here, *((kpi.kpi_id, f"{kpi.name} · {cycles[at].name}") for kpi in before)]


async def _parents(visit: Visit, cycle_id: str, chosen: str) -> Parents:
    """The first KPIs of a cycle, and the one that is chosen."""
    asked = goals_pb2.GetMap(cycle_id=cycle_id)
    tops, kpis = await asyncio.gather(
        visit.caller.query("goals", "GetMap", asked, goals_pb2.GoalMap), listed(visit, cycle_id)
    )
    counts = tops.counts
    kpis = list(kpis)
    kind, _, id = chosen.partition("-")
    if kind == "kpi" and all(kpi.kpi_id != id for kpi in kpis):
        page = await or_none(visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage))
        kpis += [page.kpi] if page else []
    return Parents(
        [(f"goal-{goal.goal_id}", goal.name) for goal in tops.goals],
        [(f"csf-{csf.csf_id}", csf.name) for csf in tops.csfs],
        [(f"kpi-{kpi.kpi_id}", kpi.name) for kpi in kpis],
        counts.company + counts.department + counts.individual > len(kpis),
    )


@routes.form("/kpis/new")
async def define(visit: Visit) -> Response:
    """`POST /kpis/new`."""
    filled = await sent(visit.request)
    language = visit.language
    wrong = [Violation(field, "MISSING") for field in ("name", "level", "kind", "direction") if not filled.text(field)]
    milestone = filled["kind"] == "MILESTONE"
    numbers = {name: None if milestone else filled.number(name, wrong, language) for name in NUMBERS}
    target, weight = filled.number("target", wrong, language), filled.number("weight", wrong, language)
    if target is None and not milestone and not any(one.field == "target" for one in wrong):
        wrong.append(Violation("target", "MISSING"))
    if wrong:
        return await _show(visit, filled.wrong(wrong, language), 422)
    measure = types_pb2.Measure(
        kind=_choice(types_pb2.MeasureKind, "MEASURE_KIND_", filled["kind"]),
        direction=_choice(types_pb2.Direction, "DIRECTION_", "INCREASE" if milestone else filled["direction"]),
        unit=filled.text("measured_in"),
        target=decimal_message(target if target is not None and not milestone else DONE),
    )
    for name, value in numbers.items():
        if value is not None:
            getattr(measure, name).CopyFrom(decimal_message(value))
    draft = types_pb2.KpiDraft(
        name=filled.text("name"),
        statement=filled.text("statement"),
        level=_choice(types_pb2.Level, "LEVEL_", filled["level"]),
        measure=measure,
        owner_ids=[owner for n in range(OWNERS) if (owner := filled[f"owner.{n}"])],
        unit_id=filled["unit"],
        exact_weight=decimal_message(weight) if weight is not None else None,
        parent=_parent(filled["parent"]),
        why=filled.text("why"),
        computation=computed.computation_of(filled),
    )
    command = goals_pb2.DefineKpi(cycle_id=filled["cycle"], kpi=draft)
    said = language.gettext("The KPI stands: %(name)s.") % {"name": draft.name}
    return await carry_out(
        visit, filled, "goals", "DefineKpi", command, said,
        to=lambda id: f"/kpi/{quote(id, safe='')}", again=partial(_show, visit), fields=FIELDS,
    )  # fmt: skip


def _choice(kind: Any, prefix: str, name: str) -> Any:
    """An enum's number by what the form calls it; unspecified for anything else, which the contract refuses."""
    return kind.Value(prefix + name) if prefix + name in kind.keys() else 0


def _parent(chosen: str) -> types_pb2.Parent | None:
    """What is served, as the form names it; None: nothing yet."""
    kind, _, id = chosen.partition("-")
    return types_pb2.Parent(**{f"{kind}_id": id}) if kind in ("goal", "csf", "kpi") and id else None
