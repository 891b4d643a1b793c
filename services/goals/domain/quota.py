"""How many KPIs a cycle may have, where whoever operates the installation says so (decision 55)."""

from datetime import date

from eventkit.directory.facts import OrgChart
from eventkit.errors import Rejected
from services.goals.domain.alignment import Alignment
from services.goals.domain.cycle import Cycle


def refuse_one_more(alignment: Alignment, cycle: Cycle, org: OrgChart, day: date) -> None:
    """Whether there is room in a cycle for one KPI more; what ends on the day, or ended before, takes none. Raises
    `Rejected` KPI_QUOTA."""
    _refuse(alignment, cycle, org, day, more=1)


def refuse_more(before: Alignment, after: Alignment, cycle: Cycle, org: OrgChart, day: date) -> None:
    """Whether what begins and ends on a day leaves more KPIs in a cycle than there is room for, and than there were:
    where there are too many already, whatever makes them no more is let through. Raises `Rejected` KPI_QUOTA."""
    _refuse(after, cycle, org, day, before=before)


def _refuse(
    alignment: Alignment, cycle: Cycle, org: OrgChart, day: date, *, more: int = 0, before: Alignment | None = None
) -> None:
    most = org.quotas.kpis
    if not most or len(alignment.links) + more <= most:
        return
    have = _there(alignment, cycle, day) + more
    if have > most and have > _there(before or alignment, cycle, day):
        raise Rejected(
            "KPI_QUOTA",
            f"a cycle of this company may have {most} KPIs, and {cycle.name!r} would have {have}: end some, or ask "
            "whoever operates this installation to allow more",
            parameters={"most": str(most), "have": str(have)},
        )


def _there(alignment: Alignment, cycle: Cycle, day: date) -> int:
    return sum(links[0].cycle_id == cycle.id and not alignment.ended(id, day) for id, links in alignment.links.items())
