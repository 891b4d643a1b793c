"""A KPI: what is measured, from where to where, and who answers for it (G-20 … G-34)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from google.type.decimal_pb2 import Decimal as PbDecimal

from eventkit.commands.aggregate import Aggregate, StreamEvent, begun, refuse_unknown
from eventkit.directory.facts import OrgChart
from eventkit.directory.responsibility import Responsibility
from eventkit.errors import Kind, Rejected, unknown
from eventkit.values import from_date, from_decimal, plain, required_date, rounded, to_decimal
from nhip.goals.v1 import types_pb2 as t
from nhip.goals.v1.events_pb2 import KpiChanged, KpiDefined, KpiRetired, KpiTargetRevised
from nhip.goals.v1.goals_pb2 import RetireKpi
from services.goals.domain import naming
from services.goals.domain.cycle import Cycle

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
    helpers: tuple[str, ...] = ()
    evaluator: str = ""
    """Who judges it; empty: nobody is named."""
    computation: t.Computation | None = None
    """How it is computed; None: its values are entered."""
    measuring: t.Measuring = field(default_factory=t.Measuring)
    """A message that nobody changes in place."""

    def ended(self, day: date) -> bool:
        return self.ends_on is not None and self.ends_on <= day

    @property
    def responsibility(self) -> Responsibility:
        return Responsibility(self.id, self.level, self.owners, self.unit_id)

    @property
    def target(self) -> Decimal:
        return Decimal(self.measure.target.value)


def evolve(kpi: Kpi | None, event: KpiDefined | KpiTargetRevised | KpiChanged | KpiRetired) -> Kpi:
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
                helpers=tuple(event.helper_ids),
                evaluator=event.evaluator_id,
                computation=event.computation if event.HasField("computation") else None,
                measuring=event.measuring,
            )
        case KpiTargetRevised():
            kpi = begun(kpi, event)
            return replace(kpi, measure=revised(kpi.measure, event), effective_on=required_date(event.effective_on))
        case KpiChanged():
            kpi = begun(kpi, event)
            return replace(saying(kpi, event.after), effective_on=required_date(event.effective_on))
        case KpiRetired():
            return replace(begun(kpi, event), ends_on=required_date(event.effective_on))
        case _:
            refuse_unknown(event)


KPI = Aggregate[Kpi | None]("kpi", None, evolve)


def saying(kpi: Kpi, said: t.KpiSaid) -> Kpi:
    """The KPI with the parts that are said; the others stay."""
    measure = kpi.measure
    if said.HasField("unit") or said.HasField("volume_kpi_id"):
        measure = t.Measure()
        measure.CopyFrom(kpi.measure)
        measure.unit = said.unit if said.HasField("unit") else measure.unit
        measure.volume_kpi_id = said.volume_kpi_id if said.HasField("volume_kpi_id") else measure.volume_kpi_id
    weight = to_decimal(said.weight)
    return replace(
        kpi,
        name=said.name if said.HasField("name") else kpi.name,
        statement=said.statement if said.HasField("statement") else kpi.statement,
        weight=kpi.weight if weight is None else weight,
        owners=tuple(said.owners.ids) if said.HasField("owners") else kpi.owners,
        helpers=tuple(said.helpers.ids) if said.HasField("helpers") else kpi.helpers,
        evaluator=said.evaluator_id if said.HasField("evaluator_id") else kpi.evaluator,
        unit_id=said.unit_id if said.HasField("unit_id") else kpi.unit_id,
        measure=measure,
    )


def responsibility(draft: t.KpiDraft) -> Responsibility:
    """Of a KPI that is not there yet."""
    return Responsibility("", draft.level, tuple(draft.owner_ids), draft.unit_id)


def revised(measure: t.Measure, change: t.TargetChange | KpiTargetRevised) -> t.Measure:
    """The measure with another target, and with other edges where the change has them."""
    after = t.Measure()
    after.CopyFrom(measure)
    if change.HasField("after"):
        after.target.CopyFrom(change.after)
    for edge in EDGES:
        if change.HasField(edge):
            after.ClearField(edge)
            if (value := _after(change, edge)) is not None:
                getattr(after, edge).CopyFrom(value)
    return after


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
    continues_id: str = "",
    at: str = "kpi",
) -> StreamEvent:
    """Write a KPI down.

    `continues_id` is the KPI of an earlier cycle that it goes on with, `at` the path of the draft in its command, for
    errors. What it serves, the alignment decides.
    """
    weight = weight_of(draft)
    check_measure(draft.measure, f"{at}.measure")
    if draft.measure.volume_kpi_id:
        check_is_rate(draft.measure, f"{at}.measure.volume_kpi_id")
    naming.check(
        naming.Named(draft.level, tuple(draft.owner_ids), draft.unit_id, tuple(draft.helper_ids), draft.evaluator_id),
        org,
        naming.Fields(f"{at}.owner_ids", f"{at}.unit_id", f"{at}.helper_ids", f"{at}.evaluator_id"),
    )
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
            helper_ids=draft.helper_ids,
            evaluator_id=draft.evaluator_id,
            computation=draft.computation if draft.HasField("computation") else None,
            continues_id=continues_id,
            measuring=draft.measuring if draft.measuring != t.Measuring() else None,
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
    _check_way(measure, baseline, target, target_at)
    start = baseline or Decimal(0)
    if measure.kind == t.MEASURE_KIND_CUMULATIVE and measure.direction == t.DIRECTION_INCREASE and target <= start:
        wanted = f"what adds up needs a target above {plain(start)}"
        raise Rejected("TARGET_NOT_ABOVE_START", wanted, kind=Kind.INVALID, field=target_at, rule="G-24")


def check_is_rate(measure: t.Measure, at: str) -> None:
    """Only of a level can there be a volume that it applies to: what is counted, or done, is no rate."""
    if measure.kind != t.MEASURE_KIND_LEVEL:
        told = "only a KPI whose value stands at a level is a rate of another one: leave this out"
        raise Rejected("VOLUME_OF_NO_RATE", told, kind=Kind.INVALID, field=at, rule="G-78")


def _check_way(measure: t.Measure, baseline: Decimal | None, target: Decimal, at: str) -> None:
    """What is to rise from a level ends above it, what is to fall below it (G-24). What adds up towards a cap starts
    below the cap."""
    if baseline is None or measure.kind != t.MEASURE_KIND_LEVEL:
        return
    if measure.direction == t.DIRECTION_INCREASE and target < baseline:
        told = f"it is to rise, and stands at {plain(baseline)}: give a target above that"
        raise Rejected("TARGET_BELOW_BASELINE", told, kind=Kind.INVALID, field=at, rule="G-24")
    if measure.direction == t.DIRECTION_DECREASE and target > baseline:
        told = f"it is to fall, and stands at {plain(baseline)}: give a target below that"
        raise Rejected("TARGET_ABOVE_BASELINE", told, kind=Kind.INVALID, field=at, rule="G-24")


def retire(kpi: Kpi | None, command: RetireKpi, *, effective_on: date) -> list[StreamEvent]:
    """End a KPI from a day on. One that is to end later may be ended earlier, and not the other way round."""
    kpi = existing(kpi, command.kpi_id)
    ended = KpiRetired(reason_class=command.reason_class, reason=command.reason)
    return end(kpi, ended, effective_on=effective_on)


def end(kpi: Kpi, why: KpiRetired, *, effective_on: date) -> list[StreamEvent]:
    """`why` has the reason, or the proposal that has it."""
    on = max(effective_on, kpi.effective_on)
    if kpi.ended(on):
        return []
    why.kpi_id = kpi.id
    why.effective_on.CopyFrom(from_date(on))
    return [StreamEvent(KPI(kpi.id), why)]


def existing(kpi: Kpi | None, kpi_id: str, field: str = "kpi_id") -> Kpi:
    if kpi is None:
        raise unknown("kpi", kpi_id, field)
    return kpi


def active(kpi: Kpi, day: date, field: str = "kpi_id") -> Kpi:
    """The KPI, if it is in force on that day or will be."""
    if kpi.ended(day):
        raise Rejected("KPI_RETIRED", f"{kpi.name!r} ended on {kpi.ends_on}", field=field)
    return kpi
