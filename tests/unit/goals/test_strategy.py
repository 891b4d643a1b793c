"""Strategic goals and success factors: which years can be meant, and what is put right."""

from datetime import date

import pytest

from nhip.goals.v1.events_pb2 import CsfCorrected, CsfSaid, GoalSaid, StrategicGoalCorrected
from nhip.goals.v1.goals_pb2 import CorrectCsf, CorrectStrategicGoal, SetStrategicGoal
from services.goals.domain.strategy import (
    Csf,
    StrategicGoal,
    correct_csf,
    correct_goal,
    evolve_csf,
    evolve_goal,
    set_goal,
)
from tests.unit.decisions import number, rejected

TODAY = date(2026, 11, 28)


def goal(year: int) -> object:
    return set_goal(SetStrategicGoal(name="300 khách", year=year, target=number(300)), "g", TODAY)


@pytest.mark.parametrize("year", [1926, 2062, 2206])
def test_a_year_that_is_obviously_mistyped_is_refused(year: int):
    rejected("GOAL_YEAR", lambda: goal(year), field="year")


def test_a_strategic_goal_reaches_farther_than_a_cycle():
    assert goal(2045)


GOAL_300 = StrategicGoal("g", GoalSaid(name="300 khách", year=2026, target=number(300)))
TRIAL = Csf("c", CsfSaid(name="Dùng thử", goal_ids=["g"]))


def test_a_goal_is_corrected_with_what_it_said_before_and_once_only():
    command = CorrectStrategicGoal(goal_id="g", name="300 khách", year=2027, target=number(310), unit="khách")
    [(_, event)] = correct_goal(GOAL_300, command, TODAY)
    assert isinstance(event, StrategicGoalCorrected)
    assert event.before == GOAL_300.said
    assert event.after == GoalSaid(name="300 khách", year=2027, target=number(310), unit="khách")
    assert correct_goal(evolve_goal(GOAL_300, event), command, TODAY) == []


def test_a_correction_of_a_goal_may_not_mistype_the_year_and_needs_the_goal():
    command = CorrectStrategicGoal(goal_id="g", name="300 khách", year=2206, target=number(300))
    rejected("GOAL_YEAR", lambda: correct_goal(GOAL_300, command, TODAY), field="year")
    rejected("GOAL_UNKNOWN", lambda: correct_goal(None, command, TODAY), field="goal_id")


def test_a_success_factor_is_corrected_to_goals_that_are_there():
    command = CorrectCsf(csf_id="c", name="Dùng thử", goal_ids=["g", "h"], why="vì")
    rejected("GOAL_UNKNOWN", lambda: correct_csf({"g": GOAL_300, "h": None}, TRIAL, command), field="goal_ids[1]")
    [(_, event)] = correct_csf({"g": GOAL_300, "h": GOAL_300}, TRIAL, command)
    assert isinstance(event, CsfCorrected)
    assert (event.before, event.after.goal_ids) == (TRIAL.said, ["g", "h"])
    assert correct_csf({"g": GOAL_300, "h": GOAL_300}, evolve_csf(TRIAL, event), command) == []
    rejected("CSF_UNKNOWN", lambda: correct_csf({"g": GOAL_300, "h": GOAL_300}, None, command), field="csf_id")
