"""Cycles, strategic goals and critical success factors: what KPIs rest on (G-01 … G-07)."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.errors import Kind, Rejected, unknown
from eventkit.names import name_key
from eventkit.values import from_date, required_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import (
    CsfChosen,
    CsfCorrected,
    CsfSaid,
    CycleOpened,
    GoalSaid,
    StrategicGoalCorrected,
    StrategicGoalSet,
)
from nhip.goals.v1.goals_pb2 import ChooseCsf, CorrectCsf, CorrectStrategicGoal, OpenCycle, SetStrategicGoal

LONGEST_CYCLE_DAYS = 400
CYCLE_YEARS_BACK, CYCLE_YEARS_AHEAD = 20, 5
"""A cycle that starts farther from today is a typing error, as 2062 for 2026."""
GOAL_YEARS_AHEAD = 20
"""Strategic goals reach farther, but not as far as a typing error."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A span of days that KPIs are set for, both ends included."""

    id: str
    name: str
    starts_on: date
    ends_on: date


def evolve_cycle(cycle: Cycle | None, event: CycleOpened) -> Cycle:
    match event:
        case CycleOpened():
            return Cycle(event.cycle_id, event.name, required_date(event.starts_on), required_date(event.ends_on))
        case _:
            refuse_unknown(event)


@dataclass(frozen=True, slots=True)
class StrategicGoal:
    id: str
    said: GoalSaid


def evolve_goal(goal: StrategicGoal | None, event: StrategicGoalSet | StrategicGoalCorrected) -> StrategicGoal:
    match event:
        case StrategicGoalSet():
            said = GoalSaid(name=event.name, year=event.year, target=event.target, unit=event.unit)
            return StrategicGoal(event.goal_id, said)
        case StrategicGoalCorrected():
            return StrategicGoal(event.goal_id, event.after)
        case _:
            refuse_unknown(event)


@dataclass(frozen=True, slots=True)
class Csf:
    id: str
    said: CsfSaid


def evolve_csf(csf: Csf | None, event: CsfChosen | CsfCorrected) -> Csf:
    match event:
        case CsfChosen():
            return Csf(event.csf_id, CsfSaid(name=event.name, goal_ids=event.goal_ids, why=event.why))
        case CsfCorrected():
            return Csf(event.csf_id, event.after)
        case _:
            refuse_unknown(event)


CYCLE = Aggregate[Cycle | None]("cycle", None, evolve_cycle)
GOAL = Aggregate[StrategicGoal | None]("goal", None, evolve_goal)
CSF = Aggregate[Csf | None]("csf", None, evolve_csf)


def open_cycle(command: OpenCycle, cycle_id: str, today: date, taken: Container[str] = ()) -> Decision:
    """`taken`: the names of cycles that are known, as they are compared."""
    if name_key(command.name) in taken:
        raise Rejected("CYCLE_EXISTS", f"there is a cycle named {command.name!r} already", field="name")
    starts_on, ends_on = required_date(command.starts_on), required_date(command.ends_on)
    _plausible(starts_on.year, today, CYCLE_YEARS_BACK, CYCLE_YEARS_AHEAD, "CYCLE_YEAR", "starts_on")
    if not 0 < (ends_on - starts_on).days < LONGEST_CYCLE_DAYS:
        raise Rejected(
            "CYCLE_SPAN",
            f"a cycle ends after it starts ({starts_on}), within {LONGEST_CYCLE_DAYS} days",
            kind=Kind.INVALID,
            field="ends_on",
        )
    return [
        StreamEvent(
            CYCLE(cycle_id),
            CycleOpened(
                cycle_id=cycle_id, name=command.name, starts_on=from_date(starts_on), ends_on=from_date(ends_on)
            ),
        )
    ]


def within(cycle: Cycle, day: date, field: str) -> None:
    """Raises `Rejected` OUTSIDE_CYCLE for a day that is none of the cycle's."""
    if not cycle.starts_on <= day <= cycle.ends_on:
        wanted = f"give a day of the cycle, from {cycle.starts_on} to {cycle.ends_on}"
        raise Rejected("OUTSIDE_CYCLE", wanted, kind=Kind.INVALID, field=field)


def check_open(cycle: Cycle, today: date, reason_class: t.ReasonClass.ValueType = t.REASON_CLASS_UNSPECIFIED) -> None:
    """What was aimed at is not changed once it is over, so that no miss becomes a success; a mistake is put right as a
    correction, which the history calls so. Raises `Rejected` CYCLE_ENDED."""
    if cycle.ends_on < today and reason_class != t.REASON_CLASS_CORRECTION:
        told = f"{cycle.name!r} ended on {cycle.ends_on}: what it aimed at is only corrected now"
        raise Rejected("CYCLE_ENDED", told, field="reason_class" if reason_class else "cycle_id")


def _plausible(year: int, today: date, back: int, ahead: int, reason: str, field: str) -> None:
    first, last = today.year - back, today.year + ahead
    if not first <= year <= last:
        raise Rejected(
            reason, f"{year} is far from today: give a year from {first} to {last}", kind=Kind.INVALID, field=field
        )


def set_goal(command: SetStrategicGoal, goal_id: str, today: date) -> Decision:
    _plausible(command.year, today, CYCLE_YEARS_BACK, GOAL_YEARS_AHEAD, "GOAL_YEAR", "year")
    return [
        StreamEvent(
            GOAL(goal_id),
            StrategicGoalSet(
                goal_id=goal_id, name=command.name, year=command.year, target=command.target, unit=command.unit
            ),
        )
    ]


def correct_goal(goal: StrategicGoal | None, command: CorrectStrategicGoal, today: date) -> Decision:
    """What it says becomes what it should have said; a year that was plausible once may stay."""
    if goal is None:
        raise unknown("goal", command.goal_id, "goal_id")
    if command.year != goal.said.year:
        _plausible(command.year, today, CYCLE_YEARS_BACK, GOAL_YEARS_AHEAD, "GOAL_YEAR", "year")
    after = GoalSaid(name=command.name, year=command.year, target=command.target, unit=command.unit)
    if after == goal.said:
        return []
    return [StreamEvent(GOAL(goal.id), StrategicGoalCorrected(goal_id=goal.id, before=goal.said, after=after))]


def correct_csf(goals: Mapping[str, StrategicGoal | None], csf: Csf | None, command: CorrectCsf) -> Decision:
    if csf is None:
        raise unknown("csf", command.csf_id, "csf_id")
    _all_there(goals, command.goal_ids)
    after = CsfSaid(name=command.name, goal_ids=command.goal_ids, why=command.why)
    if after == csf.said:
        return []
    return [StreamEvent(CSF(csf.id), CsfCorrected(csf_id=csf.id, before=csf.said, after=after))]


def _all_there(goals: Mapping[str, StrategicGoal | None], goal_ids: Sequence[str]) -> None:
    for index, goal_id in enumerate(goal_ids):
        if goals[goal_id] is None:
            raise unknown("goal", goal_id, f"goal_ids[{index}]")


def choose_csf(goals: Mapping[str, StrategicGoal | None], command: ChooseCsf, csf_id: str) -> Decision:
    _all_there(goals, command.goal_ids)
    return [
        StreamEvent(
            CSF(csf_id), CsfChosen(csf_id=csf_id, name=command.name, goal_ids=command.goal_ids, why=command.why)
        )
    ]
