"""The scale of a KPI: unacceptable, below, meets, exceeds, and where it stands on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from eventkit.values import is_percent, rounded
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import is_limit
from services.gateway.console.language import Language, decimal_of


@dataclass(frozen=True, slots=True)
class Band:
    key: str
    word: str
    range: str
    start: Decimal
    length: Decimal


@dataclass(frozen=True, slots=True)
class Scale:
    bands: tuple[Band, ...]
    at: Decimal | None
    """Where it stands, in per cent of the drawing; None: nothing was recorded."""
    current: str
    sentence: str


def scale(measure: types_pb2.Measure, aim: int, current: Decimal | None, language: Language) -> Scale:
    """Bands from the worst to the best end; for what is not to be passed the numbers run the other way; a band has two
    ends."""
    _ = language.gettext
    target = decimal_of(measure, "target") or Decimal()
    floor, stretch = decimal_of(measure, "floor"), decimal_of(measure, "stretch")
    down, band = is_limit(aim), aim == goals_pb2.AIM_BAND
    if band:
        floor, stretch = sorted((target if floor is None else floor, target if stretch is None else stretch))
    # A target that was revised past them leaves the other edges behind: they say nothing any more.
    elif floor is not None and (floor >= target if not down else floor <= target):
        floor = None
    if not band and stretch is not None and (stretch <= target if not down else stretch >= target):
        stretch = None
    better, worse = ("≤", ">") if down else ("≥", "<")

    def amount(value: Decimal | None) -> str:
        figure = language.figure(value, measure.unit)
        return figure + language.unit("%") if figure and is_percent(measure.unit) else figure

    edges = [edge for edge in (floor, target, stretch) if edge is not None]
    span = max((edges[-1] - edges[0]).copy_abs(), target.copy_abs() / 2, Decimal(1))
    known = [*edges, *([current] if current is not None else [])]
    low, high = min(known) - span / 4, max(known) + span / 4
    if low < 0 <= min(known):
        low = Decimal()
    width = high - low or Decimal(1)

    def place(value: Decimal) -> Decimal:
        share = (value - low) / width * 100
        return rounded(100 - share if down else share, 1, ROUND_HALF_UP)

    steps: list[tuple[str, str, str, Decimal]] = []  # key, word, range, where it begins
    if band:
        within = amount(floor) if floor == stretch else f"{amount(floor)} – {amount(stretch)}"
        steps.append(("unacceptable", _("Too low"), f"< {amount(floor)}", Decimal()))
        steps.append(("meets", _("Kept"), within, place(floor or target)))
        steps.append(("unacceptable", _("Too high"), f"> {amount(stretch)}", place(stretch or target)))
        return _drawn(steps, place(current) if current is not None else None, amount(current), "")
    if floor is not None:
        steps.append(("unacceptable", _("Unacceptable"), f"{worse} {amount(floor)}", Decimal()))
        steps.append(("below", _("Below"), f"{better} {amount(floor)}", place(floor)))
    else:
        steps.append(("below", _("Below"), f"{worse} {amount(target)}", Decimal()))
    steps.append(("meets", _("Meets"), f"{better} {amount(target)}", place(target)))
    if stretch is not None:
        steps.append(("exceeds", _("Exceeds"), f"{better} {amount(stretch)}", place(stretch)))
    unset = [word for word, edge in ((_("floor"), floor), (_("stretch"), stretch)) if edge is None]
    sentence = _("Not set yet: %(edges)s.") % {"edges": ", ".join(unset)} if unset else ""
    return _drawn(steps, place(current) if current is not None else None, amount(current), sentence)


def _drawn(steps: Sequence[tuple[str, str, str, Decimal]], at: Decimal | None, current: str, sentence: str) -> Scale:
    ends = [step[3] for step in steps[1:]] + [Decimal(100)]
    bands = tuple(
        Band(key, word, range, start, max(end - start, Decimal()))
        for (key, word, range, start), end in zip(steps, ends, strict=True)
    )
    return Scale(bands, at, current, sentence)
