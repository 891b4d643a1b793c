"""Names as people read them: two that look the same are the same."""

import unicodedata
from collections.abc import Sequence

import regex

_CLUSTER = regex.compile(r"\X")


def tidy(name: str) -> str:
    """A name as it is kept: composed (NFC), no blanks around it, one between its words."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def name_key(name: str) -> str:
    """Equal for names that are read as one: whatever their composition, blanks and case."""
    return unicodedata.normalize("NFC", tidy(name).casefold())


def perceived(text: str) -> int:
    """How many characters people see, however they are composed."""
    return len(_CLUSTER.findall(unicodedata.normalize("NFC", text)))


def plain_letters(text: str) -> str:
    """A text as it is searched for: also without diacritics, as by who has no Vietnamese keyboard at hand.

    Phúc is Phuc, Đạt is dat.
    """
    apart = unicodedata.normalize("NFD", tidy(text).casefold().replace("đ", "d"))
    return "".join(c for c in apart if not unicodedata.combining(c))


MOST_SOUGHT = 12
"""Words of a search that count; who types more finds by these."""


def searchable(*texts: str) -> str:
    """Texts as they are searched in: each word in plain letters, behind a blank."""
    return "".join(f" {word}" for text in texts for word in plain_words(text).split())


def sought(text: str) -> list[str]:
    """What a search looks for in `searchable` texts: how words begin. Empty: there is no word in it, and nothing is
    found."""
    return [f" {word}" for word in dict.fromkeys(plain_words(text).split())][:MOST_SOUGHT]


def finds(wanted: Sequence[str], text: str) -> bool:
    """Whether a `searchable` text has a word for each that is `sought`, or one that begins so."""
    return bool(wanted) and all(word in text for word in wanted)


def plain_words(text: str) -> str:
    """A text as headings are compared: without case, marks and punctuation."""
    return " ".join("".join(char if char.isalnum() else " " for char in plain_letters(text)).split())
