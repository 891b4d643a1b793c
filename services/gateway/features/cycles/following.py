"""What becomes of a cycle's KPIs in the next one: shown as a table, sent as one form (G-73)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from eventkit.errors import Violation
from nhip.checkins.v1 import reviews_pb2, types_pb2
from nhip.common.v1 import command_pb2
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2
from services.gateway.console.forms import Form, decimal_message
from services.gateway.console.language import day_of
from services.gateway.console.refusals import words
from services.gateway.console.visit import Visit, or_none
from services.gateway.failures import Failure
from services.gateway.features.cycles.shown import CHOICES, PLANNED, CycleCard, LevelOfRows, cycle_card, follow_up_rows

ROWS = 100
"""KPIs on one page."""


@dataclass(frozen=True, slots=True)
class FollowUpsShown:
    next: CycleCard | None
    """None: no cycle is planned yet."""
    others: Sequence[CycleCard]
    levels: Sequence[LevelOfRows]
    total: int
    decided: int
    may_decide: bool
    """About some of those that are shown."""
    more: str
    """The address of the rest; empty: there is none."""


async def shown_with(
    visit: Visit, page: goals_pb2.CyclePage, cycles: Sequence[goals_pb2.Cycle]
) -> FollowUpsShown | None:
    """None for a cycle that is planned itself: nothing of it goes on yet."""
    if page.cycle.state == PLANNED:
        return None
    related = {page.cycle.cycle_id, *(one.cycle_id for one in (*page.enclosing, *page.inner))}
    planned = [
        one
        for one in cycles
        if one.state == PLANNED and one.cycle_id not in related and day_of(one.ends_on) >= visit.today
    ]
    later = [one for one in planned if day_of(one.starts_on) > day_of(page.cycle.starts_on)]
    params = visit.request.query_params
    wanted = params.get("next", "")
    chosen = next((one for one in cycles if one.cycle_id == wanted), None)
    chosen = chosen or min(later, key=lambda one: (day_of(one.starts_on), day_of(one.ends_on)), default=None)
    if chosen is None:
        return FollowUpsShown(None, (), (), 0, 0, may_decide=False, more="")
    request = goals_pb2.ListFollowUps(
        cycle_id=page.cycle.cycle_id,
        next_cycle_id=chosen.cycle_id,
        page_size=ROWS,
        page_token=params.get("from", ""),
    )
    reply = await visit.caller.query("goals", "ListFollowUps", request, goals_pb2.FollowUps)
    decided = await _decided_in_reviews(visit, page.cycle.cycle_id, reply)
    more = visit.request.url.include_query_params(**{"from": reply.next_page_token, "next": chosen.cycle_id})
    return FollowUpsShown(
        next=cycle_card(chosen, visit),
        others=[cycle_card(one, visit) for one in planned],
        levels=follow_up_rows(reply, decided, visit),
        total=reply.total,
        decided=reply.decided,
        may_decide=any(one.may_decide for one in reply.kpis),
        more=f"{more.path}?{more.query}#follow-ups" if reply.next_page_token else "",
    )


async def _decided_in_reviews(
    visit: Visit, cycle_id: str, reply: goals_pb2.FollowUps
) -> dict[str, types_pb2.KpiVerdict]:
    """By KPI what closed reviews decided, which is suggested (C-40); of a KPI of several people where they agree."""
    asked = reviews_pb2.ListKpiVerdicts(
        cycle_id=cycle_id, kpi_ids=[one.kpi.kpi_id for one in reply.kpis], page_size=200
    )
    told = await or_none(visit.caller.query("checkins", "ListKpiVerdicts", asked, reviews_pb2.VerdictList))
    found: dict[str, list[types_pb2.KpiVerdict]] = {}
    for one in told.verdicts if told else ():
        found.setdefault(one.verdict.kpi_id, []).append(one.verdict)
    return {id: said[0] for id, said in found.items() if all(one == said[0] for one in said)}


async def carried_on(visit: Visit, filled: Form, here: str) -> Response | Form:
    """Carries out what was chosen; answers the form again where something of it is wrong or was refused."""
    language, wrong = visit.language, list[Violation]()
    items: list[goals_pb2.CarriedKpi] = []
    for name, choice in filled.values.items():
        if not name.startswith("choice.") or choice not in CHOICES:
            continue
        kpi_id = name.removeprefix("choice.")
        item = goals_pb2.CarriedKpi(kpi_id=kpi_id, choice=CHOICES[choice])
        if choice == "adjust":
            target = filled.number(f"target.{kpi_id}", wrong, language)
            if target is None:
                wrong.append(Violation(f"target.{kpi_id}", "MISSING"))
            else:
                item.target.CopyFrom(decimal_message(target))
        if reason := filled.text(f"reason.{kpi_id}"):
            item.reason.CopyFrom(PersonalText(plain=reason))
        elif choice != "keep":
            wrong.append(Violation(f"reason.{kpi_id}", "MISSING"))
        items.append(item)
    if not items and not wrong:
        wrong.append(Violation("", "NOTHING_CHOSEN"))
    if wrong:
        return filled.wrong(wrong, language)
    command = goals_pb2.CarryOnKpis(
        cycle_id=visit.request.path_params["cycle"], next_cycle_id=filled["next"], items=items
    )
    try:
        accepted, position = await visit.caller.ask(
            "goals", "CarryOnKpis", command, command_pb2.Accepted, key=filled.key
        )
    except Failure as failure:
        if failure.status == "UNAUTHENTICATED":
            raise
        return filled.refused(failure, language)
    failed = {
        item.kpi_id: verdict.refused
        for item, verdict in zip(items, accepted.verdicts, strict=True)
        if verdict.refused.reason
    }
    if len(failed) == len(items):
        return filled.wrong(
            [
                Violation(f"{_AT.get(refused.field, 'choice')}.{id}", refused.reason, refused.message)
                for id, refused in failed.items()
            ],
            language,
        )
    done = len(items) - len(failed)
    said = language.ngettext("%(num)s KPI is decided.", "%(num)s KPIs are decided.", done) % {"num": done}
    for id, refused in failed.items():
        why = words(refused.reason, dict(refused.parameters), language)
        said += " " + language.gettext("Not %(name)s: %(why)s") % {"name": filled[f"name.{id}"] or id, "why": why}
    return visit.done(here, accepted, position, said)


_AT = {"reason": "reason", "target": "target", "kpi.measure.target": "target"}
"""The form's field for a verdict's."""
