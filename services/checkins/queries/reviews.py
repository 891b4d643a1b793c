"""Reviews: who has one to write, what each of the two may read of it, what was decided, and which cycles have theirs to
come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.directory.views import TenantView
from eventkit.errors import unknown
from eventkit.process.service import Due
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime, from_decimal
from nhip.checkins.v1 import reviews_pb2 as pb
from nhip.checkins.v1 import types_pb2 as t
from nhip.checkins.v1.events_pb2 import ReviewClosed, ReviewOpened
from nhip.checkins.v1.types_pb2 import KpiVerdict, ReviewPart
from nhip.goals.v1.types_pb2 import MEASURE_KIND_MILESTONE
from services.checkins.domain import review as domain
from services.checkins.domain.review import Review
from services.checkins.views.known import KNOWN_CYCLES, KNOWN_KPIS
from services.checkins.views.progress import ENTRIES
from services.checkins.views.review import CYCLES_REVIEWED, REVIEWS, VERDICTS, ReviewRow

PAGE = 50
MOST_DAYS = 31
"""Of a cycle that ended longer ago reviews open only when they are asked for."""

_WAITS = f"""(r.person_id = $2 and (r.state = {t.REVIEW_STATE_SELF}
  or r.state = {t.REVIEW_STATE_CLOSING} and r.manager_id = '')
  or r.manager_id = $2 and r.state in ({t.REVIEW_STATE_MANAGER}, {t.REVIEW_STATE_CLOSING}))"""

# Cycles of all tenants that have come to their last day lately, and whose reviews were not opened.
OVER = f"""
select c.tenant, c.cycle_id, (c.ends_on::timestamp at time zone tenant.time_zone) as due_at
from {KNOWN_CYCLES} c
join {TenantView().table} tenant on tenant.tenant = c.tenant
left join {CYCLES_REVIEWED} done on done.tenant = c.tenant and done.cycle_id = c.cycle_id
where done.cycle_id is null and c.begun and not c.withdrawn
  and c.ends_on <= ($1::timestamptz at time zone tenant.time_zone)::date
  and c.ends_on > ($1::timestamptz at time zone tenant.time_zone)::date - {MOST_DAYS}
order by due_at limit $2
"""


async def over(pool: asyncpg.Pool, at: datetime, most: int) -> list[Due]:
    return [Due(row["tenant"], row["cycle_id"], row["due_at"]) for row in await pool.fetch(OVER, at, most)]


async def answering(con: asyncpg.Connection, tenant: str, cycle_id: str, org: OrgChart) -> dict[str, list[str]]:
    """Whoever is here and answers for KPIs of a cycle, also for those that ended in it, with these."""
    rows = await con.fetch(
        f"select kpi_id, owner_ids, unit_id from {KNOWN_KPIS} where tenant = $1 and cycle_id = $2 order by kpi_id",
        tenant,
        cycle_id,
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        for person in answerable(row["owner_ids"], row["unit_id"], org):
            if org.is_active(person):
                found.setdefault(person, []).append(row["kpi_id"])
    return found


async def milestones(con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str]) -> frozenset[str]:
    """Those of some KPIs that are done or not."""
    rows = await con.fetch(
        f"select kpi_id from {KNOWN_KPIS} where tenant = $1 and kpi_id = any($2::text[]) and kind = $3",
        tenant,
        kpi_ids,
        MEASURE_KIND_MILESTONE,
    )
    return frozenset(row["kpi_id"] for row in rows)


async def reviews(con: asyncpg.Connection, request: pb.ListReviews, org: OrgChart, ctx: Context) -> pb.ReviewList:
    """The caller's own and those that they write as a manager; those that wait for them first, then the newest."""
    page = asked(request, ctx.tenant, bool, datetime, str, str, size=PAGE)
    rows = await con.fetch(
        f"""select * from (select r.*, not {_WAITS} as rests from {REVIEWS} r
          where r.tenant = $1 and (r.person_id = $2 or r.manager_id = $2) and ($3 = '' or r.cycle_id = $3)) r
        where (not $4 or not rests) and ($5::boolean is null or rests > $5 or rests = $5 and
          (opened_at < $6::timestamptz or opened_at = $6 and (cycle_id, person_id) > ($7, $8)))
        order by rests, opened_at desc, cycle_id, person_id limit $9""",
        ctx.tenant,
        ctx.actor.id,
        request.cycle_id,
        request.waiting,
        *(page.after or (None, None, "", "")),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["rests"], row["opened_at"], row["cycle_id"], row["person_id"]))
    heads = [_head(REVIEWS.of(row), org, ctx) for row in shown]
    return pb.ReviewList(reviews=heads, next_page_token=token)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a command must know of a review beside its own events."""

    opened_at: datetime


async def standing(con: asyncpg.Connection, tenant: str, cycle_id: str, person_id: str) -> Standing | None:
    opened_at = await con.fetchval(
        f"select opened_at from {REVIEWS} where tenant = $1 and cycle_id = $2 and person_id = $3",
        tenant,
        cycle_id,
        person_id,
    )
    return Standing(opened_at) if opened_at else None


async def review(con: asyncpg.Connection, request: pb.GetReview, org: OrgChart, ctx: Context) -> pb.Review:
    """Raises `Rejected` REVIEW_UNKNOWN, also for who is neither of the two."""
    record = await con.fetchrow(
        f"select * from {REVIEWS} where tenant = $1 and cycle_id = $2 and person_id = $3",
        ctx.tenant,
        request.cycle_id,
        request.person_id,
    )
    if record is None:
        raise unknown("review", request.person_id, "person_id")
    row, me = REVIEWS.of(record), ctx.actor.id
    state = domain.known(_state(row), me, org, request.person_id)
    own = me == row.person_id
    moved_on = await _moved_on(con, row, state.kpi_ids)
    reply = pb.Review(
        head=_head(row, org, ctx),
        position=f"checkins={row.made_on}",
        kpis=[pb.KpiOfReview(kpi=kpi, moved_on=kpi.kpi_id in moved_on) for kpi in state.kpis],
        differing_kpi_ids=domain.differing(state),
        verdicts=state.verdicts,
        action_id=row.action_id,
        may_write_self=own and row.state == t.REVIEW_STATE_SELF,
        may_write_manager=not own
        and state.manager_part is None
        and domain.manager_may_write(state, org, row.opened_at, ctx.at),
        may_close=row.state == t.REVIEW_STATE_CLOSING and domain.waits_for(state, org) == me,
    )
    if self_part := row.self_part or (row.self_draft if own else b""):
        reply.self_part.MergeFromString(self_part)
    if manager_part := row.manager_part or (b"" if own else row.manager_draft):
        reply.manager_part.MergeFromString(manager_part)
    if own:
        reply.self_revision = row.self_revision
    else:
        reply.manager_revision = row.manager_revision
    for name, at in (
        ("self_sent_at", row.self_sent_at),
        ("manager_sent_at", row.manager_sent_at),
        ("closed_at", row.closed_at),
    ):
        if at:
            getattr(reply, name).CopyFrom(from_datetime(at))
    return reply


async def _moved_on(con: asyncpg.Connection, row: ReviewRow, kpi_ids: Sequence[str]) -> frozenset[str]:
    """The KPIs for which something was recorded after the review was made."""
    rows = await con.fetch(
        f"select distinct kpi_id from {ENTRIES} where tenant = $1 and kpi_id = any($2::text[]) and recorded_at > $3",
        row.tenant,
        kpi_ids,
        row.made_at,
    )
    return frozenset(each["kpi_id"] for each in rows)


async def verdicts(con: asyncpg.Connection, request: pb.ListKpiVerdicts, org: OrgChart, ctx: Context) -> pb.VerdictList:
    """What was decided, of the KPIs that the caller may carry on."""
    page = asked(request, ctx.tenant, str, str, size=100)
    rows = await con.fetch(
        f"""select v.*, k.owner_ids, k.unit_id from {VERDICTS} v
        join {KNOWN_KPIS} k on k.tenant = v.tenant and k.kpi_id = v.kpi_id
        where v.tenant = $1 and v.cycle_id = $2 and (cardinality($3::text[]) = 0 or v.kpi_id = any($3))
        and ($4::text is null or (v.kpi_id, v.person_id) > ($4, $5)) order by v.kpi_id, v.person_id limit $6""",
        ctx.tenant,
        request.cycle_id,
        list(request.kpi_ids),
        *(page.after or (None, "")),
        page.limit,
    )
    shown, token = page.cut(rows, lambda row: (row["kpi_id"], row["person_id"]))
    leads = org.has_role(ctx.actor.id, "executive") or org.has_role(ctx.actor.id, "okr_master")
    told = [row for row in shown if leads or _may_carry_on(row, ctx.actor.id, org)]
    return pb.VerdictList(verdicts=map(_verdict, told), next_page_token=token)


def _may_carry_on(row: asyncpg.Record, person: str, org: OrgChart) -> bool:
    """Who answers for a KPI, and the managers above."""
    answer = answerable(row["owner_ids"], row["unit_id"], org)
    return any(person == one or person in org.managers(one) for one in answer)


def _verdict(row: asyncpg.Record) -> pb.ClosedVerdict:
    return pb.ClosedVerdict(
        person_id=row["person_id"],
        verdict=KpiVerdict(
            kpi_id=row["kpi_id"],
            next_step=row["next_step"],
            target=None if row["target"] is None else from_decimal(row["target"]),
        ),
        at=from_datetime(row["at"]),
    )


def _state(row: ReviewRow) -> Review:
    kpis = tuple(ReviewOpened.FromString(row.kpis).kpis)
    return Review(
        row.cycle_id,
        row.person_id,
        row.manager_id,
        tuple(kpi.kpi_id for kpi in kpis),
        row.state,  # type: ignore[arg-type] # the enum's number
        kpis,
        self_part=ReviewPart.FromString(row.self_part) if row.self_part else None,
        manager_part=ReviewPart.FromString(row.manager_part) if row.manager_part else None,
        verdicts=tuple(ReviewClosed.FromString(row.closed).verdicts) if row.closed else (),
    )


def _head(row: ReviewRow, org: OrgChart, ctx: Context) -> pb.ReviewHead:
    state = _state(row)
    return pb.ReviewHead(
        cycle_id=row.cycle_id,
        person_id=row.person_id,
        manager_id=domain.reviewer(state, org),
        state=row.state,  # type: ignore[arg-type] # the enum's number
        opened_at=from_datetime(row.opened_at),
        waits_for_me=domain.waits_for(state, org) == ctx.actor.id,
    )
