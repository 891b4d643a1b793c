"""The rhythm of check-ins in words."""

from nhip.checkins.v1 import cadence_pb2, types_pb2
from services.gateway.console.events import choice_word
from services.gateway.console.language import Language


def rhythm_words(rule: cadence_pb2.CadenceRule, language: Language) -> str:
    """Friday, every two weeks."""
    _ = language.gettext
    text = _("%(day)s, every week") if rule.every_weeks == 1 else _("%(day)s, every two weeks")
    return text % {"day": choice_word(types_pb2.Weekday.Name(rule.weekday), language)}
