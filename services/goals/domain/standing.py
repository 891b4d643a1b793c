"""Where a KPI is: progress, what is expected by a day, status (product decisions). Pure functions, computed when read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t

BEHIND_FROM = Decimal("0.165")
"""Share of the way that progress may lag behind time before a cumulative KPI is behind; beyond `AT_RISK_FROM` it is at risk."""
AT_RISK_FROM = Decimal("0.33")
LOW_CONFIDENCE = 3
"""Up to here confidence lowers the status one step."""
SLOT_DAYS = 14
"""A check-in every two weeks (C-02)."""
STALE_AFTER_DAYS = 2 * SLOT_DAYS

_STEPS = (pb.STATUS_EXCEEDS, pb.STATUS_ON_TRACK, pb.STATUS_BEHIND, pb.STATUS_AT_RISK)


@dataclass(frozen=True, slots=True)
class Scale:
    """A measure as numbers; None where nothing is set."""

    kind: t.MeasureKind.ValueType
    direction: t.Direction.ValueType
    target: Decimal
    baseline: Decimal | None = None
    floor: Decimal | None = None
    stretch: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """The value that is current on a day."""

    value: Decimal
    confidence: int
    occurred_on: date
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    status: pb.Status.ValueType
    progress: Decimal | None = None
    expected: Decimal | None = None


def progress(scale: Scale, value: Decimal) -> Decimal:
    """The share of the way to the target: 1 at the target, more beyond it."""
    if scale.direction == t.DIRECTION_KEEP:
        low = scale.floor if scale.floor is not None else scale.target
        high = scale.stretch if scale.stretch is not None else scale.target
        return Decimal(1) if min(low, high) <= value <= max(low, high) else Decimal(0)
    if scale.baseline is not None and scale.baseline != scale.target:
        return (value - scale.baseline) / (scale.target - scale.baseline)
    if scale.direction == t.DIRECTION_DECREASE:
        return scale.target / value if value else Decimal(1)
    return value / scale.target if scale.target else Decimal(1)


def elapsed(starts_on: date, ends_on: date, day: date) -> Decimal:
    """The share of the cycle that is over at the end of a day, 0 to 1."""
    days = (ends_on - starts_on).days + 1
    return Decimal(max(0, min(days, (day - starts_on).days + 1))) / Decimal(days)


def expected(scale: Scale, share: Decimal) -> Decimal | None:
    """Where a cumulative KPI should be by now; None for kinds that do not grow with time."""
    if scale.kind != t.MEASURE_KIND_CUMULATIVE:
        return None
    start = scale.baseline or Decimal(0)
    return start + (scale.target - start) * share


def standing(scale: Scale, current: Value | None, *, starts_on: date, ends_on: date, since: date, day: date) -> Standing:
    """Where a KPI is at the end of `day`, given its value then. `since` is when it came to be."""
    until = min(day, ends_on)
    share = elapsed(starts_on, ends_on, day)
    wanted = expected(scale, share)
    last = current.occurred_on if current else max(starts_on, min(since, until))
    reached = progress(scale, current.value) if current else None
    done = scale.kind == t.MEASURE_KIND_MILESTONE and reached is not None and reached >= 1
    if (until - last).days >= STALE_AFTER_DAYS and not done:
        return Standing(pb.STATUS_STALE, reached, wanted)
    if current is None or reached is None:
        return Standing(pb.STATUS_NOT_STARTED, None, wanted)
    status = _status(scale, current.value, reached, share)
    if current.confidence <= LOW_CONFIDENCE:
        status = _STEPS[min(_STEPS.index(status) + 1, len(_STEPS) - 1)]
    return Standing(status, reached, wanted)


def _status(scale: Scale, value: Decimal, reached: Decimal, share: Decimal) -> pb.Status.ValueType:
    if scale.stretch is not None and scale.direction != t.DIRECTION_KEEP and _at_least(scale, value, scale.stretch):
        return pb.STATUS_EXCEEDS
    match scale.kind:
        case t.MEASURE_KIND_CUMULATIVE:
            gap = share - reached
            return pb.STATUS_ON_TRACK if gap < BEHIND_FROM else pb.STATUS_BEHIND if gap <= AT_RISK_FROM else pb.STATUS_AT_RISK
        case t.MEASURE_KIND_MILESTONE:
            return pb.STATUS_ON_TRACK if reached >= 1 or share < 1 else pb.STATUS_AT_RISK
        case _:
            if reached >= 1:
                return pb.STATUS_ON_TRACK
            if scale.floor is not None and not _at_least(scale, value, scale.floor):
                return pb.STATUS_AT_RISK
            return pb.STATUS_AT_RISK if scale.direction == t.DIRECTION_KEEP else pb.STATUS_BEHIND


def _at_least(scale: Scale, value: Decimal, mark: Decimal) -> bool:
    """As good as a mark, in the direction of the measure."""
    return value <= mark if scale.direction == t.DIRECTION_DECREASE else value >= mark
