"""The bank of coaching questions (C-35), in the order in which a talk goes (C-34): open, ask, give feedback."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.console.language import Language


@dataclass(frozen=True, slots=True)
class Question:
    key: str
    """As notes of meetings name it: it stays when the words change."""
    text: str


def questions(language: Language) -> Sequence[Question]:
    _ = language.gettext
    return (
        Question("last-week", _("How has it been for you lately?")),
        Question("energy", _("What gives you energy, and what takes it?")),
        Question("hardest-step", _("Which step is the hardest for you?")),
        Question("biggest-barrier", _("What do you think keeps people from deciding?")),
        Question("another-way", _("If you tried another way, which would it be?")),
        Question("learned", _("What did you learn from what you tried?")),
        Question("otherwise", _("What would you do otherwise next time?")),
        Question("from-me", _("What do you need from me, and what could I do otherwise?")),
    )
