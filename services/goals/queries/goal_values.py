"""The values of strategic goals, recorded or computed, as of any moment (G-76)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.values import FRACTION_DIGITS, from_date, from_decimal, rounded, to_decimal
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.computing import Computed, Known, compute
from services.goals.domain.standing import Value
from services.goals.queries import computed
from services.goals.queries.computed import Read
from services.goals.views.goal_value import GOAL_VALUES

# Per goal how it is computed, as it was chosen last, and the value of the last day up to d that has one; as known at t.
CHOSEN = f"""
select distinct on (goal_id) goal_id, computation from {GOAL_VALUES}
where tenant = $1 and recorded_at <= $2 and occurred_on is null order by goal_id, version desc
"""
CURRENT = f"""
select distinct on (goal_id) goal_id, occurred_on, value from {GOAL_VALUES}
where tenant = $1 and recorded_at <= $2 and occurred_on <= $3 order by goal_id, occurred_on desc, version desc
"""


@dataclass(frozen=True, slots=True)
class _Goal:
    """A goal that is computed, as if it were a KPI of its year."""

    read: Read
    known: Known

    def kpi(self, kpi_id: str, on: date) -> Known | None:
        return self.known if kpi_id == self.known.id else self.read.kpi(kpi_id, on)

    def entered(self, kpi_id: str, on: date) -> Value | None:
        return self.read.entered(kpi_id, on)


async def with_values(
    con: asyncpg.Connection, tenant: str, goals: Sequence[pb.StrategicGoal], known: datetime, on: date
) -> None:
    """Give goals their values, in place: how much, of which day, which share of the target, or why there is none."""
    how = {
        row["goal_id"]: t.Computation.FromString(row["computation"])
        for row in await con.fetch(CHOSEN, tenant, known)
        if row["computation"]
    }
    recorded = {row["goal_id"]: row for row in await con.fetch(CURRENT, tenant, known, on)}
    own = {goal.goal_id: _as_known(goal, how[goal.goal_id]) for goal in goals if goal.goal_id in how}
    read = await computed.read(con, tenant, own, known, on, own) if own else Read()
    for goal in goals:
        if goal.goal_id in own:
            _compute(goal, compute(goal.goal_id, on, _Goal(read, own[goal.goal_id])), read)
        elif row := recorded.get(goal.goal_id):
            _stands(goal, row["value"], row["occurred_on"])


def _as_known(goal: pb.StrategicGoal, how: t.Computation) -> Known:
    return Known(goal.goal_id, how, "", ended=False, starts_on=date(goal.year, 1, 1), ends_on=date(goal.year, 12, 31))


def _compute(goal: pb.StrategicGoal, found: Computed, read: Read) -> None:
    assert found is not None
    if found.value is not None:
        _stands(goal, rounded(found.value.value, FRACTION_DIGITS), found.value.occurred_on)
        return
    names: Mapping[str, str] = {id: row.name for (id, _), row in read.rows.items()}
    goal.not_computed.CopyFrom(
        pb.NotComputed(reason=found.why, kpi_id=found.about, kpi_name=names.get(found.about, ""))
    )


def _stands(goal: pb.StrategicGoal, value: Decimal, on: date) -> None:
    goal.value.CopyFrom(from_decimal(value))
    goal.value_on.CopyFrom(from_date(on))
    target = to_decimal(goal.target)
    if target is not None and target > 0:
        goal.progress.CopyFrom(from_decimal(rounded(value / target, 4)))
