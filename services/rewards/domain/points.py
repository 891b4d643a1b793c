"""How many points, for how long, and the arithmetic of received points that expire (R-07, R-17)."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from eventkit.directory.facts import OrgChart
from eventkit.values import from_date, required_date
from nhip.rewards.v1 import types_pb2 as t

POINTS_PER_PRAISE = 10
"""What a praise for one person carries; a unit's praise shares as many among its members."""
MONTHLY_ALLOWANCE = 60
LARGER_ALLOWANCE = 100
LARGER_FOR = frozenset({"manager", "department_head", "executive"})
"""Who praises on account of their place, and is given the larger allowance."""
MONTHS_TO_SPEND = 12
"""How long received points buy gifts."""
DAYS_AFTER_REFUND = 30
"""What points that come back have at least: somebody must be able to spend them on something else."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Received points that expire together: `expires_on` is the last day on which they can be spent."""

    points: int
    expires_on: date


Lots = tuple[Lot, ...]
"""At most one for each last day, the soonest first."""


def monthly_allowance(org: OrgChart, person_id: str) -> int:
    """What a person is given on the first of a month to give away."""
    return LARGER_ALLOWANCE if LARGER_FOR & (org.roles(person_id) or frozenset()) else MONTHLY_ALLOWANCE


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def next_month(day: date) -> date:
    """The first day of the month after."""
    return last_of_month(day) + timedelta(days=1)


def last_day_of_points(received_on: date) -> date:
    """The same day of the month `MONTHS_TO_SPEND` later, or that month's last day where it has no such day."""
    months = received_on.year * 12 + received_on.month - 1 + MONTHS_TO_SPEND
    month = date(months // 12, months % 12 + 1, 1)
    return month.replace(day=min(received_on.day, last_of_month(month).day))


def total(lots: Iterable[Lot]) -> int:
    return sum(lot.points for lot in lots)


def together(*lots: Lot) -> Lots:
    """In order, those of the same last day as one."""
    points: dict[date, int] = {}
    for lot in lots:
        points[lot.expires_on] = points.get(lot.expires_on, 0) + lot.points
    return tuple(Lot(points[day], day) for day in sorted(points) if points[day])


def soonest(lots: Lots, points: int) -> Lots:
    """So many points of these, those that expire first."""
    taken: list[Lot] = []
    for lot in lots:
        take = min(lot.points, points)
        if take:
            taken.append(Lot(take, lot.expires_on))
        points -= take
    return tuple(taken)


def without(lots: Lots, taken: Iterable[Lot]) -> Lots:
    """What is left when some were taken."""
    return together(*lots, *(Lot(-lot.points, lot.expires_on) for lot in taken))


def over(lots: Lots, today: date) -> Lots:
    """Those that can be spent no more."""
    return tuple(lot for lot in lots if lot.expires_on < today)


def refunded(lots: Iterable[Lot], today: date) -> Lots:
    """Points that come back keep their last day, but have at least `DAYS_AFTER_REFUND` more."""
    return together(*(Lot(lot.points, max(lot.expires_on, today + timedelta(days=DAYS_AFTER_REFUND))) for lot in lots))


def message(lot: Lot) -> t.Lot:
    return t.Lot(points=lot.points, expires_on=from_date(lot.expires_on))


def messages(lots: Lots) -> list[t.Lot]:
    return [message(lot) for lot in lots]


def lots_of(messages: Iterable[t.Lot]) -> Lots:
    return together(*(Lot(m.points, required_date(m.expires_on)) for m in messages))
