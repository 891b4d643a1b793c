"""Cycles, strategic goals and CSFs: three small read models."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.log import Recorded
from eventkit.rpc.paging import asked
from eventkit.subscriptions.projection import Rows, View, messages
from eventkit.values import from_date, from_decimal, required_date
from nhip.goals.v1 import goals_pb2 as pb
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


class CycleView(View[CycleRow]):
    name, source, categories, key = "cycle", "goals", (CYCLE.category,), ("tenant", "cycle_id")
    version = VERSION
    row = CycleRow

    def fold(self, rows: Rows[CycleRow], event: Recorded) -> None:
        match event.message:
            case CycleOpened() as e:
                rows.put(
                    CycleRow(event.tenant, e.cycle_id, e.name, required_date(e.starts_on), required_date(e.ends_on))
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[CycleRow]:
        if cycle := CYCLE.fold(messages(events)):
            yield CycleRow(events[0].tenant, cycle.id, cycle.name, cycle.starts_on, cycle.ends_on)


CYCLES = CycleView().table


async def cycles(con: asyncpg.Connection, tenant: str, request: pb.ListCycles) -> pb.Cycles:
    """A page of the cycles, the latest first."""
    page = asked(request, tenant, date, str, size=100)
    starts_on, id = page.after or (None, None)
    rows = await con.fetch(
        f"select * from {CYCLES} where tenant = $1 and ($2::date is null or (starts_on, cycle_id) < ($2, $3)) "
        "order by starts_on desc, cycle_id desc limit $4",
        tenant,
        starts_on,
        id,
        page.limit,
    )
    shown, token = page.cut([CYCLES.of(row) for row in rows], lambda row: (row.starts_on, row.cycle_id))
    return pb.Cycles(cycles=map(cycle_message, shown), next_page_token=token)


async def cycle(con: asyncpg.Connection, tenant: str, cycle_id: str) -> CycleRow | None:
    row = await con.fetchrow(f"select * from {CYCLES} where tenant = $1 and cycle_id = $2", tenant, cycle_id)
    return CYCLES.of(row) if row else None


def cycle_message(row: CycleRow) -> pb.Cycle:
    return pb.Cycle(
        cycle_id=row.cycle_id, name=row.name, starts_on=from_date(row.starts_on), ends_on=from_date(row.ends_on)
    )


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


class GoalView(View[GoalRow]):
    name, source, categories, key = "strategic_goal", "goals", (GOAL.category,), ("tenant", "goal_id")
    version = VERSION
    row = GoalRow

    def fold(self, rows: Rows[GoalRow], event: Recorded) -> None:
        match event.message:
            case StrategicGoalSet() as e:
                rows.put(
                    GoalRow(
                        event.tenant,
                        e.goal_id,
                        e.name,
                        e.year,
                        Decimal(e.target.value),
                        e.unit,
                        event.recorded_at,
                        event.position,
                    )
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[GoalRow]:
        if goal := GOAL.fold(messages(events)):
            e, last = goal.set, events[-1]
            yield GoalRow(
                last.tenant, goal.id, e.name, e.year, Decimal(e.target.value), e.unit, last.recorded_at, last.position
            )


GOALS = GoalView().table


async def goals(con: asyncpg.Connection, tenant: str, known: datetime) -> list[pb.StrategicGoal]:
    """The strategic goals recorded up to an instant, in the order they were set."""
    rows = await con.fetch(
        f"select * from {GOALS} where tenant = $1 and recorded_at <= $2 order by position", tenant, known
    )
    return [
        pb.StrategicGoal(
            goal_id=r["goal_id"], name=r["name"], year=r["year"], target=from_decimal(r["target"]), unit=r["unit"]
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True)
class CsfRow:
    tenant: str
    csf_id: str
    name: str
    goal_ids: list[str]
    why: str
    recorded_at: datetime
    position: int


class CsfView(View[CsfRow]):
    name, source, categories, key = "csf", "goals", (CSF.category,), ("tenant", "csf_id")
    version = VERSION
    row = CsfRow

    def fold(self, rows: Rows[CsfRow], event: Recorded) -> None:
        match event.message:
            case CsfChosen() as e:
                rows.put(
                    CsfRow(event.tenant, e.csf_id, e.name, list(e.goal_ids), e.why, event.recorded_at, event.position)
                )
            case _:
                pass

    def expected(self, events: Sequence[Recorded]) -> Iterable[CsfRow]:
        if csf := CSF.fold(messages(events)):
            e, last = csf.chosen, events[-1]
            yield CsfRow(last.tenant, csf.id, e.name, list(e.goal_ids), e.why, last.recorded_at, last.position)


CSFS = CsfView().table


async def csfs(con: asyncpg.Connection, tenant: str, known: datetime) -> list[pb.Csf]:
    """The success factors recorded up to an instant, in the order they were chosen."""
    rows = await con.fetch(
        f"select * from {CSFS} where tenant = $1 and recorded_at <= $2 order by position", tenant, known
    )
    return [pb.Csf(csf_id=r["csf_id"], name=r["name"], goal_ids=r["goal_ids"], why=r["why"]) for r in rows]
