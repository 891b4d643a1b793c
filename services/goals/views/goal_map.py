"""The goal map of a cycle, now or as of any moment: joins KPIs, links, progress, strategy and people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.checkpoint import OWN_FEED
from eventkit.context import acting_id
from eventkit.directory.facts import Everyone
from eventkit.errors import unknown
from eventkit.table import reading
from eventkit.telemetry import unshown
from eventkit.values import from_date, from_datetime, from_decimal, rounded, to_date, to_datetime
from nhip.common.v1.time_pb2 import Applied, AsOf
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.domain import reconciliation
from services.goals.domain.reconciliation import Check, Node, NotChecked
from services.goals.domain.standing import Scale, Value, standing
from services.goals.views import kpi as kpi_view
from services.goals.views import link as link_view
from services.goals.views import progress as progress_view
from services.goals.views import strategy
from services.goals.views.kpi import KpiRow
from services.goals.views.link import LinkRow
from services.goals.views.strategy import CycleRow

KPI, PROGRESS = kpi_view.KpiView(), progress_view.ProgressView()
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both clocks, with nothing left open."""

    on: date
    known: datetime
    past: bool
    """It is not now."""

    def message(self, at: datetime) -> AsOf:
        return AsOf(effective_on=from_date(self.on), recorded_at=from_datetime(min(self.known, at)))


def moment(as_of: AsOf, everyone: Everyone, at: datetime) -> Moment:
    """What a request asks for; absent parts are now. A day or instant that is still to come is now, too."""
    today = everyone.today(at)
    on = min(to_date(as_of.effective_on) or today, today)
    known = to_datetime(as_of.recorded_at) if as_of.HasField("recorded_at") else FOREVER
    return Moment(on, known, past=on < today or known < at)


@dataclass(frozen=True, slots=True)
class CycleState:
    """What is known of a cycle at a moment: what map, KPI page and proposals are made of."""

    cycle: CycleRow
    when: Moment
    kpis: Mapping[str, KpiRow]
    links: Mapping[str, LinkRow]
    values: Mapping[str, Value]
    everyone: Everyone

    def kpi(self, row: KpiRow) -> pb.Kpi:
        """A KPI as the contract shows it. What is stored of one and cannot be shown takes nothing from the others."""
        parent = link_view.parent(self.links.get(row.kpi_id))
        link = self.links.get(row.kpi_id)
        unit = self.everyone.units.get(row.unit_id)
        owners = row.owner_ids or ([unit.head_id] if unit and unit.head_id else [])
        shown = pb.Kpi(
            kpi_id=row.kpi_id,
            cycle_id=row.cycle_id,
            name=row.name,
            statement=row.statement,
            level=row.level,  # type: ignore[arg-type] # stored as the enum's number
            owners=[owner(self.everyone, id) for id in owners],
            unit_id=row.unit_id,
            unit_name=unit.name if unit else "",
            weight=row.weight,
            parent=parent,
            why=link.why if link else "",
            unaligned=parent is None,
            retired=row.retired,
        )
        try:
            shown.measure.CopyFrom(kpi_view.measure(row))
            shown.standing.CopyFrom(self.standing(row))
        except Exception as error:
            unshown("kpi", row.kpi_id, error)
            shown.unshown = True
        return shown

    def standing(self, row: KpiRow) -> pb.Standing:
        value = self.values.get(row.kpi_id)
        scale = Scale(row.kind, row.direction, row.target, row.baseline, row.floor, row.stretch)  # type: ignore[arg-type]
        where = standing(
            scale,
            value,
            starts_on=self.cycle.starts_on,
            ends_on=self.cycle.ends_on,
            since=row.defined_on,
            day=self.when.on,
        )
        return pb.Standing(
            current=from_decimal(value.value) if value else None,
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
        )

    def nodes(self, targets: Mapping[str, Decimal] | None = None) -> list[Node]:
        """The KPIs of the tree for adding up, some with other targets."""
        return [
            Node(
                row.kpi_id,
                row.kind,  # type: ignore[arg-type] # stored as the enum's number
                row.unit,
                (targets or {}).get(row.kpi_id, row.target),
                parent_kpi=link.parent_id if (link := self.links.get(row.kpi_id)) and link.parent_kind == "kpi" else "",
                volume_kpi=row.volume_kpi_id,
                direction=row.direction,  # type: ignore[arg-type]
            )
            for row in self.kpis.values()
        ]

    def reconciled(self, targets: Mapping[str, Decimal] | None = None, *added: Node) -> list[Check | NotChecked]:
        return reconciliation.reconcile([*self.nodes(targets), *added])

    def findings(self) -> tuple[list[pb.Shortfall], list[pb.NotChecked]]:
        """What does not add up, and what cannot be checked."""
        found = self.reconciled()
        shortfalls = [
            pb.Shortfall(
                kpi_id=c.kpi_id,
                kind=c.kind,
                reached=from_decimal(c.reached),
                wanted=from_decimal(c.wanted),
                arithmetic=c.arithmetic,
                over=c.over,
            )
            for c in found
            if isinstance(c, Check) and c.fails
        ]
        return shortfalls, [pb.NotChecked(kpi_id=c.kpi_id, reason=c.reason) for c in found if isinstance(c, NotChecked)]

    def path_up(self, kpi_id: str) -> list[LinkRow]:
        """The links from a KPI up to where it ends, nearest first."""
        path: list[LinkRow] = []
        while (link := self.links.get(kpi_id)) and link.parent_kind and len(path) < len(self.links):
            path.append(link)
            if link.parent_kind != "kpi":
                break
            kpi_id = link.parent_id
        return path


async def read_cycle(con: asyncpg.Connection, tenant: str, cycle_id: str, everyone: Everyone, when: Moment) -> CycleState:
    """Raises `Rejected` CYCLE_UNKNOWN."""
    row = await strategy.cycle(con, tenant, cycle_id)
    if row is None:
        raise unknown("cycle", cycle_id, "cycle_id")
    kpis = await kpi_view.of_cycle(con, tenant, cycle_id, when.known, when.on)
    links = await link_view.of_cycle(con, tenant, cycle_id, when.known, when.on)
    values = await progress_view.current(con, tenant, [k.kpi_id for k in kpis], when.known, when.on)
    return CycleState(row, when, {k.kpi_id: k for k in kpis}, links, values, everyone)


async def goal_map(pool: asyncpg.Pool, tenant: str, request: pb.GetMap, everyone: Everyone, at: datetime, partition: int) -> pb.GoalMap:
    when = moment(request.as_of, everyone, at)
    async with reading(pool, tenant) as con:
        state = await read_cycle(con, tenant, request.cycle_id, everyone, when)
        goals = await strategy.goals(con, tenant, when.known)
        csfs = await strategy.csfs(con, tenant, when.known)
        changed = await kpi_view.changed_on(con, tenant, request.cycle_id, when.known)
        now = await targets_now(con, tenant, request.cycle_id, everyone, when, at)
        how_far = await applied(con, partition)
    shortfalls, not_checked = state.findings()
    kpis = [with_target_now(state.kpi(row), row, now) for row in state.kpis.values()]
    return pb.GoalMap(
        cycle=strategy.cycle_message(state.cycle),
        as_of=when.message(at),
        past=when.past,
        goals=goals,
        csfs=csfs,
        kpis=kpis,
        shortfalls=shortfalls,
        not_checked=not_checked,
        changed_on=[from_date(day) for day in changed],
        applied=how_far,
    )


def _share(share: Decimal | None) -> PbDecimal | None:
    return None if share is None else from_decimal(rounded(share, 4))


async def targets_now(
    con: asyncpg.Connection, tenant: str, cycle_id: str, everyone: Everyone, when: Moment, at: datetime
) -> Mapping[str, KpiRow]:
    """Today's versions, for saying what a past target has become; none when now is shown."""
    if not when.past:
        return {}
    return {row.kpi_id: row for row in await kpi_view.of_cycle(con, tenant, cycle_id, FOREVER, everyone.today(at))}


def with_target_now(kpi: pb.Kpi, row: KpiRow, now: Mapping[str, KpiRow]) -> pb.Kpi:
    current = now.get(row.kpi_id)
    if current and current.target != row.target:
        kpi.target_now.CopyFrom(from_decimal(current.target))
    return kpi


async def applied(con: asyncpg.Connection, partition: int) -> list[Applied]:
    """How far the sources of these views had been applied, in the snapshot that is read."""
    rows = await con.fetch(
        "select subscription, position from checkpoint where (subscription, partition) in (($1, $2), ($3, $4)) order by subscription",
        KPI.subscription,
        OWN_FEED,
        PROGRESS.subscription,
        partition,
    )
    context = {view.subscription: view.source for view in (KPI, PROGRESS)}
    return [Applied(context=(named := context[row["subscription"]]), position=f"{named}={row['position']}") for row in rows]


def owner(everyone: Everyone, person_id: str) -> pb.Owner:
    """A person by the name of now; sealed until the reply leaves. Of a service only its id is known."""
    person = everyone.people.get(person_id)
    return pb.Owner(person_id=person_id, name=person.name if person else None)


def actor(everyone: Everyone, recorded: str) -> pb.Owner:
    """Who an event names as its actor: `person:<id>` or `service:<id>`."""
    return owner(everyone, acting_id(recorded))
