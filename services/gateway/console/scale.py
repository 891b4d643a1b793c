"""The scale of a KPI: unacceptable, below, meets, exceeds, and where it stands on it."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from nhip.goals.v1 import types_pb2
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


def scale(measure: types_pb2.Measure, current: Decimal | None, language: Language) -> Scale:
    """Bands from the worst to the best end; for what shall decrease the numbers run the other way."""
    _ = language.gettext
    target = decimal_of(measure, "target") or Decimal()
    floor, stretch = decimal_of(measure, "floor"), decimal_of(measure, "stretch")
    down = measure.direction == types_pb2.DIRECTION_DECREASE
    # A target that was revised past them leaves the other edges behind: they say nothing any more.
    if floor is not None and (floor >= target if not down else floor <= target):
        floor = None
    if stretch is not None and (stretch <= target if not down else stretch >= target):
        stretch = None
    better, worse = ("≤", ">") if down else ("≥", "<")
    unit = "%" if measure.unit == "%" else ""

    def amount(value: Decimal | None) -> str:
        return language.amount(value, unit)

    edges = [edge for edge in (floor, target, stretch) if edge is not None]
    span = max(abs(edges[-1] - edges[0]), abs(target) / 2, Decimal(1))
    known = [*edges, *([current] if current is not None else [])]
    low, high = min(known) - span / 4, max(known) + span / 4
    if low < 0 <= min(known):
        low = Decimal()
    width = high - low or Decimal(1)

    def place(value: Decimal) -> Decimal:
        share = (value - low) / width * 100
        return (100 - share if down else share).quantize(Decimal("0.1"), ROUND_HALF_UP)

    steps: list[tuple[str, str, str, Decimal]] = []  # key, word, range, where it begins
    if floor is not None:
        steps.append(("unacceptable", _("Unacceptable"), f"{worse} {amount(floor)}", Decimal()))
        steps.append(("below", _("Below"), f"{better} {amount(floor)}", place(floor)))
    else:
        steps.append(("below", _("Below"), f"{worse} {amount(target)}", Decimal()))
    steps.append(("meets", _("Meets"), f"{better} {amount(target)}", place(target)))
    if stretch is not None:
        steps.append(("exceeds", _("Exceeds"), f"{better} {amount(stretch)}", place(stretch)))
    ends = [step[3] for step in steps[1:]] + [Decimal(100)]
    bands = tuple(
        Band(key, word, range, start, max(end - start, Decimal())) for (key, word, range, start), end in zip(steps, ends, strict=True)
    )
    unset = [word for word, edge in ((_("floor"), floor), (_("stretch"), stretch)) if edge is None]
    sentence = _("Not set yet: %(edges)s.") % {"edges": ", ".join(unset)} if unset else ""
    return Scale(bands, place(current) if current is not None else None, amount(current), sentence)
