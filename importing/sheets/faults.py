"""What is wrong with a file: where, what stands there, why, and what would be right."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eventkit.names import plain_letters

MOST_COMPARED = 3_000
"""Names that are looked through for one that was meant."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that keeps a row out."""

    row: int
    column: int
    """From 1; 0: it is about the row, or about what is said once for all rows."""
    field: str
    value: str
    """What stands there."""
    reason: str
    """Stable, as "NOT_A_NUMBER"; words are made of it and the parameters."""
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict[str, str], hash=False)
    right: str = ""
    """What could stand there instead; empty: that is for people to know."""
    message: str = ""
    """In English, of a refusal by a service."""


def meant(given: str, known: Iterable[str]) -> str:
    """The one of some names that was meant perhaps; empty: none is near. Another number is another thing: of NV99 no
    NV09 is said."""
    by_plain = {plain_letters(name): name for name in list(known)[:MOST_COMPARED]}
    close = difflib.get_close_matches(plain_letters(given), list(by_plain), 1, 0.75)
    return by_plain[close[0]] if close and _digits(close[0]) == _digits(given) else ""


def _digits(text: str) -> list[str]:
    return [char for char in text if char.isdigit()]
