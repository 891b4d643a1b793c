"""A proposal as a page shows it: before and after, whether it adds up, and who decides."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Deciders, Responsibility
from eventkit.errors import Rejected, unknown
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from eventkit.telemetry import unshown
from eventkit.values import from_datetime, from_decimal, to_decimal
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed
from services.goals.domain.approval import deciders, right_of
from services.goals.domain.kpi import moved
from services.goals.domain.reconciliation import Check, Node, NotChecked, reconcile
from services.goals.queries import kpis, proposals, strategy
from services.goals.queries.goal_map import CycleState, Moment, actor, moment, owner, read_cycle, thresholds
from services.goals.queries.outline import Outline, Outlines
from services.goals.views.proposal import ProposalRow

PAGE, LOOKED_AT = 20, 1000
"""Proposals on a page without a size; waiting ones that are looked through for those that somebody may decide."""
ADDED = "added"
"""Stands for the id of a KPI that a proposal would add."""


async def listed(
    pool: asyncpg.Pool, who: Actor, request: pb.ListProposals, org: OrgChart, at: datetime
) -> pb.Proposals:
    """A page of proposals, or of those that wait for the caller: without their arithmetic, so only what they touch is
    read."""
    page = asked(request, who.tenant, bool, datetime, str, size=PAGE)
    found: list[tuple[ProposalRow, CycleState]] = []
    after, looked = page.after, 0
    async with reading(pool, who.tenant) as con:
        while len(found) < page.limit:
            rows = await proposals.listed(
                con, who.tenant, request.cycle_id, after, page.limit, waiting=request.mine_to_decide
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
    shown, token = page.cut(found[: page.limit], lambda one: one[0].place)
    return pb.Proposals(proposals=[_proposal(row, state, who) for row, state in shown], next_page_token=token)


async def _touched(
    con: asyncpg.Connection, tenant: str, rows: Sequence[ProposalRow], when: Moment, org: OrgChart
) -> dict[str, CycleState]:
    """The cycles of some proposals, with the KPIs that these would change and nothing else."""
    states: dict[str, CycleState] = {}
    for cycle_id in dict.fromkeys(row.cycle_id for row in rows):
        cycle = await strategy.cycle(con, tenant, cycle_id)
        assert cycle is not None  # in one snapshot, a proposal's cycle is there
        states[cycle_id] = state = CycleState(tenant, cycle, when, org, Outline({}), thresholds(cycle, when, org))
        of_cycle = [ChangeProposed.FromString(row.proposed) for row in rows if row.cycle_id == cycle_id]
        await state.load(con, [change.kpi_id for proposed in of_cycle for change in proposed.changes])
    return states


def _decides(row: ProposalRow, state: CycleState, who: Actor) -> bool:
    proposed = ChangeProposed.FromString(row.proposed)
    addition = proposed.addition if proposed.HasField("addition") else None
    found, _ = _deciders(state, proposed.changes, addition, proposed.proposer_id)
    return found is not None and who.kind == "person" and who.id in found.people


async def one(
    pool: asyncpg.Pool, outlines: Outlines, who: Actor, proposal_id: str, org: OrgChart, at: datetime
) -> pb.Proposal:
    async with reading(pool, who.tenant) as con:
        row = (await proposals.some(con, who.tenant, [proposal_id])).get(proposal_id)
        if row is None:
            raise unknown("proposal", proposal_id, "proposal_id")
        # Decided: with the map as it was just before, so that the arithmetic stays what people had before them.
        as_of = AsOf(recorded_at=from_datetime(_before(row.decided_at))) if row.decided_at else AsOf()
        state = await read_cycle(con, outlines, who.tenant, row.cycle_id, org, moment(as_of, org, at))
        proposed = ChangeProposed.FromString(row.proposed)
        await state.load(con, [change.kpi_id for change in proposed.changes])
    reply = _proposal(row, state, who)
    addition = proposed.addition if proposed.HasField("addition") else None
    reply.reconciliations.extend(reconciled(state.outline, proposed.changes, addition))
    return reply


async def preview(
    pool: asyncpg.Pool, outlines: Outlines, who: Actor, request: pb.PreviewProposal, org: OrgChart, at: datetime
) -> pb.ProposalPreview:
    """The arithmetic and the decider of a proposal that is still being written."""
    async with reading(pool, who.tenant) as con:
        state = await read_cycle(con, outlines, who.tenant, request.cycle_id, org, moment(AsOf(), org, at))
        await state.load(con, [change.kpi_id for change in request.changes])
    addition = request.addition if request.HasField("addition") else None
    reply = pb.ProposalPreview(reconciliations=reconciled(state.outline, request.changes, addition))
    found, obstacle = _deciders(state, request.changes, addition, who.id)
    reply.obstacle = obstacle or _stale(state, request.changes)
    if found:
        reply.approver.CopyFrom(owner(org, found.people[0]))
        reply.approval.CopyFrom(right_of(found, found.people[0]))
    return reply


def _proposal(row: ProposalRow, state: CycleState, who: Actor) -> pb.Proposal:
    """As much of it as can be shown: one proposal takes no page from the others."""
    try:
        return _shown(row, state, who)
    except Exception as error:
        unshown("proposal", row.proposal_id, error)
        shown: Any = row.state  # stored as the enum's number
        return pb.Proposal(proposal_id=row.proposal_id, cycle_id=row.cycle_id, state=shown, unshown=True)


def _shown(row: ProposalRow, state: CycleState, who: Actor) -> pb.Proposal:
    proposed = ChangeProposed.FromString(row.proposed)
    waiting = row.state == t.PROPOSAL_STATE_PROPOSED
    reply = pb.Proposal(
        proposal_id=row.proposal_id,
        cycle_id=row.cycle_id,
        reason_class=proposed.reason_class,
        title=proposed.title,
        reason=proposed.reason,
        proposer=owner(state.org, proposed.proposer_id),
        proposed_at=from_datetime(row.proposed_at),
        state=row.state,  # type: ignore[arg-type] # stored as the enum's number
        changes=[
            pb.ProposedChange(
                kpi=state.kpi(kpi),
                before=change.before,
                after=change.after,
                floor=change.floor if change.HasField("floor") else None,
                stretch=change.stretch if change.HasField("stretch") else None,
                baseline=change.baseline if change.HasField("baseline") else None,
            )
            for change in proposed.changes
            if (kpi := state.kpis.get(change.kpi_id))
        ],
        addition=proposed.addition if proposed.HasField("addition") else None,
        added_kpi_id=row.added_kpi_id,
        may_withdraw=waiting and who.id == proposed.proposer_id,
    )
    if waiting:
        addition = proposed.addition if proposed.HasField("addition") else None
        found, obstacle = _deciders(state, proposed.changes, addition, proposed.proposer_id)
        reply.obstacle = obstacle or _stale(state, proposed.changes) or _ended(state, proposed.reason_class)
        if found:
            asked = who.id if who.id in found.people else found.people[0]
            reply.approver.CopyFrom(owner(state.org, asked))
            reply.approval.CopyFrom(right_of(found, asked))
            reply.may_decide = who.kind == "person" and who.id in found.people
    elif row.decided_at:
        reply.decided_at.CopyFrom(from_datetime(row.decided_at))
        reply.approver.CopyFrom(actor(state.org, row.decided_by))
        reply.approval.CopyFrom(t.Approval.FromString(row.approval))
        reply.decision_reason.CopyFrom(PersonalText.FromString(row.reason))
    return reply


def reconciled(
    outline: Outline, changes: Iterable[t.TargetChange], addition: t.KpiDraft | None
) -> list[pb.Reconciliation]:
    """Each check of the branch that a proposal touches, as things are and as they would be."""
    changes = list(changes)
    targets = {change.kpi_id: value for change in changes if (value := to_decimal(change.after)) is not None}
    starts = {change.kpi_id for change in changes} | ({addition.parent.kpi_id} if addition else set[str]())
    touched = starts | {above for kpi in starts for above in outline.above(kpi)}
    judged = touched | outline.judged_by(starts)
    before = _by_kind(c for c in outline.found if c.kpi_id in judged)
    after = _by_kind(reconcile([*outline.nodes(outline.counted_for(judged), targets), *_added(addition)], judged))
    changed = [key for key in before | after if key[0] in touched or before.get(key) != after.get(key)]
    changed = [key for key in changed if key[1] or key in after]  # what was not checked and now is shows its checks
    return [
        pb.Reconciliation(
            kpi_id=kpi_id,
            kpi_name=outline.stubs[kpi_id].name,
            unit=outline.stubs[kpi_id].unit,
            kind=kind,
            before=_check(before.get((kpi_id, kind))),
            after=_check(then := after.get((kpi_id, kind))),
            not_checked=then.reason if isinstance(then, NotChecked) else pb.NotChecked.REASON_UNSPECIFIED,
        )
        for kpi_id, kind in changed
        if kpi_id in outline.stubs
    ]


def _by_kind(found: Iterable[Check | NotChecked]) -> dict[tuple[str, pb.Shortfall.Kind.ValueType], Check | NotChecked]:
    """By KPI and kind of check; of what is not checked the kind is unspecified."""
    return {(c.kpi_id, c.kind if isinstance(c, Check) else pb.Shortfall.KIND_UNSPECIFIED): c for c in found}


def _check(check: Check | NotChecked | None) -> pb.Reconciliation.Check | None:
    if not isinstance(check, Check):
        return None
    return pb.Reconciliation.Check(
        reached=from_decimal(check.reached),
        wanted=from_decimal(check.wanted),
        arithmetic=check.arithmetic,
        short=check.short,
        over=check.over,
    )


def _added(addition: t.KpiDraft | None) -> list[Node]:
    if addition is None or to_decimal(addition.measure.target) is None:
        return []
    m = addition.measure
    return [Node(ADDED, m.kind, m.unit, Decimal(m.target.value), addition.parent.kpi_id, m.volume_kpi_id, m.direction)]


def _deciders(
    state: CycleState, changes: Sequence[t.TargetChange], addition: t.KpiDraft | None, proposer: str
) -> tuple[Deciders | None, str]:
    """Who decides, or the stable reason why nobody can."""
    rows = [state.kpis[change.kpi_id] for change in changes if change.kpi_id in state.kpis]
    touched = [Responsibility(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id) for row in rows]
    if addition is not None and addition.level:
        touched.append(Responsibility("", addition.level, tuple(addition.owner_ids), addition.unit_id))
    if not touched:
        return None, ""
    try:
        return deciders(touched, proposer, state.org), ""
    except Rejected as refusal:
        return None, refusal.reason


def _stale(state: CycleState, changes: Iterable[t.TargetChange]) -> str:
    """Why a proposal cannot be approved as it stands: a number has moved, or a KPI has ended."""

    def stands(change: t.TargetChange) -> bool:
        row = state.kpis.get(change.kpi_id)
        return row is not None and not moved(kpis.measure(row), change)

    return "" if all(map(stands, changes)) else "PROPOSAL_STALE"


def _ended(state: CycleState, reason_class: t.ReasonClass.ValueType) -> str:
    """Why nothing of an ended cycle changes: what it aimed at is only corrected."""
    ended = state.cycle.ends_on < state.when.on
    return "CYCLE_ENDED" if ended and reason_class != t.REASON_CLASS_CORRECTION else ""


def _before(instant: datetime) -> datetime:
    return instant - timedelta(microseconds=1)
