"""How many KPIs a cycle may have, where whoever operates the installation says so (decision 55)."""

from datetime import date

from eventkit.directory.facts import OrgChart
from eventkit.errors import Rejected
from services.goals.domain.alignment import Alignment
from services.goals.domain.cycle import Cycle


def refuse_over(alignment: Alignment, cycle: Cycle, org: OrgChart, day: date, *, more: int = 0) -> None:
    """Whether there is room in a cycle for its KPIs and so many more; what ends on the day, or ended before, takes
    none. Raises `Rejected` KPI_QUOTA."""
    most = org.quotas.kpis
    if not most or len(alignment.links) + more <= most:
        return
    there = sum(links[0].cycle_id == cycle.id and not alignment.ended(id, day) for id, links in alignment.links.items())
    if (have := there + more) > most:
        raise Rejected(
            "KPI_QUOTA",
            f"a cycle of this company may have {most} KPIs, and {cycle.name!r} would have {have}: end some, or ask "
            "whoever operates this installation to allow more",
            parameters={"most": str(most), "have": str(have)},
        )
