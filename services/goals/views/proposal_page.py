"""A proposal as a page shows it: before and after, whether it adds up, and who decides."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg

from eventkit.context import Actor
from eventkit.directory.facts import Everyone
from eventkit.errors import Rejected, unknown
from eventkit.table import reading
from eventkit.telemetry import unshown
from eventkit.values import from_datetime, from_decimal, to_decimal
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed
from services.goals.domain.approval import Deciders, Touched, deciders
from services.goals.domain.kpi import moved
from services.goals.domain.reconciliation import Check, Node, NotChecked
from services.goals.views import kpi as kpi_view
from services.goals.views import proposal as proposal_view
from services.goals.views.goal_map import CycleState, actor, moment, owner, read_cycle
from services.goals.views.proposal import ProposalRow

ADDED = "added"
"""Stands for the id of a KPI that a proposal would add."""


async def listed(pool: asyncpg.Pool, who: Actor, cycle_id: str, everyone: Everyone, at: datetime) -> pb.Proposals:
    async with reading(pool, who.tenant) as con:
        rows = await proposal_view.listed(con, who.tenant, cycle_id)
        states = {c: await read_cycle(con, who.tenant, c, everyone, moment(AsOf(), everyone, at)) for c in {row.cycle_id for row in rows}}
    return pb.Proposals(proposals=[_proposal(row, states[row.cycle_id], who) for row in rows])


async def one(pool: asyncpg.Pool, who: Actor, proposal_id: str, everyone: Everyone, at: datetime) -> pb.Proposal:
    async with reading(pool, who.tenant) as con:
        row = (await proposal_view.some(con, who.tenant, [proposal_id])).get(proposal_id)
        if row is None:
            raise unknown("proposal", proposal_id, "proposal_id")
        # Decided: with the map as it was just before, so that the arithmetic stays what people had before them.
        as_of = AsOf(recorded_at=from_datetime(_before(row.decided_at))) if row.decided_at else AsOf()
        state = await read_cycle(con, who.tenant, row.cycle_id, everyone, moment(as_of, everyone, at))
    reply = _proposal(row, state, who)
    proposed = ChangeProposed.FromString(row.proposed)
    reply.reconciliations.extend(reconciled(state, proposed.changes, proposed.addition if proposed.HasField("addition") else None))
    return reply


async def preview(pool: asyncpg.Pool, who: Actor, request: pb.PreviewProposal, everyone: Everyone, at: datetime) -> pb.ProposalPreview:
    """The arithmetic and the decider of a proposal that is still being written."""
    async with reading(pool, who.tenant) as con:
        state = await read_cycle(con, who.tenant, request.cycle_id, everyone, moment(AsOf(), everyone, at))
    addition = request.addition if request.HasField("addition") else None
    reply = pb.ProposalPreview(reconciliations=reconciled(state, request.changes, addition))
    found, obstacle = _deciders(state, request.changes, addition, who.id)
    reply.obstacle = obstacle or _stale(state, request.changes)
    if found:
        reply.approver.CopyFrom(owner(everyone, found.people[0]))
        reply.approval.CopyFrom(t.Approval(approver_id=found.people[0], relation=found.relation, level=found.level))
    return reply


def _proposal(row: ProposalRow, state: CycleState, who: Actor) -> pb.Proposal:
    """As much of it as can be shown: one proposal takes no page from the others."""
    try:
        return _shown(row, state, who)
    except Exception as error:
        unshown("proposal", row.proposal_id, error)
        return pb.Proposal(proposal_id=row.proposal_id, cycle_id=row.cycle_id, state=row.state, unshown=True)  # type: ignore[arg-type]


def _shown(row: ProposalRow, state: CycleState, who: Actor) -> pb.Proposal:
    proposed = ChangeProposed.FromString(row.proposed)
    waiting = row.state == t.PROPOSAL_STATE_PROPOSED
    reply = pb.Proposal(
        proposal_id=row.proposal_id,
        cycle_id=row.cycle_id,
        reason_class=proposed.reason_class,
        title=proposed.title,
        reason=proposed.reason,
        proposer=owner(state.everyone, proposed.proposer_id),
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
        reply.obstacle = obstacle or _stale(state, proposed.changes)
        if found:
            asked = who.id if who.id in found.people else found.people[0]
            reply.approver.CopyFrom(owner(state.everyone, asked))
            reply.approval.CopyFrom(t.Approval(approver_id=asked, relation=found.relation, level=found.level))
            reply.may_decide = who.kind == "person" and who.id in found.people
    elif row.decided_at:
        reply.decided_at.CopyFrom(from_datetime(row.decided_at))
        reply.approver.CopyFrom(actor(state.everyone, row.decided_by))
        reply.approval.CopyFrom(t.Approval.FromString(row.approval))
        reply.decision_reason.CopyFrom(PersonalText.FromString(row.reason))
    return reply


def reconciled(state: CycleState, changes: Iterable[t.TargetChange], addition: t.KpiDraft | None) -> list[pb.Reconciliation]:
    """Each check of the branch that a proposal touches, as things are and as they would be."""
    changes = list(changes)
    targets = {change.kpi_id: value for change in changes if (value := to_decimal(change.after)) is not None}
    starts = {change.kpi_id for change in changes} | ({addition.parent.kpi_id} if addition else set[str]())
    branch = starts | {link.parent_id for kpi in starts for link in state.path_up(kpi)}
    before = _by_kind(state.reconciled())
    after = _by_kind(state.reconciled(targets, *_added(addition)))
    touched = {link.parent_id for kpi in branch for link in state.path_up(kpi)} | branch
    changed = [key for key in before | after if key[0] in touched or before.get(key) != after.get(key)]
    changed = [key for key in changed if key[1] or key in after]  # what was not checked and now is shows its checks
    return [
        pb.Reconciliation(
            kpi_id=kpi_id,
            kpi_name=state.kpis[kpi_id].name,
            unit=state.kpis[kpi_id].unit,
            kind=kind,
            before=_check(before.get((kpi_id, kind))),
            after=_check(then := after.get((kpi_id, kind))),
            not_checked=then.reason if isinstance(then, NotChecked) else pb.NotChecked.REASON_UNSPECIFIED,
        )
        for kpi_id, kind in changed
        if kpi_id in state.kpis
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
    touched = [Touched(row.level, tuple(row.owner_ids), row.unit_id) for row in rows]  # type: ignore[arg-type] # the enum's number
    if addition is not None and addition.level:
        touched.append(Touched(addition.level, tuple(addition.owner_ids), addition.unit_id))
    if not touched:
        return None, ""
    try:
        return deciders(touched, proposer, state.everyone), ""
    except Rejected as refusal:
        return None, refusal.reason


def _stale(state: CycleState, changes: Iterable[t.TargetChange]) -> str:
    """Why a proposal cannot be approved as it stands: a number has moved, or a KPI has ended."""

    def stands(change: t.TargetChange) -> bool:
        row = state.kpis.get(change.kpi_id)
        return row is not None and not moved(kpi_view.measure(row), change)

    return "" if all(map(stands, changes)) else "PROPOSAL_STALE"


def _before(instant: datetime) -> datetime:
    return instant - timedelta(microseconds=1)
