"""Strategic goals and critical success factors: what KPIs rest on (G-01 … G-07)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.errors import Kind, Rejected, unknown
from nhip.goals.v1.events_pb2 import (
    CsfChosen,
    CsfCorrected,
    CsfSaid,
    GoalSaid,
    StrategicGoalCorrected,
    StrategicGoalSet,
)
from nhip.goals.v1.goals_pb2 import ChooseCsf, CorrectCsf, CorrectStrategicGoal, SetStrategicGoal
from services.goals.domain.cycle import far_from

GOAL_YEARS_AHEAD = 20
"""Strategic goals reach farther than cycles, but not as far as a typing error."""


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


GOAL = Aggregate[StrategicGoal | None]("goal", None, evolve_goal)
CSF = Aggregate[Csf | None]("csf", None, evolve_csf)


def _plausible(year: int, today: date) -> None:
    if wrong := far_from(today, year, GOAL_YEARS_AHEAD):
        raise Rejected("GOAL_YEAR", wrong, kind=Kind.INVALID, field="year")


def set_goal(command: SetStrategicGoal, goal_id: str, today: date) -> Decision:
    _plausible(command.year, today)
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
        _plausible(command.year, today)
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
