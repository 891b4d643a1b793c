"""Writing a proposal: targets of a KPI and of what stands above it, perhaps one KPI more, and why; the sums are shown
meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from eventkit.errors import Violation
from eventkit.values import plain
from nhip.common.v1 import command_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console import kpis
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import KpiCard, kpi_card, owner_avatar
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.edges import EDGES, edge_words
from services.gateway.console.forms import Form, decimal_message, sent
from services.gateway.console.language import Language, day_of, decimal_of, decimal_of_text
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.proposals.reconciliation import arithmetic, relation_sentence

routes = Routes()

_ADDITION = {
    "name": "addition_name",
    "statement": "addition_statement",
    "measure.target": "addition_target",
    "measure.unit": "addition_unit",
    "measure.kind": "addition_kind",
    "parent": "addition_parent",
    "weight": "addition_weight",
    "measure": "addition_target",
}
_MOST_PLACES = 1000
"""As many as a stored number has: what nobody changes must not look changed."""
REASON_CLASSES = ("BOTTOM_UP", "CONTEXT_CHANGED", "STRATEGY_CHANGED", "CORRECTION")
KINDS = ("MILESTONE", "CUMULATIVE", "LEVEL")


@dataclass(frozen=True, slots=True)
class EdgeField:
    """Floor, stretch or start of a KPI, to be changed along with its target."""

    field: str
    word: str
    exact: str
    """As the contract writes it; empty: none is set."""
    shown: str
    """As it stands in the form."""


@dataclass(frozen=True, slots=True)
class Line:
    """One KPI whose target may be changed."""

    card: KpiCard
    exact: str
    """Its target as the contract writes it: what the proposal says it was before."""
    edges: Sequence[EdgeField]
    """The rest of its scale."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form makes of a proposal, and which form field each part of it came from."""

    changes: Sequence[types_pb2.TargetChange]
    addition: types_pb2.KpiDraft | None
    fields: dict[str, str]
    wrong: list[Violation]


@routes.page("/proposals/new")
async def form(visit: Visit) -> Response:
    """`GET /proposals/new?kpi=…`; without a KPI, the choice of one."""
    id = visit.request.query_params.get("kpi", "")
    if not id:
        return await _choose(visit)
    return await _show(visit, id, Form({"addition_kind": "MILESTONE"}))


@routes.form("/proposals")
async def back(visit: Visit) -> Response:
    """An address that nobody is to look at: to where a proposal is written."""
    return visit.redirect("/proposals/new")


async def _choose(visit: Visit) -> Response:
    cycles = await visit.caller.query("goals", "ListCycles", goals_pb2.ListCycles(), goals_pb2.Cycles)
    cycle = choose_cycle(cycles.cycles, "", visit.today)
    if cycle is None:
        return visit.render("empty.html")
    text = visit.request.query_params.get("q", "").strip()[:100]
    own, others = await kpis.own_and_others(visit, cycle.cycle_id, text)
    mine, theirs = ([kpi_card(kpi, visit.language, Moment()) for kpi in some] for some in (own, others))
    return visit.render(
        "proposals/choose_kpi.html", mine=mine, others=theirs, query=text, most=len(theirs) >= kpis.MOST - len(mine)
    )


@routes.form("/proposals/new")
async def propose(visit: Visit) -> Response:
    """`POST /proposals/new?kpi=…`: sends it, or shows the sums when that was asked for without script."""
    id = visit.request.query_params.get("kpi", "")
    filled = await sent(visit.request)
    if filled["preview"]:
        return await _show(visit, id, filled)
    draft = read(filled, visit.person, visit.language)
    for name in ("title", "reason"):
        if not filled.text(name):
            draft.wrong.append(Violation(name, "MISSING"))
    if not draft.changes and draft.addition is None and not draft.wrong:
        draft.wrong.append(Violation("", "NOTHING_PROPOSED"))
    if draft.wrong:
        return await _show(visit, id, filled.wrong(draft.wrong, visit.language), 422)
    reason_class = filled["reason_class"] if filled["reason_class"] in REASON_CLASSES else "UNSPECIFIED"
    request = goals_pb2.ProposeChange(
        cycle_id=filled["cycle_id"],
        reason_class=types_pb2.ReasonClass.Value(f"REASON_CLASS_{reason_class}"),
        title=words_pb2.PersonalText(plain=filled.text("title")),
        reason=words_pb2.PersonalText(plain=filled.text("reason")),
        changes=draft.changes,
        addition=draft.addition,
    )
    try:
        accepted, position = await visit.caller.ask(
            "goals", "ProposeChange", request, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status in ("UNAUTHENTICATED", "NOT_FOUND"):
            raise
        fields = draft.fields | {"title": "title", "reason": "reason", "reason_class": "reason_class"}
        return await _show(visit, id, filled.refused(failure, visit.language, fields), failure.http)
    return visit.done(
        f"/proposals/{accepted.id}",
        accepted,
        position,
        visit.language.gettext("Your proposal was sent; who decides was told."),
    )


@routes.form("/proposals/preview", page="/proposals/new")
async def preview(visit: Visit) -> Response:
    """`POST /proposals/preview`: the sums for what is typed so far, as a piece of the page."""
    filled = await sent(visit.request)
    return visit.render("proposals/preview.html", **await _preview(visit, filled))


async def _preview(visit: Visit, filled: Form) -> dict[str, Any]:
    draft = read(filled, visit.person, visit.language)
    nothing: dict[str, Any] = {"arithmetic": None, "approver": None, "relation": "", "obstacle": "", "explanation": ""}
    if unreadable := next((v for v in draft.wrong if v.reason in ("NOT_A_NUMBER", "TOO_MANY_DIGITS")), None):
        return nothing | {"explanation": words(unreadable.reason, unreadable.parameters, visit.language)}
    if draft.wrong or (not draft.changes and draft.addition is None):
        return nothing
    request = goals_pb2.PreviewProposal(cycle_id=filled["cycle_id"], changes=draft.changes, addition=draft.addition)
    try:
        reply = await visit.caller.query("goals", "PreviewProposal", request, goals_pb2.ProposalPreview)
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return nothing | {"explanation": visit.explain(failure)}
    return {
        "arithmetic": arithmetic(reply.reconciliations, visit.language),
        "approver": owner_avatar(reply.approver, visit.language) if reply.approver.person_id else None,
        "relation": relation_sentence(reply.approval, visit.language),
        "obstacle": words(reply.obstacle, {}, visit.language) or reply.obstacle,
        "explanation": "",
    }


async def _show(visit: Visit, id: str, filled: Form, status: int = 200) -> Response:
    reply = await visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage)
    if not reply.may_propose:
        raise Failure("PERMISSION_DENIED", "NOT_ALLOWED", "no change of this KPI may be proposed by this person now")
    above = [step.kpi for step in reply.path if step.WhichOneof("step") == "kpi"]
    lines = [_line(kpi, filled, visit.language) for kpi in (*above, reply.kpi)]
    parents = [(f"kpi_id:{line.card.id}", line.card.name) for line in reversed(lines)]
    # What makes up for a KPI most often serves what that KPI serves.
    default = f"kpi_id:{lines[-2 if above else -1].card.id}"
    parents += [(f"csf_id:{step.csf.csf_id}", step.csf.name) for step in reply.path if step.WhichOneof("step") == "csf"]
    ended = day_of(reply.cycle.ends_on) < visit.today
    classes = ("CORRECTION",) if ended else REASON_CLASSES
    return visit.render(
        "proposals/propose.html",
        status,
        form=filled,
        ended=ended,
        reason_class=filled["reason_class"] if filled["reason_class"] in classes else classes[0],
        lines=lines,
        kpi=lines[-1].card,
        cycle_id=reply.kpi.cycle_id,
        parents=parents,
        parent=filled["addition_parent"] or default,
        reason_classes=classes,
        kinds=KINDS,
        **await _preview(visit, filled),
    )


def _line(kpi: goals_pb2.Kpi, filled: Form, language: Language) -> Line:
    edges: list[EdgeField] = []
    for edge, word in edge_words(language).items():
        field, value = f"{edge}.{kpi.kpi_id}", decimal_of(kpi.measure, edge)
        shown = filled[field] if field in filled.values else language.number(value, places=_MOST_PLACES)
        edges.append(EdgeField(field, word, plain(value) if value is not None else "", shown))
    return Line(kpi_card(kpi, language, Moment()), kpi.measure.target.value, edges)


def read(filled: Form, proposer: str, language: Language) -> Draft:
    """The changes and the addition that a form holds.

    An empty target leaves it as it is; so does the target that a KPI has.
    """
    wrong: list[Violation] = []
    fields: dict[str, str] = {"changes": "", "addition": "addition_name"}
    changes: list[types_pb2.TargetChange] = []
    for name in filled.values:
        id = name.removeprefix("after.")
        if not name.startswith("after."):
            continue
        after, before = filled.number(name, wrong, language), decimal_of_text(filled[f"before.{id}"])
        edges = {edge: change for edge in EDGES if (change := _edge(filled, f"{edge}.{id}", wrong, language))}
        if before is None or (after in (None, before) and not edges):
            continue
        at = f"changes[{len(changes)}]"
        fields |= {at: name} | {f"{at}.{edge}": f"{edge}.{id}" for edge in EDGES}
        after = before if after is None else after
        change = types_pb2.TargetChange(kpi_id=id, before=decimal_message(before), after=decimal_message(after))
        for edge, other in edges.items():
            getattr(change, edge).CopyFrom(other)
        changes.append(change)
    addition = _addition(filled, proposer, wrong, language)
    fields |= {f"addition.{path}": name for path, name in _ADDITION.items()}
    return Draft(changes, addition, fields, wrong)


def _edge(filled: Form, field: str, wrong: list[Violation], language: Language) -> types_pb2.EdgeChange | None:
    """Another floor, stretch or start; emptied, it is taken away. None: it stays, or the form did not ask for it."""
    if field not in filled.values:
        return None
    after, before = filled.number(field, wrong, language), decimal_of_text(filled[f"{field}.before"])
    if after == before or (after is None and filled.text(field)):
        return None
    return types_pb2.EdgeChange(
        before=decimal_message(before) if before is not None else None,
        after=decimal_message(after) if after is not None else None,
    )


def _addition(filled: Form, proposer: str, wrong: list[Violation], language: Language) -> types_pb2.KpiDraft | None:
    if not filled.text("addition_name"):
        return None
    target = filled.number("addition_target", wrong, language)
    kind = filled["addition_kind"] if filled["addition_kind"] in KINDS else "MILESTONE"
    if target is None and kind == "MILESTONE" and not filled.text("addition_target"):
        target = decimal_of_text("1")  # done or not: there is one to be done
    if target is None:
        if not any(v.field == "addition_target" for v in wrong):
            wrong.append(Violation("addition_target", "MISSING"))
        return None
    draft = types_pb2.KpiDraft(
        name=filled.text("addition_name"),
        statement=filled.text("addition_statement"),
        level=types_pb2.LEVEL_INDIVIDUAL,
        measure=types_pb2.Measure(
            kind=types_pb2.MeasureKind.Value(f"MEASURE_KIND_{kind}"),
            direction=types_pb2.DIRECTION_INCREASE,
            unit=filled.text("addition_unit"),
            target=decimal_message(target),
        ),
        owner_ids=[proposer],
    )
    kind_of_parent, _, id = filled["addition_parent"].partition(":")
    if kind_of_parent == "kpi_id":
        draft.parent.kpi_id = id
    elif kind_of_parent == "csf_id":
        draft.parent.csf_id = id
    return draft
