"""What decisions about KPIs look at: loaded, so that nothing of it moves while they are made."""

from collections.abc import Iterable, Sequence

from eventkit.commands.loading import Load
from eventkit.context import Context
from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.alignment import ALIGNMENT
from services.goals.domain.changing import Circumstances
from services.goals.domain.kpi import KPI
from services.goals.domain.strategy import CSF, CYCLE, GOAL, Cycle


async def cycle_of(load: Load, cycle_id: str) -> Cycle:
    """The cycle; loading it guards it, so that nothing about a KPI is decided while its cycle changes."""
    cycle = await load(CYCLE, cycle_id)
    if cycle is None:
        raise unknown("cycle", cycle_id, "cycle_id")
    return cycle


async def parent_exists(load: Load, parent: t.Parent) -> bool:
    """Whether the CSF or goal is there; of KPIs the alignment knows."""
    match parent.WhichOneof("target"):
        case "csf_id":
            return await load(CSF, parent.csf_id) is not None
        case "goal_id":
            return await load(GOAL, parent.goal_id) is not None
        case _:
            return False


async def circumstances(
    load: Load,
    cycle_id: str,
    changes: Iterable[t.TargetChange],
    additions: Sequence[t.KpiDraft],
    org: OrgChart,
    ctx: Context,
) -> Circumstances:
    """Everything that changes and additions touch."""
    cycle = await cycle_of(load, cycle_id)
    parents = [draft.parent for draft in additions]
    ids: dict[str, None] = {}
    for change in changes:
        ids.setdefault(change.kpi_id)
        parents.append(change.parent.after)
    return Circumstances(
        cycle=cycle,
        alignment=await load(ALIGNMENT, cycle.id),
        kpis={kpi_id: await load(KPI, kpi_id) for kpi_id in ids},
        parents={
            getattr(parent, kind)
            for parent in parents
            if (kind := parent.WhichOneof("target")) and await parent_exists(load, parent)
        },
        org=org,
        today=org.today(ctx.at),
    )
