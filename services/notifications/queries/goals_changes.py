"""What an append of goals changed, and the KPIs around it."""

from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID

import asyncpg

from eventkit.directory.responsibility import Responsibility
from nhip.notifications.v1 import types_pb2 as t
from services.notifications.domain.recipients import Append, Change, KpiTree, Proposed
from services.notifications.views.goals_change import CHANGE, KPI, LINK, PROPOSAL
from services.notifications.views.goals_facts import KnownCycleView

CYCLE = KnownCycleView().table

_KINDS: dict[str, t.ChangeKind.ValueType] = {
    "KpiDefined": t.CHANGE_KIND_DEFINED,
    "KpiTargetRevised": t.CHANGE_KIND_TARGET_REVISED,
    "KpiChanged": t.CHANGE_KIND_SAID,
    "KpiAligned": t.CHANGE_KIND_ALIGNED,
    "KpiLinked": t.CHANGE_KIND_SAID,
    "KpiRetired": t.CHANGE_KIND_RETIRED,
    "KpiTakenOff": t.CHANGE_KIND_UNSPECIFIED,
}


async def append_of(con: asyncpg.Connection, tenant: str, append_id: UUID, actor: str) -> Append:
    """All that an append says, in the order in which it was recorded."""
    rows = await con.fetch(
        f"select * from {CHANGE} where tenant = $1 and append_id = $2 order by number", tenant, append_id
    )
    changes: list[Change] = []
    proposed: Proposed | None = None
    for row in rows:
        if row["what"] in _KINDS:
            links = row["parent_before"], row["parent_after"], row["unaligned"]
            said = tuple(row["parts"]), row["owners_before"], row["unit_before"], tuple(row["linked"])
            changes.append(Change(row["about"], _KINDS[row["what"]], row["before"], row["after"], *links, *said))
        else:
            proposed = await _proposed(con, tenant, row["about"], row["what"])
    return Append(actor, changes, proposed)


async def _proposed(con: asyncpg.Connection, tenant: str, proposal_id: str, what: str) -> Proposed:
    (row,) = (await PROPOSAL.load(con, [(tenant, proposal_id)])).values()
    return Proposed(
        proposal_id,
        row.proposer_id,
        tuple(row.approver_ids),
        what,
        decider=row.decider,
        invited=tuple(row.invited),
        askers=tuple(row.askers),
    )


async def tree_around(con: asyncpg.Connection, tenant: str, changes: Sequence[Change]) -> KpiTree:
    """The changed KPIs, and those that they serve, served, or that serve them."""
    changed = list({change.kpi_id for change in changes})
    links = await con.fetch(
        f"select kpi_id, parent_id from {LINK} where tenant = $1 and parent_id <> '' and (kpi_id = any($2) or "
        "parent_id = any($2))",
        tenant,
        changed,
    )
    parents = {row["kpi_id"]: row["parent_id"] for row in links}
    wanted = {
        *changed,
        *parents,
        *parents.values(),
        *(c.parent_before for c in changes),
        *(c.parent_after for c in changes),
        *(kpi for c in changes for kpi in c.linked),
    } - {""}
    return KpiTree(await responsibilities(con, tenant, wanted), parents)


async def answered_for(
    con: asyncpg.Connection, tenant: str, person_id: str, units: Sequence[str], today: date
) -> list[str]:
    """The KPIs of cycles that are not over that name a person, or without naming anybody one of these units; by
    name."""
    rows = await con.fetch(
        f"""select k.kpi_id from {KPI} k join {CYCLE} c using (tenant, cycle_id)
        where k.tenant = $1 and not k.retired and c.ends_on >= $4
          and ($2 = any(k.owner_ids) or (k.owner_ids = '{{}}' and k.unit_id = any($3)))
        order by k.name, k.kpi_id""",
        tenant,
        person_id,
        units,
        today,
    )
    return [row["kpi_id"] for row in rows]


async def responsibilities(con: asyncpg.Connection, tenant: str, kpi_ids: Iterable[str]) -> dict[str, Responsibility]:
    rows = (await KPI.load(con, [(tenant, kpi_id) for kpi_id in kpi_ids])).values()
    return {row.kpi_id: Responsibility(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id) for row in rows}
