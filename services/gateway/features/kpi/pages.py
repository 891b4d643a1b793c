"""One KPI: near or far, since when, why it is there, and everything that ever happened to it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from starlette.responses import Response

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import (
    Avatar,
    KpiCard,
    ShortfallFoot,
    kpi_card,
    not_checked_text,
    owner_avatar,
    passed,
    shortfall_foot,
    start_of,
    target_text,
)
from services.gateway.console.carrying import carried
from services.gateway.console.computed import Computed, computed
from services.gateway.console.directory import Directory
from services.gateway.console.further import FurtherRow, further_rows
from services.gateway.console.language import Language, date_of, day_of, decimal_of
from services.gateway.console.links import praise_link
from services.gateway.console.past import PastBar, nothing_yet, past_bar
from services.gateway.console.routes import Routes
from services.gateway.console.said import who_is_said
from services.gateway.console.scale import Scale, scale
from services.gateway.console.visit import Visit
from services.gateway.failures import Failure
from services.gateway.features.kpi import access, compare
from services.gateway.features.kpi.history import Entry, entries
from services.gateway.features.kpi.trend import Trend, trend

routes = Routes(access.routes, compare.routes)


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the way up."""

    kind: str
    kind_word: str
    name: str
    url: str
    status: str
    numbers: str
    owner: str
    why: str
    """Why it serves what stands above it."""
    shortfall: ShortfallFoot | None


@dataclass(frozen=True, slots=True)
class KpiPage:
    card: KpiCard
    statement: str
    cycle: str
    kind_word: str
    owners: tuple[Avatar, ...]
    helpers: tuple[Avatar, ...]
    evaluator: Avatar | None
    rate_of: tuple[str, str] | None
    """The KPI that it is a rate of: its address and its name."""
    measuring: Sequence[tuple[str, str]]
    """How it is measured: what is said of it, by what that is called."""
    current: str
    target: str
    start: str
    starts_with: str
    """Where the start is from, where it is the last value of the cycle before."""
    starts_url: str
    """Where the bar begins; empty where there is no way to measure."""
    done_word: str
    expected_word: str
    said: str
    """What the numbers mean for a budget, a ceiling, a band; why there is no share; empty where the bar says it."""
    expected: str
    forecast_why: str
    """What the forecast rests on."""
    is_today: bool
    confidence: int
    confidence_change: str
    updated: str
    updated_recorded: str
    past: PastBar | None
    steps: tuple[Step, ...]
    trend: Trend
    children: tuple[KpiCard, ...]
    shortfalls: tuple[ShortfallFoot, ...]
    not_checked: tuple[str, ...]
    scale: Scale
    history: tuple[Entry, ...]
    praise: str
    """Where somebody is praised for it; empty where nothing is changed."""
    may_propose: bool
    may_set: bool
    """Directly: the cycle is planned."""
    may_record: bool
    unaligned: bool
    retired: bool
    further: tuple[FurtherRow, ...]
    """What else it supports or hinders, and what supports or hinders it."""
    computed: Computed | None
    """What its value is computed from; None: it is entered."""


@routes.page("/kpi/{kpi}")
async def kpi(visit: Visit) -> Response:
    """`/kpi/<id>`: the page of one KPI, now or as of any day."""
    id = visit.request.path_params["kpi"]
    as_of = None if visit.moment.is_now else visit.moment.message(visit.zone)
    try:
        reply, history = await asyncio.gather(
            visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id, as_of=as_of), goals_pb2.KpiPage),
            visit.caller.query("goals", "GetKpiHistory", goals_pb2.GetKpiHistory(kpi_id=id), goals_pb2.KpiHistory),
        )
    except Failure as failure:
        if failure.status != "NOT_FOUND" or visit.moment.is_now:
            raise
        # Unknown then; unknown today as well, if this is refused too.
        await visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage)
        return nothing_yet(visit, f"/kpi/{quote(id, safe='')}", kpi=True, status=failure.http)
    renamed = [entry.said for entry in history.entries if entry.HasField("said")]
    who = await who_is_said(visit, renamed, kpi_ids=[reply.kpi.measure.volume_kpi_id])
    return visit.render("kpi/kpi.html", page=kpi_page(visit, reply, history, who))


def kpi_page(visit: Visit, reply: goals_pb2.KpiPage, history: goals_pb2.KpiHistory, who: Directory) -> KpiPage:
    language, moment, shown = visit.language, visit.moment, reply.kpi
    standing, measure = shown.standing, shown.measure
    _ = language.gettext
    card = kpi_card(shown, language, moment, reply.shortfalls, reply.not_checked)
    kinds = {
        types_pb2.MEASURE_KIND_CUMULATIVE: _("adds up over the cycle"),
        types_pb2.MEASURE_KIND_LEVEL: _("a level"),
        types_pb2.MEASURE_KIND_MILESTONE: _("done or not"),
    }
    occurred = date_of(standing, "occurred_on")
    shown_day = date_of(reply.as_of, "effective_on") or visit.today
    recorded_text = ""
    if standing.HasField("recorded_at") and occurred is not None:
        recorded = standing.recorded_at.ToDatetime(UTC)
        if recorded.astimezone(visit.zone).date() != occurred:
            recorded_text = _("recorded %(moment)s") % {"moment": language.instant(recorded, visit.zone)}
    until = None if moment.is_now else shown_day
    shown_until = language.short_day(
        min(shown_day, day_of(reply.cycle.ends_on)) if reply.HasField("cycle") else shown_day
    )
    asked = moment.message(visit.zone)
    known = asked.recorded_at.ToDatetime(UTC) if asked.HasField("recorded_at") else None
    may_record = reply.may_record and not reply.past and visit.may("checkins.RecordProgress")
    return KpiPage(
        card=card,
        statement=shown.statement,
        cycle=reply.cycle.name,
        kind_word=kinds.get(measure.kind, ""),
        owners=card.owners,
        helpers=tuple(owner_avatar(helper, language) for helper in shown.helpers),
        evaluator=owner_avatar(shown.evaluator, language) if shown.HasField("evaluator") else None,
        rate_of=(moment.url(f"/kpi/{quote(measure.volume_kpi_id, safe='')}"), who.kpis[measure.volume_kpi_id])
        if measure.volume_kpi_id in who.kpis
        else None,
        measuring=_measuring(shown.measuring, language),
        current=language.number(decimal_of(standing, "current")),
        target=target_text(measure, standing.aim, language.number) + language.unit(measure.unit),
        start=language.brief(start_of(measure, standing.aim), "%" if is_percent(measure.unit) else "")
        if has_way(standing)
        else "",
        starts_with=_("It starts at the value of %(day)s of the KPI that it goes on with.")
        % {"day": language.day(day_of(reply.baseline_from.occurred_on))}
        if reply.HasField("baseline_from")
        else "",
        starts_url=f"/kpi/{quote(reply.baseline_from.kpi_id, safe='')}",
        done_word=(_("Used by %(day)s") if standing.aim == goals_pb2.AIM_BUDGET else _("Done by %(day)s"))
        % {"day": shown_until},
        expected_word=_("At most by now") if standing.aim == goals_pb2.AIM_BUDGET else _("Expected by now"),
        said=said_of(shown, language),
        expected=card.expected,
        forecast_why=forecast_why(standing, language),
        is_today=moment.is_now,
        confidence=standing.confidence,
        confidence_change=confidence_change([point.confidence for point in reply.trend], language),
        updated=language.day(occurred),
        updated_recorded=recorded_text,
        past=past_bar(visit, reply.past, f"/kpi/{shown.kpi_id}", _compared(moment, shown.kpi_id)),
        steps=tuple(steps(reply, language, moment)),
        trend=carried(
            "trend",
            shown.kpi_id,
            lambda: trend(reply, language, visit.zone, may_correct=may_record),
            Trend((), _("Cannot be shown"), ""),
        ),
        children=tuple(
            kpi_card(child, language, moment, reply.shortfalls, reply.not_checked) for child in reply.children
        ),
        shortfalls=tuple(shortfall_foot(s, language) for s in reply.shortfalls if s.kpi_id == shown.kpi_id),
        not_checked=tuple(not_checked_text(n.reason, language) for n in reply.not_checked if n.kpi_id == shown.kpi_id),
        scale=carried(
            "scale",
            shown.kpi_id,
            lambda: scale(measure, standing.aim, decimal_of(standing, "current"), language),
            Scale((), None, "", _("Cannot be shown")),
        ),
        history=entries(history, shown.kpi_id, language, visit.zone, until, known, who),
        praise=""
        if reply.past or not visit.may("rewards.GivePraise")
        else praise_link([o.person_id for o in shown.owners], visit.person, kpi=shown.kpi_id),
        may_set=reply.may_set and not reply.past,
        may_propose=reply.may_propose and not reply.past and visit.may("goals.ProposeChange"),
        may_record=may_record,
        unaligned=shown.unaligned,
        retired=shown.retired,
        further=further_rows(reply, language, moment),
        computed=computed(reply, language),
    )


def _compared(moment: Moment, kpi_id: str) -> str:
    """The day that is looked back at beside today; empty for an instant, which is no day."""
    if moment.on is None:
        return ""
    return Moment().url(f"/kpi/{quote(kpi_id, safe='')}/compare", a=moment.on.isoformat(), clock=moment.clock)


def has_way(standing: goals_pb2.Standing) -> bool:
    """There is a share to draw, or nothing was recorded yet that could have none."""
    if standing.aim == goals_pb2.AIM_BUDGET:
        return standing.HasField("used") or not standing.HasField("current")
    return standing.aim != goals_pb2.AIM_BAND and not standing.no_share


def said_of(kpi: goals_pb2.Kpi, language: Language) -> str:
    """ "Used 130 of 100: over by 30." What people say of a budget, a ceiling, a band; and why a KPI has no share of the
    way."""
    _ = language.gettext
    standing, unit = kpi.standing, kpi.measure.unit
    current, target = decimal_of(standing, "current"), decimal_of(kpi.measure, "target")
    if current is None or target is None:
        return ""
    told: list[str] = []
    numbers = {"current": language.amount(current, unit), "target": language.amount(target, unit)}
    over = passed(kpi, language)
    match standing.aim:
        case goals_pb2.AIM_BUDGET:
            left = _("%(gap)s left") % {"gap": language.amount(target - current, unit)}
            told.append(_("Used %(current)s of %(target)s: %(so)s.") % {**numbers, "so": over or left})
        case goals_pb2.AIM_CEILING:
            told.append(_("%(current)s, at most %(target)s: %(so)s.") % {**numbers, "so": over or _("kept")})
        case goals_pb2.AIM_BAND:
            band = target_text(kpi.measure, standing.aim, language.number) + language.unit(unit)
            held = _("kept") if standing.met else _("not kept")
            told.append(_("%(current)s, to be kept at %(band)s: %(so)s.") % {**numbers, "band": band, "so": held})
        case _:
            pass
    why: dict[int, str] = {
        goals_pb2.NO_SHARE_TARGET_NOT_ABOVE_ZERO: _(
            "There is no percentage: the target is not above zero, and no start is known."
        ),
        goals_pb2.NO_SHARE_BASELINE_IS_TARGET: _("There is no percentage: it was to stay where it stood."),
        goals_pb2.NO_SHARE_CEILING: _("There is no percentage: a ceiling is kept or not."),
        goals_pb2.NO_SHARE_BAND: _("There is no percentage: a band is kept or not."),
    }
    return " ".join([*told, *([why[standing.no_share]] if standing.no_share in why else [])])


def forecast_why(standing: goals_pb2.Standing, language: Language) -> str:
    """What a forecast rests on; empty without one."""
    if not standing.HasField("forecast"):
        return ""
    found = standing.forecast
    told = {"num": found.values, "day": language.day(date_of(found, "since"))}
    if found.basis == goals_pb2.Forecast.BASIS_PACE:
        text = language.gettext("at the pace since %(day)s, from %(num)s values")
    else:
        text = language.gettext("by the trend since %(day)s, from %(num)s values")
    return text % told


def confidence_change(confidences: Sequence[int], language: Language) -> str:
    """ "up from 3": only where there is something to compare with."""
    known = [confidence for confidence in confidences if confidence]
    if len(known) < 2 or known[-1] == known[-2]:
        return ""
    _ = language.gettext
    return (_("up from %(n)s") if known[-1] > known[-2] else _("down from %(n)s")) % {"n": known[-2]}


def steps(reply: goals_pb2.KpiPage, language: Language, moment: Moment) -> Iterator[Step]:
    """From the strategic goal down to the KPI itself: each says why it serves the one above."""
    _ = language.gettext
    for step in reply.path:
        match step.WhichOneof("step"):
            case "goal":
                target = language.amount(decimal_of(step.goal, "target"), step.goal.unit)
                yield Step(
                    "goal", _("Strategic goal"), step.goal.name, "", "", target, str(step.goal.year or ""), "", None
                )
            case "csf":
                yield Step("csf", "CSF", step.csf.name, "", "", "", "", step.csf.why, None)
            case _:
                card = kpi_card(step.kpi, language, moment, reply.shortfalls, reply.not_checked)
                yield _kpi_step(card, card.unit_name or card.level_word)
    yield _kpi_step(kpi_card(reply.kpi, language, moment), _("This KPI"), this=True)


def _kpi_step(card: KpiCard, kind_word: str, *, this: bool = False) -> Step:
    return Step(
        "this" if this else "kpi",
        kind_word,
        card.name,
        "" if this else card.url,
        card.status.key,
        f"{card.current}/{card.target}",
        card.owner_names,
        card.why,
        None if this else card.shortfall,
    )


def _measuring(said: types_pb2.Measuring, language: Language) -> Sequence[tuple[str, str]]:
    _ = language.gettext
    periods = {
        types_pb2.PERIOD_WEEK: _("week"),
        types_pb2.PERIOD_MONTH: _("month"),
        types_pb2.PERIOD_QUARTER: _("quarter"),
        types_pb2.PERIOD_YEAR: _("year"),
    }
    parts = (
        (_("Of whom or what"), said.segment),
        (_("Tool"), said.tool),
        (_("Looked at every"), periods.get(said.period, "")),
        (_("How it is counted and judged"), said.method),
    )
    return [(word, text) for word, text in parts if text]
