"""The line of a cycle: its days, the days on which something changed, and the day that is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from services.gateway.console.as_of import Moment
from services.gateway.console.language import Language


@dataclass(frozen=True, slots=True)
class Mark:
    at: Decimal
    """Per cent of the cycle that has gone by."""
    day: str
    short_day: str
    url: str
    shown: bool
    ahead: bool
    """It lies after the day that is shown."""
    label: bool
    """There is room for its day beneath it."""


@dataclass(frozen=True, slots=True)
class Timeline:
    starts: str
    ends: str
    at: Decimal
    """Where the shown day lies."""
    marks: tuple[Mark, ...]
    previous: str
    """The last day before the shown one on which something changed; empty: none."""
    following: str
    """The next one; empty: none."""


def timeline(
    starts: date,
    ends: date,
    shown: date,
    today: date,
    changed: Iterable[date],
    url: Callable[[Moment], str],
    language: Language,
) -> Timeline:
    """The line from `starts` to `ends`; every mark leads to the page as of its day."""
    within = sorted({day for day in changed if starts <= day <= ends})
    marks: list[Mark] = []
    last_label = Decimal(-100)
    for day in within:
        at = share(starts, ends, day)
        label = at - last_label >= 7 and 6 <= at <= 94
        last_label = at if label else last_label
        marks.append(
            Mark(at, language.day(day), language.short_day(day), url(Moment(on=day)), day == shown, day > shown, label)
        )
    stops = sorted({starts, *within} | ({min(ends, today)} if today > starts else set[date]()))
    before = [day for day in stops if day < shown]
    after = [day for day in stops if day > shown]
    return Timeline(
        language.short_day(starts),
        language.short_day(ends),
        share(starts, ends, shown),
        tuple(marks),
        url(Moment(on=before[-1])) if before else "",
        url(Moment(on=after[0])) if after else "",
    )


def share(starts: date, ends: date, day: date) -> Decimal:
    """Per cent of the cycle that lies before the end of `day`, within 0 and 100."""
    length = max((ends - starts) / timedelta(days=1), 1)
    return Decimal(min(max((day - starts) / timedelta(days=1) / length, 0), 1) * 100).quantize(Decimal("0.01"))
