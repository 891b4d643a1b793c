"""The line of a cycle: its days, the days on which something changed, and the day that is shown."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from nhip.goals.v1 import goals_pb2
from services.gateway.console.as_of import Moment
from services.gateway.console.language import Language, day_of

LETTER = Decimal("1.0")
"""How much of the line a letter beneath it takes, in per cent, on a screen of 1280 points."""


@dataclass(frozen=True, slots=True)
class Mark:
    at: Decimal
    """Per cent of the cycle that has gone by."""
    day: str
    url: str
    shown: bool
    ahead: bool
    """It lies after the day that is shown."""
    label: str
    """What there is room for beneath it: what changed, else its day; empty: nothing."""
    said: str
    """What changed on it."""


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
    changed: Iterable[goals_pb2.MapChange],
    url: Callable[[Moment], str],
    language: Language,
) -> Timeline:
    """The line from `starts` to `ends`; every mark leads to the page as of its day."""
    on = {day: change for change in changed if starts <= (day := day_of(change.day)) <= ends}
    within = sorted(on)
    places = {day: share(starts, ends, day) for day in within}
    marks: list[Mark] = []
    free = Decimal()  # from where on there is room beneath the line
    for day, following in zip(within, [*within[1:], None], strict=False):
        at, said = places[day], caption(on[day], language)
        until = min(places[following] if following else Decimal(100), Decimal(94))
        half = Decimal(len(said)) * LETTER / 2
        label = said if at - half >= free and at + half <= until else ""
        if not label and at - 3 >= free and 6 <= at <= 94:
            label, half = language.short_day(day), Decimal(4)
        if label:
            free = at + half
        marks.append(Mark(at, language.day(day), url(Moment(on=day)), day == shown, day > shown, label, said))
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


def caption(change: goals_pb2.MapChange, language: Language) -> str:
    """ "Giảm 3, thêm 1": what came into force on one day."""
    ngettext = language.ngettext
    parts = [
        ngettext("%(n)s lowered", "%(n)s lowered", change.lowered) % {"n": change.lowered} if change.lowered else "",
        ngettext("%(n)s raised", "%(n)s raised", change.raised) % {"n": change.raised} if change.raised else "",
        ngettext("%(n)s added", "%(n)s added", change.added) % {"n": change.added} if change.added else "",
        ngettext("%(n)s ends", "%(n)s end", change.ended) % {"n": change.ended} if change.ended else "",
        ngettext("%(n)s changed otherwise", "%(n)s changed otherwise", change.said) % {"n": change.said}
        if change.said
        else "",
        ngettext("%(n)s linked otherwise", "%(n)s linked otherwise", change.linked) % {"n": change.linked}
        if change.linked
        else "",
    ]
    text = ", ".join(part for part in parts if part)
    return text[:1].upper() + text[1:]


def share(starts: date, ends: date, day: date) -> Decimal:
    """Per cent of the cycle that lies before the end of `day`, within 0 and 100."""
    length = max((ends - starts) / timedelta(days=1), 1)
    return Decimal(min(max((day - starts) / timedelta(days=1) / length, 0), 1) * 100).quantize(Decimal("0.01"))
