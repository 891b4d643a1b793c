"""The KPIs of a cycle, with what becomes of each in another one."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from eventkit.values import from_decimal
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.domain.authority import right_to_set
from services.goals.queries import cycles, kpis
from services.goals.queries.cycles import Family
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.outline import Outline, Stub
from services.goals.queries.outlines import FOREVER, Outlines
from services.goals.queries.owners import actor
from services.goals.views.follow_up import FOLLOW_UPS, FollowUpRow

PAGE = 100
"""KPIs on a page without a size."""
Place = tuple[int, int, int, int]
"""Its level, whether it is a rate of another or computed, how deep it lies, and where it stands: what is served or
counted comes before what serves it or is counted from it."""
LAST: Place = (9, 0, 0, 0)
"""Behind all that there are."""


def places(outline: Outline) -> dict[str, Place]:
    return {
        id: (stub.level, int(bool(stub.volume_kpi_id)), len(outline.above(id)), stub.position)
        for id, stub in outline.own.items()
    }


async def listed(
    pool: asyncpg.Pool, outlines: Outlines, who: Actor, request: pb.ListFollowUps, org: OrgChart, at: datetime
) -> pb.FollowUps:
    page = asked(request, who.tenant, int, int, int, int, size=PAGE)
    async with reading(pool, who.tenant) as con:
        state = await read_cycle(con, outlines, who.tenant, request.cycle_id, org, moment(AsOf(), org, at))
        following = await cycles.family(con, who.tenant, request.next_cycle_id)
        own = state.outline.own
        decided = await _decided(con, who.tenant, request.next_cycle_id, list(own))
        place = places(state.outline)
        wanted = sorted(
            (
                id
                for id, stub in own.items()
                if (page.after is None or place[id] > page.after)
                and not (request.undecided and id in decided)
                and not (request.mine and not _may(stub, who, org))
            ),
            key=lambda id: place[id],
        )
        shown, token = page.cut(wanted[: page.limit], lambda id: place[id])
        await state.load(con, shown)
        next_ids = [row.next_kpi_id for id in shown if (row := decided.get(id)) and row.next_kpi_id]
        following_kpis = await kpis.some(con, who.tenant, next_ids, FOREVER, date.max)
    targets = {row.kpi_id: row.target for row in following_kpis}
    return pb.FollowUps(
        kpis=[_follow_up(state, own[id], decided, targets, following, who) for id in shown if id in state.kpis],
        next_page_token=token,
        total=len(own),
        decided=len(decided),
    )


async def _decided(
    con: asyncpg.Connection, tenant: str, next_cycle_id: str, kpi_ids: Sequence[str]
) -> dict[str, FollowUpRow]:
    rows = await con.fetch(
        f"select * from {FOLLOW_UPS} where tenant = $1 and next_cycle_id = $2 and kpi_id = any($3::text[])",
        tenant,
        next_cycle_id,
        kpi_ids,
    )
    return {row["kpi_id"]: FOLLOW_UPS.of(row) for row in rows}


def _may(stub: Stub, who: Actor, org: OrgChart) -> bool:
    kpi = Responsibility(stub.id, stub.level, stub.owner_ids, stub.unit_id)
    return who.kind == "person" and right_to_set(kpi, who.id, org) != ""


def _follow_up(
    state: CycleState,
    stub: Stub,
    decided: Mapping[str, FollowUpRow],
    targets: Mapping[str, Decimal],
    following: Family,
    who: Actor,
) -> pb.KpiFollowUp:
    row, parent = decided.get(stub.id), state.outline.stubs.get(stub.parent_id)
    goes_on = (
        stub.parent_kind != "kpi"
        or (parent is not None and parent.cycle_id in following.around)
        or (stub.parent_id not in decided or decided[stub.parent_id].next_kpi_id != "")
    )
    found = pb.KpiFollowUp(
        kpi=state.kpi(state.kpis[stub.id]),
        may_decide=_may(stub, who, state.org) and (row is None or not row.next_kpi_id),
        parent_goes_on=goes_on,
    )
    if row is not None:
        found.choice = row.choice  # type: ignore[assignment] # stored as the enum's number
        found.next_kpi_id = row.next_kpi_id
        found.decided_by.CopyFrom(actor(state.org, row.actor))
        if row.reason:
            found.reason.CopyFrom(PersonalText.FromString(row.reason))
        if row.next_kpi_id in targets:
            found.next_target.CopyFrom(from_decimal(targets[row.next_kpi_id]))
    return found


async def goes_on_with(con: asyncpg.Connection, tenant: str, kpi_id: str) -> tuple[str, datetime] | None:
    """The KPI of an earlier cycle that one goes on with, and when that was decided."""
    row = await con.fetchrow(
        f"select kpi_id, recorded_at from {FOLLOW_UPS} where tenant = $1 and next_kpi_id = $2 limit 1", tenant, kpi_id
    )
    return (row["kpi_id"], row["recorded_at"]) if row else None
