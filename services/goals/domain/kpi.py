"""A KPI: what is measured, from where to where, and who answers for it (G-20 … G-34)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from google.protobuf.message import Message
from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.aggregate import Aggregate, Happened, UnknownEvent
from eventkit.directory.facts import Everyone
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, plain, required_date, same, to_decimal
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiDefined, KpiRetired, KpiTargetRevised
from nhip.goals.v1.goals_pb2 import RetireKpi
from services.goals.domain.strategy import Cycle


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
    weight: int
    defined_on: date
    """The first day that it is in force."""
    effective_on: date
    """Since when it is as it is."""
    retired: bool = False

    @property
    def target(self) -> Decimal:
        return Decimal(self.measure.target.value)


def evolve(kpi: Kpi | None, event: Message) -> Kpi:
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
                event.weight,
                required_date(event.effective_on),
                required_date(event.effective_on),
            )
        case KpiTargetRevised() if kpi:
            return replace(kpi, measure=with_target(kpi.measure, event.after), effective_on=required_date(event.effective_on))
        case KpiRetired() if kpi:
            return replace(kpi, retired=True, effective_on=required_date(event.effective_on))
        case _:
            raise UnknownEvent(event)


KPI = Aggregate("kpi", evolve)


def with_target(measure: t.Measure, target: PbDecimal) -> t.Measure:
    revised = t.Measure()
    revised.CopyFrom(measure)
    revised.target.CopyFrom(target)
    return revised


def define(
    draft: t.KpiDraft, everyone: Everyone, *, kpi_id: str, cycle: Cycle, effective_on: date, proposal_id: str = "", at: str = "kpi"
) -> Happened:
    """Write a KPI down. `at` is the path of the draft in its command, for errors. What it serves, the alignment decides."""
    check_measure(draft.measure, f"{at}.measure")
    if draft.level == t.LEVEL_INDIVIDUAL and not draft.owner_ids:
        raise Rejected(
            "OWNER_MISSING", "somebody has to answer for an individual KPI", kind=Kind.INVALID, field=f"{at}.owner_ids", rule="G-32"
        )
    if draft.level == t.LEVEL_DEPARTMENT and not draft.unit_id:
        raise Rejected("UNIT_MISSING", "a department's KPI names its unit", kind=Kind.INVALID, field=f"{at}.unit_id", rule="G-31")
    if len(set(draft.owner_ids)) < len(draft.owner_ids):
        raise Rejected("OWNER_TWICE", "name each owner once", kind=Kind.INVALID, field=f"{at}.owner_ids")
    for index, owner in enumerate(draft.owner_ids):
        if not everyone.is_active(owner):
            raise unknown("person", owner, f"{at}.owner_ids[{index}]")
    if draft.unit_id and draft.unit_id not in everyone.units:
        raise unknown("unit", draft.unit_id, f"{at}.unit_id")
    return Happened(
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
            weight=draft.weight,
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
        raise Rejected("MILESTONE_TARGET", "a milestone is done or not: its target is 1", kind=Kind.INVALID, field=target_at)
    steps = [(name, value) for name, value in (("floor", floor), ("target", target), ("stretch", stretch)) if value is not None]
    if measure.direction == t.DIRECTION_DECREASE:
        steps.reverse()
    for (_, low), (name, high) in pairwise(steps):
        if low > high:
            order = " ≥ ".join(("floor", "target", "stretch")) if measure.direction == t.DIRECTION_DECREASE else "floor ≤ target ≤ stretch"
            field = target_at if name == "target" else f"{at}.{name}"
            raise Rejected("SCALE_ORDER", f"the scale must run {order}", kind=Kind.INVALID, field=field, rule="G-46")
    if measure.direction != t.DIRECTION_KEEP and baseline is not None and baseline == target:
        raise Rejected("TARGET_IS_BASELINE", f"it stands at {plain(target)} already", kind=Kind.INVALID, field=target_at, rule="G-24")
    start = baseline or Decimal(0)
    if measure.kind == t.MEASURE_KIND_CUMULATIVE and measure.direction == t.DIRECTION_INCREASE and target <= start:
        wanted = f"what adds up needs a target above {plain(start)}"
        raise Rejected("TARGET_NOT_ABOVE_START", wanted, kind=Kind.INVALID, field=target_at, rule="G-24")


def revise(
    kpi: Kpi, before: PbDecimal, after: PbDecimal, *, today: date, proposal_id: str, reason_class: t.ReasonClass.ValueType, at: str
) -> Happened:
    """Give a KPI another target. `before` must still be its target, else the proposal was made for another state of things."""
    active(kpi, f"{at}.kpi_id")
    if not same(kpi.measure.target, before):
        raise Rejected(
            "PROPOSAL_STALE", f"the target of {kpi.name!r} is {plain(kpi.target)} by now, not {before.value}", field=f"{at}.before"
        )
    check_measure(with_target(kpi.measure, after), at, target_at=f"{at}.after")
    return Happened(
        KPI(kpi.id),
        KpiTargetRevised(
            kpi_id=kpi.id,
            before=kpi.measure.target,
            after=after,
            effective_on=from_date(max(today, kpi.effective_on)),
            proposal_id=proposal_id,
            reason_class=reason_class,
        ),
    )


def retire(kpi: Kpi | None, command: RetireKpi, *, effective_on: date) -> list[Happened]:
    known = existing(kpi, command.kpi_id)
    if known.retired:
        return []
    on = from_date(max(effective_on, known.effective_on))
    return [Happened(KPI(known.id), KpiRetired(kpi_id=known.id, effective_on=on, reason_class=command.reason_class, reason=command.reason))]


def existing(kpi: Kpi | None, kpi_id: str, field: str = "kpi_id") -> Kpi:
    if kpi is None:
        raise unknown("kpi", kpi_id, field)
    return kpi


def active(kpi: Kpi, field: str = "kpi_id") -> Kpi:
    if kpi.retired:
        raise Rejected("KPI_RETIRED", f"{kpi.name!r} has ended", field=field)
    return kpi
