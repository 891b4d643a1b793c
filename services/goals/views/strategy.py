"""Cycles, strategic goals and CSFs: three small read models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from eventkit.values import required_date
from nhip.goals.v1.events_pb2 import CsfChosen, CycleOpened, StrategicGoalSet
from services.goals.domain.strategy import CSF, CYCLE, GOAL
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class CycleRow:
    tenant: str
    cycle_id: str
    name: str
    starts_on: date
    ends_on: date


class CycleView(WrittenWhole[CycleRow, CycleOpened]):
    name, source, categories, key = "cycle", "goals", (CYCLE.category,), ("tenant", "cycle_id")
    version = VERSION
    row = CycleRow
    folds = (CycleOpened,)

    def written(self, event: Recorded, e: CycleOpened) -> CycleRow:
        return CycleRow(event.tenant, e.cycle_id, e.name, required_date(e.starts_on), required_date(e.ends_on))

    def expected(self, events: Sequence[Recorded]) -> Iterable[CycleRow]:
        if cycle := CYCLE.fold(messages(events)):
            yield CycleRow(events[0].tenant, cycle.id, cycle.name, cycle.starts_on, cycle.ends_on)


CYCLES = CycleView().table


@dataclass(frozen=True, slots=True)
class GoalRow:
    tenant: str
    goal_id: str
    name: str
    year: int
    target: Decimal
    unit: str
    recorded_at: datetime
    position: int


class GoalView(WrittenWhole[GoalRow, StrategicGoalSet]):
    name, source, categories, key = "strategic_goal", "goals", (GOAL.category,), ("tenant", "goal_id")
    version = VERSION
    row = GoalRow
    folds = (StrategicGoalSet,)

    def written(self, event: Recorded, e: StrategicGoalSet) -> GoalRow:
        return GoalRow(
            event.tenant, e.goal_id, e.name, e.year, Decimal(e.target.value), e.unit, event.recorded_at, event.position
        )

    def expected(self, events: Sequence[Recorded]) -> Iterable[GoalRow]:
        if goal := GOAL.fold(messages(events)):
            e, last = goal.set, events[-1]
            yield GoalRow(
                last.tenant, goal.id, e.name, e.year, Decimal(e.target.value), e.unit, last.recorded_at, last.position
            )


GOALS = GoalView().table


@dataclass(frozen=True, slots=True)
class CsfRow:
    tenant: str
    csf_id: str
    name: str
    goal_ids: list[str]
    why: str
    recorded_at: datetime
    position: int


class CsfView(WrittenWhole[CsfRow, CsfChosen]):
    name, source, categories, key = "csf", "goals", (CSF.category,), ("tenant", "csf_id")
    version = VERSION
    row = CsfRow
    folds = (CsfChosen,)

    def written(self, event: Recorded, e: CsfChosen) -> CsfRow:
        return CsfRow(event.tenant, e.csf_id, e.name, list(e.goal_ids), e.why, event.recorded_at, event.position)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CsfRow]:
        if csf := CSF.fold(messages(events)):
            e, last = csf.chosen, events[-1]
            yield CsfRow(last.tenant, csf.id, e.name, list(e.goal_ids), e.why, last.recorded_at, last.position)


CSFS = CsfView().table
