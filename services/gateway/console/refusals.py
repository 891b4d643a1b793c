"""Refusals in the reader's language: by their stable reasons, which is what they are for."""

from collections.abc import Mapping
from datetime import date

from services.gateway.console.events import choice_words
from services.gateway.console.language import Language, decimal_of_text
from services.gateway.console.reasons import (
    audit,
    checkins,
    gateway,
    goals,
    notifications,
    people,
    retros,
    rewards,
    shared,
)
from services.gateway.console.setting_words import setting_name
from services.gateway.failures import Failure

PARTS = (audit, checkins, gateway, goals, notifications, people, retros, rewards, shared)


def reasons(language: Language) -> dict[str, str]:
    """What each reason says, with places for what its rule measures by."""
    return {reason: text for part in PARTS for reason, text in part.reasons(language).items()}


FIELD_RULES = ("FIELDS_INVALID", "MALFORMED_REQUEST")
"""Reasons that say only that fields are wrong: each field has its own."""


def words(reason: str, parameters: Mapping[str, str], language: Language) -> str:
    """What a reason says to a person, with what its rule measures by; empty: there are no words for it."""
    text = reasons(language).get(reason, "")
    return text % _Shown({name: _shown(value, language) for name, value in parameters.items()}) if text else ""


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"  # a service of another version measures otherwise


def _shown(value: str, language: Language) -> str:
    """A number, a day or a setting of a contract, as people call it; other text as it stands."""
    if (number := decimal_of_text(value)) is not None:
        return language.number(number)
    try:
        return language.day(date.fromisoformat(value))
    except ValueError:
        return choice_words(language).get(value) or setting_name(value, language)


def explain(failure: Failure, language: Language) -> str:
    """What a refusal says to a person; a reason without words in the catalogue is shown as the service put it."""
    if failure.reason in FIELD_RULES and failure.violations:  # a path says nothing to a person
        found = (words(one.reason, one.parameters, language) or one.message for one in failure.violations)
        return " ".join(dict.fromkeys(found))
    known = words(failure.reason, failure.parameters, language)
    if not known and failure.status == "NOT_FOUND":
        known = words("PATH_UNKNOWN", {}, language)
    if not known and failure.status == "PERMISSION_DENIED":
        known = words("NOT_ALLOWED", {}, language)
    return known or failure.message


def at_fields(failure: Failure, language: Language) -> dict[str, str]:
    """What is wrong with each field, by its path in the request."""
    general = words(failure.reason, failure.parameters, language)
    return {
        one.field: words(one.reason, one.parameters, language) or general or one.message for one in failure.violations
    }
