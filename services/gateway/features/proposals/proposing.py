"""Writing a proposal: changes of a KPI, of what stands above it and of others, KPIs more, and why; the sums are shown
meanwhile."""

import asyncio
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from eventkit.errors import Violation
from eventkit.values import plain
from nhip.common.v1 import command_pb2, operations_pb2, words_pb2
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console import kpis
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import KpiCard, kpi_card, owner_avatar
from services.gateway.console.cycles import choose_cycle
from services.gateway.console.deeds import carry_out
from services.gateway.console.edges import edge_words
from services.gateway.console.forms import Form, sent
from services.gateway.console.language import Language, day_of, decimal_of, decimal_of_text
from services.gateway.console.refusals import words
from services.gateway.console.routes import Routes
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.proposals.choices import choices
from services.gateway.features.proposals.drafting import (
    ADDITIONS,
    DIRECTIONS,
    HELPERS,
    KINDS,
    LEVELS,
    OWNERS,
    ids_of,
    opened,
    parent_value,
    read,
)
from services.gateway.features.proposals.reconciliation import arithmetic, relation_sentence, told_rows

routes = Routes()

_MOST_PLACES = 1000
"""As many as a stored number has: what nobody changes must not look changed."""
_KPIS = 12
"""KPIs that one form changes."""
REASON_CLASSES = ("BOTTOM_UP", "CONTEXT_CHANGED", "STRATEGY_CHANGED", "CORRECTION")


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
    """One KPI that may be changed."""

    card: KpiCard
    exact: str
    """Its target as the contract writes it: what the proposal says it was before."""
    edges: Sequence[EdgeField]
    """The rest of its scale."""
    opened: bool
    """What it says and serves is to be changed too."""
    rate: bool
    """It may be a rate of another KPI."""
    owners: int
    helpers: int
    """How many fields there are for people."""


@routes.page("/proposals/new")
async def form(visit: Visit) -> Response:
    """`GET /proposals/new?kpi=…`; without a KPI, the choice of one. `open` names those whose every part is to be seen,
    `additions` how many KPIs are to be added."""
    given = visit.request.query_params
    if not given.get("kpi"):
        return await _choose(visit)
    shown = {name: given[name] for name in ("open", "additions", "meeting") if name in given}
    return await _show(visit, given["kpi"], Form(shown))


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
        "proposals/choose_kpi.html",
        mine=mine,
        others=theirs,
        query=text,
        most=len(theirs) >= kpis.MOST - len(mine),
        meeting=visit.request.query_params.get("meeting", "")[:64],
    )


@routes.form("/proposals/new")
async def propose(visit: Visit) -> Response:
    """`POST /proposals/new?kpi=…`: sends it, or shows the form with what was asked for beside: the sums, another KPI,
    more of one, one KPI more."""
    id = visit.request.query_params.get("kpi", "")
    filled = await sent(visit.request)
    if filled["do"] == "set":
        return await _set(visit, id, filled)
    if filled["do"]:
        return await _show(visit, id, _more(filled, visit.language))
    draft = read(filled, visit.person, visit.language)
    for name in ("title", "reason"):
        if not filled.text(name):
            draft.wrong.append(Violation(name, "MISSING"))
    if draft.empty and not draft.wrong:
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
        additions=draft.additions,
        meeting_id=filled["meeting"],
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


async def _set(visit: Visit, id: str, filled: Form) -> Response:
    """Changes KPIs of a planned cycle directly, all of them or none: nobody has to approve it (`ChangeKpi`)."""
    draft, language = read(filled, visit.person, visit.language), visit.language
    if not draft.changes and not draft.wrong:
        draft.wrong.append(Violation("", "NOTHING_PROPOSED"))
    if draft.wrong:
        return await _show(visit, id, filled.wrong(draft.wrong, language), 422)
    reason_class = filled["reason_class"] if filled["reason_class"] in REASON_CLASSES else "UNSPECIFIED"
    reason = filled.text("reason")
    commands = [
        goals_pb2.ChangeKpi(
            kpi_id=change.kpi_id,
            change=change,
            reason_class=types_pb2.ReasonClass.Value(f"REASON_CLASS_{reason_class}"),
            reason=words_pb2.PersonalText(plain=reason) if reason else None,
        )
        for change in draft.changes
    ]
    steps = [
        operations_pb2.Step(method="ChangeKpi", request=one.SerializeToString(), key=f"{filled.key}:{one.kpi_id}"[:200])
        for one in commands
    ]
    fields = {
        f"steps[{n}].{path}".removesuffix("."): field
        for n in range(len(commands))
        for path, field in [
            ("kpi_id", f"after.{commands[n].kpi_id}"),
            *(
                (path.replace(f"changes[{n}]", "change", 1), field)
                for path, field in draft.fields.items()
                if path.startswith(f"changes[{n}]")
            ),
            ("reason", "reason"),
        ]
    }
    return await carry_out(
        visit,
        filled,
        "goals",
        "CarryOutTogether",
        operations_pb2.CarryOutTogether(service="goals", steps=steps),
        language.gettext("The change stands. The history says what it was before."),
        to=lambda _: f"/kpi/{quote(id, safe='')}",
        again=lambda filled, status: _show(visit, id, filled, status),
        fields=fields,
    )


@routes.form("/proposals/preview", page="/proposals/new")
async def preview(visit: Visit) -> Response:
    """`POST /proposals/preview`: the sums for what is typed so far, as a piece of the page."""
    filled = await sent(visit.request)
    return visit.render("proposals/preview.html", **await _preview(visit, filled))


async def _preview(visit: Visit, filled: Form) -> dict[str, Any]:
    draft = read(filled, visit.person, visit.language)
    nothing: dict[str, Any] = {
        "arithmetic": None,
        "approver": None,
        "relation": "",
        "obstacle": "",
        "explanation": "",
        "told": (),
    }
    if unreadable := next((v for v in draft.wrong if v.reason in ("NOT_A_NUMBER", "TOO_MANY_DIGITS")), None):
        return nothing | {"explanation": words(unreadable.reason, unreadable.parameters, visit.language)}
    if draft.wrong or draft.empty:
        return nothing
    request = goals_pb2.PreviewProposal(cycle_id=filled["cycle_id"], changes=draft.changes, additions=draft.additions)
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
        "told": told_rows(reply.told, visit.language),
    }


def _more(filled: Form, language: Language) -> Form:
    """The form with what a button of it asked for."""
    values = dict(filled.values)
    do, _, id = values.pop("do").partition(":")
    if do == "kpi" and (other := values.pop("another", "")):
        values["kpis"] = f"{values.get('kpis', '')} {other}"
    elif do == "open":
        values["open"] = f"{values.get('open', '')} {id}"
    elif do == "close":
        kpi, _, target = id.rpartition(":")
        values[f"after.{kpi}"] = language.number(decimal_of_text(target), places=_MOST_PLACES)
        values["kpis"] = f"{values.get('kpis', '')} {kpi}"
    elif do == "addition":
        values["additions"] = str(additions_shown(filled) + 1)
    return replace(filled, values=values)


def additions_shown(filled: Form) -> int:
    """How many KPIs the form has fields for to be added."""
    number = filled["additions"]
    return min(int(number), ADDITIONS) if number.isdecimal() else 0


async def _show(visit: Visit, id: str, filled: Form, status: int = 200) -> Response:
    language = visit.language
    reply = await _kpi(visit, id)
    if not reply.may_propose:
        raise Failure("PERMISSION_DENIED", "NOT_ALLOWED", "no change of this KPI may be proposed by this person now")
    above = [step.kpi for step in reply.path if step.WhichOneof("step") == "kpi"]
    shown = {kpi.kpi_id: kpi for kpi in (*above, reply.kpi)}
    asked = list(ids_of(filled["kpis"])) if "kpis" in filled.values else list(shown)
    others = await asyncio.gather(*(_kpi(visit, other) for other in asked[:_KPIS] if other not in shown))
    shown |= {page.kpi.kpi_id: page.kpi for page in others}
    open = [one for one in ids_of(filled["open"]) if one in shown]
    for one in open:
        if f"was.{one}" not in filled.values:
            filled = replace(filled, values={**filled.values, **opened(shown[one], language)})
    lines = [_line(kpi, filled, language, opened=one in open) for one, kpi in shown.items()]
    additions = range(additions_shown(filled))
    everything = bool(open) or bool(additions)
    ended = day_of(reply.cycle.ends_on) < visit.today
    classes = ("CORRECTION",) if ended else REASON_CLASSES
    return visit.render(
        "proposals/propose.html",
        status,
        form=filled,
        here=f"/proposals/new?kpi={quote(id, safe='')}",
        ended=ended,
        reason_class=filled["reason_class"] if filled["reason_class"] in classes else classes[0],
        lines=lines,
        open=open,
        additions=additions,
        may_add=len(additions) < ADDITIONS,
        kpi=kpi_card(reply.kpi, language, Moment()),
        cycle_id=reply.kpi.cycle_id,
        may_set=reply.may_set,
        # What makes up for a KPI most often serves what that KPI serves.
        served=parent_value(reply.kpi.parent),
        others=await _others(visit, reply.kpi.cycle_id, shown) if len(shown) < _KPIS else (),
        choices=await choices(visit, reply.kpi.cycle_id, filled, shown.values()) if everything else None,
        reason_classes=classes,
        kinds=KINDS,
        directions=DIRECTIONS,
        levels=LEVELS[::-1],
        **await _preview(visit, filled),
    )


async def _kpi(visit: Visit, id: str) -> goals_pb2.KpiPage:
    return await visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage)


async def _others(visit: Visit, cycle_id: str, shown: Container[str]) -> Sequence[tuple[str, str]]:
    """KPIs that may be changed along; of a large cycle those that a search finds."""
    text = visit.request.query_params.get("q", "").strip()[:100]
    found = await or_none(kpis.listed(visit, cycle_id, text=text))
    return [(kpi.kpi_id, kpi.name) for kpi in found or () if kpi.kpi_id not in shown]


def _line(kpi: goals_pb2.Kpi, filled: Form, language: Language, *, opened: bool) -> Line:
    edges: list[EdgeField] = []
    for edge, word in edge_words(language).items():
        field, value = f"{edge}.{kpi.kpi_id}", decimal_of(kpi.measure, edge)
        shown = filled[field] if field in filled.values else language.number(value, places=_MOST_PLACES)
        edges.append(EdgeField(field, word, plain(value) if value is not None else "", shown))
    owners, helpers = (
        min(sum(bool(filled[f"{what}.{n}.{kpi.kpi_id}"]) for n in range(most)) + 1, most)
        for what, most in (("owner", OWNERS), ("helper", HELPERS))
    )
    card = kpi_card(kpi, language, Moment())
    rate = kpi.measure.kind == types_pb2.MEASURE_KIND_LEVEL
    return Line(card, kpi.measure.target.value, edges, opened, rate, owners, helpers)
