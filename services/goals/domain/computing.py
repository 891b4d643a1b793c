"""Where the value of a KPI comes from that is not entered: other KPIs, by a rule or a formula (G-78, and the product
decision "Actuals of a parent").

Everything becomes a formula over references, and one function computes it, as of any day. A value that cannot be
computed is none, with why: it is never made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import Protocol

from nhip.goals.v1 import goals_pb2 as pb
from nhip.goals.v1 import types_pb2 as t
from services.goals.domain import formula
from services.goals.domain.formula import DividedByZero, Name, Number, Operation, Term
from services.goals.domain.standing import Value

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DEEPEST = 12
"""KPIs that are computed from each other, one from the next."""
_HUNDRED = Number(Decimal(100))
Why = pb.NotComputed.Reason


@dataclass(frozen=True, slots=True)
class Reference:
    """A KPI whose value is used: as of the day that is asked about, or of the same day of an earlier cycle."""

    kpi_id: str
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A formula, and what its names stand for."""

    term: Term
    references: Mapping[str, Reference]


def plan(computation: t.Computation, volumes: Mapping[str, str], parts: Mapping[str, Decimal] | None = None) -> Plan:
    """What is computed. `volumes`: of rates the KPI whose volume each applies to; one that is missing is a KeyError.

    `parts`: of those that are added up and shared with others how much counts here, in per cent (G-74).
    """
    ids = list(computation.kpi_ids)
    by_id = {id: Reference(id) for id in ids}
    match computation.kind:
        case t.COMPUTATION_KIND_SUM:
            counted = parts or {}
            return Plan(_sum(_part(id, counted[id]) if id in counted else Name(id) for id in ids), by_id)
        case t.COMPUTATION_KIND_WEIGHTED_RATE:
            weights = {id: f"{id}/volume" for id in ids}
            weighted = _sum(Operation("*", Name(id), Name(weights[id])) for id in ids)
            references = by_id | {weights[id]: Reference(volumes[id]) for id in ids}
            return Plan(Operation("/", weighted, _sum(Name(weights[id]) for id in ids)), references)
        case t.COMPUTATION_KIND_SHARE:
            return Plan(_percent(Name("A"), Name("B")), {"A": Reference(ids[0]), "B": Reference(ids[1])})
        case t.COMPUTATION_KIND_RATIO:
            return Plan(Operation("/", Name("A"), Name("B")), {"A": Reference(ids[0]), "B": Reference(ids[1])})
        case t.COMPUTATION_KIND_RETURN:
            gained = Operation("-", Name("A"), Name("B"))
            return Plan(_percent(gained, Name("B")), {"A": Reference(ids[0]), "B": Reference(ids[1])})
        case t.COMPUTATION_KIND_GROWTH:
            grown = Operation("-", Name("A"), Name("B"))
            references = {"A": Reference(ids[0]), "B": Reference(ids[1], earlier=True)}
            return Plan(_percent(grown, Name("B")), references)
        case _:
            return Plan(formula.read(computation.formula), {LETTERS[n]: Reference(id) for n, id in enumerate(ids)})


def _part(id: str, per_cent: Decimal) -> Term:
    return Operation("*", Name(id), Number(per_cent / 100))


def _sum(terms: Iterable[Term]) -> Term:
    return reduce(lambda left, right: Operation("+", left, right), terms)


def _percent(part: Term, whole: Term) -> Term:
    return Operation("*", Operation("/", part, whole), _HUNDRED)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a KPI counts for: what it serves first, and what it is shared with (G-74)."""

    first: str = ""
    shares: tuple[tuple[str, Decimal], ...] = ()
    """In per cent; the rest counts for what it serves first."""

    def part(self, kpi_id: str) -> Decimal | None:
        """How much of it counts for a KPI, in per cent; None: it is not shared, or nothing links the two."""
        shared = dict(self.shares)
        if not shared or kpi_id not in (self.first, *shared):
            return None
        return 100 - sum(shared.values(), Decimal(0)) if kpi_id == self.first else shared[kpi_id]


@dataclass(frozen=True, slots=True)
class Known:
    """A KPI on a day, as far as it is computed from, or with."""

    id: str
    computation: t.Computation | None
    """None: it is entered."""
    volume_kpi_id: str
    ended: bool
    starts_on: date
    """Of its cycle."""
    ends_on: date
    counts: Counts = Counts()


class Facts(Protocol):
    def kpi(self, kpi_id: str, on: date) -> Known | None:
        """None: there was none on that day."""
        ...

    def entered(self, kpi_id: str, on: date) -> Value | None:
        """What was entered and is current on a day."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One value that went into another."""

    name: str
    """What the formula calls it."""
    kpi_id: str
    on: date
    value: Decimal


@dataclass(frozen=True, slots=True)
class Computed:
    value: Value | None
    """None: `why` says why there is none."""
    why: Why.ValueType = pb.NotComputed.REASON_UNSPECIFIED
    about: str = ""
    """The KPI because of which there is none."""
    parts: tuple[Part, ...] = ()
    term: Term | None = None


def compute(kpi_id: str, on: date, facts: Facts) -> Computed:
    """The value of a computed KPI as of a day, by its formula and what that names, whatever those are computed from
    in turn."""
    return _Computing(facts).of(kpi_id, on, 0)


def same_day(on: date, here: Known, earlier: Known) -> date:
    """The day of an earlier cycle that is as far into it as a day is into this one; at the end of the one is the end of
    the other."""
    if on >= here.ends_on:
        return earlier.ends_on
    return min(earlier.starts_on + (on - here.starts_on), earlier.ends_on)


class _Computing:
    """Each value is computed once."""

    def __init__(self, facts: Facts):
        self._facts, self._known = facts, dict[tuple[str, date], Computed]()

    def of(self, kpi_id: str, on: date, depth: int) -> Computed:
        if (kpi_id, on) not in self._known:
            self._known[kpi_id, on] = self._of(kpi_id, on, depth)
        return self._known[kpi_id, on]

    def _of(self, kpi_id: str, on: date, depth: int) -> Computed:
        here = self._facts.kpi(kpi_id, on)
        if here is None:
            return Computed(None, pb.NotComputed.REASON_UNKNOWN, kpi_id)
        if here.computation is None:
            value = self._facts.entered(kpi_id, on)
            return Computed(value) if value else Computed(None, pb.NotComputed.REASON_NO_VALUE, kpi_id)
        if depth > DEEPEST:
            return Computed(None, pb.NotComputed.REASON_TOO_DEEP, kpi_id)
        volumes = dict[str, str]()
        if here.computation.kind == t.COMPUTATION_KIND_WEIGHTED_RATE:
            for id in here.computation.kpi_ids:
                rate = self._facts.kpi(id, on)
                if rate is None or not rate.volume_kpi_id:
                    return Computed(None, pb.NotComputed.REASON_VOLUME_MISSING, id)
                volumes[id] = rate.volume_kpi_id
        how = here.computation
        if how.kind == t.COMPUTATION_KIND_SUM_OF_CYCLES:
            begun = [id for id in how.kpi_ids if (one := self._facts.kpi(id, on)) and one.starts_on <= on]
            if not begun:
                return Computed(None, pb.NotComputed.REASON_NO_VALUE, how.kpi_ids[0])
            how = t.Computation(kind=t.COMPUTATION_KIND_SUM, kpi_ids=begun)
        named = ((id, self._facts.kpi(id, on)) for id in how.kpi_ids)
        parts_of = {id: part for id, one in named if one and (part := one.counts.part(here.id)) is not None}
        wanted = plan(how, volumes, parts_of)
        values, parts = dict[str, Value](), list[Part]()
        for name, reference in wanted.references.items():
            day = on
            other = self._facts.kpi(reference.kpi_id, on)
            if other is not None and reference.earlier:
                day = same_day(on, here, other)
                other = self._facts.kpi(reference.kpi_id, day)
            if other is None:
                return Computed(None, pb.NotComputed.REASON_UNKNOWN, reference.kpi_id, term=wanted.term)
            if other.ended:
                return Computed(None, pb.NotComputed.REASON_ENDED, reference.kpi_id, term=wanted.term)
            found = self.of(reference.kpi_id, day, depth + 1)
            if found.value is None:
                return Computed(None, found.why, found.about, term=wanted.term)
            values[name] = found.value
            parts.append(Part(name, reference.kpi_id, day, found.value.value))
        return _come_to(here, wanted, values, tuple(parts))


def _come_to(here: Known, wanted: Plan, values: Mapping[str, Value], parts: tuple[Part, ...]) -> Computed:
    try:
        number = formula.value(wanted.term, {name: value.value for name, value in values.items()})
    except DividedByZero:
        return Computed(None, pb.NotComputed.REASON_DIVIDED_BY_ZERO, here.id, parts, wanted.term)
    except InvalidOperation:
        return Computed(None, pb.NotComputed.REASON_NUMBERS, here.id, parts, wanted.term)
    # As old as the oldest of what it is from, and as sure as the least sure; what lies in an earlier cycle is over.
    now = [value for name, value in values.items() if not wanted.references[name].earlier]
    value = Value(
        number,
        min(value.confidence for value in now),
        min(value.occurred_on for value in now),
        max(value.recorded_at for value in values.values()),
    )
    return Computed(value, parts=parts, term=wanted.term)
