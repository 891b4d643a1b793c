"""Proposals, those that wait first."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from eventkit.directory.setting_sql import in_force
from eventkit.directory.views import TenantView
from eventkit.process.service import Due
from eventkit.rpc.paging import Cursor
from nhip.goals.v1.types_pb2 import PROPOSAL_STATE_PROPOSED
from services.goals.views.proposal import PROPOSALS, ProposalRow


async def listed(
    con: asyncpg.Connection,
    tenant: str,
    cycle_id: str,
    after: Cursor | None,
    limit: int,
    *,
    waiting: bool,
    proposer_id: str = "",
) -> list[ProposalRow]:
    """The proposals of a cycle, or of all, of a person, or of everybody, behind a place: those that wait first, then
    the newest; with `waiting` only the former."""
    wait, proposed_at, id = after or (None, None, None)
    rows = await con.fetch(
        f"select * from {PROPOSALS} where tenant = $1 and ($2 = '' or cycle_id = $2) and (not $3 or state = 1) "
        "and ($4::boolean is null or (state = 1, proposed_at, proposal_id) < ($4, $5::timestamptz, $6)) "
        "and ($8 = '' or proposer_id = $8) "
        "order by (state = 1) desc, proposed_at desc, proposal_id desc limit $7",
        tenant,
        cycle_id,
        waiting,
        wait,
        proposed_at,
        id,
        limit,
        proposer_id,
    )
    return [PROPOSALS.of(row) for row in rows]


async def in_cycle(con: asyncpg.Connection, tenant: str, cycle_id: str) -> tuple[int, int]:
    """How many of a cycle's wait for a decision, and how many there are."""
    row = await con.fetchrow(
        f"select count(*) filter (where state = 1), count(*) from {PROPOSALS} where tenant = $1 and cycle_id = $2",
        tenant,
        cycle_id,
    )
    assert row is not None
    return row[0], row[1]


async def some(con: asyncpg.Connection, tenant: str, proposal_ids: Sequence[str]) -> dict[str, ProposalRow]:
    rows = await con.fetch(
        f"select * from {PROPOSALS} where tenant = $1 and proposal_id = any($2::text[])", tenant, list(proposal_ids)
    )
    return {row["proposal_id"]: PROPOSALS.of(row) for row in rows}


# Proposals of all tenants that wait and whose days are over, the longest over first.
OVER = f"""
select p.tenant, p.proposal_id, p.proposed_at + s.value * interval '1 day' as over_at
from {PROPOSALS} p
join {TenantView().table} t on t.tenant = p.tenant
cross join lateral (select ($1::timestamptz at time zone t.time_zone)::date as today) d
cross join lateral ({in_force("proposal_days", "t.tenant", "d.today")}) s
where p.state = {PROPOSAL_STATE_PROPOSED} and p.proposed_at <= $1::timestamptz - interval '1 day'
    and p.proposed_at + s.value * interval '1 day' <= $1::timestamptz
order by over_at limit $2
"""


async def over(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    return [Due(row["tenant"], row["proposal_id"], row["over_at"]) for row in await pool.fetch(OVER, at, most)]
