"""Does it add up? The arithmetic of a branch, as things are and as proposed, side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import shown_reached
from services.gateway.console.language import Language, decimal_of


@dataclass(frozen=True, slots=True)
class Check:
    comparison: str
    arithmetic: str
    short: bool
    gap: str


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    kind: str
    before: Check | None
    after: Check | None


@dataclass(frozen=True, slots=True)
class Arithmetic:
    rows: tuple[Row, ...]
    short: tuple[Row, ...]
    """Those that fall short if it is approved."""

    @property
    def comparisons(self) -> str:
        return "; ".join(row.after.comparison for row in self.short if row.after)


def arithmetic(reconciliations: Iterable[goals_pb2.Reconciliation], language: Language) -> Arithmetic:
    rows = tuple(_row(reconciliation, language) for reconciliation in reconciliations)
    return Arithmetic(rows, tuple(row for row in rows if row.after and row.after.short))


def _row(reconciliation: goals_pb2.Reconciliation, language: Language) -> Row:
    _ = language.gettext
    kinds = {
        goals_pb2.Shortfall.KIND_SUM: _("sum of the parts"),
        goals_pb2.Shortfall.KIND_YIELD: _("what volumes yield at their rates"),
        goals_pb2.Shortfall.KIND_BLENDED_RATE: _("rate of all together"),
    }
    rate = reconciliation.kind == goals_pb2.Shortfall.KIND_BLENDED_RATE or reconciliation.unit == "%"
    unit = "%" if rate else ""
    return Row(
        reconciliation.kpi_name,
        kinds.get(reconciliation.kind, ""),
        _check(reconciliation.before, unit, language) if reconciliation.HasField("before") else None,
        _check(reconciliation.after, unit, language) if reconciliation.HasField("after") else None,
    )


def _check(check: goals_pb2.Reconciliation.Check, unit: str, language: Language) -> Check:
    reached, wanted = decimal_of(check, "reached") or Decimal(), decimal_of(check, "wanted") or Decimal()
    relation = "=" if reached == wanted else "<" if reached < wanted else "≥"
    shown = shown_reached(reached, wanted)
    gap = language.amount(abs(wanted - shown), unit)
    comparison = f"{language.amount(shown, unit)} {relation} {language.amount(wanted, unit)}"
    return Check(comparison, language.arithmetic(check.arithmetic), check.short, gap)


def relation_sentence(approval: types_pb2.Approval, language: Language) -> str:
    """Why it is them who decide."""
    _ = language.gettext
    levels = {
        types_pb2.LEVEL_COMPANY: _("because the highest level touched is the company"),
        types_pb2.LEVEL_DEPARTMENT: _("because the highest level touched is a department"),
        types_pb2.LEVEL_INDIVIDUAL: _("because only individual KPIs are touched"),
    }
    relations = {
        "DIRECT_MANAGER": _("as the direct manager"),
        "MANAGER_OF_HEAD": _("as the manager of the department's head"),
        "EXECUTIVE": _("as an executive"),
        "LOWEST_COMMON_MANAGER": _("as the lowest manager that all owners share"),
        "NEXT_ABOVE": _("as the next above"),
        "OTHER_EXECUTIVE": _("as another executive"),
    }
    return ", ".join(text for text in (relations.get(approval.relation, ""), levels.get(approval.level, "")) if text)
