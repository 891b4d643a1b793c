"""What a computed value is from, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.language import Language, date_of, decimal_of


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    url: str
    value: str
    day: str


@dataclass(frozen=True, slots=True)
class Computed:
    kind: str
    arithmetic: str
    """ "= 30 + 50"; empty: there is no value."""
    parts: tuple[Part, ...]
    why_not: str
    """Why there is no value; empty: there is one."""
    why_not_url: str


def kind_words(language: Language) -> Mapping[int, str]:
    _ = language.gettext
    return {
        types_pb2.COMPUTATION_KIND_SUM: _("the sum of these"),
        types_pb2.COMPUTATION_KIND_WEIGHTED_RATE: _("these rates, weighted by their volumes"),
        types_pb2.COMPUTATION_KIND_SHARE: _("the share of A in B, in per cent"),
        types_pb2.COMPUTATION_KIND_RATIO: _("A divided by B"),
        types_pb2.COMPUTATION_KIND_RETURN: _("the return on B: by how much A is more, in per cent"),
        types_pb2.COMPUTATION_KIND_GROWTH: _("the growth of A against the same day of B, of an earlier cycle"),
        types_pb2.COMPUTATION_KIND_FORMULA: _("a formula"),
        types_pb2.COMPUTATION_KIND_SUM_OF_CYCLES: _("the sum of those whose cycles have begun"),
    }


def computed(reply: goals_pb2.KpiPage, language: Language) -> Computed | None:
    """None: its values are entered."""
    kpi = reply.kpi
    if not kpi.HasField("computation"):
        return None
    found, not_computed = reply.computed_from, kpi.standing.not_computed
    kind = kind_words(language).get(kpi.computation.kind, "")
    if kpi.computation.formula:
        kind = f"{kind}: {kpi.computation.formula}"
    parts = tuple(
        Part(
            part.kpi_name or part.kpi_id,
            _url(part.kpi_id),
            language.amount(decimal_of(part, "value"), part.unit),
            language.short_day(date_of(part, "on")),
        )
        for part in found.parts
    )
    has = kpi.standing.HasField("current")
    arithmetic = f"= {language.arithmetic(found.arithmetic)}" if has and found.arithmetic else ""
    return Computed(
        kind,
        arithmetic,
        parts,
        "" if has else not_computed_words(not_computed, language),
        _url(not_computed.kpi_id) if not_computed.kpi_id not in ("", kpi.kpi_id) else "",
    )


def not_computed_words(found: goals_pb2.NotComputed, language: Language) -> str:
    """Why there is no value."""
    _, said = language.gettext, {"kpi": found.kpi_name or found.kpi_id}
    texts: dict[int, str] = {
        goals_pb2.NotComputed.REASON_NO_VALUE: _("Not computed: %(kpi)s has no value yet."),
        goals_pb2.NotComputed.REASON_ENDED: _("Not computed: %(kpi)s has ended."),
        goals_pb2.NotComputed.REASON_UNKNOWN: _("Not computed: %(kpi)s was not there yet."),
        goals_pb2.NotComputed.REASON_DIVIDED_BY_ZERO: _("Not computed: it would be divided by nothing."),
        goals_pb2.NotComputed.REASON_VOLUME_MISSING: _("Not computed: %(kpi)s does not say what it is a rate of."),
    }
    return texts.get(found.reason, _("Not computed: these numbers cannot be computed with.")) % said


def _url(kpi_id: str) -> str:
    return f"/kpi/{quote(kpi_id, safe='')}"
