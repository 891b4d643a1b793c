"""A cycle with the cycles around it and in it, how it came to where it stands, and what may be done with it."""

from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.subscriptions.table import reading
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.cycle import hindered_from_closing
from services.goals.queries import cycles, overview, proposals
from services.goals.queries.overview import Overviews
from services.goals.queries.owners import actor
from services.goals.views.cycle import CycleStepRow

STEPS = 50
"""Of what was done with it, the last."""


async def cycle_page(overviews: Overviews, ctx: Context, cycle_id: str, org: OrgChart) -> pb.CyclePage:
    async with reading(overviews.pool, ctx.tenant) as con:
        state, found = await overviews.look(con, ctx.tenant, cycle_id, org, ctx.at)
        steps = await cycles.steps(con, ctx.tenant, cycle_id, most=STEPS)
        waiting, proposed = await proposals.in_cycle(con, ctx.tenant, cycle_id)
    family, row = state.family, state.cycle
    direct = [inner for inner in family.inner if inner.enclosing[0] == cycle_id]
    outer_closed = bool(family.enclosing) and family.enclosing[0].state in _CLOSED
    executive = org.has_role(ctx.actor.id, "executive")
    strategist = executive or org.has_role(ctx.actor.id, "okr_master")
    hindered = hindered_from_closing(row, state.when.on, waiting=waiting, inner=direct)
    planned, running = row.state == t.CYCLE_STATE_PLANNED, row.state == t.CYCLE_STATE_RUNNING
    uneven = overview.uneven(found)
    kpis = len(state.outline.own)
    obstacle = ""
    if planned:
        obstacle = "CYCLE_EMPTY" if not (kpis or direct) else "WEIGHTS_UNEVEN" if uneven else ""
    elif running and hindered:
        obstacle = hindered.reason
    return pb.CyclePage(
        cycle=cycles.cycle_message(row),
        enclosing=map(cycles.cycle_message, family.enclosing),
        inner=map(cycles.cycle_message, direct),
        kpis=kpis,
        waiting=waiting,
        uneven_weights=uneven,
        obstacle=obstacle,
        steps=[_step(step, org) for step in steps],
        may_correct=strategist and (planned or running),
        may_withdraw=strategist and planned and not (kpis or direct or proposed),
        may_start=strategist and planned and bool(kpis or direct) and (executive or not uneven),
        may_close=strategist and running and hindered is None,
        may_reopen=executive and row.state == t.CYCLE_STATE_CLOSED and not outer_closed,
    )


_CLOSED = (t.CYCLE_STATE_CLOSING, t.CYCLE_STATE_CLOSED)


def _step(row: CycleStepRow, org: OrgChart) -> pb.CycleStep:
    return pb.CycleStep(
        what=row.what,
        recorded_at=from_datetime(row.recorded_at),
        actor=actor(org, row.actor),
        reason=PersonalText.FromString(row.reason) if row.reason else None,
    )
