"""What is asked about a number that looks mistyped: the service's own doubt, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.gateway.console.language import Language, decimal_of_text

REASON = "VALUE_DOUBTFUL"


@dataclass(frozen=True, slots=True)
class Question:
    asked: str
    """ "37.000? Is it 37?"."""
    why: str
    likelier: str
    """The likelier number, as one types it; empty: none is near."""


def question(parameters: Mapping[str, str], target: Decimal | None, language: Language) -> Question:
    """Made of what a refusal says."""
    _ = language.gettext
    found = {name: decimal_of_text(parameters.get(name, "")) for name in ("value", "likelier", "last")}
    shown = {name: language.number(number) for name, number in found.items() if number is not None}
    shown["target"] = language.number(target)
    if "likelier" in shown:
        asked = _("%(value)s? Is it %(likelier)s?") % {"value": shown.get("value", ""), "likelier": shown["likelier"]}
    else:
        asked = _("%(value)s? Is it so?") % {"value": shown.get("value", "")}
    match parameters.get("doubt", ""), "last" in shown:
        case "NOT_WHOLE", _known:
            why = _("Whole things are counted here.")
        case "AGAINST_DIRECTION", True:
            why = _("Before it was %(last)s, and what is counted does not become less.") % shown
        case "AGAINST_DIRECTION", False:
            why = _("A later day has less, and what is counted does not become less.")
        case "BEYOND_TARGET", _known:
            why = _("It is more than ten times the target of %(target)s.") % shown
        case _doubt, True:
            why = _("Before it was %(last)s, and the target is %(target)s.") % shown
        case _:
            why = _("The target is %(target)s.") % shown
    return Question(asked, why, shown.get("likelier", ""))
