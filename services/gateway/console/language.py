"""The two languages of the console: texts, numbers and days as people there write them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from google.protobuf.message import Message
from google.type import date_pb2, decimal_pb2  # pyright: ignore[reportMissingTypeStubs]  # a wheel without py.typed

from eventkit import language, numerals
from eventkit.values import is_dong, rounded
from nhip.common.v1 import words_pb2

LOCALES = Path(__file__).parent.parent / "locales"
DEFAULT = "vi"
_PLAIN, _LONGEST = re.compile(r"-?[0-9]+(\.[0-9]+)?"), 1000

_SHORT_DAY = {"vi": "dd/MM", "en": "d MMM"}


class Language(language.Language):
    """A language of the console: beside what every text needs, what pages say shortly, lately or of words they lack."""

    def __init__(self, code: str) -> None:
        super().__init__(code, LOCALES / code / "LC_MESSAGES" / "nhip.po")

    def short(self, value: Decimal | None) -> str:
        """What fits on a card or an axis: "12 tỷ", "12bn"; the exact number belongs beside it."""
        return "" if value is None else numerals.short(value, self.code)

    def said_back(self, typed: str) -> str:
        """What a text is read as: "= 1.200 (1,2 nghìn)"; empty for what is no number, or not yet."""
        value = typed_decimal(typed[:_LONGEST], self)
        return "" if value is None else f"= {numerals.in_full(value, self.code)}"

    def brief(self, value: Decimal | None, unit: str = "") -> str:
        """A short number with its unit."""
        if value is None:
            return ""
        return self.short(rounded(value, 0) if is_dong(unit) else value) + self.unit(unit)

    def signed(self, value: Decimal, unit: str = "") -> str:
        """A change: "+5", "−15" (a true minus)."""
        return ("−" if value < 0 else "+") + self.amount(value.copy_abs(), unit)

    def arithmetic(self, text: str) -> str:
        """A service's "50 × 62.5 % + 30 × 80 %", as this language writes its numbers."""
        text = re.sub(r"-(?=\d)", "−", text)
        text = re.sub(r"\d+(?:\.\d+)?", lambda found: self.number(decimal_of_text(found.group()) or Decimal()), text)
        return re.sub(r"(\d)\s*%", rf"\1{self.unit('%')}", text)

    def short_day(self, day: date | None) -> str:
        """ "20/03" or "20 Mar"."""
        return format_date(day, _SHORT_DAY[self.code], locale=self.locale) if day else ""

    def whole_day(self, day: date) -> str:
        """ "Thứ Năm, 20/03/2025" or "Thursday, 20 Mar 2025"."""
        named = format_date(day, f"EEEE, {language.DAY[self.code]}", locale=self.locale)
        return named[:1].upper() + named[1:]

    def instant(self, at: datetime, zone: ZoneInfo) -> str:
        """A day and a time in the tenant's zone: "20/03/2025 · 09:41"."""
        return format_datetime(at.astimezone(zone), language.DAY[self.code] + " · HH:mm", locale=self.locale)

    def lately(self, at: datetime, zone: ZoneInfo, today: date) -> str:
        """When something happened, as one says it: "today, 09:41", "yesterday, 09:41", else the day."""
        local = at.astimezone(zone)
        days = (today - local.date()).days
        if days not in (0, 1):
            return self.day(local.date())
        clock = format_datetime(local, "HH:mm", locale=self.locale)
        return (self.gettext("today, %(time)s") if days == 0 else self.gettext("yesterday, %(time)s")) % {"time": clock}

    def words(self, text: words_pb2.PersonalText) -> str:
        """Somebody's words, or that they were erased, or that they are not for who looks."""
        if erased(text):
            return self.gettext("(erased)")
        if text.unreadable:
            return self.gettext("(unreadable)")
        return self.gettext("(withheld)") if text.withheld else text.plain


def load_languages() -> Mapping[str, Language]:
    """Every language of the console."""
    return {code: Language(code) for code in language.CODES}


def erased(text: words_pb2.PersonalText) -> bool:
    """The words' key was destroyed: whether the service says so or could only hand on the seal."""
    return text.WhichOneof("form") in ("erased", "sealed")


def unreadable(text: words_pb2.PersonalText) -> bool:
    """There are words that are not shown: erased, withheld from who looks, or they do not open."""
    return erased(text) or text.withheld or text.unreadable


def decimal_of(parent: Message, field: str) -> Decimal | None:
    """An optional google.type.Decimal; None when it is absent."""
    if not parent.HasField(field):
        return None
    value: decimal_pb2.Decimal = getattr(parent, field)
    return decimal_of_text(value.value)


def decimal_of_text(text: str) -> Decimal | None:
    """A number as the contract writes it; None for anything else, and for what is longer than any that was ever
    stored."""
    return Decimal(text) if len(text) <= _LONGEST and _PLAIN.fullmatch(text) else None


def typed_decimal(text: str, language: Language) -> Decimal | None:
    """A number as people type it, by the page's language: "1.234,5", "40 tỷ", "20%"; None when it is none."""
    found = numerals.amount(text, language.code)
    return found.value if found else None


def date_of(parent: Message, field: str) -> date | None:
    """An optional google.type.Date; None when it is absent."""
    return day_of(getattr(parent, field)) if parent.HasField(field) else None


def day_of(day: date_pb2.Date) -> date:
    return date(day.year, day.month, day.day)


def initials(name: str) -> str:
    """Two letters for an avatar: family and given name where both are known, without tone marks, which small letters
    cannot carry."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    parts = "".join(c for c in plain if not unicodedata.combining(c)).split()
    if len(parts) > 1:
        return (parts[0][0] + parts[-1][0]).upper()
    if not parts:
        return "?"
    return parts[0][:2] if parts[0].isupper() else parts[0][:2].capitalize()  # CSKH is CS, Minh is Mi
