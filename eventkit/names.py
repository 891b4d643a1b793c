"""Names as people read them: two that look the same are the same."""

import unicodedata

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


def plain_words(text: str) -> str:
    """A text as headings are compared: without case, marks and punctuation."""
    return " ".join("".join(char if char.isalnum() else " " for char in plain_letters(text)).split())
