"""The page of one KPI and its history."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg

from eventkit.context import Actor
from eventkit.directory.facts import OrgChart
from eventkit.directory.integrations import EVERYTHING
from eventkit.directory.responsibility import Responsibility, in_scope
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from eventkit.values import FRACTION_DIGITS, from_date, from_datetime, from_decimal, plain, rounded
from nhip.checkins.v1.types_pb2 import Evidence
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import ChangeProposed
from services.goals.domain.alignment import target_of
from services.goals.domain.authority import right_to_set
from services.goals.domain.kpi import EDGES
from services.goals.domain.kpi_change import SAID, part, some_of
from services.goals.queries import computed, cycles, follow_ups, kpis, links, progress, proposals, strategy
from services.goals.queries.goal_map import (
    CycleState,
    Moment,
    applied,
    moment,
    not_checked,
    read_cycle,
    targets_now,
    with_target_now,
)
from services.goals.queries.named_links import coming, named_links
from services.goals.queries.outlines import FOREVER, Outlines
from services.goals.queries.owners import actor, owner
from services.goals.views.further_link import FurtherLinkRow
from services.goals.views.kpi import KPIS, KpiRow
from services.goals.views.link import LinkRow
from services.goals.views.progress import ProgressRow
from services.goals.views.proposal import ProposalRow
from services.goals.views.strategy import CSFS, GOALS

CHILDREN, VERSIONS, HISTORY, REPLACED, LINKED = 50, 400, 100, 50, 50
"""On one page: KPIs that serve it; targets that it had; entries of its history where no page size is given; values that
do not stand any more; KPIs that support or hinder it beside what they serve first."""
TOGETHER = 10
"""More events of one KPI than any append has."""


async def kpi_page(
    pool: asyncpg.Pool,
    outlines: Outlines,
    who: Actor,
    request: pb.GetKpi,
    org: OrgChart,
    at: datetime,
    partition: int,
) -> pb.KpiPage:
    tenant, when = who.tenant, moment(request.as_of, org, at)
    async with reading(pool, tenant) as con:
        row = await kpis.one(con, tenant, request.kpi_id, when.known, when.on)
        if row is None:
            raise unknown("kpi", request.kpi_id, "kpi_id")
        state = await read_cycle(con, outlines, tenant, row.cycle_id, org, when)
        below = state.outline.children.get(row.kpi_id, ())[:CHILDREN]
        read = await state.load(con, [row.kpi_id, *state.outline.above(row.kpi_id), *below])
        from_ = state.outline.linked_from.get(row.kpi_id, ())[:LINKED]
        coming_in = await links.further(con, tenant, from_, when.known, when.on)
        goals = {goal.goal_id: goal for goal in await strategy.goals(con, tenant, when.known, when.on)}
        csfs = {csf.csf_id: csf for csf in await strategy.csfs(con, tenant, when.known, when.on)}
        trend = await progress.trend(con, tenant, row.kpi_id, when.known, when.on)
        if row.computation and (row.kpi_id, when.on) in read.rows:
            trend = await computed.trend(con, tenant, row.kpi_id, read, when.known, when.on)
        state.trends[row.kpi_id] = trend
        replaced = await progress.replaced(con, tenant, row.kpi_id, when.known, when.on, most=REPLACED)
        delegates = await progress.delegates(con, tenant, row.kpi_id)
        versions = await kpis.versions(con, tenant, row.kpi_id, upto=when.known, most=VERSIONS)
        now = await targets_now(con, tenant, [row.kpi_id], org, when, at)
        baseline_from = await _baseline_from(con, tenant, row, org)
        how_far = await applied(con, partition)
    kpi = with_target_now(state.kpi(row), now)
    owners = {o.person_id for o in kpi.owners}
    records = who.id in owners or delegates.get(who.id, "") in owners
    path = _path(state, row.kpi_id, goals, csfs)
    findings = state.findings({row.kpi_id, *(step.kpi.kpi_id for step in path if step.HasField("kpi"))})
    closed = state.cycle.state in (t.CYCLE_STATE_CLOSING, t.CYCLE_STATE_CLOSED)
    open_ = not when.past and not closed
    return pb.KpiPage(
        kpi=kpi,
        cycle=cycles.cycle_message(state.cycle),
        as_of=when.message(at),
        past=when.past,
        path=path,
        trend=[
            pb.TrendPoint(
                occurred_on=from_date(v.occurred_on),
                value=from_decimal(rounded(v.value, FRACTION_DIGITS) if row.computation else v.value),
                confidence=v.confidence,
            )
            for v in trend
        ],
        targets=_targets(versions[::-1], when),
        children=state.shown(below),
        shortfalls=state.shortfalls(findings.failed),
        not_checked=not_checked(findings.not_checked),
        may_propose=open_ and not row.retired and who.kind == "person",
        may_set=open_ and not row.retired and _may_set(row, state, who, org),
        may_record=open_ and not row.retired and who.kind == "person" and records and not row.computation,
        applied=how_far,
        computed_from=state.computed_from(row.kpi_id),
        further=named_links(kpi.further, lambda to: _called(to, state, goals, csfs)),
        further_from=coming(row.kpi_id, state.outline, coming_in),
        baseline_from=baseline_from,
        replaced=[
            pb.ReplacedPoint(
                occurred_on=from_date(v.occurred_on),
                value=from_decimal(v.value),
                confidence=v.confidence,
                recorded_at=from_datetime(v.recorded_at),
                replaced_at=from_datetime(at),
            )
            for v, at in replaced
        ],
    )


async def _baseline_from(con: asyncpg.Connection, tenant: str, row: KpiRow, org: OrgChart) -> pb.BaselineFrom | None:
    """By what was known when it was decided that it goes on: a value that was put right since moved no baseline."""
    if row.kind != t.MEASURE_KIND_LEVEL or row.baseline is None:
        return None
    before = await follow_ups.goes_on_with(con, tenant, row.kpi_id)
    if before is None:
        return None
    kpi_id, at = before
    last = (await progress.current(con, tenant, [kpi_id], at, org.today(at))).get(kpi_id)
    if last is None or last.value != row.baseline:
        return None
    return pb.BaselineFrom(kpi_id=kpi_id, occurred_on=from_date(last.occurred_on))


def within_scope(page: pb.KpiPage, org: OrgChart, actor: Actor) -> pb.KpiPage:
    """What an integration may read of it: a KPI of its scope, and of others nothing unless all are. Raises `Rejected`
    KPI_UNKNOWN."""
    known, kpi = org.integrations.get(actor.id), page.kpi
    owners = [owner.person_id for owner in kpi.owners]
    if known is None or not in_scope(known.facts.scope, kpi.kpi_id, kpi.cycle_id, kpi.unit_id, owners, org):
        raise unknown("kpi", kpi.kpi_id, "kpi_id")
    if EVERYTHING not in known.may:
        for others in (
            "baseline_from", "path", "children", "shortfalls", "not_checked", "computed_from", "further", "further_from"
        ):  # fmt: skip
            page.ClearField(others)
        page.kpi.ClearField("further")
    return page


def _called(to: t.Parent, state: CycleState, goals: dict[str, pb.StrategicGoal], csfs: dict[str, pb.Csf]) -> str:
    id = target_of(to)
    known = state.outline.stubs.get(id) or goals.get(id) or csfs.get(id)
    return known.name if known else ""


def _may_set(row: KpiRow, state: CycleState, who: Actor, org: OrgChart) -> bool:
    if state.cycle.state != t.CYCLE_STATE_PLANNED or who.kind != "person":
        return False
    kpi = Responsibility(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id)
    return bool(right_to_set(kpi, who.id, org))


def _path(
    state: CycleState, kpi_id: str, goals: dict[str, pb.StrategicGoal], csfs: dict[str, pb.Csf]
) -> list[pb.PathStep]:
    """From the strategic goal down to the KPI's parent; of several goals that a CSF serves, the first."""
    steps: list[pb.PathStep] = []
    for above in state.outline.above(kpi_id):
        if above in state.kpis:
            steps.append(pb.PathStep(kpi=state.kpi(state.kpis[above])))
        elif above in csfs:
            steps.append(pb.PathStep(csf=csfs[above]))
            if goal := next((goals[g] for g in csfs[above].goal_ids if g in goals), None):
                steps.append(pb.PathStep(goal=goal))
        elif above in goals:
            steps.append(pb.PathStep(goal=goals[above]))
    return steps[::-1]


def _targets(versions: Sequence[KpiRow], when: Moment) -> list[pb.TargetStep]:
    """The target from each day on that it changed, as known at the moment."""
    steps: list[pb.TargetStep] = []
    last: Decimal | None = None
    for version in versions:
        if version.recorded_at <= when.known and version.effective_on <= when.on and version.target != last:
            steps.append(
                pb.TargetStep(effective_on=from_date(version.effective_on), target=from_decimal(version.target))
            )
            last = version.target
    return steps


async def history(pool: asyncpg.Pool, tenant: str, request: pb.GetKpiHistory, org: OrgChart) -> pb.KpiHistory:
    """What happened to a KPI, newest first, a page of it: who, when, why, before, after (A-01)."""
    page, kpi_id = asked(request, tenant, datetime, str, size=HISTORY), request.kpi_id
    upto = page.after[0] if page.after else FOREVER
    # Of each source as many as the page may need: those recorded at the same instant as the last one shown, and one for
    # its `before`.
    most = page.limit + TOGETHER
    async with reading(pool, tenant) as con:
        versions = await kpis.versions(con, tenant, kpi_id, upto=upto, most=most)
        aligned = await links.versions(con, tenant, kpi_id, upto=upto, most=most)
        linked = await links.further_versions(con, tenant, kpi_id, upto=upto, most=most)
        recorded = await progress.entries(con, tenant, kpi_id, upto=upto, most=most)
        first = await kpis.one(con, tenant, kpi_id, FOREVER, date.max)
        if first is None:
            raise unknown("kpi", kpi_id, "kpi_id")
        causes = {row.proposal_id for row in (*versions, *aligned, *linked) if row.proposal_id}
        proposed = await proposals.some(con, tenant, sorted(causes))
        names = await _names(con, tenant, {row.parent_id for row in aligned} | _ends(linked))
    entries = [
        _version_entry(before, v, proposed, org) for v, before in zip(versions, [*versions[1:], None], strict=False)
    ]
    entries += [
        _link_entry(before, link, names, proposed, org)
        for link, before in zip(aligned, [*aligned[1:], None], strict=False)
    ]
    entries += [
        _further_entry(before, link, names, proposed, org)
        for link, before in zip(linked, [*linked[1:], None], strict=False)
    ]
    for value in recorded:
        unit = next((v.unit for v in versions if v.recorded_at <= value.recorded_at), first.unit)
        entries.append(_progress_entry(value, unit, org))
    entries.sort(key=_place, reverse=True)
    shown, token = page.cut([e for e in entries if page.after is None or _place(e) < page.after][: page.limit], _place)
    return pb.KpiHistory(entries=shown, next_page_token=token)


def _place(entry: pb.HistoryEntry) -> tuple[datetime, str]:
    return entry.recorded_at.ToDatetime(UTC), entry.event_id


def _version_entry(
    before: KpiRow | None, row: KpiRow, proposals: dict[str, ProposalRow], org: OrgChart
) -> pb.HistoryEntry:
    entry = pb.HistoryEntry(
        event_id=row.event_id,
        recorded_at=from_datetime(row.recorded_at),
        effective_on=from_date(row.effective_on),
        actor=actor(org, row.actor),
        what=row.event,
        before=_number(before.target, row.unit) if before else "",
        after="" if row.retired else _number(row.target, row.unit),
        number_before=from_decimal(before.target) if before else None,
        number_after=None if row.retired else from_decimal(row.target),
        unit=row.unit,
        reason_class=row.reason_class,  # type: ignore[arg-type] # stored as the enum's number
        reason=PersonalText.FromString(row.reason) if row.reason else None,
        proposal_id=row.proposal_id,
    )
    for edge in EDGES if before else ():
        was, now = getattr(before, edge), getattr(row, edge)
        if was != now:
            change = t.EdgeChange(
                before=from_decimal(was) if was is not None else None,
                after=from_decimal(now) if now is not None else None,
            )
            getattr(entry, edge).CopyFrom(change)
    if before and row.event == "KpiChanged":
        was, now = kpis.said(before), kpis.said(row)
        differing = [name for name in SAID if part(was, name) != part(now, name)]
        entry.said.CopyFrom(t.SaidChange(before=some_of(was, differing), after=some_of(now, differing)))
        for field in ("before", "after", "number_before", "number_after"):
            entry.ClearField(field)
    _explained(entry, proposals, org)
    return entry


def _explained(entry: pb.HistoryEntry, proposals: dict[str, ProposalRow], org: OrgChart) -> None:
    """By the proposal that it came of: who asked for it and why, and what whoever decided said."""
    if proposal := proposals.get(entry.proposal_id):
        proposed = ChangeProposed.FromString(proposal.proposed)
        entry.reason_class = proposed.reason_class
        entry.reason.CopyFrom(proposed.reason)
        entry.decision_reason.CopyFrom(PersonalText.FromString(proposal.reason))
        entry.proposer.CopyFrom(owner(org, proposed.proposer_id))
        if proposal.decided_by:  # the last yes may have been that of somebody who was invited
            entry.actor.CopyFrom(actor(org, proposal.decided_by))


def _link_entry(
    before: LinkRow | None,
    row: LinkRow,
    names: dict[str, str],
    proposals: dict[str, ProposalRow],
    org: OrgChart,
) -> pb.HistoryEntry:
    entry = pb.HistoryEntry(
        event_id=row.event_id,
        recorded_at=from_datetime(row.recorded_at),
        effective_on=from_date(row.effective_on),
        actor=actor(org, row.actor),
        what=row.event,
        before=names.get(before.parent_id, before.parent_id) if before else "",
        after=names.get(row.parent_id, row.parent_id),
        proposal_id=row.proposal_id,
    )
    _explained(entry, proposals, org)
    return entry


def _ends(rows: Iterable[FurtherLinkRow]) -> set[str]:
    return {target_of(link.to) for row in rows for link in t.FurtherLinks.FromString(row.links).links}


def _further_entry(
    before: FurtherLinkRow | None,
    row: FurtherLinkRow,
    names: dict[str, str],
    proposals: dict[str, ProposalRow],
    org: OrgChart,
) -> pb.HistoryEntry:
    def named(of: FurtherLinkRow) -> list[pb.NamedLink]:
        return named_links(t.FurtherLinks.FromString(of.links).links, lambda to: names.get(target_of(to), ""))

    entry = pb.HistoryEntry(
        event_id=row.event_id,
        recorded_at=from_datetime(row.recorded_at),
        effective_on=from_date(row.effective_on),
        actor=actor(org, row.actor),
        what="KpiLinked",
        further_before=named(before) if before else (),
        further_after=named(row),
        proposal_id=row.proposal_id,
    )
    _explained(entry, proposals, org)
    return entry


def _progress_entry(row: ProgressRow, unit: str, org: OrgChart) -> pb.HistoryEntry:
    return pb.HistoryEntry(
        event_id=row.event_id,
        recorded_at=from_datetime(row.recorded_at),
        effective_on=from_date(row.occurred_on),
        actor=actor(org, row.actor),
        what=row.event,
        before=_number(row.before, unit) if row.before is not None else "",
        after=_number(row.value, unit) if row.value is not None else "",
        number_before=from_decimal(row.before) if row.before is not None else None,
        number_after=from_decimal(row.value) if row.value is not None else None,
        unit=unit,
        reason=PersonalText.FromString(row.note) if row.note else None,
        confidence=row.confidence,
        correction_reason=row.reason_class,  # type: ignore[arg-type] # stored as the enum's number
        moved_from=from_date(row.moved_from) if row.moved_from else None,
        evidence=Evidence.FromString(row.evidence) if row.evidence else None,
    )


def _number(value: Decimal, unit: str) -> str:
    return f"{plain(value)} {unit}".strip()


async def _names(con: asyncpg.Connection, tenant: str, of: set[str]) -> dict[str, str]:
    """What the things are called that a KPI had a link to, by id."""
    ids = sorted(of - {""})
    rows = await con.fetch(
        f"select * from (select distinct on (kpi_id) kpi_id as id, name from {KPIS} "
        "where tenant = $1 and kpi_id = any($2::text[]) order by kpi_id, version desc) named "
        f"union all (select distinct on (csf_id) csf_id, name from {CSFS} "
        "where tenant = $1 and csf_id = any($2::text[]) order by csf_id, position desc) "
        f"union all (select distinct on (goal_id) goal_id, name from {GOALS} "
        "where tenant = $1 and goal_id = any($2::text[]) order by goal_id, position desc)",
        tenant,
        ids,
    )
    return {row["id"]: row["name"] for row in rows}
