"""What decisions about KPIs look at: loaded, so that nothing of it moves while they are made."""

from collections.abc import Iterable, Sequence

from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.changing import Circumstances
from services.goals.domain.computation import Sources
from services.goals.domain.cycle import CYCLE, Cycle, there
from services.goals.domain.kpi import KPI, existing
from services.goals.domain.strategy import CSF, GOAL, STRATEGY, THE_STRATEGY, Strategy


async def cycle_of(load: Load, cycle_id: str, field: str = "cycle_id") -> Cycle:
    """The cycle; loading it guards it, so that nothing about a KPI is decided while its cycle changes."""
    return there(await load(CYCLE, cycle_id), cycle_id, field)


async def closed_of(load: Load, cycle_ids: Iterable[str]) -> set[str]:
    """Those of some cycles that are closed."""
    return {id for id in cycle_ids if (await cycle_of(load, id)).state == t.CYCLE_STATE_CLOSED}


async def parent_exists(load: Load, parent: t.Parent) -> bool:
    """Whether the CSF or goal is there; of KPIs the alignment knows."""
    match parent.WhichOneof("target"):
        case "csf_id":
            return (await strategy_with(load, csf_ids=[parent.csf_id])).csf(parent.csf_id) is not None
        case "goal_id":
            return (await strategy_with(load, goal_ids=[parent.goal_id])).goal(parent.goal_id) is not None
        case _:
            return False


async def strategy_with(load: Load, *, goal_ids: Iterable[str] = (), csf_ids: Iterable[str] = ()) -> Strategy:
    """The strategy, with these goals and success factors wherever they were written down."""
    known = await load(STRATEGY, THE_STRATEGY)
    for goal_id in goal_ids:
        if goal_id not in known.goals:
            known = known.over(await load(GOAL, goal_id))
    for csf_id in csf_ids:
        if csf_id not in known.csfs:
            known = known.over(await load(CSF, csf_id))
    return known


async def circumstances(
    load: Load,
    cycle_id: str,
    changes: Sequence[t.TargetChange],
    additions: Sequence[t.KpiDraft],
    org: OrgChart,
    ctx: Context,
) -> Circumstances:
    """Everything that changes and additions touch."""
    cycle = await cycle_of(load, cycle_id)
    parents = [draft.parent for draft in additions]
    further = [one for draft in additions for one in draft.further]
    ids: dict[str, None] = {}
    for change in changes:
        ids.setdefault(change.kpi_id)
        parents.append(change.parent.after)
        further += change.further.after.links
    parents += [one.to for one in further]
    alignment, today = await load(ALIGNMENT, cycle.alignment_id), org.today(ctx.at)
    below = {id for change in changes if change.ends for id in alignment.cycles_below(change.kpi_id, today)}
    return Circumstances(
        cycle=cycle,
        alignment=alignment,
        closed=await closed_of(load, below),
        # With those that something is to be shared with: whether it adds up there is looked at. And with those that
        # something is to be a rate of: whether it can be.
        kpis={
            id: await load(KPI, id)
            for id in [
                *ids,
                *(one.to.kpi_id for one in further if one.HasField("share") and one.to.kpi_id),
                *filter(None, (change.said.after.volume_kpi_id for change in changes)),
            ]
        },
        parents={
            getattr(parent, kind)
            for parent in parents
            if (kind := parent.WhichOneof("target")) and await parent_exists(load, parent)
        },
        org=org,
        today=today,
        sources=await sources_of(load, additions),
    )


async def circumstances_of(
    load: Load, kpi_id: str, change: t.TargetChange, org: OrgChart, ctx: Context
) -> Circumstances:
    """The same for a change of one KPI, in its cycle."""
    kpi = existing(await load(KPI, kpi_id), kpi_id)
    return await circumstances(load, kpi.cycle_id, [change], [], org, ctx)


async def sources_of(load: Load, drafts: Iterable[t.KpiDraft]) -> Sources:
    """What some drafts are to be computed from; loaded, so that none of it ends meanwhile."""
    kpis = {id: await load(KPI, id) for draft in drafts for id in draft.computation.kpi_ids}
    cycles = {kpi.cycle_id: await load(CYCLE, kpi.cycle_id) for kpi in kpis.values() if kpi}
    return Sources(kpis, cycles)
