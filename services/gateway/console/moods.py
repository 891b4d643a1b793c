"""Moods: five steps, each an icon and a word (1.13)."""

from dataclasses import dataclass

from services.gateway.console.language import Language


@dataclass(frozen=True, slots=True)
class Mood:
    step: int
    """1 to 5."""
    icon: str
    word: str


def moods(language: Language) -> tuple[Mood, ...]:
    _ = language.gettext
    return (
        Mood(1, "mood-sad-2", _("Drained")),
        Mood(2, "mood-sad", _("Tired")),
        Mood(3, "mood-empty", _("As usual")),
        Mood(4, "mood-smile", _("Good")),
        Mood(5, "mood-happy", _("Energised")),
    )


def mood_of(step: str, language: Language) -> Mood | None:
    """None: it was not said, or its words are gone."""
    return next((mood for mood in moods(language) if str(mood.step) == step), None)
