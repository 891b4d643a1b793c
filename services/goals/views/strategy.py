"""Strategic goals and CSFs, every version of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import required_date
from nhip.goals.v1.events_pb2 import (
    CsfChosen,
    CsfCorrected,
    CsfSaid,
    CsfWithdrawn,
    GoalSaid,
    StrategicGoalCorrected,
    StrategicGoalSet,
    StrategicGoalWithdrawn,
)
from services.goals.domain.strategy import CSF, GOAL, STRATEGY, StrategyEvent
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class GoalRow:
    """What a strategic goal said after one event about it."""

    tenant: str
    goal_id: str
    position: int
    name: str
    year: int
    target: Decimal
    unit: str
    withdrawn_on: date | None
    """From this day on it is not there; None: nobody took it back."""
    recorded_at: datetime


_GOAL_EVENTS = StrategicGoalSet | StrategicGoalCorrected | StrategicGoalWithdrawn


class GoalView(WrittenWhole[GoalRow, _GOAL_EVENTS]):
    name, source, categories = "strategic_goal", "goals", (STRATEGY.category, GOAL.category)
    key = ("tenant", "goal_id", "position")
    version = VERSION
    row = GoalRow
    folds = (StrategicGoalSet, StrategicGoalCorrected, StrategicGoalWithdrawn)
    passes_over = (CsfChosen, CsfCorrected, CsfWithdrawn)

    def written(self, event: Recorded, e: _GOAL_EVENTS) -> GoalRow:
        match e:
            case StrategicGoalSet():
                return _goal_row(event, e.goal_id, e)
            case StrategicGoalCorrected():
                return _goal_row(event, e.goal_id, e.after)
            case StrategicGoalWithdrawn():
                return _goal_row(event, e.goal_id, e.before, withdrawn_on=required_date(e.effective_on))

    def expected(self, events: Sequence[Recorded]) -> Iterable[GoalRow]:
        strategy = STRATEGY.initial
        for event in events:
            e = event.message
            assert isinstance(e, StrategyEvent)
            strategy = STRATEGY.evolve(strategy, e)
            if isinstance(e, _GOAL_EVENTS):
                goal = strategy.goals[e.goal_id]
                yield _goal_row(event, goal.id, goal.said, withdrawn_on=goal.withdrawn_on)


GOALS = GoalView().table


def _goal_row(
    event: Recorded, goal_id: str, said: StrategicGoalSet | GoalSaid, *, withdrawn_on: date | None = None
) -> GoalRow:
    return GoalRow(
        event.tenant,
        goal_id,
        event.position,
        said.name,
        said.year,
        Decimal(said.target.value),
        said.unit,
        withdrawn_on,
        event.recorded_at,
    )


@dataclass(frozen=True, slots=True)
class CsfRow:
    """What a success factor said after one event about it."""

    tenant: str
    csf_id: str
    position: int
    name: str
    goal_ids: list[str]
    why: str
    withdrawn_on: date | None
    """From this day on it is not there; None: nobody took it back."""
    recorded_at: datetime


_CSF_EVENTS = CsfChosen | CsfCorrected | CsfWithdrawn


class CsfView(WrittenWhole[CsfRow, _CSF_EVENTS]):
    name, source, categories = "csf", "goals", (STRATEGY.category, CSF.category)
    key = ("tenant", "csf_id", "position")
    version = VERSION
    row = CsfRow
    folds = (CsfChosen, CsfCorrected, CsfWithdrawn)
    passes_over = (StrategicGoalSet, StrategicGoalCorrected, StrategicGoalWithdrawn)

    def written(self, event: Recorded, e: _CSF_EVENTS) -> CsfRow:
        match e:
            case CsfChosen():
                return _csf_row(event, e.csf_id, e)
            case CsfCorrected():
                return _csf_row(event, e.csf_id, e.after)
            case CsfWithdrawn():
                return _csf_row(event, e.csf_id, e.before, withdrawn_on=required_date(e.effective_on))

    def expected(self, events: Sequence[Recorded]) -> Iterable[CsfRow]:
        strategy = STRATEGY.initial
        for event in events:
            e = event.message
            assert isinstance(e, StrategyEvent)
            strategy = STRATEGY.evolve(strategy, e)
            if isinstance(e, _CSF_EVENTS):
                csf = strategy.csfs[e.csf_id]
                yield _csf_row(event, csf.id, csf.said, withdrawn_on=csf.withdrawn_on)


CSFS = CsfView().table


def _csf_row(event: Recorded, csf_id: str, said: CsfChosen | CsfSaid, *, withdrawn_on: date | None = None) -> CsfRow:
    return CsfRow(
        event.tenant,
        csf_id,
        event.position,
        said.name,
        list(said.goal_ids),
        said.why,
        withdrawn_on,
        event.recorded_at,
    )
