"""The two languages of e-mails (X-02): texts, numbers and days as people there write them."""

import gettext
import io
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from eventkit import numerals
from eventkit.values import is_percent

LOCALES = Path(__file__).parent.parent / "locales"
_BABEL = {"vi": "vi", "en": "en_GB"}
_DAY = {"vi": "dd/MM/yyyy", "en": "d MMM yyyy"}


class Language:
    """One language, compiled from its catalogue."""

    def __init__(self, code: str) -> None:
        self.code = code
        self._locale = Locale.parse(_BABEL[code])
        with (LOCALES / code / "LC_MESSAGES" / "mail.po").open("rb") as catalogue:
            compiled = io.BytesIO()
            write_mo(compiled, read_po(catalogue, locale=code))
        compiled.seek(0)
        translations = gettext.GNUTranslations(compiled)
        self.gettext, self.ngettext = translations.gettext, translations.ngettext

    def amount(self, value: Decimal, unit: str) -> str:
        """ "50 demo", "67,5 %" in Vietnamese and "67.5%" in English."""
        number = numerals.written(value, self.code)
        if is_percent(unit):
            return number + ("%" if self.code == "en" else "\u00a0%")
        return f"{number}\u00a0{unit}" if unit else number

    def day(self, day: date) -> str:
        return format_date(day, _DAY[self.code], locale=self._locale)


@cache
def language(code: str) -> Language:
    return Language(code)
