"""What a KPI that is being written looks like so far: what is asked about it, its scale, its owner's other weights."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from eventkit.errors import Violation
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.forms import Form
from services.gateway.console.kpis import listed
from services.gateway.console.language import Language, decimal_of
from services.gateway.console.scale import Scale, scale
from services.gateway.console.visit import Visit, or_none
from services.gateway.features.strategy.reading import Read, read

WHOLE = Decimal(100)
LONGEST_BAR = 160
"""Characters at the end of the bar."""


@dataclass(frozen=True, slots=True)
class Hint:
    text: str
    fix: str = ""
    """What the form is told to take over; empty: that is for people to know."""
    word: str = ""
    """What the button says."""


@dataclass(frozen=True, slots=True)
class Weighed:
    name: str
    weight: str
    share: Decimal
    own: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """What the first owner answers for in the cycle, this KPI first."""

    rows: Sequence[Weighed]
    total: str
    told: str
    """What is wrong with the sum; empty: it is whole."""
    fix: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    characters: int = 0
    at: int = 0
    """Where the length lies on its bar, in per cent."""
    hints: Mapping[str, Sequence[Hint]] = field(default_factory=dict[str, Sequence[Hint]])
    """By letter."""
    scale: Scale | None = None
    disorder: str = ""
    """What is wrong with the order of the scale."""
    weights: Weights | None = None
    left: int = 0
    """How many things are asked about."""


async def look(visit: Visit, filled: Form, cycle: str) -> Look:
    """Of whatever is there; what cannot be read is left out, and said where the form is sent."""
    wrong: list[Violation] = []
    so_far = read(filled, wrong, visit.language)
    measure = so_far.measure
    asked = goals_pb2.CheckKpi(
        statement=filled.text("statement")[:400],
        target=measure.target if measure.HasField("target") else None,
        baseline=measure.baseline if measure.HasField("baseline") else None,
        direction=measure.direction,
        kind=measure.kind,
        measuring=so_far.measuring,
        parent=so_far.parent,
    )
    checked, weights = await asyncio.gather(
        or_none(visit.caller.query("goals", "CheckKpi", asked, goals_pb2.KpiHints)),
        _weights(visit, filled, cycle, so_far),
    )
    hints: dict[str, list[Hint]] = {}
    for one in checked.hints if checked else ():
        hints.setdefault(one.letter, []).append(_hint(one, visit.language))
    characters = checked.characters if checked else 0
    return Look(
        characters=characters,
        at=min(characters * 100 // LONGEST_BAR, 100),
        hints=hints,
        scale=scale(measure, _aim(measure), decimal_of(measure, "baseline"), visit.language)
        if measure.HasField("target") and measure.kind != types_pb2.MEASURE_KIND_MILESTONE
        else None,
        disorder=_disorder(measure, visit.language),
        weights=weights,
        left=sum(map(len, hints.values())) + bool(weights and weights.told),
    )


def _hint(hint: goals_pb2.KpiHint, language: Language) -> Hint:
    _ = language.gettext
    match hint.kind:
        case goals_pb2.KPI_HINT_KIND_LENGTH:
            return Hint(_("A clear sentence usually has 70 to 120 characters: how much, of whom, by when."))
        case goals_pb2.KPI_HINT_KIND_VAGUE:
            return Hint(_("“%(words)s” is how much? A number says it.") % {"words": hint.text})
        case goals_pb2.KPI_HINT_KIND_NO_NUMBER:
            return Hint(_("The sentence names no number."))
        case goals_pb2.KPI_HINT_KIND_OLD_TARGET:
            return Hint(_("The sentence names the target of before."), f"statement:{hint.text}", _("Write the new one"))
        case goals_pb2.KPI_HINT_KIND_OTHER_NUMBER:
            return Hint(_("The sentence names another number than the target below."))
        case goals_pb2.KPI_HINT_KIND_NO_TOOL:
            return Hint(_("Where is the number found? A report, a tool, a list."))
        case goals_pb2.KPI_HINT_KIND_NO_METHOD:
            return Hint(_("How is it counted, so that two people find the same number?"))
        case goals_pb2.KPI_HINT_KIND_NO_BASELINE:
            return Hint(_("How far was it before? Without that nobody knows whether it can be done."))
        case goals_pb2.KPI_HINT_KIND_FAR:
            times = language.number(decimal_of(hint, "times"))
            return Hint(
                _("That is %(times)s times as far as before. Who can do ten aims at eleven or twelve.")
                % {"times": times}
            )
        case goals_pb2.KPI_HINT_KIND_SERVES_NOTHING:
            return Hint(_("It serves nothing yet, so it does not count in the tree. If nothing needs it, drop it."))
        case _:
            return Hint(hint.text)


def _aim(measure: types_pb2.Measure) -> int:
    match measure.direction:
        case types_pb2.DIRECTION_KEEP:
            return goals_pb2.AIM_BAND
        case types_pb2.DIRECTION_DECREASE:
            adds_up = measure.kind == types_pb2.MEASURE_KIND_CUMULATIVE
            return goals_pb2.AIM_BUDGET if adds_up else goals_pb2.AIM_CEILING
        case _:
            return goals_pb2.AIM_REACH


def _disorder(measure: types_pb2.Measure, language: Language) -> str:
    """Floor, target and stretch run in the direction of the measure (G-46)."""
    _ = language.gettext
    floor, target, stretch = (decimal_of(measure, name) for name in ("floor", "target", "stretch"))
    down = measure.direction == types_pb2.DIRECTION_DECREASE
    steps = [value for value in ((stretch, target, floor) if down else (floor, target, stretch)) if value is not None]
    if sorted(steps) == steps:
        return ""
    if down:
        return _("Of what shall be low the floor lies above the target, and the stretch below it.")
    return _("The floor lies below the target, and the stretch above it.")


async def _weights(visit: Visit, filled: Form, cycle: str, so_far: Read) -> Weights | None:
    owner = filled["owner.0"]
    if not owner:
        return None
    others = await or_none(listed(visit, cycle, owner_ids=[owner]))
    if others is None:
        return None
    language = visit.language
    mine = so_far.weight or Decimal(0)
    weighed = [(kpi.name, decimal_of(kpi, "exact_weight") or Decimal(kpi.weight)) for kpi in others if not kpi.retired]
    total = mine + sum(weight for _, weight in weighed)
    rows = [Weighed(filled.text("name"), language.amount(mine, "%"), min(mine, WHOLE), own=True)]
    rows += [Weighed(name, language.amount(weight, "%"), min(weight, WHOLE)) for name, weight in weighed]
    fitting = mine + WHOLE - total
    fix = f"weight:{language.number(fitting)}" if total != WHOLE and Decimal(0) < fitting <= WHOLE else ""
    word = language.gettext("This KPI %(before)s → %(after)s") % {
        "before": language.amount(mine, "%"),
        "after": language.amount(fitting, "%"),
    }
    return Weights(rows, language.amount(total, "%"), _sum_told(total, language), fix, word if fix else "")


def _sum_told(total: Decimal, language: Language) -> str:
    _ = language.gettext
    if total > WHOLE:
        return _("%(number)s too much") % {"number": language.amount(total - WHOLE, "%")}
    return _("%(number)s to be given") % {"number": language.amount(WHOLE - total, "%")} if total < WHOLE else ""
