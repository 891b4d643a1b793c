"""Cycles as pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nhip.checkins.v1 import types_pb2 as review_types
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import (
    LEVELS,
    Avatar,
    StateMark,
    StatusMark,
    level_word,
    owner_avatar,
    status_mark,
)
from services.gateway.console.language import Language, day_of, decimal_of
from services.gateway.console.visit import Visit

PLANNED, RUNNING = types_pb2.CYCLE_STATE_PLANNED, types_pb2.CYCLE_STATE_RUNNING
CLOSING, CLOSED = types_pb2.CYCLE_STATE_CLOSING, types_pb2.CYCLE_STATE_CLOSED
CHOICES = {
    "keep": types_pb2.FOLLOW_UP_KEEP,
    "adjust": types_pb2.FOLLOW_UP_ADJUST,
    "stop": types_pb2.FOLLOW_UP_STOP,
}
"""As the form names them."""


@dataclass(frozen=True, slots=True)
class CycleCard:
    id: str
    name: str
    days: str
    state: StateMark
    now: bool
    """Today is one of its days."""


@dataclass(frozen=True, slots=True)
class Year:
    """An outermost cycle with those in it, the earliest first."""

    cycle: CycleCard
    inner: Sequence[CycleCard]


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """A KPI, what it reached, and what becomes of it."""

    id: str
    name: str
    owner: Avatar | None
    reached: str
    status: StatusMark
    target: str
    unit: str
    choice: str
    """As the form names it; empty: nobody has decided yet."""
    next_target: str
    next_url: str
    reason: str
    by: str
    may_decide: bool
    loose: bool
    """What it serves does not go on."""
    suggested: str = ""
    """What its review decided, of "keep", "adjust" and "stop"; empty: none did."""
    suggested_target: str = ""


@dataclass(frozen=True, slots=True)
class LevelOfRows:
    word: str
    rows: Sequence[FollowUpRow]


def state_mark(state: int, language: Language) -> StateMark:
    _ = language.gettext
    marks: dict[int, StateMark] = {
        PLANNED: StateMark("new", "pencil", _("Being planned")),
        RUNNING: StateMark("ontrack", "player-play", _("Runs")),
        CLOSING: StateMark("behind", "hourglass", _("Being closed")),
        CLOSED: StateMark("stale", "lock", _("Closed")),
    }
    return marks[state]


def cycle_card(cycle: goals_pb2.Cycle, visit: Visit) -> CycleCard:
    starts_on, ends_on, day = day_of(cycle.starts_on), day_of(cycle.ends_on), visit.language.day
    return CycleCard(
        cycle.cycle_id,
        cycle.name,
        f"{day(starts_on)} – {day(ends_on)}",
        state_mark(cycle.state, visit.language),
        starts_on <= visit.today <= ends_on,
    )


def years(cycles: Iterable[goals_pb2.Cycle], visit: Visit) -> Sequence[Year]:
    """The outermost cycles, the latest first, each with all that lie in it."""
    known = {cycle.cycle_id: cycle for cycle in cycles}
    found: dict[str, list[goals_pb2.Cycle]] = {id: [] for id in known}
    for cycle in known.values():
        outer = cycle
        while outer.within_id in known:
            outer = known[outer.within_id]
        if outer is not cycle:
            found[outer.cycle_id].append(cycle)

    def place(cycle: goals_pb2.Cycle) -> tuple[object, object]:
        return day_of(cycle.starts_on), -day_of(cycle.ends_on).toordinal()

    return [
        Year(cycle_card(cycle, visit), [cycle_card(one, visit) for one in sorted(found[id], key=place)])
        for id, cycle in known.items()
        if cycle.within_id not in known
    ]


_SUGGESTED: Mapping[int, str] = {
    review_types.NEXT_STEP_KEEP: "keep",
    review_types.NEXT_STEP_ADJUST: "adjust",
    review_types.NEXT_STEP_STOP: "stop",
}


def follow_up_rows(
    reply: goals_pb2.FollowUps, decided: Mapping[str, review_types.KpiVerdict], visit: Visit
) -> Sequence[LevelOfRows]:
    levels: dict[int, list[FollowUpRow]] = {}
    for one in reply.kpis:
        levels.setdefault(one.kpi.level, []).append(_row(one, decided.get(one.kpi.kpi_id), visit))
    return [LevelOfRows(level_word(LEVELS[level], visit.language), rows) for level, rows in levels.items()]


def _row(one: goals_pb2.KpiFollowUp, verdict: review_types.KpiVerdict | None, visit: Visit) -> FollowUpRow:
    kpi, language = one.kpi, visit.language
    target, unit = decimal_of(kpi.measure, "target"), kpi.measure.unit
    current = decimal_of(kpi.standing, "current")
    return FollowUpRow(
        id=kpi.kpi_id,
        name=kpi.name,
        owner=owner_avatar(kpi.owners[0], language) if kpi.owners else None,
        reached="–" if current is None else language.number(current),
        status=status_mark(kpi.standing.status, language),
        target=language.number(target),
        unit=unit,
        choice=next((name for name, number in CHOICES.items() if number == one.choice), ""),
        next_target=language.amount(decimal_of(one, "next_target"), unit) if one.HasField("next_target") else "",
        next_url=f"/kpi/{one.next_kpi_id}" if one.next_kpi_id else "",
        reason=language.words(one.reason),
        by=owner_avatar(one.decided_by, language).name if one.HasField("decided_by") else "",
        may_decide=one.may_decide,
        loose=not one.parent_goes_on,
        suggested=_SUGGESTED.get(verdict.next_step, "") if verdict else "",
        suggested_target=language.number(decimal_of(verdict, "target")) if verdict else "",
    )
