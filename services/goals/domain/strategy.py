"""Strategic goals and critical success factors: what KPIs rest on (G-01 … G-07)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    CsfWithdrawn,
    GoalSaid,
    StrategicGoalCorrected,
    StrategicGoalSet,
    StrategicGoalWithdrawn,
)
from nhip.goals.v1.goals_pb2 import (
    ChooseCsf,
    CorrectCsf,
    CorrectStrategicGoal,
    SetStrategicGoal,
    WithdrawCsf,
    WithdrawStrategicGoal,
)
from services.goals.domain.alignment import Alignment
from services.goals.domain.cycle import far_from

GOAL_YEARS_AHEAD = 20
"""Strategic goals reach farther than cycles, but not as far as a typing error."""


@dataclass(frozen=True, slots=True)
class StrategicGoal:
    id: str
    said: GoalSaid
    withdrawn_on: date | None = None
    """From this day on it is not there; None: nobody took it back."""

    @property
    def withdrawn(self) -> bool:
        return self.withdrawn_on is not None


@dataclass(frozen=True, slots=True)
class Csf:
    id: str
    said: CsfSaid
    withdrawn_on: date | None = None
    """From this day on it is not there; None: nobody took it back."""

    @property
    def withdrawn(self) -> bool:
        return self.withdrawn_on is not None


@dataclass(frozen=True, slots=True)
class Strategy:
    """Strategic goals and success factors, those that were withdrawn among them."""

    goals: Mapping[str, StrategicGoal] = field(default_factory=dict[str, StrategicGoal])
    csfs: Mapping[str, Csf] = field(default_factory=dict[str, Csf])

    def goal(self, goal_id: str) -> StrategicGoal | None:
        """None: it is not there, or not any more."""
        found = self.goals.get(goal_id)
        return None if found is None or found.withdrawn else found

    def csf(self, csf_id: str) -> Csf | None:
        """As `goal`."""
        found = self.csfs.get(csf_id)
        return None if found is None or found.withdrawn else found

    def over(self, earlier: "Strategy") -> "Strategy":
        """With what streams of before say of what is not in this one."""
        return Strategy({**earlier.goals, **self.goals}, {**earlier.csfs, **self.csfs})


StrategyEvent = (
    StrategicGoalSet | StrategicGoalCorrected | StrategicGoalWithdrawn | CsfChosen | CsfCorrected | CsfWithdrawn
)


def evolve_strategy(strategy: Strategy, event: StrategyEvent) -> Strategy:
    match event:
        case StrategicGoalSet():
            said = GoalSaid(name=event.name, year=event.year, target=event.target, unit=event.unit)
            return _with_goal(strategy, StrategicGoal(event.goal_id, said))
        case StrategicGoalCorrected():
            return _with_goal(strategy, StrategicGoal(event.goal_id, event.after))
        case StrategicGoalWithdrawn():
            return _with_goal(strategy, StrategicGoal(event.goal_id, event.before, required_date(event.effective_on)))
        case CsfChosen():
            said = CsfSaid(name=event.name, goal_ids=event.goal_ids, why=event.why)
            return _with_csf(strategy, Csf(event.csf_id, said))
        case CsfCorrected():
            return _with_csf(strategy, Csf(event.csf_id, event.after))
        case CsfWithdrawn():
            return _with_csf(strategy, Csf(event.csf_id, event.before, required_date(event.effective_on)))
        case _:
            refuse_unknown(event)


def _with_goal(strategy: Strategy, goal: StrategicGoal) -> Strategy:
    return replace(strategy, goals={**strategy.goals, goal.id: goal})


def _with_csf(strategy: Strategy, csf: Csf) -> Strategy:
    return replace(strategy, csfs={**strategy.csfs, csf.id: csf})


STRATEGY = Aggregate("strategy", Strategy(), evolve_strategy)
THE_STRATEGY = "all"
"""The id of a tenant's one stream of goals and success factors: no two of one name are made at once, and nothing is put
under one that is being withdrawn."""
GOAL = Aggregate("goal", Strategy(), evolve_strategy)
CSF = Aggregate("csf", Strategy(), evolve_strategy)
"""Where one of them was written before there was a stream for all; nothing is appended there any more."""
HERE = STRATEGY(THE_STRATEGY)


def _plausible(year: int, today: date) -> None:
    if wrong := far_from(today, year, GOAL_YEARS_AHEAD):
        raise Rejected("GOAL_YEAR", wrong, kind=Kind.INVALID, field="year")


def set_goal(strategy: Strategy, command: SetStrategicGoal, goal_id: str, today: date) -> Decision:
    _plausible(command.year, today)
    _refuse_goal_taken(strategy, command.name, command.year)
    return [
        StreamEvent(
            HERE,
            StrategicGoalSet(
                goal_id=goal_id, name=command.name, year=command.year, target=command.target, unit=command.unit
            ),
        )
    ]


def correct_goal(strategy: Strategy, command: CorrectStrategicGoal, today: date) -> Decision:
    """What it says becomes what it should have said; a year that was plausible once may stay."""
    goal = strategy.goal(command.goal_id)
    if goal is None:
        raise unknown("goal", command.goal_id, "goal_id")
    if command.year != goal.said.year:
        _plausible(command.year, today)
    after = GoalSaid(name=command.name, year=command.year, target=command.target, unit=command.unit)
    if after == goal.said:
        return []
    _refuse_goal_taken(strategy, command.name, command.year, but=goal.id)
    return [StreamEvent(HERE, StrategicGoalCorrected(goal_id=goal.id, before=goal.said, after=after))]


def withdraw_goal(
    strategy: Strategy, command: WithdrawStrategicGoal, alignments: Iterable[Alignment], today: date, *, valued: bool
) -> Decision:
    """Take back what was set by mistake (D-10). `alignments`: those of all cycles; `valued`: it has a value."""
    known = strategy.goals.get(command.goal_id)
    if known is None:
        raise unknown("goal", command.goal_id, "goal_id")
    if known.withdrawn:
        return []
    if valued:
        told = "it has a value, recorded or computed: what it came to is kept"
        raise Rejected("GOAL_HAS_VALUES", told, field="goal_id")
    if any(known.id in csf.said.goal_ids and not csf.withdrawn for csf in strategy.csfs.values()):
        told = "a success factor serves it: withdraw that first, or let it serve another goal"
        raise Rejected("GOAL_HAS_CSFS", told, field="goal_id")
    _refuse_served("GOAL_HAS_KPIS", t.Parent(goal_id=known.id), alignments, today, "goal_id")
    on = from_date(today)
    gone = StrategicGoalWithdrawn(goal_id=known.id, before=known.said, reason=command.reason, effective_on=on)
    return [StreamEvent(HERE, gone)]


def choose_csf(strategy: Strategy, command: ChooseCsf, csf_id: str) -> Decision:
    _all_there(strategy, command.goal_ids)
    _refuse_csf_taken(strategy, command.name, command.goal_ids)
    return [StreamEvent(HERE, CsfChosen(csf_id=csf_id, name=command.name, goal_ids=command.goal_ids, why=command.why))]


def correct_csf(strategy: Strategy, command: CorrectCsf) -> Decision:
    csf = strategy.csf(command.csf_id)
    if csf is None:
        raise unknown("csf", command.csf_id, "csf_id")
    _all_there(strategy, command.goal_ids)
    after = CsfSaid(name=command.name, goal_ids=command.goal_ids, why=command.why)
    if after == csf.said:
        return []
    _refuse_csf_taken(strategy, command.name, command.goal_ids, but=csf.id)
    return [StreamEvent(HERE, CsfCorrected(csf_id=csf.id, before=csf.said, after=after))]


def withdraw_csf(strategy: Strategy, command: WithdrawCsf, alignments: Iterable[Alignment], today: date) -> Decision:
    """As `withdraw_goal`."""
    known = strategy.csfs.get(command.csf_id)
    if known is None:
        raise unknown("csf", command.csf_id, "csf_id")
    if known.withdrawn:
        return []
    _refuse_served("CSF_HAS_KPIS", t.Parent(csf_id=known.id), alignments, today, "csf_id")
    on = from_date(today)
    return [StreamEvent(HERE, CsfWithdrawn(csf_id=known.id, before=known.said, reason=command.reason, effective_on=on))]


def _all_there(strategy: Strategy, goal_ids: Sequence[str]) -> None:
    for index, goal_id in enumerate(goal_ids):
        if strategy.goal(goal_id) is None:
            raise unknown("goal", goal_id, f"goal_ids[{index}]")


def _refuse_goal_taken(strategy: Strategy, name: str, year: int, *, but: str = "") -> None:
    """Two goals of one name in one year could not be told apart."""
    for goal in strategy.goals.values():
        same_place = goal.said.year == year and goal.id != but and not goal.withdrawn
        if same_place and name_key(goal.said.name) == name_key(name):
            raise Rejected("GOAL_EXISTS", f"there is a goal named {name!r} in {year} already", field="name", id=goal.id)


def _refuse_csf_taken(strategy: Strategy, name: str, goal_ids: Iterable[str], *, but: str = "") -> None:
    """Nor two success factors of one goal."""
    serves = set(goal_ids)
    for csf in strategy.csfs.values():
        same_place = serves & set(csf.said.goal_ids) and csf.id != but and not csf.withdrawn
        if same_place and name_key(csf.said.name) == name_key(name):
            told = f"there is a success factor named {name!r} for this goal already"
            raise Rejected("CSF_EXISTS", told, field="name", id=csf.id)


def _refuse_served(reason: str, parent: t.Parent, alignments: Iterable[Alignment], today: date, field: str) -> None:
    if count := sum(len(alignment.serving(parent, today)) for alignment in alignments):
        told = f"{count} KPIs serve it: align them elsewhere, or retire them first"
        raise Rejected(reason, told, field=field, parameters={"count": str(count)})
