"""A proposal as a page shows it: before and after, whether it adds up, who decides and who would be told."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Deciders, Responsibility
from eventkit.errors import Rejected, unknown
from eventkit.subscriptions.table import reading
from eventkit.telemetry import unshown
from eventkit.values import from_datetime
from nhip.common.v1.time_pb2 import AsOf
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed
from services.goals.domain.alignment import target_of
from services.goals.domain.approval import deciders, right_of
from services.goals.domain.before_decision import whom_it_concerns
from services.goals.domain.kpi_change import AsItIs, moved
from services.goals.domain.proposal import additions_of
from services.goals.domain.rebasing import rebased
from services.goals.queries import kpis, links, proposals, strategy
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.named_links import named_links
from services.goals.queries.outlines import Outlines
from services.goals.queries.owners import actor, owner
from services.goals.queries.proposal_sums import Asked, reconciled, told
from services.goals.views.kpi import KpiRow
from services.goals.views.proposal import ProposalRow


async def one(
    pool: asyncpg.Pool, outlines: Outlines, who: Actor, proposal_id: str, org: OrgChart, at: datetime
) -> pb.Proposal:
    async with reading(pool, who.tenant) as con:
        row = (await proposals.some(con, who.tenant, [proposal_id])).get(proposal_id)
        if row is None:
            raise unknown("proposal", proposal_id, "proposal_id")
        # Decided: with the map as it was just before, so that the arithmetic stays what people had before them.
        over = row.state != t.PROPOSAL_STATE_PROPOSED
        as_of = AsOf(recorded_at=from_datetime(_before(row.decided_at))) if row.decided_at and over else AsOf()
        state = await read_cycle(con, outlines, who.tenant, row.cycle_id, org, moment(as_of, org, at))
        proposed = ChangeProposed.FromString(row.proposed)
        await state.load(con, [change.kpi_id for change in proposed.changes])
        names = await strategy.names(con, who.tenant, state.when.known, state.when.on)
        overtaken = [] if over else await _overtaken(con, state, proposed)
    reply = shown(row, state, who, names)
    asked = Asked(state.outline, proposed.changes, additions_of(proposed))
    reply.reconciliations.extend(reconciled(asked))
    reply.overtaken_by.extend(overtaken)
    if reply.state == t.PROPOSAL_STATE_PROPOSED:
        reply.told.extend(told(asked, org, reply.approval.approver_id))
    return reply


async def preview(
    pool: asyncpg.Pool, outlines: Outlines, who: Actor, request: pb.PreviewProposal, org: OrgChart, at: datetime
) -> pb.ProposalPreview:
    """The arithmetic, the decider and who would be told of a proposal that is still being written."""
    async with reading(pool, who.tenant) as con:
        state = await read_cycle(con, outlines, who.tenant, request.cycle_id, org, moment(AsOf(), org, at))
        await state.load(con, [change.kpi_id for change in request.changes])
    asked = Asked(state.outline, request.changes, additions_of(request))
    reply = pb.ProposalPreview(reconciliations=reconciled(asked))
    found, obstacle = _deciders(state, asked.changes, asked.additions, who.id)
    reply.obstacle = obstacle or _stale(state, asked.changes)
    if found:
        reply.approver.CopyFrom(owner(org, found.people[0]))
        reply.approval.CopyFrom(right_of(found, found.people[0]))
    reply.told.extend(told(asked, org, reply.approval.approver_id))
    return reply


def shown(row: ProposalRow, state: CycleState, who: Actor, names: Mapping[str, str] | None = None) -> pb.Proposal:
    """As much of it as can be shown: one proposal takes no page from the others.

    `names`: what goals and success factors are called, where that is to be said.
    """
    try:
        return _shown(row, state, who, names or {})
    except Exception as error:
        unshown("proposal", row.proposal_id, error)
        state_of: Any = row.state  # stored as the enum's number
        return pb.Proposal(proposal_id=row.proposal_id, cycle_id=row.cycle_id, state=state_of, unshown=True)


def _shown(row: ProposalRow, state: CycleState, who: Actor, names: Mapping[str, str]) -> pb.Proposal:
    proposed = ChangeProposed.FromString(row.proposed)
    additions = additions_of(proposed)
    added = {draft.key: draft.name for draft in additions if draft.key}

    def called(parent: t.Parent) -> str:
        id = target_of(parent)
        stub = state.outline.stubs.get(id)
        return added.get(id) or names.get(id) or (stub.name if stub else "")

    waiting = row.state == t.PROPOSAL_STATE_PROPOSED
    reply = pb.Proposal(
        proposal_id=row.proposal_id,
        cycle_id=row.cycle_id,
        reason_class=proposed.reason_class,
        title=proposed.title,
        reason=proposed.reason,
        meeting_id=proposed.meeting_id,
        proposer=owner(state.org, proposed.proposer_id),
        proposed_at=from_datetime(row.proposed_at),
        state=row.state,  # type: ignore[arg-type] # stored as the enum's number
        changes=[
            pb.ProposedChange(
                kpi=state.kpi(kpi),
                before=change.before if change.HasField("before") else None,
                after=change.after if change.HasField("after") else None,
                floor=change.floor if change.HasField("floor") else None,
                stretch=change.stretch if change.HasField("stretch") else None,
                baseline=change.baseline if change.HasField("baseline") else None,
                said=change.said if change.HasField("said") else None,
                parent=change.parent if change.HasField("parent") else None,
                serves_before=called(change.parent.before),
                serves_after=called(change.parent.after),
                ends=change.ends,
                further_before=named_links(change.further.before.links, called),
                further_after=named_links(change.further.after.links, called),
            )
            for change in proposed.changes
            if (kpi := state.kpis.get(change.kpi_id))
        ],
        additions=[
            pb.ProposedAddition(
                kpi=draft, kpi_id=kpi_id, serves=called(draft.parent), further=named_links(draft.further, called)
            )
            for draft, kpi_id in zip(additions, row.added_kpi_ids or [""] * len(additions), strict=True)
        ],
        addition=additions[0] if additions else None,
        added_kpi_id=row.added_kpi_ids[0] if row.added_kpi_ids else "",
        may_withdraw=waiting and who.id == proposed.proposer_id,
        invited=[
            pb.Invited(
                person=owner(state.org, one.person_id),
                kind=one.kind,
                kpi_name=_invited_to(one, state, additions),
                accepted=one.person_id in row.accepted,
            )
            for one in proposed.invitations
        ],
    )
    if waiting:
        found, obstacle = deciders_of(state, proposed)
        reply.obstacle = obstacle or _stale(state, proposed.changes) or _ended(state, proposed.reason_class)
        if found:
            asked = who.id if who.id in found.people else found.people[0]
            reply.approver.CopyFrom(owner(state.org, asked))
            reply.approval.CopyFrom(right_of(found, asked))
            reply.may_decide = who.kind == "person" and who.id in found.people and not row.given
        people = {one.person_id for one in proposed.invitations} - set(row.accepted)
        reply.may_answer = who.kind == "person" and who.id in people
        reply.may_comment = who.kind == "person" and (
            who.id in (proposed.proposer_id, *(found.people if found else ())) or who.id in _concerned(state, proposed)
        )
        if row.given:
            reply.given_by.CopyFrom(actor(state.org, row.decided_by))
        days = int(state.org.settings.on(state.when.on).proposal_days)
        reply.expires_at.CopyFrom(from_datetime(row.proposed_at + timedelta(days=days)))
        moved_on = _rebased(state, proposed)
        if moved_on is not None:
            reply.rebased.extend(moved_on)
            reply.may_rebase = who.id == proposed.proposer_id and bool(moved_on or additions)
    elif row.decided_at:
        reply.decided_at.CopyFrom(from_datetime(row.decided_at))
        reply.approver.CopyFrom(actor(state.org, row.decided_by))
        reply.approval.CopyFrom(t.Approval.FromString(row.approval))
        reply.decision_reason.CopyFrom(PersonalText.FromString(row.reason))
    return reply


def _invited_to(one: t.Invitation, state: CycleState, additions: Sequence[t.KpiDraft]) -> str:
    """What the KPI is called that is to be theirs."""
    if not one.kpi_id:
        return additions[one.addition].name
    row = state.kpis.get(one.kpi_id)
    return row.name if row else ""


def _concerned(state: CycleState, proposed: ChangeProposed) -> set[str]:
    known = {id: kpis.state(row) for id, row in state.kpis.items()}
    return whom_it_concerns(proposed.changes, additions_of(proposed), known, state.org)


def _rebased(state: CycleState, proposed: ChangeProposed) -> list[t.TargetChange] | None:
    """The changes as they would be put on what stands now; None where nothing of it moved, or a KPI has ended."""
    found: list[t.TargetChange] = []
    for change in proposed.changes:
        row = state.kpis.get(change.kpi_id)
        if row is None:
            return None
        if now := rebased(change, _as_it_is(state, row)):
            found.append(now)
    return found if found != list(proposed.changes) else None


async def _overtaken(con: asyncpg.Connection, state: CycleState, proposed: ChangeProposed) -> list[pb.Overtaking]:
    """The proposals that came into force since, and changed what this one replaces."""
    stale = [change.kpi_id for change in proposed.changes if not _stands(state, change)]
    by = {state.kpis[id].proposal_id for id in stale if id in state.kpis}
    by |= {state.links[id].proposal_id for id in stale if id in state.links}
    rows = await proposals.some(con, state.tenant, sorted(by - {""}))
    return [
        pb.Overtaking(
            proposal_id=row.proposal_id,
            title=ChangeProposed.FromString(row.proposed).title,
            decided_by=actor(state.org, row.decided_by),
            decided_at=from_datetime(row.decided_at),
        )
        for row in rows.values()
        if row.decided_at
    ]


def deciders_of(state: CycleState, proposed: ChangeProposed) -> tuple[Deciders | None, str]:
    """Who decides about a proposal, or the stable reason why nobody can."""
    return _deciders(state, proposed.changes, additions_of(proposed), proposed.proposer_id)


def _deciders(
    state: CycleState, changes: Sequence[t.TargetChange], additions: Sequence[t.KpiDraft], proposer: str
) -> tuple[Deciders | None, str]:
    touched: list[Responsibility] = []
    for change in changes:
        if row := state.kpis.get(change.kpi_id):
            after = change.said.after
            owners = tuple(after.owners.ids if after.HasField("owners") else row.owner_ids)
            unit = after.unit_id if after.HasField("unit_id") else row.unit_id
            touched.append(Responsibility(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id))
            touched.append(Responsibility(row.kpi_id, row.level, owners, unit))
    touched += [Responsibility("", d.level, tuple(d.owner_ids), d.unit_id) for d in additions if d.level]
    if not touched:
        return None, ""
    try:
        return deciders(touched, proposer, state.org), ""
    except Rejected as refusal:
        return None, refusal.reason


def _stale(state: CycleState, changes: Sequence[t.TargetChange]) -> str:
    """Why a proposal cannot be approved as it stands: something has moved, or a KPI has ended."""

    return "" if all(_stands(state, change) for change in changes) else "PROPOSAL_STALE"


def _stands(state: CycleState, change: t.TargetChange) -> bool:
    row = state.kpis.get(change.kpi_id)
    return row is not None and not moved(_as_it_is(state, row), change)


def _as_it_is(state: CycleState, row: KpiRow) -> AsItIs:
    parent = links.parent(state.links.get(row.kpi_id)) or t.Parent()
    return AsItIs(kpis.measure(row), kpis.said(row), parent, state.further.get(row.kpi_id, ()))


def _ended(state: CycleState, reason_class: t.ReasonClass.ValueType) -> str:
    """Why nothing of an ended cycle changes: what it aimed at is only corrected."""
    if state.cycle.state in (t.CYCLE_STATE_CLOSING, t.CYCLE_STATE_CLOSED):
        return "CYCLE_CLOSED"
    ended = state.cycle.ends_on < state.when.on
    return "CYCLE_ENDED" if ended and reason_class != t.REASON_CLASS_CORRECTION else ""


def _before(instant: datetime) -> datetime:
    return instant - timedelta(microseconds=1)
