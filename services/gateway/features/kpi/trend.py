"""The values of a KPI over time: a table, a sentence, and what its chart draws."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import is_limit, passed, start_of
from services.gateway.console.language import Language, day_of, decimal_of

_MOST_DRAWN = Decimal("1e300")


@dataclass(frozen=True, slots=True)
class TrendRow:
    day: str
    value: str
    confidence: int
    target: str
    correct: str = ""
    """Where it is put right; empty: not by who looks."""
    replaced: str = ""
    """Since when it does not stand any more; empty: it stands."""


@dataclass(frozen=True, slots=True)
class Trend:
    """The values over time: a table, a sentence, and what the chart draws."""

    rows: tuple[TrendRow, ...]
    summary: str
    drawing: str
    """JSON for the chart: days, numbers and texts, all made here."""


def trend(
    reply: goals_pb2.KpiPage, language: Language, zone: ZoneInfo = ZoneInfo("UTC"), *, may_correct: bool = False
) -> Trend:
    _ = language.gettext
    aim = reply.kpi.standing.aim
    percent = "%" if is_percent(reply.kpi.measure.unit) else ""
    targets = [(day_of(step.effective_on), decimal_of(step, "target") or Decimal()) for step in reply.targets]
    points = [
        (day_of(point.occurred_on), decimal_of(point, "value") or Decimal(), point.confidence) for point in reply.trend
    ]
    starts, ends = day_of(reply.cycle.starts_on), day_of(reply.cycle.ends_on)
    rows: list[TrendRow] = []
    page = f"/kpi/{quote(reply.kpi.kpi_id, safe='')}/progress"
    for day, value, confidence in points:
        target = next((t for since, t in reversed(targets) if since <= day), targets[0][1] if targets else None)
        correct = f"{page}/{day.isoformat()}" if may_correct else ""
        told_target = language.amount(target, percent)
        rows.append(TrendRow(language.day(day), language.amount(value, percent), confidence, told_target, correct))
    standing = len(rows)
    for point in reply.replaced:
        until = language.instant(point.replaced_at.ToDatetime(UTC), zone)
        shown = language.amount(decimal_of(point, "value"), percent)
        rows.append(TrendRow(language.day(day_of(point.occurred_on)), shown, point.confidence, "", replaced=until))
    told: list[str] = []
    if points:
        told.append(
            _("From %(first)s on %(first_day)s to %(last)s on %(last_day)s.")
            % {
                "first": rows[0].value,
                "first_day": rows[0].day,
                "last": rows[standing - 1].value,
                "last_day": rows[standing - 1].day,
            }
        )
    else:
        told.append(_("Nothing has been recorded yet."))
    changes = list(pairwise(targets))
    for (_before_day, before), (day, after) in changes:
        told.append(
            _("Target %(before)s → %(after)s on %(day)s.")
            % {
                "before": language.amount(before, percent),
                "after": language.amount(after, percent),
                "day": language.day(day),
            }
        )
    pace = reply.kpi.measure.kind == types_pb2.MEASURE_KIND_CUMULATIVE and aim != goals_pb2.AIM_BAND
    baseline = start_of(reply.kpi.measure, aim)
    if over := passed(reply.kpi, language):
        told.append(over[:1].upper() + over[1:] + ".")
    drawing: dict[str, Any] = {
        "starts": starts.isoformat(),
        "ends": ends.isoformat(),
        "baseline": drawn(baseline),
        "pace": pace,
        "values": [[day.isoformat(), drawn(value), language.amount(value, percent)] for day, value, _c in points],
        "confidence": [
            [day.isoformat(), confidence, language.short_day(day)] for day, _v, confidence in points if confidence
        ],
        "replaced": [
            [day_of(point.occurred_on).isoformat(), drawn(decimal_of(point, "value") or Decimal()), _("replaced")]
            for point in reply.replaced
        ],
        "forecast": [
            points[-1][0].isoformat(),
            drawn(points[-1][1]),
            drawn(decimal_of(reply.kpi.standing.forecast, "value") or Decimal()),
        ]
        if points and reply.kpi.standing.HasField("forecast")
        else [],
        "targets": [[max(day, starts).isoformat(), drawn(target)] for day, target in targets if day <= ends],
        "changes": [
            {
                "day": day.isoformat(),
                "label": _("target %(before)s → %(after)s")
                % {"before": language.short(before), "after": language.short(after)},
            }
            for (_d, before), (day, after) in changes
            if starts <= day <= ends
        ],
        "days": {day.isoformat(): language.short_day(day) for day in _ticks(starts, ends, [p[0] for p in points])},
        "decimal": "," if language.code == "vi" else ".",
        "scales": [[float(size), language.short(size)[1:]] for size in (Decimal(10**9), Decimal(10**6))],
        "words": {
            "value": _("Value"),
            "target": _("At most") if is_limit(aim) else _("Target"),
            "pace": _("even pace") if aim == goals_pb2.AIM_BUDGET else _("needed pace"),
            "confidence": _("Confidence when recorded"),
            "forecast": _("Forecast"),
            "unit": language.unit(percent),
        },
    }
    return Trend(tuple(rows), " ".join(told), json.dumps(drawing, ensure_ascii=False))


def drawn(value: Decimal) -> float:
    """A number for the chart, which has no more than fits a float."""
    return float(max(min(value, _MOST_DRAWN), -_MOST_DRAWN))


def _ticks(starts: date, ends: date, days: Iterable[date]) -> list[date]:
    """Which days the chart may name: where something was recorded, and the cycle's ends."""
    every = max((ends - starts) // 6, timedelta(days=1))
    regular = [starts + every * n for n in range(7) if starts + every * n <= ends]
    return sorted({starts, ends, *days, *regular})
