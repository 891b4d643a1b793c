"""Where a KPI will be at the end of its cycle if it goes on as it did (G-75): a guess that says what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations
from statistics import median

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain.standing import Scale

LAST = 12
"""Values of a level that its trend is taken from: what was long ago says little."""


@dataclass(frozen=True, slots=True)
class Forecast:
    value: Decimal
    basis: pb.Forecast.Basis.ValueType
    since: date
    """The first day that it rests on."""
    values: int
    """How many values it rests on."""


def forecast(
    scale: Scale, values: Sequence[tuple[date, Decimal]], *, starts_on: date, ends_on: date, day: date
) -> Forecast | None:
    """`values` by day, the earliest first. None: fewer than two values, a milestone, or a cycle that is over or not
    begun.

    What adds up goes on at the pace so far. A level goes on by the median of its slopes, which one odd value does not
    turn, and no farther ahead than it was seen back.
    """
    known = [(on, value) for on, value in values if starts_on <= on <= min(day, ends_on)]
    if len(known) < 2 or day >= ends_on or scale.kind == t.MEASURE_KIND_MILESTONE:
        return None
    last_day, last = known[-1]
    if scale.kind == t.MEASURE_KIND_CUMULATIVE:
        start = Decimal(0) if scale.aim == pb.AIM_BUDGET else scale.baseline or Decimal(0)
        gone, whole = (last_day - starts_on).days + 1, (ends_on - starts_on).days + 1
        return Forecast(start + (last - start) * whole / gone, pb.Forecast.BASIS_PACE, starts_on, len(known))
    known = known[-LAST:]
    first_day = known[0][0]
    slope = median((b - a) / (later - sooner).days for (sooner, a), (later, b) in combinations(known, 2))
    level = median(value + slope * (last_day - on).days for on, value in known)
    ahead = min((ends_on - last_day).days, (last_day - first_day).days)
    return Forecast(level + slope * ahead, pb.Forecast.BASIS_TREND, first_day, len(known))
