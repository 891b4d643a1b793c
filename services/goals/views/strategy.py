"""Strategic goals and CSFs, every version of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole, messages
from nhip.goals.v1.events_pb2 import (
    CsfChosen,
    CsfCorrected,
    CsfSaid,
    GoalSaid,
    StrategicGoalCorrected,
    StrategicGoalSet,
)
from services.goals.domain.strategy import CSF, GOAL
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class GoalRow:
    """What a strategic goal said after one event of its stream."""

    tenant: str
    goal_id: str
    version: int
    name: str
    year: int
    target: Decimal
    unit: str
    recorded_at: datetime
    position: int


class GoalView(WrittenWhole[GoalRow, StrategicGoalSet | StrategicGoalCorrected]):
    name, source, categories, key = "strategic_goal", "goals", (GOAL.category,), ("tenant", "goal_id", "version")
    version = VERSION
    row = GoalRow
    folds = (StrategicGoalSet, StrategicGoalCorrected)

    def written(self, event: Recorded, e: StrategicGoalSet | StrategicGoalCorrected) -> GoalRow:
        return _goal_row(event, e.goal_id, e.after if isinstance(e, StrategicGoalCorrected) else e)

    def expected(self, events: Sequence[Recorded]) -> Iterable[GoalRow]:
        for last in range(len(events)):
            if goal := GOAL.fold(messages(events[: last + 1])):
                yield _goal_row(events[last], goal.id, goal.said)


GOALS = GoalView().table


def _goal_row(event: Recorded, goal_id: str, said: StrategicGoalSet | GoalSaid) -> GoalRow:
    return GoalRow(
        event.tenant,
        goal_id,
        event.version,
        said.name,
        said.year,
        Decimal(said.target.value),
        said.unit,
        event.recorded_at,
        event.position,
    )


@dataclass(frozen=True, slots=True)
class CsfRow:
    """What a success factor said after one event of its stream."""

    tenant: str
    csf_id: str
    version: int
    name: str
    goal_ids: list[str]
    why: str
    recorded_at: datetime
    position: int


class CsfView(WrittenWhole[CsfRow, CsfChosen | CsfCorrected]):
    name, source, categories, key = "csf", "goals", (CSF.category,), ("tenant", "csf_id", "version")
    version = VERSION
    row = CsfRow
    folds = (CsfChosen, CsfCorrected)

    def written(self, event: Recorded, e: CsfChosen | CsfCorrected) -> CsfRow:
        return _csf_row(event, e.csf_id, e.after if isinstance(e, CsfCorrected) else e)

    def expected(self, events: Sequence[Recorded]) -> Iterable[CsfRow]:
        for last in range(len(events)):
            if csf := CSF.fold(messages(events[: last + 1])):
                yield _csf_row(events[last], csf.id, csf.said)


CSFS = CsfView().table


def _csf_row(event: Recorded, csf_id: str, said: CsfChosen | CsfSaid) -> CsfRow:
    return CsfRow(
        event.tenant,
        csf_id,
        event.version,
        said.name,
        list(said.goal_ids),
        said.why,
        event.recorded_at,
        event.position,
    )
