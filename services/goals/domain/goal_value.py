"""What a strategic goal has come to: recorded day by day, or computed from KPIs, as of any day (G-76)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from eventkit.commands.aggregate import Aggregate, Decision, StreamEvent, refuse_unknown
from eventkit.context import Actor
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, from_decimal, required_date, to_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import GoalComputationChosen, GoalValueRecorded
from nhip.goals.v1.goals_pb2 import ChooseGoalComputation, RecordGoalValue
from services.goals.domain import computation
from services.goals.domain.computation import Sources
from services.goals.domain.cycle import Cycle
from services.goals.domain.strategy import StrategicGoal


@dataclass(frozen=True, slots=True)
class GoalValue:
    days: Mapping[date, Decimal] = field(default_factory=dict[date, Decimal])
    """What was recorded for each day."""
    computation: t.Computation | None = None
    """How it is computed; None: it is recorded."""


def evolve(value: GoalValue, event: GoalValueRecorded | GoalComputationChosen) -> GoalValue:
    match event:
        case GoalValueRecorded():
            return replace(value, days={**value.days, required_date(event.occurred_on): Decimal(event.after.value)})
        case GoalComputationChosen():
            return replace(value, computation=event.after if event.HasField("after") else None)
        case _:
            refuse_unknown(event)


GOAL_VALUE = Aggregate("goal_value", GoalValue(), evolve)


def record(
    value: GoalValue, command: RecordGoalValue, goal: StrategicGoal | None, actor: Actor, today: date
) -> Decision:
    """A value for a day of the goal's year, not after today. Another one for the same day replaces it."""
    goal = _there(goal, command.goal_id)
    if value.computation is not None:
        raise Rejected(
            "GOAL_COMPUTED", "nobody records its value: it is computed from KPIs", field="goal_id", rule="G-76"
        )
    first, last = date(goal.said.year, 1, 1), min(date(goal.said.year, 12, 31), today)
    on = to_date(command.occurred_on) or last
    if not first <= on <= last:
        said = f"give a day from {first} to {last}"
        raise Rejected("OUTSIDE_YEAR", said, kind=Kind.INVALID, field="occurred_on", rule="G-76")
    after, before = Decimal(command.value.value), value.days.get(on)
    has_note = command.HasField("note") and command.note.plain.strip() != ""
    if after == before and not has_note:
        return []
    earlier = [day for day in value.days if day <= on]
    before = value.days[max(earlier)] if earlier else None
    recorded = GoalValueRecorded(
        goal_id=goal.id,
        occurred_on=from_date(on),
        before=from_decimal(before) if before is not None else None,
        after=from_decimal(after),
        note=command.note if has_note else None,
        author_id=actor.id,
    )
    return [StreamEvent(GOAL_VALUE(goal.id), recorded)]


def choose_computation(
    value: GoalValue, command: ChooseGoalComputation, goal: StrategicGoal | None, sources: Sources, today: date
) -> Decision:
    """From now on it is computed so, or, without a computation, recorded. Goals are computed from KPIs and nothing from
    them, so there are no circles."""
    goal = _there(goal, command.goal_id)
    after = command.computation if command.HasField("computation") else None
    if after == value.computation:
        return []
    if after is not None:
        year = Cycle("", "", date(goal.said.year, 1, 1), date(goal.said.year, 12, 31))
        measure = t.Measure(kind=t.MEASURE_KIND_LEVEL, unit=goal.said.unit, target=goal.said.target)
        draft = t.KpiDraft(measure=measure, computation=after)
        computation.check(draft, year, sources, today, "")
    chosen = GoalComputationChosen(goal_id=goal.id, before=value.computation, after=after)
    return [StreamEvent(GOAL_VALUE(goal.id), chosen)]


def _there(goal: StrategicGoal | None, goal_id: str) -> StrategicGoal:
    if goal is None:
        raise unknown("goal", goal_id, "goal_id")
    return goal
