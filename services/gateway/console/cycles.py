"""Which cycle a page is about."""

from collections.abc import Sequence
from datetime import date

from nhip.goals.v1 import goals_pb2
from services.gateway.console.language import day_of
from services.gateway.failures import Failure


def newest_first(cycles: Sequence[goals_pb2.Cycle]) -> list[goals_pb2.Cycle]:
    return sorted(cycles, key=lambda cycle: day_of(cycle.starts_on), reverse=True)


def choose_cycle(cycles: Sequence[goals_pb2.Cycle], wanted: str, today: date) -> goals_pb2.Cycle | None:
    """The cycle that was asked for, else the innermost that today lies in (of several the one that began last).

    Where today lies in none, the nearest.

    Raises Failure for one that is not there.
    """
    if wanted:
        found = next((cycle for cycle in cycles if cycle.cycle_id == wanted), None)
        if found is None:
            raise Failure("NOT_FOUND", "CYCLE_UNKNOWN", f"there is no cycle {wanted!r}")
        return found

    def away(cycle: goals_pb2.Cycle) -> int:
        """Days from today to the cycle; 0 within it."""
        return max((day_of(cycle.starts_on) - today).days, (today - day_of(cycle.ends_on)).days, 0)

    def days(cycle: goals_pb2.Cycle) -> tuple[int, int]:
        return -day_of(cycle.starts_on).toordinal(), day_of(cycle.ends_on).toordinal()

    return min(cycles, key=lambda cycle: (away(cycle), *days(cycle)), default=None)
