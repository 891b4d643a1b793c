"""Whether a value looks mistyped, and what was more likely meant (C-06). Pure: the same for whoever records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from eventkit.values import is_percent, plain, unit_key
from nhip.goals.v1 import types_pb2 as t

NOT_WHOLE, AGAINST_DIRECTION, TEN_TIMES, BEYOND_TARGET = "NOT_WHOLE", "AGAINST_DIRECTION", "TEN_TIMES", "BEYOND_TARGET"

_PARTS = """
đồng, đ, ₫, vnd, vnđ, nghìn, nghìn đồng, triệu, triệu đồng, triệu ₫, tỷ, tỷ đồng, tỷ ₫, tỉ, tỉ đồng, usd, $, eur, €,
million, billion, m, bn, giờ, giờ công, hour, hours, h, phút, minutes, ngày, ngày công, day, days, tuần, weeks, tháng,
months, điểm, point, points, score, sao, stars, kg, g, tấn, tạ, t, lít, l, m2, m²,  m3, m³, km, ha, kwh, mwh, x
"""
PARTS = frozenset(unit_key(unit) for unit in _PARTS.split(","))
"""Units of what has parts: money, time, marks, weights and measures. Anything else that adds up is counted in whole."""
BEYOND = Decimal(10)
"""How many times its target a value may be before it is asked about."""
POWERS = (Decimal(10), Decimal(100), Decimal(1000))
"""By how much a slip of a decimal mark or of a zero is off."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How a KPI is measured, as far as its values can be doubted."""

    kind: int
    direction: int
    unit: str
    target: Decimal

    @property
    def adds_up(self) -> bool:
        return self.kind == t.MEASURE_KIND_CUMULATIVE

    @property
    def in_whole(self) -> bool:
        """It is counted in whole things."""
        parts = is_percent(self.unit) or unit_key(self.unit) in PARTS or not self.unit.strip()
        return self.adds_up and not parts and self.target == self.target.to_integral_value()


@dataclass(frozen=True, slots=True)
class Doubt:
    kind: str
    """One of NOT_WHOLE, AGAINST_DIRECTION, TEN_TIMES, BEYOND_TARGET."""
    value: Decimal
    last: Decimal | None
    """What stood before; None: nothing."""
    likelier: Decimal | None
    """What may have been meant; None: nothing that is near."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """As a refusal has them."""
        known = {"doubt": self.kind, "value": plain(self.value)}
        known |= {"last": plain(self.last)} if self.last is not None else {}
        return known | ({"likelier": plain(self.likelier)} if self.likelier is not None else {})


def doubt(value: Decimal, on: date, days: Mapping[date, Decimal], measured: Measured) -> Doubt | None:
    """Why a value for a day looks mistyped, beside what stands for other days; None: it does not."""
    earlier, later = [day for day in days if day < on], [day for day in days if day > on]
    last = days[max(earlier)] if earlier else None
    following = days[min(later)] if later else None
    kind = _kind(value, last, following, measured)
    if kind is None:
        return None
    return Doubt(kind, value, last, _likelier(value, last, following, measured))


def _kind(value: Decimal, last: Decimal | None, following: Decimal | None, measured: Measured) -> str | None:
    if measured.in_whole and value != value.to_integral_value() and (last is None or last == last.to_integral_value()):
        return NOT_WHOLE
    if measured.kind == t.MEASURE_KIND_MILESTONE:
        return AGAINST_DIRECTION if last is not None and value < last else None
    if measured.adds_up:
        if (last is not None and value < last) or (following is not None and value > following):
            return AGAINST_DIRECTION
    elif _slipped(value, last, measured):
        return TEN_TIMES
    if measured.target > 0 and value > BEYOND * measured.target:
        return BEYOND_TARGET
    if measured.adds_up and _slipped(value, last, measured):
        return TEN_TIMES
    return None


def _slipped(value: Decimal, last: Decimal | None, measured: Measured) -> bool:
    """It is far from where the KPI was and is to be, and near with its decimal mark elsewhere."""
    if measured.adds_up:  # what adds up grows fast at first: only what passes the target by far is odd
        far = value > 2 * max(measured.target, last or Decimal(0)) > 0
    else:
        marks = [abs(mark) for mark in (last, measured.target) if mark]
        far = bool(marks and value) and all(abs(value) >= 5 * mark or abs(value) * 5 <= mark for mark in marks)
    return far and bool(_near(value, last, measured))


def _near(value: Decimal, last: Decimal | None, measured: Measured) -> list[Decimal]:
    """The value with its decimal mark where it is near to what stood before, or else to the target; the nearest
    first."""
    mark = last or measured.target
    readings = [reading for power in POWERS for reading in (value / power, value * power)]
    if measured.adds_up:
        least = last or Decimal(0)
        near = [each for each in readings if least <= each <= 2 * max(measured.target, least) and each > 0]
    else:
        near = [each for each in readings if abs(mark) / 2 <= abs(each) <= 2 * abs(mark)]
    return sorted(near, key=lambda reading: abs(reading - mark))


def _likelier(value: Decimal, last: Decimal | None, following: Decimal | None, measured: Measured) -> Decimal | None:
    """The nearest of these that is in no doubt itself."""
    readings = _near(value, last, measured)
    return next((each for each in readings if _kind(each, last, following, measured) is None), None)
