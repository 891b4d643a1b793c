"""A KPI: what is measured, from where to where, and who answers for it (G-20 … G-34)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.commands.aggregate import Aggregate, StreamEvent, begun, refuse_unknown
from eventkit.directory.facts import OrgChart
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, from_decimal, plain, required_date, rounded, same, to_decimal
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiDefined, KpiRetired, KpiTargetRevised
from nhip.goals.v1.goals_pb2 import RetireKpi
from services.goals.domain.strategy import Cycle

Edge = Literal["floor", "stretch", "baseline"]
EDGES: tuple[Edge, ...] = ("floor", "stretch", "baseline")
"""What a scale has beside its target."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """A KPI as its events left it. `measure` is a message that nobody changes in place."""

    id: str
    cycle_id: str
    name: str
    statement: str
    level: t.Level.ValueType
    measure: t.Measure
    owners: tuple[str, ...]
    unit_id: str
    weight: Decimal
    """Per cent; 0: not weighted yet."""
    defined_on: date
    """The first day that it is in force."""
    effective_on: date
    """Since when its numbers are as they are."""
    ends_on: date | None = None
    """From this day on it is not in force any more, which may be still to come; None: nobody ended it."""

    def ended(self, day: date) -> bool:
        return self.ends_on is not None and self.ends_on <= day

    @property
    def target(self) -> Decimal:
        return Decimal(self.measure.target.value)


def evolve(kpi: Kpi | None, event: KpiDefined | KpiTargetRevised | KpiRetired) -> Kpi:
    match event:
        case KpiDefined():
            return Kpi(
                event.kpi_id,
                event.cycle_id,
                event.name,
                event.statement,
                event.level,
                event.measure,
                tuple(event.owner_ids),
                event.unit_id,
                weight_of(event),
                required_date(event.effective_on),
                required_date(event.effective_on),
            )
        case KpiTargetRevised():
            kpi = begun(kpi, event)
            return replace(kpi, measure=revised(kpi.measure, event), effective_on=required_date(event.effective_on))
        case KpiRetired():
            return replace(begun(kpi, event), ends_on=required_date(event.effective_on))
        case _:
            refuse_unknown(event)


KPI = Aggregate[Kpi | None]("kpi", None, evolve)


def revised(measure: t.Measure, change: t.TargetChange | KpiTargetRevised) -> t.Measure:
    """The measure with another target, and with other edges where the change has them."""
    after = t.Measure()
    after.CopyFrom(measure)
    after.target.CopyFrom(change.after)
    for edge in EDGES:
        if change.HasField(edge):
            after.ClearField(edge)
            if (value := _after(change, edge)) is not None:
                getattr(after, edge).CopyFrom(value)
    return after


def moved(measure: t.Measure, change: t.TargetChange) -> str:
    """Which of the numbers that a change names as they were is another one by now; empty: none."""
    if not same(measure.target, change.before):
        return "before"
    for edge in EDGES:
        if change.HasField(edge) and to_decimal(getattr(measure, edge)) != to_decimal(getattr(change, edge).before):
            return f"{edge}.before"
    return ""


def changes_nothing(change: t.TargetChange) -> bool:
    edges = [getattr(change, edge) for edge in EDGES if change.HasField(edge)]
    return same(change.before, change.after) and all(to_decimal(e.before) == to_decimal(e.after) for e in edges)


def _after(change: t.TargetChange | KpiTargetRevised, edge: Edge) -> PbDecimal | None:
    """What an edge is to be; None: it is taken away."""
    given: t.EdgeChange = getattr(change, edge)
    return given.after if to_decimal(given.after) is not None else None


def weight_of(kpi: t.KpiDraft | KpiDefined) -> Decimal:
    exact = to_decimal(kpi.exact_weight)
    return Decimal(kpi.weight) if exact is None else exact


def whole(weight: Decimal) -> int:
    """For who knows whole weights only."""
    return int(rounded(weight, 0))


def define(
    draft: t.KpiDraft,
    org: OrgChart,
    *,
    kpi_id: str,
    cycle: Cycle,
    effective_on: date,
    proposal_id: str = "",
    at: str = "kpi",
) -> StreamEvent:
    """Write a KPI down.

    `at` is the path of the draft in its command, for errors. What it serves, the alignment decides.
    """
    weight = weight_of(draft)
    check_measure(draft.measure, f"{at}.measure")
    if draft.level == t.LEVEL_INDIVIDUAL and not draft.owner_ids:
        raise Rejected(
            "OWNER_MISSING",
            "somebody has to answer for an individual KPI",
            kind=Kind.INVALID,
            field=f"{at}.owner_ids",
            rule="G-32",
        )
    if draft.level == t.LEVEL_DEPARTMENT and not draft.unit_id:
        raise Rejected(
            "UNIT_MISSING", "a department's KPI names its unit", kind=Kind.INVALID, field=f"{at}.unit_id", rule="G-31"
        )
    if len(set(draft.owner_ids)) < len(draft.owner_ids):
        raise Rejected("OWNER_TWICE", "name each owner once", kind=Kind.INVALID, field=f"{at}.owner_ids")
    for index, owner in enumerate(draft.owner_ids):
        if not org.is_active(owner):
            raise unknown("person", owner, f"{at}.owner_ids[{index}]")
    if draft.unit_id and draft.unit_id not in org.units:
        raise unknown("unit", draft.unit_id, f"{at}.unit_id")
    return StreamEvent(
        KPI(kpi_id),
        KpiDefined(
            kpi_id=kpi_id,
            cycle_id=cycle.id,
            name=draft.name,
            statement=draft.statement,
            level=draft.level,
            measure=draft.measure,
            owner_ids=draft.owner_ids,
            unit_id=draft.unit_id,
            weight=whole(weight),
            exact_weight=from_decimal(weight) if weight != whole(weight) else None,
            effective_on=from_date(effective_on),
            proposal_id=proposal_id,
        ),
    )


def check_measure(measure: t.Measure, at: str, *, target_at: str = "") -> None:
    """Floor, target and stretch lie in the direction of the measure (G-28, G-46).

    `at` is its path in the command, `target_at` the target's.
    """
    target_at = target_at or f"{at}.target"
    floor, target, stretch = to_decimal(measure.floor), to_decimal(measure.target), to_decimal(measure.stretch)
    baseline = to_decimal(measure.baseline)
    assert target is not None  # required by the contract
    if measure.kind == t.MEASURE_KIND_MILESTONE and target != 1:
        raise Rejected(
            "MILESTONE_TARGET", "a milestone is done or not: its target is 1", kind=Kind.INVALID, field=target_at
        )
    steps = [
        (name, value)
        for name, value in (("floor", floor), ("target", target), ("stretch", stretch))
        if value is not None
    ]
    if measure.direction == t.DIRECTION_DECREASE:
        steps.reverse()
    for (_, low), (name, high) in pairwise(steps):
        if low > high:
            order = (
                " ≥ ".join(("floor", "target", "stretch"))
                if measure.direction == t.DIRECTION_DECREASE
                else "floor ≤ target ≤ stretch"
            )
            field = target_at if name == "target" else f"{at}.{name}"
            raise Rejected("SCALE_ORDER", f"the scale must run {order}", kind=Kind.INVALID, field=field, rule="G-46")
    if measure.direction != t.DIRECTION_KEEP and baseline is not None and baseline == target:
        raise Rejected(
            "TARGET_IS_BASELINE",
            f"it stands at {plain(target)} already",
            kind=Kind.INVALID,
            field=target_at,
            rule="G-24",
        )
    start = baseline or Decimal(0)
    if measure.kind == t.MEASURE_KIND_CUMULATIVE and measure.direction == t.DIRECTION_INCREASE and target <= start:
        wanted = f"what adds up needs a target above {plain(start)}"
        raise Rejected("TARGET_NOT_ABOVE_START", wanted, kind=Kind.INVALID, field=target_at, rule="G-24")


def revise(
    kpi: Kpi, change: t.TargetChange, *, today: date, proposal_id: str, reason_class: t.ReasonClass.ValueType, at: str
) -> StreamEvent:
    """Give a KPI another target, and other edges where the change has them.

    What it names as `before` must still be so, else the proposal was made for another state of things.
    """
    active(kpi, today, f"{at}.kpi_id")
    if field := moved(kpi.measure, change):
        raise Rejected(
            "PROPOSAL_STALE",
            f"the numbers of {kpi.name!r} are others by now (target {plain(kpi.target)})",
            field=f"{at}.{field}",
        )
    check_measure(revised(kpi.measure, change), at, target_at=f"{at}.after")
    event = KpiTargetRevised(
        kpi_id=kpi.id,
        before=kpi.measure.target,
        after=change.after,
        effective_on=from_date(max(today, kpi.effective_on)),
        proposal_id=proposal_id,
        reason_class=reason_class,
    )
    for edge in EDGES:
        if change.HasField(edge):
            getattr(event, edge).CopyFrom(getattr(change, edge))
    return StreamEvent(KPI(kpi.id), event)


def retire(kpi: Kpi | None, command: RetireKpi, *, effective_on: date) -> list[StreamEvent]:
    """End a KPI from a day on. One that is to end later may be ended earlier, and not the other way round."""
    kpi = existing(kpi, command.kpi_id)
    on = max(effective_on, kpi.effective_on)
    if kpi.ended(on):
        return []
    ended = KpiRetired(
        kpi_id=kpi.id, effective_on=from_date(on), reason_class=command.reason_class, reason=command.reason
    )
    return [StreamEvent(KPI(kpi.id), ended)]


def existing(kpi: Kpi | None, kpi_id: str, field: str = "kpi_id") -> Kpi:
    if kpi is None:
        raise unknown("kpi", kpi_id, field)
    return kpi


def active(kpi: Kpi, day: date, field: str = "kpi_id") -> Kpi:
    """The KPI, if it is in force on that day or will be."""
    if kpi.ended(day):
        raise Rejected("KPI_RETIRED", f"{kpi.name!r} ended on {kpi.ends_on}", field=field)
    return kpi
