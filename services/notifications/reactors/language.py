"""The languages of e-mails (X-02)."""

from functools import cache
from pathlib import Path

from eventkit.language import Language

LOCALES = Path(__file__).parent.parent / "locales"


@cache
def language(code: str) -> Language:
    return Language(code, LOCALES / code / "LC_MESSAGES" / "mail.po")
