"""What a strategic goal has come to (G-76)."""

from datetime import date

from eventkit.context import Actor
from eventkit.values import from_date
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import GoalComputationChosen, GoalSaid, GoalValueRecorded
from nhip.goals.v1.goals_pb2 import ChooseGoalComputation, RecordGoalValue
from services.goals.domain import goal_value
from services.goals.domain.goal_value import GOAL_VALUE
from services.goals.domain.strategy import StrategicGoal
from tests.unit.decisions import Command, given, number
from tests.unit.goals.test_computing import KNOWN, how

NAM, TODAY = Actor("company-x", "nam"), date(2025, 5, 1)
GOAL = StrategicGoal("g", GoalSaid(name="300 khách", year=2025, target=number(300), unit="demo"))
SUM = how(t.COMPUTATION_KIND_SUM, "a", "b")


def record(value: int, on: date | None = None, *, goal: StrategicGoal | None = GOAL) -> Command:
    command = RecordGoalValue(goal_id="g", value=number(value), occurred_on=from_date(on) if on else None)
    return lambda state: goal_value.record(state.state(GOAL_VALUE, "g"), command, goal, NAM, TODAY)


def computed(how: t.Computation | None) -> Command:
    command = ChooseGoalComputation(goal_id="g", computation=how)
    return lambda state: goal_value.choose_computation(state.state(GOAL_VALUE, "g"), command, GOAL, KNOWN, TODAY)


def recorded(value: int, on: date, *, before: int | None = None) -> GoalValueRecorded:
    was = None if before is None else number(before)
    day = from_date(on)
    return GoalValueRecorded(goal_id="g", occurred_on=day, before=was, after=number(value), author_id="nam")


def test_a_value_is_recorded_for_a_day_of_the_year_and_replaces_what_stood_for_it():
    given().when(record(120)).then(recorded(120, TODAY))
    given(record(120, date(2025, 4, 1))).when(record(150)).then(recorded(150, TODAY, before=120))
    given(record(120)).when(record(130)).then(recorded(130, TODAY, before=120))
    given(record(120)).when(record(120)).then_nothing()
    given().when(record(1, date(2024, 12, 31))).then_rejected("OUTSIDE_YEAR", field="occurred_on")
    given().when(record(1, date(2025, 5, 2))).then_rejected("OUTSIDE_YEAR", field="occurred_on")
    given().when(record(1, goal=None)).then_rejected("GOAL_UNKNOWN", field="goal_id")


def test_what_is_computed_is_not_recorded_until_it_is_recorded_again():
    given().when(computed(SUM)).then(GoalComputationChosen(goal_id="g", after=SUM))
    given(computed(SUM)).when(computed(SUM)).then_nothing()
    given(computed(SUM)).when(record(1)).then_rejected("GOAL_COMPUTED")
    given(computed(SUM)).when(computed(None)).then(GoalComputationChosen(goal_id="g", before=SUM))
    given(computed(SUM), computed(None)).when(record(1)).then(recorded(1, TODAY))
    given().when(computed(how(t.COMPUTATION_KIND_SUM, "a", "m"))).then_rejected("UNITS_DIFFER")
