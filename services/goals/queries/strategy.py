"""Strategic goals and critical success factors, as the contract shows them."""

from datetime import date, datetime

import asyncpg

from eventkit.rpc.paging import asked
from eventkit.values import from_decimal
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.views.strategy import CSFS, GOALS

_LATEST = """
    select * from (
        select *, min(position) over same as first_position, max(position) over same as last_position
        from {table} where tenant = $1 and recorded_at <= $2 window same as (partition by {id})
    ) known where position = last_position and (withdrawn_on is null or withdrawn_on > $3)
"""
"""What each thing said last, up to an instant, but for what was withdrawn by a day."""
_PAGE = " and first_position > $4 order by first_position limit $5"
"""What was there first is first."""
PAGE = 100


_GOALS = _LATEST.format(table=GOALS, id="goal_id")
_CSFS = _LATEST.format(table=CSFS, id="csf_id")


async def strategy_ids(con: asyncpg.Connection, tenant: str) -> tuple[list[str], list[str]]:
    """Of all goals and all success factors that were ever recorded."""
    goal_rows = await con.fetch(f"select distinct goal_id from {GOALS} where tenant = $1", tenant)
    csf_rows = await con.fetch(f"select distinct csf_id from {CSFS} where tenant = $1", tenant)
    return [row["goal_id"] for row in goal_rows], [row["csf_id"] for row in csf_rows]


async def goals(con: asyncpg.Connection, tenant: str, known: datetime, on: date) -> list[pb.StrategicGoal]:
    """The strategic goals of a day, as they were known at an instant, in the order they were set."""
    rows = await con.fetch(_GOALS + _PAGE, tenant, known, on, 0, None)
    return list(map(_goal, rows))


async def listed_goals(
    con: asyncpg.Connection, tenant: str, request: pb.ListStrategicGoals, known: datetime, on: date
) -> pb.StrategicGoals:
    """A page of them, without their values."""
    page = asked(request, tenant, int, size=PAGE)
    rows = await con.fetch(_GOALS + _PAGE, tenant, known, on, *(page.after or (0,)), page.limit)
    shown, token = page.cut(rows, _place)
    return pb.StrategicGoals(goals=map(_goal, shown), next_page_token=token)


async def csfs(con: asyncpg.Connection, tenant: str, known: datetime, on: date) -> list[pb.Csf]:
    """The success factors of a day, as they were known at an instant, in the order they were chosen."""
    rows = await con.fetch(_CSFS + _PAGE, tenant, known, on, 0, None)
    return list(map(_csf, rows))


async def listed_csfs(con: asyncpg.Connection, tenant: str, request: pb.ListCsfs, known: datetime, on: date) -> pb.Csfs:
    """A page of them: all, or those that support one of some goals."""
    page = asked(request, tenant, int, size=PAGE)
    supporting = f"{_CSFS} and (cardinality($6::text[]) = 0 or goal_ids && $6) {_PAGE}"
    after = page.after or (0,)
    rows = await con.fetch(supporting, tenant, known, on, *after, page.limit, list(request.goal_ids))
    shown, token = page.cut(rows, _place)
    return pb.Csfs(csfs=map(_csf, shown), next_page_token=token)


async def names(con: asyncpg.Connection, tenant: str, known: datetime, on: date) -> dict[str, str]:
    """What goals and success factors are called, by their ids."""
    found = {goal.goal_id: goal.name for goal in await goals(con, tenant, known, on)}
    return found | {csf.csf_id: csf.name for csf in await csfs(con, tenant, known, on)}


def _goal(row: asyncpg.Record) -> pb.StrategicGoal:
    return pb.StrategicGoal(
        goal_id=row["goal_id"], name=row["name"], year=row["year"], target=from_decimal(row["target"]), unit=row["unit"]
    )


def _csf(row: asyncpg.Record) -> pb.Csf:
    return pb.Csf(csf_id=row["csf_id"], name=row["name"], goal_ids=row["goal_ids"], why=row["why"])


def _place(row: asyncpg.Record) -> tuple[int]:
    return (row["first_position"],)
