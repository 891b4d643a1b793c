"""Where a KPI is: progress, what is expected by a day, status (D-01, D-02, D-03).

Pure functions, computed when read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from nhip.people.v1.settings_pb2 import Settings

_STEPS = (pb.STATUS_EXCEEDS, pb.STATUS_ON_TRACK, pb.STATUS_BEHIND, pb.STATUS_AT_RISK)
_NOUGHT = Decimal(0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a tenant judges by."""

    behind: Decimal
    """Share of the way that progress may lag behind time, or the use of a budget run ahead of it, before a KPI is
    behind."""
    at_risk: Decimal
    """Beyond it a KPI is at risk."""
    low_confidence: int
    """Up to here confidence lowers the status one step."""
    stale_days: int
    """Days without a value after which a KPI is stale."""

    @classmethod
    def of(cls, settings: Settings) -> Thresholds:
        behind, at_risk = Decimal(settings.behind_gap.value), Decimal(settings.at_risk_gap.value)
        return cls(behind / 100, at_risk / 100, settings.low_confidence, settings.stale_days)


@dataclass(frozen=True, slots=True)
class Scale:
    """A measure as numbers; None where nothing is set."""

    kind: t.MeasureKind.ValueType
    direction: t.Direction.ValueType
    target: Decimal
    baseline: Decimal | None = None
    floor: Decimal | None = None
    stretch: Decimal | None = None

    @property
    def aim(self) -> pb.Aim.ValueType:
        """What the target is for."""
        if self.kind == t.MEASURE_KIND_MILESTONE:  # done or not: there is no other way than up
            return pb.AIM_REACH
        match self.direction:
            case t.DIRECTION_KEEP:
                return pb.AIM_BAND
            case t.DIRECTION_DECREASE:
                return pb.AIM_BUDGET if self.kind == t.MEASURE_KIND_CUMULATIVE else pb.AIM_CEILING
            case _:
                return pb.AIM_REACH

    @property
    def grows(self) -> bool:
        """A count to be reached: once there, it stays there."""
        return self.aim == pb.AIM_REACH and self.kind != t.MEASURE_KIND_LEVEL

    @property
    def band(self) -> tuple[Decimal, Decimal]:
        """From where to where it is to be kept."""
        edges = [self.target if edge is None else edge for edge in (self.floor, self.stretch)]
        return min(edges), max(edges)

    def as_good_as(self, value: Decimal, mark: Decimal) -> bool:
        """In the direction of the measure, whatever the signs."""
        return value <= mark if self.aim in (pb.AIM_BUDGET, pb.AIM_CEILING) else value >= mark

    def meets(self, value: Decimal) -> bool:
        """The target is reached, the budget or the ceiling not passed, the band kept."""
        if self.aim == pb.AIM_BAND:
            low, high = self.band
            return low <= value <= high
        return self.as_good_as(value, self.target)

    def exceeds(self, value: Decimal) -> bool:
        return self.aim != pb.AIM_BAND and self.stretch is not None and self.as_good_as(value, self.stretch)

    def unacceptable(self, value: Decimal) -> bool:
        """Under the floor; outside of a band."""
        if self.aim == pb.AIM_BAND:
            return not self.meets(value)
        return self.floor is not None and not self.as_good_as(value, self.floor)


@dataclass(frozen=True, slots=True)
class Value:
    """The value that is current on a day."""

    value: Decimal
    confidence: int
    occurred_on: date
    recorded_at: datetime
    recorded_by: str = ""
    """The person who did; empty: no person."""


@dataclass(frozen=True, slots=True)
class Standing:
    status: pb.Status.ValueType
    progress: Decimal | None = None
    expected: Decimal | None = None
    used: Decimal | None = None
    met: bool = False
    no_share: pb.NoShare.ValueType = pb.NO_SHARE_UNSPECIFIED


def progress(scale: Scale, value: Decimal) -> Decimal | pb.NoShare.ValueType:
    """The share of the way: 1 at the target, more beyond it, below 0 farther away than at the start; or why there is
    none.

    From a baseline (value − baseline) / (target − baseline), whatever the signs and the direction. Without one: of what
    is to be reached, and of a budget, the share of a target above zero; of a ceiling the way from its floor to its
    target.
    """
    if scale.aim == pb.AIM_BAND:
        return pb.NO_SHARE_BAND
    if scale.baseline is not None:
        way = scale.target - scale.baseline
        return (value - scale.baseline) / way if way else pb.NO_SHARE_BASELINE_IS_TARGET
    if scale.aim == pb.AIM_CEILING:
        if scale.floor is None or not scale.target <= value <= scale.floor or scale.floor == scale.target:
            return pb.NO_SHARE_CEILING
        return (scale.floor - value) / (scale.floor - scale.target)
    return value / scale.target if scale.target > 0 else pb.NO_SHARE_TARGET_NOT_ABOVE_ZERO


def used(scale: Scale, value: Decimal) -> Decimal | None:
    """The share of a budget that is used: a count begins at zero, whatever it was before."""
    return value / scale.target if scale.aim == pb.AIM_BUDGET and scale.target > 0 else None


def elapsed(starts_on: date, ends_on: date, day: date) -> Decimal:
    """The share of the cycle that is over at the end of a day, 0 to 1."""
    days = (ends_on - starts_on).days + 1
    return Decimal(max(0, min(days, (day - starts_on).days + 1))) / Decimal(days)


def expected(scale: Scale, share: Decimal) -> Decimal | None:
    """Where the KPI should be by now, of a budget at most; None where nothing grows with time."""
    if scale.kind != t.MEASURE_KIND_CUMULATIVE:
        return None
    if scale.aim == pb.AIM_BUDGET:
        return scale.target * share if scale.target > 0 else None
    if scale.aim == pb.AIM_BAND or (scale.baseline is None and scale.target <= 0):
        return None
    start = scale.baseline or _NOUGHT
    return start + (scale.target - start) * share


def standing(
    scale: Scale,
    current: Value | None,
    thresholds: Thresholds,
    *,
    starts_on: date,
    ends_on: date,
    since: date,
    day: date,
) -> Standing:
    """Where a KPI is at the end of `day`, given its value then and what judges it. `since`: when it came to be."""
    until = min(day, ends_on)
    share = elapsed(starts_on, ends_on, day)
    wanted = expected(scale, share)
    last = current.occurred_on if current else max(starts_on, min(since, until))
    stale = (until - last).days >= thresholds.stale_days
    if current is None:
        return Standing(pb.STATUS_STALE if stale else pb.STATUS_NOT_STARTED, expected=wanted)
    value = current.value
    way = progress(scale, value)
    reached, no_share = (way, pb.NO_SHARE_UNSPECIFIED) if isinstance(way, Decimal) else (None, way)
    status = (
        _outcome(scale, value, stale=stale)
        if day > ends_on
        else _pace(scale, current, thresholds, reached, share, stale=stale)
    )
    return Standing(status, reached, wanted, used(scale, value), scale.meets(value), no_share)


def _pace(
    scale: Scale,
    current: Value,
    thresholds: Thresholds,
    reached: Decimal | None,
    share: Decimal,
    *,
    stale: bool,
) -> pb.Status.ValueType:
    """While the cycle runs."""
    value = current.value
    if scale.aim == pb.AIM_BUDGET and value > scale.target:
        return pb.STATUS_AT_RISK  # what is counted does not become less: it is lost, however old the news
    if stale and not (scale.kind == t.MEASURE_KIND_MILESTONE and scale.meets(value)):
        return pb.STATUS_STALE
    status = _status(scale, value, thresholds, reached, share)
    if current.confidence <= thresholds.low_confidence:
        status = _STEPS[min(_STEPS.index(status) + 1, len(_STEPS) - 1)]
    return status


def _status(
    scale: Scale, value: Decimal, thresholds: Thresholds, reached: Decimal | None, share: Decimal
) -> pb.Status.ValueType:
    if scale.aim == pb.AIM_BUDGET:
        ahead = (
            used(scale, value) or _NOUGHT
        ) - share  # a budget of zero that is not passed has nothing to run ahead with
        if ahead <= thresholds.behind:
            return pb.STATUS_ON_TRACK
        return pb.STATUS_BEHIND if ahead <= thresholds.at_risk else pb.STATUS_AT_RISK
    if scale.exceeds(value):
        return pb.STATUS_EXCEEDS
    if scale.kind == t.MEASURE_KIND_MILESTONE:
        return pb.STATUS_ON_TRACK if scale.meets(value) or share < 1 else pb.STATUS_AT_RISK
    low, _ = scale.band
    if scale.aim == pb.AIM_BAND and scale.kind == t.MEASURE_KIND_CUMULATIVE and 0 <= value < low:
        reached = value / low  # a count grows into its band
    if scale.kind == t.MEASURE_KIND_CUMULATIVE and reached is not None:
        gap = share - reached
        if gap < thresholds.behind:
            return pb.STATUS_ON_TRACK
        return pb.STATUS_BEHIND if gap <= thresholds.at_risk else pb.STATUS_AT_RISK
    if scale.meets(value):
        return pb.STATUS_ON_TRACK
    return pb.STATUS_AT_RISK if scale.unacceptable(value) else pb.STATUS_BEHIND


def _outcome(scale: Scale, value: Decimal, *, stale: bool) -> pb.Status.ValueType:
    """After the cycle's end: what came of it, by the scale.

    What could have turned since it was last heard of is never green.
    """
    if not scale.meets(value):
        return pb.STATUS_UNACCEPTABLE if scale.unacceptable(value) else pb.STATUS_BELOW
    if stale and not scale.grows:
        return pb.STATUS_STALE
    return pb.STATUS_EXCEEDS if scale.exceeds(value) else pb.STATUS_MEETS
