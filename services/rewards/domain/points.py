"""How many points, for how long, and the arithmetic of received points that expire (R-07, R-17)."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from eventkit.directory.facts import OrgChart
from eventkit.values import from_date, required_date
from nhip.rewards.v1 import types_pb2 as t

LARGER_FOR = frozenset({"manager", "department_head", "executive"})
"""Who praises on account of their place, and is given the larger allowance."""


@dataclass(frozen=True, slots=True)
class Lot:
    """Received points that expire together: `expires_on` is the last day on which they can be spent."""

    points: int
    expires_on: date


Lots = tuple[Lot, ...]
"""At most one for each last day, the soonest first."""


def monthly_allowance(org: OrgChart, person_id: str, today: date) -> int:
    """What a person is given for this month to give away."""
    settings = org.settings.on(today)
    larger = LARGER_FOR & (org.roles(person_id) or frozenset())
    return settings.larger_allowance if larger else settings.monthly_allowance


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def next_month(day: date) -> date:
    """The first day of the month after."""
    return last_of_month(day) + timedelta(days=1)


def last_day_of_points(received_on: date, months_to_spend: int) -> date:
    """The same day of the month so many months later, or that month's last day where it has no such day."""
    months = received_on.year * 12 + received_on.month - 1 + months_to_spend
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


def refunded(lots: Iterable[Lot], today: date, days: int) -> Lots:
    """Points that come back keep their last day, but have at least so many days more: somebody must be able to spend
    them on something else."""
    return together(*(Lot(lot.points, max(lot.expires_on, today + timedelta(days=days))) for lot in lots))


def message(lot: Lot) -> t.Lot:
    return t.Lot(points=lot.points, expires_on=from_date(lot.expires_on))


def messages(lots: Lots) -> list[t.Lot]:
    return [message(lot) for lot in lots]


def lots_of(messages: Iterable[t.Lot]) -> Lots:
    return together(*(Lot(m.points, required_date(m.expires_on)) for m in messages))
