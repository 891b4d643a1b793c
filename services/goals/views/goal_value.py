"""What strategic goals have come to, as of any day on both clocks (G-76)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eventkit.log import Recorded
from eventkit.subscriptions.projection import WrittenWhole
from eventkit.values import packed, required_date
from nhip.goals.v1.events_pb2 import GoalComputationChosen, GoalValueRecorded
from services.goals.domain.goal_value import GOAL_VALUE
from services.goals.views import VERSION


@dataclass(frozen=True, slots=True)
class GoalValueRow:
    tenant: str
    goal_id: str
    version: int
    recorded_at: datetime
    occurred_on: date | None
    """None: how it is computed was chosen."""
    value: Decimal | None
    computation: bytes
    """The message of the contract; empty: its values are recorded."""


class GoalValueView(WrittenWhole[GoalValueRow, GoalValueRecorded | GoalComputationChosen]):
    name, source, categories, key = "goal_value", "goals", (GOAL_VALUE.category,), ("tenant", "goal_id", "version")
    version = VERSION
    row = GoalValueRow
    folds = (GoalValueRecorded, GoalComputationChosen)

    def written(self, event: Recorded, e: GoalValueRecorded | GoalComputationChosen) -> GoalValueRow:
        if isinstance(e, GoalComputationChosen):
            return _row(event, None, None, packed(e.after))
        return _row(event, required_date(e.occurred_on), Decimal(e.after.value), b"")

    def expected(self, events: Sequence[Recorded]) -> Iterable[GoalValueRow]:
        state = GOAL_VALUE.initial
        for event in events:
            state = GOAL_VALUE.evolve(state, event.message)  # type: ignore[arg-type] # its own events
            if isinstance(event.message, GoalValueRecorded):
                on = required_date(event.message.occurred_on)
                yield _row(event, on, state.days[on], b"")
            else:
                yield _row(event, None, None, packed(state.computation) if state.computation else b"")


def _row(event: Recorded, on: date | None, value: Decimal | None, computation: bytes) -> GoalValueRow:
    return GoalValueRow(event.tenant, event.stream.id, event.version, event.recorded_at, on, value, computation)


GOAL_VALUES = GoalValueView().table
