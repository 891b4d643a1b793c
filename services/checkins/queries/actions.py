"""Actions that somebody may read, and those that fall due."""

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.process.service import Due
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.checkins.v1 import meetings_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.types_pb2 import Agreed
from nhip.common.v1.words_pb2 import PersonalText
from services.checkins.domain import action as domain
from services.checkins.domain.action import TO_DO, Action
from services.checkins.views.action import ACTIONS
from services.checkins.views.meeting import MEETINGS

PAGE = 50
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When what has no time yet is due, in lists."""
MOST_EARLIER = 50
_UNDONE = f"({', '.join(map(str, (*TO_DO, t.ACTION_STATE_REPORTED)))})"
_READABLE = "($2 in (a.doer_id, a.approver_id, a.author_id, a.waits_for) or $2 = any(a.readers))"
_LAST = "coalesce(a.due_at, timestamptz '9999-12-31 00:00+00')"
_SELECT = f"""select a.*, coalesce(m.state = {t.MEETING_STATE_OPEN} and $2 = any(m.people), false) as writes_minutes
from {ACTIONS} a left join {MEETINGS} m on m.tenant = a.tenant and m.meeting_id = a.meeting_id"""


async def actions(con: asyncpg.Connection, request: pb.ListActions, org: OrgChart, ctx: Context) -> pb.ActionList:
    """What is due first. Of those that wait for an approval it is the caller who is asked."""
    page = asked(request, ctx.tenant, datetime, str, size=PAGE)
    whose = "a.waits_for = $2 and $3 = $3" if request.to_approve else f"a.doer_id = $3 and {_READABLE}"
    rows = await con.fetch(
        f"""{_SELECT} where a.tenant = $1 and {whose} and ($4 or a.state in {_UNDONE})
        and ($5::timestamptz is null or ({_LAST}, a.action_id) > ($5, $6)) order by {_LAST}, a.action_id limit $7""",
        ctx.tenant,
        ctx.actor.id,
        request.person_id or ctx.actor.id,
        request.closed_too,
        *(page.after or (None, "")),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["due_at"] or NEVER, row["action_id"]))
    return pb.ActionList(actions=[_action(row, org, ctx) for row in shown], next_page_token=token)


async def of_meeting(
    con: asyncpg.Connection, action_ids: Sequence[str], org: OrgChart, ctx: Context
) -> list[pb.Action]:
    """Those agreed in a meeting, in the order in which they were."""
    rows = await con.fetch(
        f"{_SELECT} where a.tenant = $1 and a.action_id = any($3::text[]) and {_READABLE} order by a.agreed_at, "
        "a.action_id",
        ctx.tenant,
        ctx.actor.id,
        action_ids,
    )
    return [_action(row, org, ctx) for row in rows]


async def earlier(
    con: asyncpg.Connection, meeting_id: str, people: Sequence[str], org: OrgChart, ctx: Context
) -> list[pb.Action]:
    """What people who meet have still to do from before, as far as the caller may read it."""
    rows = await con.fetch(
        f"""{_SELECT} where a.tenant = $1 and a.doer_id = any($3::text[]) and a.meeting_id <> $4
        and a.state in {_UNDONE} and {_READABLE} order by {_LAST}, a.action_id limit {MOST_EARLIER}""",
        ctx.tenant,
        ctx.actor.id,
        people,
        meeting_id,
    )
    return [_action(row, org, ctx) for row in rows]


async def falling_due(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    """What of all tenants falls due, and who does it was not told."""
    rows = await pool.fetch(
        f"select tenant, action_id, remind_at from {ACTIONS} where remind_at <= $1 and state = any($2::bigint[]) "
        "order by remind_at limit $3",
        at,
        list(TO_DO),
        most,
    )
    return [Due(row["tenant"], row["action_id"], row["remind_at"]) for row in rows]


def _action(record: asyncpg.Record, org: OrgChart, ctx: Context) -> pb.Action:
    row = ACTIONS.of(record)
    agreed, me = Agreed.FromString(row.agreed), ctx.actor.id
    state: t.ActionState.ValueType = row.state  # type: ignore[assignment] # the enum's number
    action = Action(
        row.action_id,
        agreed,
        row.author_id,
        row.meeting_id,
        row.check_in_id,
        tuple(row.readers),
        state,
        row.waits_for,
    )
    reported = state == t.ACTION_STATE_REPORTED
    return pb.Action(
        action_id=row.action_id,
        agreed=agreed,
        state=state,
        author_id=row.author_id,
        meeting_id=row.meeting_id,
        check_in_id=row.check_in_id,
        agreed_at=from_datetime(row.agreed_at),
        said=PersonalText.FromString(row.said) if row.said else None,
        said_by_id=row.said_by,
        said_at=from_datetime(row.said_at) if row.said_at else None,
        may_change=action.is_to_do and domain.may_change(action, me, org, writes_minutes=record["writes_minutes"]),
        may_report=action.is_to_do and me == domain.doer(action, org),
        may_decide=reported and me == domain.approver(action, org),
        may_drop=(action.is_to_do or reported) and domain.may_drop(action, me, org),
        overdue=action.is_to_do and row.due_at is not None and row.due_at < ctx.at,
        revision=row.revision,
    )
