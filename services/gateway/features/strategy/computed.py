"""Where the value of a KPI comes from, as the form says it: entered, or computed from others (G-78)."""

from collections.abc import Sequence

from nhip.goals.v1 import types_pb2
from services.gateway.console.choices import Choice
from services.gateway.console.computed import kind_words
from services.gateway.console.forms import Form
from services.gateway.console.language import Language

PLACES = range(6)
"""KPIs that the form names at most; the API takes sixty."""
FIELDS = {
    "kpi.computation": "computed",
    "kpi.computation.kind": "computed",
    "kpi.computation.formula": "formula",
    "kpi.computation.kpi_ids": "of.0",
    **{f"kpi.computation.kpi_ids[{n}]": f"of.{n}" for n in PLACES},
}


def kinds(language: Language) -> Sequence[Choice]:
    return [
        (types_pb2.ComputationKind.Name(kind).removeprefix("COMPUTATION_KIND_"), word)  # type: ignore[arg-type] # by number
        for kind, word in kind_words(language).items()
    ]


def computation_of(filled: Form) -> types_pb2.Computation | None:
    """None: its values are entered."""
    name = "COMPUTATION_KIND_" + filled["computed"]
    if name not in types_pb2.ComputationKind.keys():
        return None
    ids = [id for n in PLACES if (id := filled[f"of.{n}"])]
    formula = filled.text("formula") if name == "COMPUTATION_KIND_FORMULA" else ""
    return types_pb2.Computation(kind=types_pb2.ComputationKind.Value(name), kpi_ids=ids, formula=formula)
