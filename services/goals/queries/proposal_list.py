"""Proposals in pages: without their arithmetic, so only what they touch is read."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1.events_pb2 import ChangeProposed
from services.goals.queries import cycles, proposals
from services.goals.queries.goal_map import CycleState, Moment, moment, thresholds
from services.goals.queries.outline import Outline
from services.goals.queries.proposal_page import deciders_of, shown
from services.goals.views.proposal import ProposalRow

PAGE, LOOKED_AT = 20, 1000
"""Proposals on a page without a size; waiting ones that are looked through for those that somebody may decide."""


async def listed(
    pool: asyncpg.Pool, who: Actor, request: pb.ListProposals, org: OrgChart, at: datetime
) -> pb.Proposals:
    """A page of proposals, or of those that wait for the caller."""
    page = asked(request, who.tenant, bool, datetime, str, size=PAGE)
    found: list[tuple[ProposalRow, CycleState]] = []
    after, looked = page.after, 0
    async with reading(pool, who.tenant) as con:
        while len(found) < page.limit:
            rows = await proposals.listed(
                con,
                who.tenant,
                request.cycle_id,
                after,
                page.limit,
                waiting=request.mine_to_decide,
                proposer_id=request.proposer_id,
            )
            states = await _touched(con, who.tenant, rows, moment(AsOf(), org, at), org)
            found += [
                (row, states[row.cycle_id])
                for row in rows
                if not request.mine_to_decide or _decides(row, states[row.cycle_id], who)
            ]
            looked += len(rows)
            if len(rows) < page.limit or not request.mine_to_decide or looked >= LOOKED_AT:
                break
            after = rows[-1].place
    listed, token = page.cut(found[: page.limit], lambda one: one[0].place)
    return pb.Proposals(proposals=[shown(row, state, who) for row, state in listed], next_page_token=token)


async def _touched(
    con: asyncpg.Connection, tenant: str, rows: Sequence[ProposalRow], when: Moment, org: OrgChart
) -> dict[str, CycleState]:
    """The cycles of some proposals, with the KPIs that these would change and nothing else."""
    states: dict[str, CycleState] = {}
    for cycle_id in dict.fromkeys(row.cycle_id for row in rows):
        family = await cycles.family(con, tenant, cycle_id, withdrawn=True)
        judged_by = thresholds(family.cycle, when, org)
        states[cycle_id] = state = CycleState(tenant, family, when, org, Outline({}), judged_by)
        of_cycle = [ChangeProposed.FromString(row.proposed) for row in rows if row.cycle_id == cycle_id]
        await state.load(con, [change.kpi_id for proposed in of_cycle for change in proposed.changes])
    return states


def _decides(row: ProposalRow, state: CycleState, who: Actor) -> bool:
    proposed = ChangeProposed.FromString(row.proposed)
    invited = {one.person_id for one in proposed.invitations} - set(row.accepted)
    found, _ = deciders_of(state, proposed)
    decides = found is not None and who.id in found.people and not row.given
    return who.kind == "person" and (decides or who.id in invited)
