"""Proposals that wait for a decision, and who was asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg

from eventkit.directory.responsibility import Responsibility
from eventkit.directory.setting_sql import in_force
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from nhip.goals.v1.events_pb2 import ChangeProposed
from nhip.goals.v1.types_pb2 import PROPOSAL_STATE_PROPOSED
from nhip.notifications.v1.types_pb2 import NOTICE_KIND_PROPOSAL_WAITING
from services.notifications.queries.goals_changes import responsibilities
from services.notifications.views.goals_facts import KnownProposalView
from services.notifications.views.notice import NoticeView

PROPOSAL, NOTICE = KnownProposalView().table, NoticeView().table

OPEN = f"n.kind = {NOTICE_KIND_PROPOSAL_WAITING} and not n.closed"

# Proposals of all tenants that wait, and of which nobody was told for as long as their tenant says, those that nobody
# was told of longest first.
UNDECIDED = f"""
select p.tenant, p.proposal_id, asked.at + late.after as due_at
from {PROPOSAL} p
join {TenantView().table} t on t.tenant = p.tenant
cross join lateral (select ($1::timestamptz at time zone t.time_zone)::date as today) d
cross join lateral ({in_force("approval_days", "t.tenant", "d.today")}) s
cross join lateral (select s.value * interval '1 day' as after) late
cross join lateral (
  select coalesce(max(n.given_at), p.proposed_at) as at from {NOTICE} n
  where n.tenant = p.tenant and n.proposal_id = p.proposal_id and {OPEN}
) asked
where p.state = {PROPOSAL_STATE_PROPOSED} and p.decider = '' and p.proposed_at <= $1::timestamptz - late.after
    and asked.at <= $1::timestamptz - late.after
order by due_at limit $2
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody whose notice of a proposal is open."""

    person_id: str
    notice_id: str
    telling_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that waits."""

    proposer_id: str
    proposed_at: datetime
    touched: Sequence[Responsibility]
    """The KPIs that it would change, as they are and as they would be, and those that it would add."""
    asked: Sequence[Asked]
    was_asked: bool
    """Somebody was asked before, whether their notice is open still or not."""


async def waiting_of(con: asyncpg.Connection, tenant: str) -> list[str]:
    """The ids of a tenant's proposals that wait."""
    rows = await con.fetch(
        f"select proposal_id from {PROPOSAL} where tenant = $1 and state = {PROPOSAL_STATE_PROPOSED}", tenant
    )
    return [row["proposal_id"] for row in rows]


async def undecided(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    rows = await pool.fetch(UNDECIDED, at, most)
    return [Due(row["tenant"], row["proposal_id"], row["due_at"]) for row in rows]


async def facts_of(con: asyncpg.Connection, tenant: str, proposal_id: str) -> Waiting | None:
    """None: it does not wait any more."""
    row = (await PROPOSAL.load(con, [(tenant, proposal_id)])).get((tenant, proposal_id))
    if row is None or row.state != PROPOSAL_STATE_PROPOSED:
        return None
    touched = await _touched(con, tenant, ChangeProposed.FromString(row.asked))
    asked = await con.fetch(
        f"select n.person_id, n.notice_id, n.telling_id, n.given_at as at, n.closed from {NOTICE} n "
        f"where n.tenant = $1 and n.proposal_id = $2 and n.kind = {NOTICE_KIND_PROPOSAL_WAITING} order by n.position",
        tenant,
        proposal_id,
    )
    open = [
        Asked(one["person_id"], one["notice_id"], one["telling_id"], one["at"]) for one in asked if not one["closed"]
    ]
    return Waiting(row.proposer_id, row.proposed_at, touched, open, bool(asked))


async def _touched(con: asyncpg.Connection, tenant: str, asked: ChangeProposed) -> list[Responsibility]:
    known = await responsibilities(con, tenant, [change.kpi_id for change in asked.changes])
    touched = list(known.values())
    for change in asked.changes:
        said, kpi = change.said.after, known.get(change.kpi_id)
        if kpi:
            owners = tuple(said.owners.ids) if said.HasField("owners") else kpi.owners
            touched.append(
                replace(kpi, owners=owners, unit_id=said.unit_id if said.HasField("unit_id") else kpi.unit_id)
            )
    drafts = [*([asked.addition] if asked.HasField("addition") else []), *asked.additions]
    return [*touched, *(Responsibility("", d.level, tuple(d.owner_ids), d.unit_id) for d in drafts)]
