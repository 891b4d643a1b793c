"""A review as it is shown: plan and actual of each KPI, what the two say, and where they differ."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from uuid import uuid4

from eventkit.values import is_percent
from nhip.checkins.v1 import checkins_pb2, reviews_pb2, types_pb2
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2
from nhip.goals.v1 import types_pb2 as goal_types_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.cards import Bar, StatusMark, bar, gap_text, kpi_card, target_text, way_to
from services.gateway.console.forms import Form
from services.gateway.console.language import Language, day_of, decimal_of
from services.gateway.console.visit import Visit, or_none

MOST_ASKED = 12
"""KPIs that are asked for one by one, where the person does not answer for them any more."""
STEPS = {"keep": types_pb2.NEXT_STEP_KEEP, "adjust": types_pb2.NEXT_STEP_ADJUST, "stop": types_pb2.NEXT_STEP_STOP}
"""By what a form calls them."""
NAMES = {step: name for name, step in STEPS.items()}
QUESTIONS = ("why", "working", "next")


@dataclass(frozen=True, slots=True)
class Said:
    """What one of the two would have become of a KPI."""

    step: str = ""
    target: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class KpiRow:
    id: str
    name: str
    url: str
    weight: str
    others: str
    """Who answers for it beside the person."""
    actual: str
    target: str
    unit: str
    bar: Bar
    status: StatusMark
    gap: str
    later: str
    """What stands there now, where something was recorded after the review; empty: nothing was."""
    own: Said
    theirs: Said
    decided: Said
    differs: bool
    to_settle: bool
    """Before it is closed it is to be said what becomes of it: they differ, or the target of what is adjusted is not
    said."""


@dataclass(frozen=True, slots=True)
class PartShown:
    """What one of the two wrote; nothing, while the other may not read it."""

    there: bool
    sent_at: str
    texts: Mapping[str, str]
    mood: str
    """Of the person: 1 to 5; empty: not said."""
    first_step_due: str


@dataclass(frozen=True, slots=True)
class Bead:
    day: str
    confidence: int
    tone: str


async def kpis_of(visit: Visit, review: reviews_pb2.Review) -> dict[str, goals_pb2.Kpi]:
    """The KPIs of a review, as goals knows them; those that goals does not tell of are not in it."""
    head = review.head
    wanted = [one.kpi.kpi_id for one in review.kpis]
    asked = goals_pb2.ListKpis(cycle_id=head.cycle_id, owner_ids=[head.person_id], page_size=200)
    listed = await or_none(visit.caller.query("goals", "ListKpis", asked, goals_pb2.Kpis))
    found = {kpi.kpi_id: kpi for kpi in listed.kpis} if listed else {}
    missing = [id for id in wanted if id not in found][:MOST_ASKED]
    pages = await asyncio.gather(*(_one(visit, id) for id in missing))
    return found | {page.kpi.kpi_id: page.kpi for page in pages if page}


async def _one(visit: Visit, id: str) -> goals_pb2.KpiPage | None:
    return await or_none(visit.caller.query("goals", "GetKpi", goals_pb2.GetKpi(kpi_id=id), goals_pb2.KpiPage))


def kpi_rows(review: reviews_pb2.Review, kpis: Mapping[str, goals_pb2.Kpi], visit: Visit) -> list[KpiRow]:
    own, theirs = _verdicts(review.self_part.verdicts, visit), _verdicts(review.manager_part.verdicts, visit)
    decided, differing = _verdicts(review.verdicts, visit), set(review.differing_kpi_ids)
    return [
        _row(one, kpis.get(one.kpi.kpi_id), review, visit, own, theirs, decided, one.kpi.kpi_id in differing)
        for one in review.kpis
    ]


def _row(
    one: reviews_pb2.KpiOfReview,
    known: goals_pb2.Kpi | None,
    review: reviews_pb2.Review,
    visit: Visit,
    own: Mapping[str, Said],
    theirs: Mapping[str, Said],
    decided: Mapping[str, Said],
    differs: bool,
) -> KpiRow:
    language, id = visit.language, one.kpi.kpi_id
    kpi = known or goals_pb2.Kpi(kpi_id=id, name=id)
    card, aim = kpi_card(kpi, language, Moment()), kpi.standing.aim
    computed, current = kpi.HasField("computation"), decimal_of(kpi.standing, "current")
    actual = current if computed else decimal_of(one.kpi, "value")
    way = way_to(actual, kpi.measure, aim) if actual is not None else None
    drawn = bar(kpi, card.status.key) if computed else Bar(way or Decimal(), None, card.status.key)
    unit = kpi.measure.unit
    others = [
        owner.name
        for owner, named in zip(card.owners, kpi.owners, strict=False)
        if named.person_id != review.head.person_id
    ]
    return KpiRow(
        id=id,
        name=kpi.name,
        url=card.url,
        weight=card.weight,
        others=", ".join(others),
        actual="–" if actual is None else language.figure(actual, unit),
        target=target_text(kpi.measure, aim, language.number) if known else "–",
        unit=language.unit(unit).strip(),
        bar=drawn,
        status=card.status,
        gap=_gap(actual, kpi, language),
        later=language.amount(current, unit) if one.moved_on and not computed and current != actual else "",
        own=own.get(id, Said()),
        theirs=theirs.get(id, Said()),
        decided=decided.get(id, Said()),
        differs=differs,
        to_settle=differs or _lacks_target(theirs.get(id) or own.get(id) or Said(), kpi),
    )


def _lacks_target(agreed: Said, kpi: goals_pb2.Kpi) -> bool:
    milestone = kpi.measure.kind == goal_types_pb2.MEASURE_KIND_MILESTONE
    return agreed.step == "adjust" and not agreed.target and not milestone


def _gap(actual: Decimal | None, kpi: goals_pb2.Kpi, language: Language) -> str:
    """ "120 short", "1 over"; empty where there is none to tell."""
    target = decimal_of(kpi.measure, "target")
    if actual is None or target is None or kpi.standing.aim == goals_pb2.AIM_BAND or actual == target:
        return ""
    text = language.gettext("%(gap)s over") if actual > target else language.gettext("%(gap)s short")
    return text % {"gap": gap_text(abs(actual - target), is_percent(kpi.measure.unit), language)}


def _verdicts(verdicts: Sequence[types_pb2.KpiVerdict], visit: Visit) -> dict[str, Said]:
    language = visit.language
    return {
        one.kpi_id: Said(
            NAMES.get(one.next_step, ""),
            language.number(decimal_of(one, "target")),
            language.words(one.why) if one.HasField("why") else "",
        )
        for one in verdicts
    }


def part_shown(review: reviews_pb2.Review, name: str, visit: Visit) -> PartShown:
    """`name`: "self" or "manager"."""
    part: types_pb2.ReviewPart = getattr(review, f"{name}_part")
    sent = getattr(review, f"{name}_sent_at")
    texts = {
        field: visit.language.words(getattr(part, field)) if part.HasField(field) else ""  # type: ignore[arg-type] # names of the contract
        for field in (*QUESTIONS, "development", "help", "feeling", "first_step")
    }
    due = part.first_step_due_at.ToDatetime(UTC).astimezone(visit.zone) if part.HasField("first_step_due_at") else None
    return PartShown(
        there=review.HasField(f"{name}_part"),  # type: ignore[arg-type] # names of the contract
        sent_at=visit.language.lately(sent.ToDatetime(UTC), visit.zone, visit.today)
        if review.HasField(f"{name}_sent_at")  # type: ignore[arg-type] # names of the contract
        else "",
        texts=texts,
        mood=part.mood.plain if part.HasField("mood") else "",
        first_step_due=f"{due:%Y-%m-%dT%H:%M}" if due else "",
    )


def as_form(part: PartShown, rows: Sequence[KpiRow], revision: int, *, own: bool) -> Form:
    """A part as its writer left it; what the person would have become of a KPI stands in their manager's form first."""
    values = {**part.texts, "mood": part.mood, "first_step_due": part.first_step_due, "revision": str(revision)}
    for row in rows:
        said = row.own if own else row.theirs
        values |= {f"step.{row.id}": said.step, f"target.{row.id}": said.target, f"why.{row.id}": said.why}
    return Form(values, str(uuid4()))


async def beads(visit: Visit, rows: Sequence[KpiRow]) -> tuple[str, list[Bead]]:
    """How sure the person was through the cycle, of the KPI that is told of first: a whole cycle is more than its last
    weeks (C-43)."""
    for row in rows[:3]:
        asked = checkins_pb2.ListProgress(kpi_id=row.id, page_size=30)
        told = await or_none(visit.caller.query("checkins", "ListProgress", asked, checkins_pb2.Progress))
        stands = [entry for entry in told.entries if entry.HasField("value") and not entry.corrected] if told else []
        if len(stands) > 1:
            latest = sorted(stands, key=lambda entry: day_of(entry.occurred_on))[-8:]
            return row.name, [
                Bead(visit.language.short_day(day_of(entry.occurred_on)), entry.confidence, _tone(entry.confidence))
                for entry in latest
            ]
    return "", []


def _tone(confidence: int) -> str:
    return "ontrack" if confidence >= 6 else "behind" if confidence >= 4 else "risk"


def words_of(text: str) -> PersonalText:
    return PersonalText(plain=text)
