"""How a cycle stands: KPIs by status, and what is missing for it to be whole."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import answerable
from eventkit.process.service import Resources
from eventkit.rpc.paging import asked
from eventkit.subscriptions.table import reading
from eventkit.telemetry import unshown
from eventkit.values import from_decimal
from nhip.common.v1.time_pb2 import AsOf
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.domain.standing import Thresholds
from services.goals.queries import cycles, strategy
from services.goals.queries.goal_map import CycleState, moment, read_cycle
from services.goals.queries.outline import Outline
from services.goals.queries.outlines import Outlines
from services.goals.queries.owners import owner
from services.goals.views.progress import ProgressView

PAGE, MOVED = 100, 20
"""Gaps on a page without a size; KPIs that a preview names."""
REMEMBERED = 8
"""Cycles that were looked through; of each the gaps, some megabytes of a large company."""
PROGRESS = ProgressView().subscription
VALUES_AT = """
select (select position from checkpoint where subscription = $1 and partition = $2), count(*), sum(position)
from parked where subscription = $1
"""
WHOLE = Decimal(100)
"""What somebody's weights add up to (G-45)."""
Key = str
"""Where a gap stands among those of its kind: what a page goes on behind."""


@dataclass(frozen=True, slots=True)
class Found:
    """All KPIs of a cycle, looked through once."""

    statuses: Mapping[tuple[int, int], int]
    gaps: Mapping[int, Sequence[tuple[Key, pb.Gap]]]


@dataclass(frozen=True, slots=True)
class _Of:
    """What an overview was made of: while all of it is the same, so is the overview."""

    outline: Outline
    """The same object until something happens to its cycle."""
    values: Sequence[object]
    """How far values had been applied, and which of them are parked."""
    people: int
    day: date


class Overviews:
    """The cycles that were looked through last, each remembered for as long as nothing about it changes."""

    def __init__(self, resources: Resources, outlines: Outlines):
        self.pool, self._outlines, self._partition = resources.pool, outlines, resources.partition("checkins")
        self._found: OrderedDict[tuple[str, str], tuple[_Of, Found]] = OrderedDict()

    async def look(
        self, con: asyncpg.Connection, tenant: str, cycle_id: str, org: OrgChart, at: datetime
    ) -> tuple[CycleState, Found]:
        """A cycle as of now, looked through. Raises `Rejected` CYCLE_UNKNOWN."""
        state = await read_cycle(con, self._outlines, tenant, cycle_id, org, moment(AsOf(), org, at))
        values = await con.fetchrow(VALUES_AT, PROGRESS, self._partition(tenant))
        assert values is not None
        of = _Of(state.outline, tuple(values), org.position, state.when.on)
        known, found = self._found.get((tenant, cycle_id), (None, None))
        if known is None or found is None or known != of:
            await state.load_many(con, state.outline.own)
            # Twenty thousand KPIs take some tenths of a second, beside the event loop.
            found = await asyncio.to_thread(_through, state, org)
            self._found[tenant, cycle_id] = of, found
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        self._found.move_to_end((tenant, cycle_id))
        return state, found


async def overview(
    overviews: Overviews, tenant: str, request: pb.GetOverview, org: OrgChart, at: datetime
) -> pb.Overview:
    async with reading(overviews.pool, tenant) as con:
        state, found = await overviews.look(con, tenant, request.cycle_id, org, at)
        goals = await strategy.goals(con, tenant, state.when.known, state.when.on)
        csfs = await strategy.csfs(con, tenant, state.when.known, state.when.on)
    return pb.Overview(
        cycle=cycles.cycle_message(state.cycle),
        goals=len(goals),
        csfs=len(csfs),
        statuses=[
            pb.StatusCount(level=level, status=status, count=count)  # type: ignore[arg-type] # enums by number
            for (level, status), count in sorted(found.statuses.items())
        ],
        gaps=[pb.GapCount(kind=kind, count=len(of_kind)) for kind, of_kind in found.gaps.items() if of_kind],  # type: ignore[arg-type] # likewise
    )


async def gaps(overviews: Overviews, tenant: str, request: pb.ListGaps, org: OrgChart, at: datetime) -> pb.Gaps:
    page = asked(request, tenant, str, size=PAGE)
    async with reading(overviews.pool, tenant) as con:
        _, found = await overviews.look(con, tenant, request.cycle_id, org, at)
    rest = [one for one in found.gaps[request.kind] if page.after is None or one[0] > page.after[0]]
    shown, token = page.cut(rest[: page.limit], lambda one: (one[0],))
    return pb.Gaps(gaps=[gap for _, gap in shown], next_page_token=token)


async def preview(
    pool: asyncpg.Pool, outlines: Outlines, tenant: str, request: pb.PreviewStatuses, org: OrgChart, at: datetime
) -> pb.StatusPreview:
    """What status every KPI has today, and would have by other numbers."""
    when = moment(AsOf(), org, at)
    async with reading(pool, tenant) as con:
        state = await read_cycle(con, outlines, tenant, request.cycle_id, org, when)
        await state.load_many(con, state.outline.own)
    settings = org.settings.on(min(when.on, state.cycle.ends_on))
    settings.MergeFrom(request.settings)
    return await asyncio.to_thread(_moves, state, replace(state, thresholds=Thresholds.of(settings)), org)


def _moves(now: CycleState, then: CycleState, org: OrgChart) -> pb.StatusPreview:
    counted: Counter[tuple[int, int]] = Counter()
    people, moved = set[str](), list[pb.MovedKpi]()
    for id, stub in sorted(now.outline.own.items(), key=lambda one: one[1].place):
        before, after = _status(now, id), _status(then, id)
        if before == after:
            continue
        counted[before, after] += 1
        people.update(answerable(stub.owner_ids, stub.unit_id, org))
        if len(moved) < MOVED:
            moved.append(pb.MovedKpi(kpi_id=id, name=stub.name, before=before, after=after))  # type: ignore[arg-type] # enums by number
    return pb.StatusPreview(
        kpis=len(now.outline.own),
        moves=[
            pb.StatusMove(before=before, after=after, count=count)  # type: ignore[arg-type] # likewise
            for (before, after), count in sorted(counted.items())
        ],
        people=len(people),
        moved=moved,
    )


async def uneven_weights(overviews: Overviews, tenant: str, cycle_id: str, org: OrgChart, at: datetime) -> int:
    """How many people's weights in a cycle do not add up to 100."""
    async with reading(overviews.pool, tenant) as con:
        _, found = await overviews.look(con, tenant, cycle_id, org, at)
    return uneven(found)


def uneven(found: Found) -> int:
    return len(found.gaps[pb.GAP_KIND_WEIGHTS])


def _through(state: CycleState, org: OrgChart) -> Found:
    statuses: Counter[tuple[int, int]] = Counter()
    weights: dict[str, Decimal] = {}
    unaligned, stubs = set(state.outline.loose), state.outline.own
    of_kpis: dict[int, list[tuple[Key, pb.Gap]]] = {
        pb.GAP_KIND_UNALIGNED: [],
        pb.GAP_KIND_OWNERLESS: [],
        pb.GAP_KIND_STALE: [],
    }
    for id, stub in stubs.items():
        status = _status(state, id)
        statuses[stub.level, status] += 1
        who = answerable(stub.owner_ids, stub.unit_id, org)
        for person in who:
            weights[person] = weights.get(person, Decimal()) + stub.weight
        lacking = {
            pb.GAP_KIND_UNALIGNED: id in unaligned,
            pb.GAP_KIND_OWNERLESS: not who,
            pb.GAP_KIND_STALE: status == pb.STATUS_STALE,
        }
        if kinds := [kind for kind, lacks in lacking.items() if lacks]:
            gap = pb.Gap(person=owner(org, who[0]) if who else None, kpi_id=id, kpi_name=stub.name)
            for kind in kinds:
                of_kpis[kind].append((f"{stub.level:02}/{stub.position:020}", gap))
    idle = [person for person in sorted(org.people) if org.is_active(person) and person not in weights]
    uneven = [person for person, weight in sorted(weights.items()) if weight != WHOLE]
    return Found(
        statuses,
        {
            pb.GAP_KIND_NO_KPI: [(person, pb.Gap(person=owner(org, person))) for person in idle],
            pb.GAP_KIND_WEIGHTS: [
                (person, pb.Gap(person=owner(org, person), weight=from_decimal(weights[person]))) for person in uneven
            ],
            **{kind: sorted(found, key=lambda one: one[0]) for kind, found in of_kpis.items()},
        },
    )


def _status(state: CycleState, kpi_id: str) -> int:
    """Unspecified where something stored of it cannot be computed with."""
    try:
        return state.status(state.kpis[kpi_id])
    except Exception as error:
        unshown("kpi", kpi_id, error)
        return pb.STATUS_UNSPECIFIED
