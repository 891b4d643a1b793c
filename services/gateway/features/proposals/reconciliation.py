"""Does it add up? The arithmetic of a branch, as things are and as proposed, side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from eventkit.values import is_percent
from nhip.goals.v1 import goals_pb2, types_pb2
from services.gateway.console.cards import Avatar, gap_text, not_checked_text, owner_avatar, shown_reached
from services.gateway.console.language import Language, decimal_of


@dataclass(frozen=True, slots=True)
class Check:
    comparison: str
    arithmetic: str
    short: bool
    """It does not add up: short of a target, or over a budget."""
    said: str
    """How far it does not, as a sentence; empty where it does."""


@dataclass(frozen=True, slots=True)
class ClosingRow:
    """One target that alone would make a check add up."""

    kpi_id: str
    name: str
    before: str
    after: str
    exact: str
    """As the contract writes it."""
    reached: str


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    kind: str
    before: Check | None
    after: Check | None
    not_checked: str
    """Why it cannot be checked as proposed; empty where it can."""
    closings: tuple[ClosingRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    rows: tuple[Row, ...]
    short: tuple[Row, ...]
    """Those that do not add up if it is approved."""

    @property
    def unsure(self) -> bool:
        """Something cannot be checked: that nothing falls short says nothing of it."""
        return any(row.not_checked for row in self.rows)

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
    rate = reconciliation.kind == goals_pb2.Shortfall.KIND_BLENDED_RATE or is_percent(reconciliation.unit)
    return Row(
        reconciliation.kpi_name,
        kinds.get(reconciliation.kind, ""),
        _check(reconciliation.before, rate, language) if reconciliation.HasField("before") else None,
        _check(reconciliation.after, rate, language) if reconciliation.HasField("after") else None,
        not_checked_text(reconciliation.not_checked, language) if reconciliation.not_checked else "",
        tuple(_closing(one, rate, language) for one in reconciliation.closings),
    )


def _closing(one: goals_pb2.Closing, rate: bool, language: Language) -> ClosingRow:
    before, after = decimal_of(one, "before"), decimal_of(one, "after")
    reached = language.amount(decimal_of(one, "reached"), "%" if rate else "")
    return ClosingRow(
        one.kpi_id, one.kpi_name, language.number(before), language.number(after), one.after.value, reached
    )


def _check(check: goals_pb2.Reconciliation.Check, rate: bool, language: Language) -> Check:
    _, unit = language.gettext, "%" if rate else ""
    reached, wanted = decimal_of(check, "reached") or Decimal(), decimal_of(check, "wanted") or Decimal()
    relation = "=" if reached == wanted else "<" if reached < wanted else ">" if check.over else "≥"
    shown = shown_reached(reached, wanted)
    gap = {"gap": gap_text(abs(wanted - shown), rate, language)}
    said = ""
    if check.over:
        said = _("even if everybody keeps to their part, it is %(gap)s too much.") % gap
    elif check.short:
        said = _("even if everybody does their part, %(gap)s is missing.") % gap
    comparison = f"{language.amount(shown, unit)} {relation} {language.amount(wanted, unit)}"
    return Check(comparison, language.arithmetic(check.arithmetic), check.short or check.over, said)


@dataclass(frozen=True, slots=True)
class ToldRow:
    """Somebody who hears of it when it is approved, and why."""

    person: Avatar
    why: str


def told_rows(told: Iterable[goals_pb2.Told], language: Language) -> tuple[ToldRow, ...]:
    return tuple(ToldRow(owner_avatar(one.person, language), _why(one, language)) for one in told)


def _why(one: goals_pb2.Told, language: Language) -> str:
    ngettext = language.ngettext
    parts = (
        (one.own, ngettext("%(n)s KPI of theirs changes", "%(n)s KPIs of theirs change", one.own)),
        (one.above, ngettext("%(n)s that serves theirs", "%(n)s that serve theirs", one.above)),
        (one.below, ngettext("%(n)s that theirs serves", "%(n)s that theirs serve", one.below)),
    )
    return ", ".join(words % {"n": n} for n, words in parts if n)


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
