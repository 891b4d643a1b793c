"""What a KPI may be computed from (G-78): judged when it is written down. How it comes to its value: `computing`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import is_percent, unit_key
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import formula
from services.goals.domain.computing import LETTERS
from services.goals.domain.cycle import Cycle
from services.goals.domain.formula import Name, Negative, Number, Operation, Term
from services.goals.domain.kpi import Kpi


@dataclass(frozen=True, slots=True)
class Sources:
    """The KPIs that drafts are to be computed from, as they are, and their cycles."""

    kpis: Mapping[str, Kpi | None] = field(default_factory=dict[str, Kpi | None])
    cycles: Mapping[str, Cycle | None] = field(default_factory=dict[str, Cycle | None])


_TWO = (
    t.COMPUTATION_KIND_SHARE,
    t.COMPUTATION_KIND_RATIO,
    t.COMPUTATION_KIND_RETURN,
    t.COMPUTATION_KIND_GROWTH,
)
_PER_CENT = (t.COMPUTATION_KIND_SHARE, t.COMPUTATION_KIND_RETURN, t.COMPUTATION_KIND_GROWTH)


def check(draft: t.KpiDraft, cycle: Cycle, sources: Sources, on: date, at: str) -> None:
    """Whether a draft can be computed from what it names. Circles cannot be: what it names is there before it, and
    how a KPI is computed never changes.

    `at` is the path of the draft in its command. Raises `Rejected` naming the field.
    """
    if not draft.HasField("computation"):
        return
    computation, at = draft.computation, f"{at}.computation"
    named = _named(computation, sources, on, at)
    if computation.kind in _TWO and len(named) != 2:
        raise _wrong("COMPUTATION_OF_TWO", "name exactly two KPIs", f"{at}.kpi_ids")
    if draft.measure.kind == t.MEASURE_KIND_MILESTONE:
        raise _wrong("MILESTONE_COMPUTED", "a milestone is done or not: it is entered", f"{at}.kind")
    own = unit_key(draft.measure.unit)
    units = [unit_key(kpi.measure.unit) for kpi in named]
    match computation.kind:
        case t.COMPUTATION_KIND_SUM | t.COMPUTATION_KIND_SUM_OF_CYCLES:
            _same_units([own, *units], at)
        case t.COMPUTATION_KIND_WEIGHTED_RATE:
            _same_units([own, *units], at)
            for index, kpi in enumerate(named):
                if not kpi.measure.volume_kpi_id:
                    said = f"{kpi.name!r} does not say the volume that it is a rate of"
                    raise _wrong("VOLUME_MISSING", said, f"{at}.kpi_ids[{index}]")
        case t.COMPUTATION_KIND_FORMULA:
            _check_formula(computation, own, units, at)
        case _:
            if computation.kind in _PER_CENT:
                _same_units(units, at)
                if not is_percent(draft.measure.unit):
                    raise _wrong("UNITS_DIFFER", 'it is measured in "%"', f"{at}.kind")
    if computation.kind == t.COMPUTATION_KIND_GROWTH:
        earlier = sources.cycles.get(named[1].cycle_id)
        if earlier is None or earlier.starts_on >= cycle.starts_on:
            said = "the second KPI belongs to a cycle that began earlier"
            raise _wrong("EARLIER_CYCLE_MISSING", said, f"{at}.kpi_ids[1]")


def _named(computation: t.Computation, sources: Sources, on: date, at: str) -> list[Kpi]:
    if len(set(computation.kpi_ids)) < len(computation.kpi_ids):
        raise _wrong("KPI_TWICE", "name each KPI once", f"{at}.kpi_ids")
    named = list[Kpi]()
    for index, id in enumerate(computation.kpi_ids):
        kpi = sources.kpis.get(id)
        if kpi is None:
            raise unknown("kpi", id, f"{at}.kpi_ids[{index}]")
        if kpi.ended(on):
            raise Rejected("KPI_RETIRED", f"{kpi.name!r} ended on {kpi.ends_on}", field=f"{at}.kpi_ids[{index}]")
        named.append(kpi)
    return named


def _check_formula(computation: t.Computation, own: str, units: list[str], at: str) -> None:
    if len(units) > len(LETTERS):
        raise _wrong("TOO_MANY_ITEMS", f"at most {len(LETTERS)} KPIs", f"{at}.kpi_ids", {"most": str(len(LETTERS))})
    try:
        term = formula.read(computation.formula)
    except formula.Unreadable as wrong:
        said = f"at character {wrong.at}: {wrong}"
        raise _wrong("FORMULA_UNREADABLE", said, f"{at}.formula", {"at": str(wrong.at)}) from None
    letters = LETTERS[: len(units)]
    if formula.names(term) != frozenset(letters):
        said = f"it uses each of {', '.join(letters)}, and no other letter"
        raise _wrong("FORMULA_NAMES", said, f"{at}.formula", {"letters": ", ".join(letters)})
    unit = _unit(term, dict(zip(letters, units, strict=True)), at)
    if unit is not None and unit != own:
        raise _wrong("UNITS_DIFFER", f"the formula comes to {unit or 'a bare number'!r}", f"{at}.formula")


def _unit(term: Term, of: Mapping[str, str], at: str) -> str | None:
    """What a formula is measured in; None: that cannot be told."""
    match term:
        case Number():
            return None
        case Name():
            return of[term.letter]
        case Negative():
            return _unit(term.of, of, at)
        case Operation():
            left, right = _unit(term.left, of, at), _unit(term.right, of, at)
            if term.sign in ("+", "-"):
                if left is not None and right is not None and left != right:
                    said = f"{left!r} and {right!r} are not added to or taken from each other"
                    raise _wrong("UNITS_DIFFER", said, f"{at}.formula")
                return left if right is None else right
            return None  # a product or a quotient is measured in something of its own


def _same_units(units: Iterable[str], at: str) -> None:
    found = list(dict.fromkeys(units))
    if len(found) > 1:
        raise _wrong("UNITS_DIFFER", f"{' and '.join(map(repr, found))} are not the same unit", f"{at}.kpi_ids")


def _wrong(reason: str, message: str, at: str, parameters: Mapping[str, str] | None = None) -> Rejected:
    return Rejected(reason, message, kind=Kind.INVALID, field=at, rule="G-78", parameters=parameters)
