"""The two languages of pages and mails (X-02): their texts, and numbers and days as people there write them."""

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
from eventkit.values import is_dong, is_percent

CODES = ("vi", "en")
NBSP = "\u00a0"
DAY = {"vi": "dd/MM/yyyy", "en": "d MMM yyyy"}
_BABEL = {"vi": "vi", "en": "en_GB"}


class Language:
    """One language, with the texts of one catalogue."""

    def __init__(self, code: str, catalogue: Path) -> None:
        """`catalogue` is a .po file, compiled as it is read: no compiled one is kept beside it."""
        self.code = code
        self.locale = Locale.parse(_BABEL[code])
        self.translations = _compiled(code, catalogue)
        self.gettext, self.ngettext = self.translations.gettext, self.translations.ngettext

    def number(self, value: Decimal | None, *, places: int = 6) -> str:
        """ "66,2" or "66.2", "−3" (a true minus): exact up to `places`; empty for nothing."""
        return "" if value is None else numerals.written(value, self.code, places=places)

    def amount(self, value: Decimal | None, unit: str = "", *, places: int = 6) -> str:
        """A number with its unit behind it: "25 %" in Vietnamese, "25%" in English, "50 demo" in both."""
        return "" if value is None else self.figure(value, unit, places=places) + self.unit(unit)

    def figure(self, value: Decimal | None, unit: str, *, places: int = 6) -> str:
        """The number of an amount, without its unit: đồng are whole."""
        return self.number(value, places=0 if is_dong(unit) else places)

    def unit(self, unit: str) -> str:
        """A unit as it stands behind a number; empty for none."""
        if is_percent(unit):
            return "%" if self.code == "en" else NBSP + "%"
        return NBSP + unit if unit else ""

    def day(self, day: date | None) -> str:
        """ "20/03/2025" or "20 Mar 2025"; empty for none."""
        return format_date(day, DAY[self.code], locale=self.locale) if day else ""


@cache
def _compiled(code: str, catalogue: Path) -> gettext.GNUTranslations:
    """Once for a process: three thousand texts take some tenths of a second."""
    compiled = io.BytesIO()
    with catalogue.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
