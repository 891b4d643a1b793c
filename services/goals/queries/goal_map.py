"""The goal map of a cycle, now or as of any moment: joins KPIs, links, progress, strategy and people."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import asyncpg
from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility, answering
from eventkit.rpc.paging import Page, asked
from eventkit.subscriptions.checkpoint import OWN_FEED
from eventkit.subscriptions.table import reading
from eventkit.telemetry import unshown
from eventkit.values import (
    FRACTION_DIGITS,
    from_date,
    from_datetime,
    from_decimal,
    plain,
    rounded,
    to_date,
    to_datetime,
    to_decimal,
)
from nhip.common.v1.time_pb2 import Applied, AsOf
from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import formula
from services.goals.domain.collaboration import collaborates
from services.goals.domain.computing import Computed
from services.goals.domain.forecast import forecast
from services.goals.domain.kpi import whole
from services.goals.domain.reconciliation import Check, NotChecked
from services.goals.domain.standing import Scale, Standing, Thresholds, Value, standing
from services.goals.queries import computed, cycles, goal_values, kpis, links, progress, strategy
from services.goals.queries.cycles import Family
from services.goals.queries.outline import MOST, Outline
from services.goals.queries.outlines import FOREVER, Outlines
from services.goals.queries.owners import owner
from services.goals.views.cycle import CycleRow
from services.goals.views.kpi import KpiRow, KpiView
from services.goals.views.link import LinkRow
from services.goals.views.progress import ProgressView

KPI, PROGRESS = KpiView(), ProgressView()
AT_A_TIME = 1000
"""KPIs that are read at once: their rows are made in some hundredths of a second."""
BRANCH, LOOSE, FINDINGS = 100, 50, 100
"""On a map without a page size: KPIs of one branch; KPIs that serve nothing; sums that do not add up."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both clocks, with nothing left open."""

    on: date
    known: datetime
    past: bool
    """It is not now."""

    def message(self, at: datetime) -> AsOf:
        return AsOf(effective_on=from_date(self.on), recorded_at=from_datetime(min(self.known, at)))


def moment(as_of: AsOf, org: OrgChart, at: datetime) -> Moment:
    """What a request asks for; absent parts are now. A day or instant that is still to come is now, too."""
    today = org.today(at)
    on = min(to_date(as_of.effective_on) or today, today)
    known = to_datetime(as_of.recorded_at) if as_of.HasField("recorded_at") else FOREVER
    return Moment(on, known, past=on < today or known < at)


@dataclass(frozen=True, slots=True)
class CycleState:
    """What is known of a cycle at a moment, with those around it and in it: what map, KPI page and proposals show.

    Its KPIs are there as far as they were loaded.
    """

    tenant: str
    family: Family
    when: Moment
    org: OrgChart
    outline: Outline
    thresholds: Thresholds
    kpis: dict[str, KpiRow] = field(default_factory=dict[str, KpiRow])
    links: dict[str, LinkRow] = field(default_factory=dict[str, LinkRow])
    further: dict[str, Sequence[t.FurtherLink]] = field(default_factory=dict[str, Sequence[t.FurtherLink]])
    """What else they support or hinder, those of them that do."""
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    results: dict[str, Computed] = field(default_factory=dict[str, Computed])
    """The values of those that are computed, or why there are none; and what they are computed from."""
    sources: dict[str, KpiRow] = field(default_factory=dict[str, KpiRow])
    trends: dict[str, list[Value]] = field(default_factory=dict[str, list[Value]])
    """The values by day, of KPIs whose forecast is asked for."""
    others: dict[str, Thresholds] = field(default_factory=dict[str, Thresholds])
    """What KPIs of the cycles around it and in it are judged by, as far as it was asked for."""

    @property
    def cycle(self) -> CycleRow:
        return self.family.cycle

    async def load(self, con: asyncpg.Connection, kpi_ids: Iterable[str]) -> computed.Read:
        """Read some KPIs of the cycle whole; those that have ended, or are of another one, are left out. Answers what
        those of them were computed from that are computed."""
        ids = [id for id in dict.fromkeys(kpi_ids) if id not in self.kpis]
        if not ids:
            return computed.Read()
        tenant, known, on = self.tenant, self.when.known, self.when.on
        rows = await kpis.some(con, tenant, ids, known, on)
        here = self.family.rows
        self.kpis.update((row.kpi_id, row) for row in rows if not row.retired and row.cycle_id in here)
        self.links.update(await links.some(con, tenant, ids, known, on))
        self.further.update(await links.further(con, tenant, ids, known, on))
        self.values.update(await progress.current(con, tenant, ids, known, on))
        read_rows = [self.kpis[id] for id in ids if id in self.kpis]
        results, read = await computed.computed(con, tenant, read_rows, known, on)
        self.sources.update((row.kpi_id, row) for row in read.rows.values())
        for id, result in results.items():
            self.results[id] = result
            if result.value is None:
                self.values.pop(id, None)
            else:
                self.values[id] = result.value
        return read

    async def load_many(self, con: asyncpg.Connection, kpi_ids: Iterable[str]) -> None:
        """The same of thousands, some at a time: whoever else is answered meanwhile does not wait for all of them."""
        ids = list(kpi_ids)
        for start in range(0, len(ids), AT_A_TIME):
            await self.load(con, ids[start : start + AT_A_TIME])

    async def load_trends(self, con: asyncpg.Connection, kpi_ids: Iterable[str]) -> None:
        """Read all values of some KPIs that were loaded, for their forecasts."""
        ids = [id for id in kpi_ids if id in self.kpis]
        self.trends.update(await progress.trends(con, self.tenant, ids, self.when.known, self.when.on))

    def shown(self, kpi_ids: Iterable[str]) -> list[pb.Kpi]:
        """KPIs that were loaded, as the contract shows them."""
        return [self.kpi(self.kpis[id]) for id in kpi_ids if id in self.kpis]

    def kpi(self, row: KpiRow) -> pb.Kpi:
        """A KPI as the contract shows it. What is stored of one and cannot be shown takes nothing from the others."""
        parent = links.parent(self.links.get(row.kpi_id))
        link = self.links.get(row.kpi_id)
        unit = self.org.units.get(row.unit_id)
        shown = pb.Kpi(
            kpi_id=row.kpi_id,
            cycle_id=row.cycle_id,
            name=row.name,
            statement=row.statement,
            level=row.level,  # type: ignore[arg-type] # stored as the enum's number
            owners=[
                owner(self.org, id, stands_in_for=leaver)
                for id, leaver in answering(row.owner_ids, row.unit_id, self.org).items()
            ],
            unit_id=row.unit_id,
            unit_name=unit.name if unit else "",
            weight=whole(row.weight),
            exact_weight=from_decimal(row.weight) if row.weight != whole(row.weight) else None,
            parent=parent,
            why=link.why if link else "",
            unaligned=parent is None,
            retired=row.retired,
            children=len(self.outline.children.get(row.kpi_id, ())),
            below=self.outline.below(row.kpi_id),
            helpers=[owner(self.org, id) for id in row.helper_ids],
            evaluator=owner(self.org, row.evaluator_id) if row.evaluator_id else None,
            owner_ids=row.owner_ids,
            computation=computed.computation(row),
            collaborates=self._collaborates(row, parent),
            measuring=t.Measuring.FromString(row.measuring) if row.measuring else None,
            further=self.further.get(row.kpi_id, ()),
        )
        try:
            shown.measure.CopyFrom(kpis.measure(row))
            shown.standing.CopyFrom(self.standing(row))
        except Exception as error:
            unshown("kpi", row.kpi_id, error)
            shown.unshown = True
        return shown

    def _collaborates(self, row: KpiRow, parent: t.Parent | None) -> bool:
        served = self.outline.stubs.get(parent.kpi_id) if parent else None
        if served is None:
            return False
        own = Responsibility(row.kpi_id, row.level, tuple(row.owner_ids), row.unit_id)
        return collaborates(own, Responsibility(served.id, served.level, served.owner_ids, served.unit_id), self.org)

    def status(self, row: KpiRow) -> pb.Status.ValueType:
        return self._where(row, _scale(row)).status

    def _where(self, row: KpiRow, scale: Scale) -> Standing:
        cycle = self.family.rows[row.cycle_id]
        return standing(
            scale,
            self.values.get(row.kpi_id),
            self._judged_by(cycle),
            starts_on=cycle.starts_on,
            ends_on=cycle.ends_on,
            since=row.defined_on,
            day=self.when.on,
        )

    def standing(self, row: KpiRow) -> pb.Standing:
        value, scale = self.values.get(row.kpi_id), _scale(row)
        where = self._where(row, scale)
        return pb.Standing(
            current=from_decimal(_current(value.value, row)) if value else None,
            progress=_share(where.progress),
            expected=from_decimal(rounded(where.expected, 1)) if where.expected is not None else None,
            status=where.status,
            confidence=value.confidence if value else 0,
            occurred_on=from_date(value.occurred_on) if value else None,
            recorded_at=from_datetime(value.recorded_at) if value else None,
            aim=scale.aim,
            met=where.met,
            no_share=where.no_share,
            used=_share(where.used),
            recorded_by=value.recorded_by if value else "",
            forecast=self._forecast(row, scale),
            not_computed=self._not_computed(row.kpi_id),
        )

    def _not_computed(self, kpi_id: str) -> pb.NotComputed | None:
        result = self.results.get(kpi_id)
        if result is None or result.value is not None:
            return None
        about = self.sources.get(result.about)
        return pb.NotComputed(reason=result.why, kpi_id=result.about, kpi_name=about.name if about else "")

    def computed_from(self, kpi_id: str) -> pb.ComputedFrom | None:
        """What the value of a computed KPI was computed from."""
        result = self.results.get(kpi_id)
        if result is None or result.term is None or not result.parts:
            return None
        shown = {part.name: plain(rounded(part.value, FRACTION_DIGITS)) for part in result.parts}
        parts = [
            pb.ComputedPart(
                kpi_id=part.kpi_id,
                kpi_name=self.sources[part.kpi_id].name,
                unit=self.sources[part.kpi_id].unit,
                value=from_decimal(rounded(part.value, FRACTION_DIGITS)),
                on=from_date(part.on),
            )
            for part in result.parts
        ]
        return pb.ComputedFrom(arithmetic=formula.text(result.term, shown), parts=parts)

    def _forecast(self, row: KpiRow, scale: Scale) -> pb.Forecast | None:
        cycle, trend = self.family.rows[row.cycle_id], self.trends.get(row.kpi_id, ())
        days = [(value.occurred_on, value.value) for value in trend]
        found = forecast(scale, days, starts_on=cycle.starts_on, ends_on=cycle.ends_on, day=self.when.on)
        if found is None:
            return None
        value = rounded(found.value, 0 if abs(found.value) >= 100 else 2)
        return pb.Forecast(
            value=from_decimal(value),
            basis=found.basis,
            since=from_date(found.since),
            values=found.values,
            met=scale.meets(value),
        )

    def _judged_by(self, cycle: CycleRow) -> Thresholds:
        if cycle is self.cycle:
            return self.thresholds
        if cycle.cycle_id not in self.others:
            self.others[cycle.cycle_id] = thresholds(cycle, self.when, self.org)
        return self.others[cycle.cycle_id]

    def findings(self, kpi_ids: Container[str] | None = None) -> "Findings":
        """What does not add up, and what cannot be checked: of the whole cycle, or of some KPIs."""
        found = [c for c in self.outline.found if kpi_ids is None or c.kpi_id in kpi_ids]
        return Findings(
            [c for c in found if isinstance(c, Check) and c.fails], [c for c in found if isinstance(c, NotChecked)]
        )

    def shortfalls(self, checks: Iterable[Check]) -> list[pb.Shortfall]:
        """Checks that failed, as the contract shows them."""
        return [
            pb.Shortfall(
                kpi_id=c.kpi_id,
                kpi_name=self.outline.stubs[c.kpi_id].name,
                kind=c.kind,
                reached=from_decimal(c.reached),
                wanted=from_decimal(c.wanted),
                arithmetic=c.arithmetic,
                over=c.over,
            )
            for c in checks
        ]


def _scale(row: KpiRow) -> Scale:
    return Scale(row.kind, row.direction, row.target, row.baseline, row.floor, row.stretch)  # type: ignore[arg-type] # enums by number


@dataclass(frozen=True, slots=True)
class Findings:
    failed: Sequence[Check]
    not_checked: Sequence[NotChecked]


def not_checked(found: Iterable[NotChecked]) -> list[pb.NotChecked]:
    return [pb.NotChecked(kpi_id=c.kpi_id, reason=c.reason) for c in found]


async def read_cycle(
    con: asyncpg.Connection, outlines: Outlines, tenant: str, cycle_id: str, org: OrgChart, when: Moment
) -> CycleState:
    """A cycle with its outline; its KPIs are loaded as they are needed. Raises `Rejected` CYCLE_UNKNOWN."""
    family = await cycles.family(con, tenant, cycle_id)
    outline = await outlines.read(con, tenant, family, when.known, when.on)
    return CycleState(tenant, family, when, org, outline, thresholds(family.cycle, when, org))


def thresholds(cycle: CycleRow, when: Moment, org: OrgChart) -> Thresholds:
    """What KPIs of a cycle were judged by at a moment; of one that is over, on its last day."""
    return Thresholds.of(org.settings.on(min(when.on, cycle.ends_on), when.known))


async def goal_map(
    pool: asyncpg.Pool,
    outlines: Outlines,
    tenant: str,
    request: pb.GetMap,
    org: OrgChart,
    at: datetime,
    partition: int,
) -> pb.GoalMap:
    """The unfolded part of a cycle's map; or, of one branch, a page of the KPIs that serve it directly."""
    when = moment(request.as_of, org, at)
    page = asked(request, tenant, int, int, size=BRANCH)
    async with reading(pool, tenant) as con:
        state = await read_cycle(con, outlines, tenant, request.cycle_id, org, when)
        every = (
            await strategy.goals(con, tenant, when.known, when.on),
            await strategy.csfs(con, tenant, when.known, when.on),
        )
        most = 0 if request.under_id else request.page_size or MOST
        goals, csfs = every[0][:most], every[1][:most]
        await goal_values.with_values(con, tenant, goals, when.known, when.on)
        shown, next_page_token = _shown(state.outline, [*goals, *csfs], request, page)
        await state.load(con, shown)
        now = await targets_now(con, tenant, shown, org, when, at)
        how_far = await applied(con, partition)
    findings = state.findings()
    for top in (*goals, *csfs):
        id = top.goal_id if isinstance(top, pb.StrategicGoal) else top.csf_id
        top.children, top.below = len(state.outline.children.get(id, ())), state.outline.below(id)
    return pb.GoalMap(
        cycle=cycles.cycle_message(state.cycle),
        as_of=when.message(at),
        past=when.past,
        goals=goals,
        csfs=csfs,
        kpis=[with_target_now(kpi, now) for kpi in state.shown(shown)],
        shortfalls=state.shortfalls(findings.failed[:FINDINGS]),
        not_checked=not_checked(findings.not_checked[:FINDINGS]),
        shortfall_count=len(findings.failed),
        not_checked_count=len(findings.not_checked),
        changed_on=[from_date(change.day) for change in state.outline.changes],
        changes=[
            pb.MapChange(
                day=from_date(day), added=added, lowered=lowered, raised=raised, said=said, linked=linked, ended=ended
            )
            for day, added, lowered, raised, said, linked, ended in state.outline.changes
        ],
        applied=how_far,
        counts=_counts(state.outline),
        whole=(len(goals), len(csfs), len(shown)) == (*map(len, every), len(state.outline.stubs)),
        next_page_token=next_page_token,
    )


def _shown(
    outline: Outline, tops: Sequence[pb.StrategicGoal | pb.Csf], request: pb.GetMap, page: Page
) -> tuple[list[str], str]:
    """Which KPIs a map has, in its order; and the token of a branch's next page."""
    if request.under_id:
        children = [outline.stubs[id] for id in outline.children.get(request.under_id, ())]
        rest = [stub for stub in children if page.after is None or stub.place > page.after]
        cut, token = page.cut(rest[: page.limit], lambda stub: stub.place)
        return [stub.id for stub in cut], token
    ids = [top.goal_id if isinstance(top, pb.StrategicGoal) else top.csf_id for top in tops]
    found = outline.unfolded(ids, request.open_ids, request.focus_ids)
    sought = [id for id in request.focus_ids if id in outline.stubs]
    return sorted({*found, *outline.loose[:LOOSE], *sought}, key=lambda id: outline.stubs[id].place)[
        : request.page_size or None
    ], ""


def _counts(outline: Outline) -> pb.MapCounts:
    levels = outline.levels
    return pb.MapCounts(
        company=levels.get(t.LEVEL_COMPANY, 0),
        department=levels.get(t.LEVEL_DEPARTMENT, 0),
        individual=levels.get(t.LEVEL_INDIVIDUAL, 0),
        unaligned=len(outline.loose),
    )


def _current(value: Decimal, row: KpiRow) -> Decimal:
    """What was entered as it stands, what is computed as far as anybody could enter it."""
    return rounded(value, FRACTION_DIGITS) if row.computation else value


def _share(share: Decimal | None) -> PbDecimal | None:
    return None if share is None else from_decimal(rounded(share, 4))


async def targets_now(
    con: asyncpg.Connection, tenant: str, kpi_ids: Sequence[str], org: OrgChart, when: Moment, at: datetime
) -> Mapping[str, Decimal]:
    """Today's targets, for saying what a past one has become; none when now is shown."""
    if not when.past:
        return {}
    return {
        row.kpi_id: row.target
        for row in await kpis.some(con, tenant, kpi_ids, FOREVER, org.today(at))
        if not row.retired
    }


def with_target_now(kpi: pb.Kpi, now: Mapping[str, Decimal]) -> pb.Kpi:
    current = now.get(kpi.kpi_id)
    if current is not None and current != to_decimal(kpi.measure.target):
        kpi.target_now.CopyFrom(from_decimal(current))
    return kpi


async def applied(con: asyncpg.Connection, partition: int) -> list[Applied]:
    """How far the sources of these views had been applied, in the snapshot that is read."""
    rows = await con.fetch(
        "select subscription, position from checkpoint where (subscription, partition) in (($1, $2), ($3, $4)) order "
        "by subscription",
        KPI.subscription,
        OWN_FEED,
        PROGRESS.subscription,
        partition,
    )
    context = {view.subscription: view.source for view in (KPI, PROGRESS)}
    return [
        Applied(context=(named := context[row["subscription"]]), position=f"{named}={row['position']}") for row in rows
    ]
