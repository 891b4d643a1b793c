"""Who may do what with a KPI, and why: by the same rules that commands are judged by."""

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility, answering, deciders
from eventkit.errors import unknown
from eventkit.subscriptions.table import reading
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.queries import kpis, progress
from services.goals.queries.goal_map import Moment


async def kpi_access(
    pool: asyncpg.Pool, tenant: str, request: pb.GetKpiAccess, org: OrgChart, now: Moment, caller: str
) -> pb.KpiAccess:
    proposer = request.proposer_id or caller
    async with reading(pool, tenant) as con:
        row = await kpis.one(con, tenant, request.kpi_id, now.known, now.on)
        delegates = await progress.delegates(con, tenant, request.kpi_id)
    if row is None:
        raise unknown("kpi", request.kpi_id, "kpi_id")
    if proposer not in org.people:
        raise unknown("person", proposer, "proposer_id")
    found = pb.KpiAccess(kpi_id=row.kpi_id, name=row.name, unit_id=row.unit_id, proposer_id=proposer)
    if row.retired:
        return found
    for person, leaver in answering(row.owner_ids, row.unit_id, org).items() if not row.computation else ():
        relation = "STANDS_IN" if leaver else "NAMED" if row.owner_ids else "HEAD_OF_UNIT"
        found.record.append(pb.AllowedPerson(person_id=person, relation=relation, instead_of_id=leaver))
    answer = {one.person_id for one in found.record}
    for person, owner in delegates.items():
        if owner in answer and person not in answer and org.is_active(person):
            found.record.append(pb.AllowedPerson(person_id=person, relation="DELEGATE", instead_of_id=owner))
    touched = Responsibility(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id)
    may = deciders([touched], proposer, org)
    found.decide.extend(pb.AllowedPerson(person_id=person, relation=may.relation) for person in may.people[:LISTED])
    return found


LISTED = 20
"""Executives who may decide, at most: the first is who is asked."""
