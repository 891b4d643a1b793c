"""The form of a KPI, read as the contract says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from eventkit.errors import Violation
from nhip.goals.v1 import types_pb2
from services.gateway.console.forms import Form, decimal_message
from services.gateway.console.language import Language
from services.gateway.features.strategy import computed

LEVELS = ("COMPANY", "DEPARTMENT", "INDIVIDUAL")
KINDS = ("CUMULATIVE", "LEVEL", "MILESTONE")
DIRECTIONS = ("INCREASE", "DECREASE", "KEEP")
PERIODS = ("WEEK", "MONTH", "QUARTER", "YEAR")
OWNERS = 3
"""Whom the form names at most, who answer and who help; the API takes eight of each."""
DONE = Decimal(1)
"""The target of a milestone."""
NUMBERS = ("baseline", "floor", "stretch")
FIELDS = {
    "cycle_id": "cycle",
    "effective_on": "cycle",
    "kpi.name": "name",
    "kpi.statement": "statement",
    "kpi.level": "level",
    "kpi.unit_id": "unit",
    "kpi.owner_ids": "owner.0",
    **{f"kpi.owner_ids[{n}]": f"owner.{n}" for n in range(OWNERS)},
    "kpi.helper_ids": "helper.0",
    **{f"kpi.helper_ids[{n}]": f"helper.{n}" for n in range(OWNERS)},
    "kpi.evaluator_id": "evaluator",
    "kpi.exact_weight": "weight",
    "kpi.weight": "weight",
    "kpi.parent": "parent",
    "kpi.why": "why",
    "kpi.measure": "target",
    "kpi.measure.kind": "kind",
    "kpi.measure.direction": "direction",
    "kpi.measure.unit": "measured_in",
    "kpi.measure.target": "target",
    "kpi.measure.volume_kpi_id": "volume",
    **{f"kpi.measure.{name}": name for name in NUMBERS},
    **{f"kpi.measuring.{name}": name for name in ("method", "tool", "period", "segment")},
    **computed.FIELDS,
}
"""The form's field for a request's path."""


@dataclass(frozen=True, slots=True)
class Read:
    measure: types_pb2.Measure
    """Without a target where none was typed."""
    measuring: types_pb2.Measuring
    parent: types_pb2.Parent | None
    weight: Decimal | None


def read(filled: Form, wrong: list[Violation], language: Language) -> Read:
    """Notes in `wrong` what is no number."""
    milestone = filled["kind"] == "MILESTONE"
    target = DONE if milestone else filled.number("target", wrong, language)
    measure = types_pb2.Measure(
        kind=_choice(types_pb2.MeasureKind, "MEASURE_KIND_", filled["kind"]),
        direction=_choice(types_pb2.Direction, "DIRECTION_", "INCREASE" if milestone else filled["direction"]),
        unit=filled.text("measured_in"),
        target=decimal_message(target) if target is not None else None,
        volume_kpi_id=filled["volume"] if filled["kind"] == "LEVEL" else "",
    )
    for name in () if milestone else NUMBERS:
        value = filled.number(name, wrong, language)
        if value is not None:
            getattr(measure, name).CopyFrom(decimal_message(value))
    measuring = types_pb2.Measuring(
        method=filled.text("method"),
        tool=filled.text("tool"),
        period=_choice(types_pb2.Period, "PERIOD_", filled["period"]),
        segment=filled.text("segment"),
    )
    return Read(measure, measuring, _parent(filled["parent"]), filled.number("weight", wrong, language))


def draft(filled: Form, so_far: Read) -> types_pb2.KpiDraft:
    return types_pb2.KpiDraft(
        name=filled.text("name"),
        statement=filled.text("statement"),
        level=_choice(types_pb2.Level, "LEVEL_", filled["level"]),
        measure=so_far.measure,
        owner_ids=named(filled, "owner"),
        unit_id=filled["unit"],
        exact_weight=decimal_message(so_far.weight) if so_far.weight is not None else None,
        parent=so_far.parent,
        why=filled.text("why"),
        helper_ids=named(filled, "helper"),
        evaluator_id=filled["evaluator"],
        computation=computed.computation_of(filled),
        measuring=so_far.measuring if so_far.measuring != types_pb2.Measuring() else None,
    )


def named(filled: Form, who: str) -> Sequence[str]:
    return [person for n in range(OWNERS) if (person := filled[f"{who}.{n}"])]


def _choice(kind: Any, prefix: str, name: str) -> Any:
    """An enum's number by what the form calls it; unspecified for anything else."""
    return kind.Value(prefix + name) if prefix + name in kind.keys() else 0


def _parent(chosen: str) -> types_pb2.Parent | None:
    """What is served, as the form names it; None: nothing yet."""
    kind, _, id = chosen.partition("-")
    return types_pb2.Parent(**{f"{kind}_id": id}) if kind in ("goal", "csf", "kpi") and id else None
