"""Changes that are planned for a day to come."""

from datetime import date

from eventkit.commands.aggregate import StreamEvent
from eventkit.context import Actor
from eventkit.errors import Rejected
from eventkit.values import from_date
from nhip.people.v1 import people_pb2 as pb
from nhip.people.v1 import types_pb2 as t
from nhip.people.v1.events_pb2 import (
    ChangePlanned,
    PlannedChangeMade,
    PlannedChangeRefused,
    PlannedChangeWithdrawn,
    RolesChanged,
)
from services.people.domain import planned
from services.people.domain.planned import PLANNED
from tests.unit.decisions import TODAY, Command, Given, given, rejected, words

HUONG = Actor("company-x", "huong")
LEAVES = pb.Change(deactivate_person=pb.DeactivatePerson(person_id="phuc", successor_id="minh"))
APRIL = date(2025, 4, 1)


def plan(on: date, change: pb.Change = LEAVES) -> Command:
    return lambda _: planned.plan("p1", pb.PlanChange(on=from_date(on), change=change), HUONG, TODAY)


def withdraw(state: Given) -> list:  # type: ignore[type-arg]
    return list(planned.withdraw(state.state(PLANNED, "p1"), "p1"))


def test_what_is_planned_lies_ahead():
    given().when(plan(TODAY)).then_rejected("DAY_NOT_AHEAD", field="on")
    given().when(plan(APRIL)).then(
        ChangePlanned(plan_id="p1", on=from_date(APRIL), change=LEAVES, planned_by="person:huong")
    )


def test_what_is_planned_says_what():
    rejected("CHANGE_MISSING", lambda: planned.command_of(pb.Change()), field="change")


def test_it_is_withdrawn_until_its_day_has_come():
    waiting = given(plan(APRIL))
    withdrawn = waiting.when(withdraw).then(PlannedChangeWithdrawn(plan_id="p1"))
    withdrawn.when(withdraw).then_nothing()
    over = waiting.and_then(planned.made(waiting.state(PLANNED, "p1"), "p1", []))
    over.when(withdraw).then_rejected("PLAN_OVER", field="plan_id")
    given().when(withdraw).then_rejected("PLAN_UNKNOWN", field="plan_id")


def test_on_its_day_it_is_what_whoever_planned_it_asks_for():
    waiting = given(plan(APRIL)).state(PLANNED, "p1")
    assert planned.planner("company-x", waiting) == HUONG
    roles = RolesChanged(person_id="phuc", after=[t.ROLE_EXECUTIVE], reason=words("hè"))
    [(_, changed), (_, made)] = planned.made(waiting, "p1", [StreamEvent(PLANNED("p1"), roles)])
    assert isinstance(changed, RolesChanged)
    assert changed.decided_by == "huong"
    assert made == PlannedChangeMade(plan_id="p1")


def test_what_is_refused_on_its_day_is_kept_with_the_reason():
    state = given(plan(APRIL))
    refusal = planned.refused(state.state(PLANNED, "p1"), "p1", Rejected("LAST_EXECUTIVE", "…"))
    assert [event for _, event in refusal] == [
        PlannedChangeRefused(plan_id="p1", refusal="LAST_EXECUTIVE", planned_by="person:huong")
    ]
    assert state.and_then(refusal).state(PLANNED, "p1").state == pb.PLAN_STATE_REFUSED
